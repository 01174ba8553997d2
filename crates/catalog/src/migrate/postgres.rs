//! The schema on a server.

use super::list::{
    APPLIED, IDENTITY, LEDGER, MIGRATIONS, NOTE, check_version, is_behind, random_identity,
};
use crate::db::{OpenMode, postgres};
use crate::error::CatalogError;
use crate::fingerprint;
use crate::url::{CatalogUrl, Server};
use sqlx::{Connection, PgConnection, Row, raw_sql};

/// Two processes that start at once do it one after the other.
const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('casparian schema of ' || current_schema(), 0))";

const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')";
const OURS: &str = " AND relname IN ('schema_migration', 'catalog_meta')";

/// Creates the catalog's tables or brings them up to date, where that is allowed, and makes sure that they are as this binary knows them.
pub(crate) async fn run(
    server: &Server,
    url: &CatalogUrl,
    mode: OpenMode,
) -> Result<(), CatalogError> {
    let connected = postgres::connect(server).await;
    let mut connection = connected.map_err(|cause| CatalogError::opening(url, cause))?;
    if schema(&mut connection).await?.is_none() {
        return Err(CatalogError::NoSchema { place: url.clone() });
    }
    if mode == OpenMode::ReadWrite && is_behind(version(&mut connection).await?) {
        apply(&mut connection, url).await?;
    }
    let found = version(&mut connection).await?;
    let in_use = tables(&mut connection, "").await? > 0;
    if found == 0 && !in_use {
        return Err(CatalogError::Missing { place: url.clone() });
    }
    check_version(url, found, in_use)?;
    let live = fingerprint::postgres::read(&mut connection).await?;
    fingerprint::check(url, &live, &fingerprint::postgres::expected())?;
    Ok(connection.close().await?)
}

async fn apply(connection: &mut PgConnection, url: &CatalogUrl) -> Result<(), CatalogError> {
    let mut tx = connection.begin().await?;
    raw_sql(LOCK).execute(&mut *tx).await?;
    let applied = version(&mut tx).await?;
    if applied == 0 && tables(&mut tx, "").await? > 0 {
        return Err(CatalogError::NotACatalog { place: url.clone() });
    }
    if applied == 0 {
        raw_sql(LEDGER).execute(&mut *tx).await?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        raw_sql(migration.postgres).execute(&mut *tx).await?;
        sqlx::query(NOTE).bind(migration.number).bind(migration.name).execute(&mut *tx).await?;
    }
    if applied == 0 {
        let (name, node) = random_identity()?;
        sqlx::query(IDENTITY).bind(name).bind(node).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

/// The first schema of the search path that is there.
async fn schema(connection: &mut PgConnection) -> Result<Option<String>, CatalogError> {
    let row = sqlx::query("SELECT current_schema()::text").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

async fn version(connection: &mut PgConnection) -> Result<i64, CatalogError> {
    if tables(connection, OURS).await? < 2 {
        return Ok(0);
    }
    Ok(sqlx::query(APPLIED).fetch_one(connection).await?.try_get(0)?)
}

async fn tables(connection: &mut PgConnection, which: &str) -> Result<i64, CatalogError> {
    let sql = sqlx::AssertSqlSafe(format!("{TABLES}{which}"));
    Ok(sqlx::query(sql).fetch_one(connection).await?.try_get(0)?)
}
