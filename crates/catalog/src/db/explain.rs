//! How the database goes about a statement, for tests: what must not read a whole table, or sort one.

use crate::migrate::sqlite as migrate;
use sqlx::{AssertSqlSafe, Row};

/// These hold only what is asked for.
const PARTIAL: [&str; 4] = [
    "INDEX processing_job_",
    "INDEX output_file_to_retire",
    "INDEX output_file_hidden",
    "INDEX request_new",
];

/// The steps that read a table from its beginning, or sort.
pub(crate) async fn slow_steps(sql: &str) -> Vec<String> {
    let mut connection = migrate::expected().await.unwrap();
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explained).fetch_all(&mut connection).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
    let is_whole = |step: &str| {
        step.starts_with("SCAN")
            && step != "SCAN CONSTANT ROW"
            && !PARTIAL.iter().any(|index| step.contains(index))
    };
    let is_slow = |step: &String| step.contains("TEMP B-TREE") || is_whole(step);
    steps.filter(is_slow).collect()
}
