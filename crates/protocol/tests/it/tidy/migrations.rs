//! Migrations are numbered without gaps and carry the same names in every dialect.

use super::project;

const MIGRATIONS: &str = "crates/catalog/migrations";

/// `paths` are `<dialect>/<number>_<name>.sql`, sorted.
fn out_of_step(paths: &[String]) -> Vec<String> {
    let mut dialects: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut findings = Vec::new();
    for path in paths {
        match path.split_once('/') {
            Some((dialect, name)) => match dialects.last_mut() {
                Some((last, names)) if *last == dialect => names.push(name),
                _ => dialects.push((dialect, vec![name])),
            },
            None => findings.push(format!("{path}: in no dialect's folder")),
        }
    }
    for (dialect, names) in &dialects {
        for (at, name) in names.iter().enumerate() {
            let number = format!("{:04}_", at + 1);
            if !name.starts_with(&number) {
                findings.push(format!("{dialect}/{name}: expected number {number}"));
            }
        }
        let (first, expected) = &dialects[0];
        if names != expected {
            findings.push(format!("{dialect} has {names:?}, {first} has {expected:?}"));
        }
    }
    findings
}

#[test]
fn a_gap_and_a_difference_between_dialects_are_found() {
    let check = |paths: &[&str], expected: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(out_of_step(&paths), expected);
    };
    check(
        &["sqlite/0001_a.sql", "sqlite/0003_b.sql"],
        &["sqlite/0003_b.sql: expected number 0002_"],
    );
    check(
        &["postgres/0001_a.sql", "sqlite/0001_b.sql"],
        &["sqlite has [\"0001_b.sql\"], postgres has [\"0001_a.sql\"]"],
    );
    check(&["0001_a.sql"], &["0001_a.sql: in no dialect's folder"]);
    check(&["postgres/0001_a.sql", "sqlite/0001_a.sql"], &[]);
}

#[test]
fn the_migrations_of_all_dialects_are_in_step() {
    let files = project::files(MIGRATIONS, ".sql");
    let paths = files.iter().filter_map(|file| file.path.strip_prefix(MIGRATIONS));
    let paths: Vec<String> = paths.map(|path| path.trim_start_matches('/').to_owned()).collect();
    assert!(!paths.is_empty(), "no migration in {MIGRATIONS}");
    project::expect_none(&out_of_step(&paths));
}
