//! The schema of a file. The expected one is what the migrations make of an empty database: it is written down once.

use super::Fingerprint;
use crate::error::CatalogError;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

const COLUMNS: &str =
    "SELECT m.name, c.name, c.type || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END
           || coalesce(' default ' || c.dflt_value, '')
    FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";

/// Unique and primary keys of tables, whose indexes have no text of their own.
const KEYS: &str = "SELECT m.name, group_concat(c.name, ', ' ORDER BY c.seqno)
    FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
    WHERE m.type = 'table' AND i.origin IN ('u', 'pk') GROUP BY m.name, i.name";

const INDEXES: &str =
    "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";

pub(crate) async fn read(connection: &mut SqliteConnection) -> Result<Fingerprint, CatalogError> {
    let mut lines = Fingerprint::new();
    for row in sqlx::query(COLUMNS).fetch_all(&mut *connection).await? {
        let (table, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let kind: String = row.try_get(2)?;
        lines.insert(format!("table {table}, column {column}: {kind}"));
    }
    for row in sqlx::query(KEYS).fetch_all(&mut *connection).await? {
        let (table, columns): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        lines.insert(format!("table {table}, unique key ({columns})"));
    }
    for row in sqlx::query(INDEXES).fetch_all(connection).await? {
        let (table, index): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let sql: String = row.try_get(2)?;
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.insert(format!("table {table}, index {index}: {sql}"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::super::lines::difference;
    use super::*;
    use crate::migrate::sqlite as migrate;

    #[tokio::test]
    async fn a_difference_is_named_with_table_and_column() {
        let expected = read(&mut migrate::expected().await.unwrap()).await.unwrap();
        let mut changed = migrate::expected().await.unwrap();
        sqlx::query("ALTER TABLE worker_node DROP COLUMN pid").execute(&mut changed).await.unwrap();
        let live = read(&mut changed).await.unwrap();
        let what = difference(&live, &expected).unwrap();
        assert_eq!(what, "table worker_node, column pid: BIGINT not null is missing");
        assert!(
            difference(&expected, &live).unwrap().ends_with("pid: BIGINT not null is not expected")
        );
        assert_eq!(difference(&expected, &expected), None);
    }
}
