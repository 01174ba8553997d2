//! The schema of a server. The expected one is written down in `postgres.txt`, as a server shows it: there is none in memory to make it anew.

use super::Fingerprint;
use crate::error::CatalogError;
use sqlx::{PgConnection, Row};

const EXPECTED: &str = include_str!("postgres.txt");

const COLUMNS: &str = "SELECT format('table %s, column %s: %s', t.relname, c.attname, format_type(c.atttypid, c.atttypmod)
        || CASE WHEN c.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))
    FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = c.attnum
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')";

/// Keys are indexes, too.
const INDEXES: &str = "SELECT format('table %s, index %s: %s', t.relname, i.relname,
        replace(pg_get_indexdef(x.indexrelid), ' ON ' || quote_ident(current_schema()) || '.', ' ON '))
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE t.relnamespace = current_schema()::regnamespace";

pub(crate) fn expected() -> Fingerprint {
    EXPECTED.lines().map(str::to_owned).collect()
}

pub(crate) async fn read(connection: &mut PgConnection) -> Result<Fingerprint, CatalogError> {
    let mut lines = Fingerprint::new();
    for sql in [COLUMNS, INDEXES] {
        for row in sqlx::query(sql).fetch_all(&mut *connection).await? {
            lines.insert(row.try_get(0)?);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::{LEDGER, MIGRATIONS};
    use sqlx::{Connection, raw_sql};

    /// After a change of the migrations: `cargo test -p catalog --lib write_the_schema -- --ignored`.
    #[tokio::test]
    #[ignore = "writes postgres.txt, from the server that CASPARIAN_TEST_POSTGRES names"]
    async fn write_the_schema_as_a_server_shows_it() {
        #[expect(clippy::disallowed_methods, reason = "tests read the environment")]
        let url = std::env::var("CASPARIAN_TEST_POSTGRES").unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        let place = "CREATE SCHEMA expected_schema; SET LOCAL search_path = expected_schema";
        raw_sql(place).execute(&mut *tx).await.unwrap();
        raw_sql(LEDGER).execute(&mut *tx).await.unwrap();
        for migration in MIGRATIONS {
            raw_sql(migration.postgres).execute(&mut *tx).await.unwrap();
        }
        let lines = read(&mut tx).await.unwrap();
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fingerprint/postgres.txt");
        std::fs::write(path, text).unwrap();
    }
}
