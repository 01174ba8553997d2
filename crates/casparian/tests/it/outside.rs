//! Types at their limits, published by a plugin and read back, cell for cell, by programs that know nothing of us.

use super::project::{Project, python};
use std::process::Command;

const VALUES: &str = include_str!("outside/values.py");

#[test]
fn pyarrow_polars_duckdb_and_the_sqlite_shell_read_what_was_published() {
    let project = Project::new();
    project.write("plugins/outside.py", include_str!("outside/plugin.py"));
    project.write("data/values.in", VALUES);
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let quarantined = project.json(&["quarantine"]);
    assert_eq!(quarantined["quarantine"], serde_json::json!([]), "{quarantined:#}");
    let mut check = Command::new(python());
    check.args(["-c", include_str!("outside/check.py")]);
    check.arg(project.path("data/values.in")).arg(project.path("lake"));
    let told = check.output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout) + String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && text.is_empty(), "{text}");
}
