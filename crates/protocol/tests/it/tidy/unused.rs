//! No dependency that no code names, and no line in the workspace's list that no crate takes.

use super::lexer::lex;
use super::project::{self, SourceFile};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Entries of one manifest whose name stands nowhere in the code of its crate.
fn unnamed(manifest: &SourceFile, sources: &[SourceFile]) -> Vec<String> {
    let table: Table = manifest.text.parse().expect(&manifest.path);
    let code: Vec<String> = sources.iter().map(|source| lex(&source.text).code).collect();
    let words: BTreeSet<&str> =
        code.iter().flat_map(|it| it.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    let idle =
        entries(&table).into_iter().filter(|it| !words.contains(it.replace('-', "_").as_str()));
    idle.map(|name| format!("{}: no code names {name}", manifest.path)).collect()
}

fn untaken(workspace: &str, manifests: &[SourceFile]) -> Vec<String> {
    let workspace: Table = workspace.parse().expect("Cargo.toml");
    let listed = workspace.get("workspace").and_then(|it| it.get("dependencies"));
    let listed = listed.and_then(Value::as_table).into_iter().flat_map(Table::keys);
    let tables = manifests.iter().map(|it| it.text.parse::<Table>().expect(&it.path));
    let taken: BTreeSet<String> = tables.flat_map(|table| entries(&table)).collect();
    let idle = listed.filter(|name| !taken.contains(*name));
    idle.map(|name| format!("Cargo.toml: no crate takes {name}")).collect()
}

fn entries(manifest: &Table) -> Vec<String> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
    tables.flat_map(Table::keys).cloned().collect()
}

#[test]
fn a_dependency_that_only_a_comment_names_is_found() {
    let text =
        "[dependencies]\nserde-json = '1'\nglobset = '1'\n[dev-dependencies]\nproptest = '1'";
    let manifest = SourceFile::new("crates/a/Cargo.toml", text);
    let source = SourceFile::new("crates/a/src/lib.rs", "// globset\nuse serde_json::Value;");
    let expected =
        ["globset", "proptest"].map(|it| format!("crates/a/Cargo.toml: no code names {it}"));
    assert_eq!(unnamed(&manifest, &[source]), expected);
}

#[test]
fn a_line_of_the_workspace_that_no_crate_takes_is_found() {
    let workspace = "[workspace.dependencies]\nserde = '1'\nglobset = '1'";
    let manifest = SourceFile::new("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true");
    assert_eq!(untaken(workspace, &[manifest]), ["Cargo.toml: no crate takes globset"]);
}

#[test]
fn every_dependency_of_the_project_is_used() {
    let manifests = project::files("crates", "Cargo.toml");
    let mut findings = untaken(&project::file("Cargo.toml").text, &manifests);
    for manifest in &manifests {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        findings.extend(unnamed(manifest, &project::files(folder, ".rs")));
    }
    project::expect_none(&findings);
}
