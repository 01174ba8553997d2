//! What PostgreSQL alone can do, or can do to us.

use crate::backend::{Backend, simple};
use crate::server;
use catalog::{Catalog, CatalogError, OpenMode};
use sqlx::{Row, raw_sql};

macro_rules! on_postgres_only {
    () => {
        if !server::is_wanted() {
            return;
        }
    };
}

#[tokio::test]
async fn what_is_no_catalog_of_ours_is_left_alone() {
    on_postgres_only!();
    let url = server::fresh_url().await;
    let error = Catalog::open(&url, OpenMode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, CatalogError::Missing { .. }), "{error}");
    let mut stranger = server::stranger(&url).await;
    raw_sql("CREATE TABLE customer (id INTEGER)").execute(&mut stranger).await.unwrap();
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite] {
        let error = Catalog::open(&url, mode).await.unwrap_err();
        assert!(matches!(error, CatalogError::NotACatalog { .. }), "{error}");
    }
    let tables =
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    let row = sqlx::query(tables).fetch_one(&mut stranger).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
}

#[tokio::test]
async fn a_schema_that_differs_is_refused_with_table_and_column() {
    on_postgres_only!();
    for (tamper, expected) in [
        (
            "ALTER TABLE worker_node DROP COLUMN slots",
            "table worker_node, column slots: bigint not null is missing",
        ),
        ("DROP INDEX processing_job_live", "table processing_job, index processing_job_live"),
        (
            "ALTER TABLE file_location ALTER COLUMN size TYPE INTEGER",
            "table file_location, column size",
        ),
        ("CREATE TABLE other (id INTEGER)", "table other, column id: integer is not expected"),
        ("INSERT INTO schema_migration VALUES (2, 'later')", "use the newer casparian"),
    ] {
        let url = server::fresh_url().await;
        Catalog::open(&url, OpenMode::ReadWrite).await.unwrap().close().await;
        let mut stranger = server::stranger(&url).await;
        raw_sql(tamper).execute(&mut stranger).await.unwrap();
        let error = Catalog::open(&url, OpenMode::ReadWrite).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn two_that_open_a_fresh_catalog_at_once_both_succeed() {
    on_postgres_only!();
    let url = server::fresh_url().await;
    let open = || Catalog::open(&url, OpenMode::ReadWrite);
    let (one, two, three) = tokio::join!(open(), open(), open());
    one.unwrap();
    two.unwrap();
    three.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password_and_may_come_back() {
    on_postgres_only!();
    let url = "postgresql://me:hunter2@127.0.0.1:1/flow";
    let error = Catalog::open(url, OpenMode::ReadWrite).await.unwrap_err();
    assert!(matches!(error, CatalogError::Unreachable { .. }), "{error:?}");
    assert!(error.is_retryable());
    let said = format!("{error} {error:?}");
    assert!(
        said.contains("postgresql://me@127.0.0.1:1/flow") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_said() {
    on_postgres_only!();
    let url = format!("{}_nowhere", server::fresh_url().await);
    let error = Catalog::open(&url, OpenMode::ReadWrite).await.unwrap_err();
    assert!(matches!(error, CatalogError::NoSchema { .. }), "{error}");
}

/// Two connections: what the older Sentinel has begun is over before the newer one is, and it begins nothing after.
#[tokio::test]
async fn a_deposed_sentinel_cannot_write_whatever_it_had_begun() {
    on_postgres_only!();
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let other =
        Catalog::open(backend.catalog.url().secret_text(), OpenMode::ReadWrite).await.unwrap();
    let mut old = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let taking = other.take_sentinel_epoch();
    tokio::pin!(taking);
    let patience = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, &mut taking).await.is_err(), "the old one writes");
    let from = catalog::ClaimFrom::Lane(catalog::Lane::Fresh);
    assert_eq!(old.claim(&backend.session, 1, from, 1).await.unwrap().len(), 1);
    old.commit().await.unwrap();
    let newer = taking.await.unwrap();
    let error = backend.catalog.begin_sentinel(backend.epoch).await.unwrap_err();
    assert!(matches!(error, CatalogError::Deposed), "{error}");
    other.begin_sentinel(newer).await.unwrap();
}

/// Nor when whoever deposed it knows nothing of our locks.
#[tokio::test]
async fn the_epoch_stands_still_under_a_sentinel_that_writes() {
    on_postgres_only!();
    let backend = Backend::fresh().await;
    let mut stranger = server::stranger(backend.catalog.url().secret_text()).await;
    let old = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let depose =
        "SET lock_timeout = '200ms'; UPDATE catalog_meta SET sentinel_epoch = sentinel_epoch + 1";
    let error = raw_sql(depose).execute(&mut stranger).await.unwrap_err();
    assert!(error.to_string().contains("lock timeout"), "{error}");
    old.commit().await.unwrap();
    raw_sql(depose).execute(&mut stranger).await.unwrap();
    let error = backend.catalog.begin_sentinel(backend.epoch).await.unwrap_err();
    assert!(matches!(error, CatalogError::Deposed), "{error}");
}
