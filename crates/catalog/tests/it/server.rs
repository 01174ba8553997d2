//! The PostgreSQL server of the tests: `make test` starts one and says where. Each test has a schema of its own there.

use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

/// This suite is compiled twice, under two names.
pub fn is_wanted() -> bool {
    env!("CARGO_CRATE_NAME") == "postgres"
}

#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The URL of the server. Without one the half on PostgreSQL is skipped; in CI that is a failure.
#[expect(clippy::disallowed_methods, reason = "a test cannot be skipped in another way")]
fn server() -> String {
    variable("CASPARIAN_TEST_POSTGRES").unwrap_or_else(|| {
        let said = "CASPARIAN_TEST_POSTGRES names no server: the tests on PostgreSQL are skipped (`make test` starts one)";
        assert!(variable("CI").is_none(), "{said}");
        // Not captured, so that it is seen.
        let _ = writeln!(std::io::stderr(), "{said}");
        std::process::exit(0)
    })
}

/// A URL with a schema in which there is nothing.
pub async fn fresh_url() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let n = MADE.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test_{}_{n}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let glue = if server.contains('?') { '&' } else { '?' };
    format!("{server}{glue}options[search_path]={schema}")
}

/// A connection that is none of the catalog's own.
pub async fn stranger(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}
