//! What lies where.

use crate::backend::{Backend, simple};
use catalog::{NewDirectory, NewLocation};
use protocol::FileStat;

#[tokio::test]
async fn f16_a_name_that_is_not_utf8_is_stored_as_it_is() {
    let backend = Backend::fresh().await;
    let mut tx = backend.catalog.begin_scout().await.unwrap();
    let root = tx.register_root(b"/data", 1).await.unwrap();
    let directory = tx
        .upsert_directories(root, &[NewDirectory { path: b"a\xff", digest: None }], 1)
        .await
        .unwrap()[0];
    let stat = FileStat { inode: u64::MAX, size: 1, mtime_ns: -5, ctime_ns: 7 };
    let name = b"\xfe\n.csv".to_vec();
    tx.upsert_locations(&[NewLocation { directory, name: name.clone(), stat }], 1).await.unwrap();
    tx.commit().await.unwrap();
    let entries = backend.catalog.entries_of(directory, None, 10).await.unwrap();
    assert_eq!((entries[0].name.clone(), entries[0].stat), (name, stat));
    assert!(
        backend.catalog.entries_of(directory, Some(&entries[0].name), 10).await.unwrap().is_empty()
    );
    let digests = backend.catalog.directory_digests(root, &[b"x", b"a\xff"]).await.unwrap();
    assert_eq!(digests[0], None);
    assert_eq!(digests[1].as_ref().map(|known| known.id), Some(directory));
}

#[tokio::test]
async fn a_location_is_one_row_however_often_it_is_seen() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let first = backend.location("a").await.id;
    backend.write("a", 2).await;
    assert_eq!(backend.location("a").await.id, first);
}
