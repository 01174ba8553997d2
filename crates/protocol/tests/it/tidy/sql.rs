//! SQL about state exists in `catalog` only: no statement elsewhere may name one of its tables.

use super::lexer::lex;
use super::project::{self, SourceFile};

const STATEMENTS: [&str; 10] = [
    "select", "insert", "update", "delete", "create", "alter", "drop", "replace", "with", "explain",
];
const BEFORE_A_TABLE: [&str; 5] = ["from", "join", "into", "update", "table"];

/// The tables that the migrations make.
fn tables(migrations: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for migration in migrations {
        let words = words(&migration.text);
        for pair in words.windows(3).filter(|pair| pair[0] == "create" && pair[1] == "table") {
            found.push(pair[2].clone());
        }
    }
    found
}

fn sql_about_state(files: &[SourceFile], tables: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.crate_name() != Some("catalog")) {
        for literal in lex(&file.text).literals {
            if let Some(table) = table_of_statement(&literal.text, tables) {
                findings.push(format!(
                    "{}:{}: a statement about '{table}'; SQL about state belongs to catalog",
                    file.path, literal.line
                ));
            }
        }
    }
    findings
}

fn table_of_statement(text: &str, tables: &[String]) -> Option<String> {
    let words = words(text);
    if !words.first().is_some_and(|first| STATEMENTS.contains(&first.as_str())) {
        return None;
    }
    let named = words.windows(2).filter(|pair| BEFORE_A_TABLE.contains(&pair[0].as_str()));
    named.map(|pair| &pair[1]).find(|word| tables.contains(word)).cloned()
}

/// Lower-case words; quotes, brackets and the words `if not exists` fall away.
fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let lower = split.filter(|word| !word.is_empty()).map(str::to_lowercase);
    lower.filter(|word| !["if", "not", "exists", "or", "ignore"].contains(&word.as_str())).collect()
}

#[test]
fn a_statement_about_a_table_of_the_catalog_is_found_outside_of_it() {
    let migration =
        "CREATE TABLE IF NOT EXISTS made_up_job (id INTEGER);\ncreate table other_made_up(x);";
    let tables = tables(&[SourceFile::new("0001_initial.sql", migration)]);
    assert_eq!(tables, ["made_up_job", "other_made_up"]);
    let found = |text: &str| {
        let file = SourceFile::new("crates/control/src/x.rs", text);
        sql_about_state(&[file], &tables)
    };
    let finding = "crates/control/src/x.rs:1: a statement about 'made_up_job'; SQL about state belongs to catalog";
    assert_eq!(found("q(\"SELECT id FROM made_up_job\")"), [finding]);
    assert_eq!(found("q(\"  update made_up_job set x = 1\")"), [finding]);
    assert_eq!(found("q(r#\"INSERT OR IGNORE INTO \"made_up_job\" VALUES (1)\"#)"), [finding]);
    assert_eq!(found("// SELECT id FROM made_up_job\nq(\"SELECT a FROM sales\")"), [""; 0]);
    assert_eq!(found("q(\"one file from artifact\")"), [""; 0]);
}

#[test]
fn the_catalog_itself_may_speak_sql() {
    let tables = ["artifact".to_owned()];
    let file = SourceFile::new("crates/catalog/src/x.rs", "q(\"DELETE FROM artifact\")");
    assert!(sql_about_state(&[file], &tables).is_empty());
}

#[test]
fn sql_about_state_is_in_the_catalog_only() {
    let tables = tables(&project::files("crates/catalog/migrations", ".sql"));
    assert!(tables.iter().any(|table| table == "processing_job"), "tables found: {tables:?}");
    project::expect_none(&sql_about_state(&project::files("crates", ".rs"), &tables));
}
