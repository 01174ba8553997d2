//! Opening, migrating and refusing catalogs; who may write.

use crate::backend::Backend;
use catalog::{Catalog, CatalogError, OpenMode};

#[tokio::test]
async fn a_catalog_that_is_not_there_is_not_made_by_a_reader() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none.db");
    let error = Catalog::open(path.to_str().unwrap(), OpenMode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, CatalogError::Missing { .. }), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn two_that_open_a_fresh_catalog_at_once_both_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/catalog.db");
    let url = path.to_str().unwrap();
    let open = || Catalog::open(url, OpenMode::ReadWrite);
    let (one, two, three) = tokio::join!(open(), open(), open());
    one.unwrap();
    two.unwrap();
    three.unwrap();
}

#[tokio::test]
async fn a_deposed_sentinel_cannot_write() {
    let backend = Backend::fresh().await;
    let newer = backend.catalog.take_sentinel_epoch().await.unwrap();
    let error = backend.catalog.begin_sentinel(backend.epoch).await.unwrap_err();
    assert!(matches!(error, CatalogError::Deposed) && !error.is_retryable());
    backend.catalog.begin_sentinel(newer).await.unwrap();
}

#[tokio::test]
async fn a_session_is_resumed_by_its_token_and_never_by_a_strange_one() {
    let backend = Backend::fresh().await;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let environment = protocol::Environment::default();
    let (strange, fresh) = ("strange".parse().unwrap(), "fresh".parse().unwrap());
    let mut registration = catalog::WorkerRegistration {
        worker_id: "w",
        environment: &environment,
        slots: 1,
        offered: Some(&backend.session),
        fresh: &fresh,
    };
    assert_eq!(tx.register_worker(&registration, 1).await.unwrap(), backend.session);
    registration.offered = Some(&strange);
    assert_eq!(tx.register_worker(&registration, 1).await.unwrap(), fresh);
}
