//! The schema in a file.

use super::list::{
    APPLIED, IDENTITY, LEDGER, MIGRATIONS, NOTE, check_version, is_behind, random_identity,
};
use crate::db::{Connection, Pool, options};
use crate::error::CatalogError;
use crate::fingerprint;
use crate::url::CatalogUrl;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection as _, Row, raw_sql};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Creates the catalog, or brings it up to date. Two processes that start at once do it one after the other.
pub(crate) async fn run(path: &Path, url: &CatalogUrl) -> Result<(), CatalogError> {
    let open = |cause| CatalogError::opening(url, cause);
    let io = |cause| open(sqlx::Error::Io(cause));
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(io)?;
    }
    let lock = lock(path.with_extension("migrate.lock")).await.map_err(io)?;
    let mut connection = options(path).create_if_missing(true).connect().await.map_err(open)?;
    let applied = version(&mut connection).await.map_err(|error| error.at(url))?;
    if applied == 0 && is_in_use(&mut connection).await? {
        return Err(CatalogError::NotACatalog { place: url.clone() });
    }
    if is_behind(applied) {
        apply(&mut connection, applied).await?;
    }
    connection.close().await?;
    drop(lock);
    Ok(())
}

/// Held until the file is dropped. Waited for aside: whoever holds it may need this very thread to go on.
async fn lock(path: PathBuf) -> std::io::Result<File> {
    let wait = move || {
        let lock = File::create(path)?;
        lock.lock()?;
        Ok(lock)
    };
    tokio::task::spawn_blocking(wait).await.map_err(std::io::Error::other)?
}

async fn apply(connection: &mut SqliteConnection, applied: i64) -> Result<(), CatalogError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    if applied == 0 {
        raw_sql(LEDGER).execute(&mut *tx).await?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        raw_sql(migration.sqlite).execute(&mut *tx).await?;
        sqlx::query(NOTE).bind(migration.number).bind(migration.name).execute(&mut *tx).await?;
    }
    if applied == 0 {
        let (name, node) = random_identity()?;
        sqlx::query(IDENTITY).bind(name).bind(node).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, CatalogError> {
    let there = "SELECT count(*) FROM sqlite_master WHERE name = 'schema_migration'";
    let there: i64 = sqlx::query(there).fetch_one(&mut *connection).await?.try_get(0)?;
    if there == 0 {
        return Ok(0);
    }
    Ok(sqlx::query(APPLIED).fetch_one(connection).await?.try_get(0)?)
}

/// Somebody else's database is not ours to add tables to.
async fn is_in_use(connection: &mut SqliteConnection) -> Result<bool, CatalogError> {
    let sql = "SELECT count(*) FROM sqlite_master";
    Ok(sqlx::query(sql).fetch_one(connection).await?.try_get::<i64, _>(0)? > 0)
}

/// What a reader finds has to be what this binary knows.
pub(crate) async fn check(url: &CatalogUrl, readers: &Pool) -> Result<(), CatalogError> {
    let mut connection = readers.acquire().await?;
    let Connection::Sqlite(live) = &mut connection else { return Ok(()) };
    let found = version(live).await.map_err(|error| error.at(url))?;
    let in_use = is_in_use(live).await?;
    check_version(url, found, in_use)?;
    let live = fingerprint::sqlite::read(live).await?;
    let expected = fingerprint::sqlite::read(&mut expected().await?).await?;
    fingerprint::check(url, &live, &expected)
}

/// A catalog in memory with the schema that this binary expects.
pub(crate) async fn expected() -> Result<SqliteConnection, CatalogError> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    raw_sql(LEDGER).execute(&mut connection).await?;
    for migration in MIGRATIONS {
        raw_sql(migration.sqlite).execute(&mut connection).await?;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, OpenMode};
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// A catalog on which this was done behind our back.
    async fn tampered(sql: &'static str) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        open(&path).await.unwrap().close().await;
        let mut connection = options(&path).connect().await.unwrap();
        raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        (directory, path)
    }

    async fn open(path: &Path) -> Result<Catalog, CatalogError> {
        Catalog::open(path.to_str().unwrap(), OpenMode::ReadWrite).await
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_by_name() {
        let (_directory, path) = tampered("INSERT INTO schema_migration VALUES (2, 'later')").await;
        let error = open(&path).await.unwrap_err();
        assert!(matches!(error, CatalogError::SchemaNewer { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("use the newer casparian"), "{error}");
    }

    #[tokio::test]
    async fn a_schema_that_differs_is_refused_with_table_and_column() {
        let (_directory, path) = tampered("ALTER TABLE worker_node DROP COLUMN slots").await;
        let error = open(&path).await.unwrap_err();
        assert!(matches!(error, CatalogError::SchemaDiffers { .. }), "{error}");
        assert!(error.to_string().contains("table worker_node, column slots"), "{error}");
        let (_directory, path) = tampered("DROP INDEX processing_job_live").await;
        let error = open(&path).await.unwrap_err().to_string();
        assert!(error.contains("table processing_job, index processing_job_live"), "{error}");
    }

    #[tokio::test]
    async fn a_unique_key_that_is_not_there_is_noticed() {
        let (_directory, path) = tampered(
            "DROP TABLE ignore_rule; DROP TABLE library_whitelist;
             CREATE TABLE ignore_rule (id INTEGER PRIMARY KEY, source_root_id BIGINT REFERENCES source_root (id),
                 pattern TEXT NOT NULL, active INTEGER NOT NULL, created_at_us BIGINT NOT NULL);
             CREATE TABLE library_whitelist (id INTEGER PRIMARY KEY, library_name TEXT NOT NULL, version_constraint TEXT,
                 description TEXT, added_at_us BIGINT NOT NULL);",
        )
        .await;
        let error = open(&path).await.unwrap_err().to_string();
        let expected = "table library_whitelist, unique key (library_name) is missing";
        assert!(error.contains(expected), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_catalog_of_ours_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        std::fs::write(&path, "not a database, but long enough to be looked at ".repeat(50))
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite] {
            let error = Catalog::open(path.to_str().unwrap(), mode).await.unwrap_err();
            assert!(matches!(error, CatalogError::NotACatalog { .. }), "{error:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);

        let path = directory.path().join("other.db");
        let mut other = options(&path).create_if_missing(true).connect().await.unwrap();
        raw_sql("CREATE TABLE customer (id INTEGER)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let error = open(&path).await.unwrap_err();
        assert!(matches!(error, CatalogError::NotACatalog { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn an_older_schema_is_not_read_but_brought_up_to_date_by_a_writer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        options(&path).create_if_missing(true).connect().await.unwrap().close().await.unwrap();
        let url = path.to_str().unwrap();
        let error = Catalog::open(url, OpenMode::ReadOnly).await.unwrap_err();
        assert!(matches!(error, CatalogError::SchemaOlder { found: 0, known: 1, .. }), "{error:?}");
        open(&path).await.unwrap();
        Catalog::open(url, OpenMode::ReadOnly).await.unwrap();
    }
}
