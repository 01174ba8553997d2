//! Where things lie: no cupboard modules, and `lib.rs` and `mod.rs` only declare and re-export.

use super::lexer::lex;
use super::project::{self, SourceFile};

const CUPBOARDS: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];
const ITEMS: [&str; 6] = ["fn", "struct", "enum", "impl", "trait", "macro_rules"];

fn cupboards(files: &[SourceFile]) -> Vec<String> {
    let is_cupboard = |file: &&SourceFile| {
        file.crate_name() == Some("types")
            || file.path.split('/').any(|part| CUPBOARDS.contains(&part.trim_end_matches(".rs")))
    };
    let named = files.iter().filter(is_cupboard);
    named.map(|file| format!("{}: named after no subject", file.path)).collect()
}

fn crowded_declarations(files: &[SourceFile]) -> Vec<String> {
    let declares = |file: &&SourceFile| {
        ["lib.rs", "mod.rs"].contains(&file.name()) && file.path.split('/').nth(2) == Some("src")
    };
    let mut findings = Vec::new();
    for file in files.iter().filter(declares) {
        let lexed = lex(&file.text);
        if let Some((line, item)) = lexed.tokens().iter().find(|(_, it)| ITEMS.contains(it)) {
            findings.push(format!("{}:{line}: `{item}`; give it a file of its own", file.path));
        }
    }
    findings
}

#[test]
fn a_cupboard_is_found_as_a_file_and_as_a_folder() {
    let files = ["crates/a/src/util.rs", "crates/a/src/helpers/x.rs", "crates/types/src/lib.rs"];
    let files = files.map(|path| SourceFile::new(path, ""));
    assert_eq!(cupboards(&files).len(), 3);
    let named = ["crates/a/src/utility_bill.rs", "crates/a/src/sinks/types.rs"];
    assert!(cupboards(&named.map(|path| SourceFile::new(path, ""))).is_empty());
}

#[test]
fn a_function_in_a_declaring_file_is_found() {
    let found = |path: &str, text: &str| crowded_declarations(&[SourceFile::new(path, text)]);
    let text = "//! fn\npub mod a;\npub use a::f;\nfn g() {}\n";
    assert_eq!(
        found("crates/a/src/lib.rs", text),
        ["crates/a/src/lib.rs:4: `fn`; give it a file of its own"]
    );
    assert!(found("crates/a/src/lib.rs", "//! fn\npub mod a;").is_empty());
    assert!(found("crates/a/src/a.rs", text).is_empty());
}

#[test]
fn no_module_of_the_project_is_a_cupboard() {
    project::expect_none(&cupboards(&project::files("crates", ".rs")));
}

#[test]
fn declaring_files_of_the_project_only_declare() {
    project::expect_none(&crowded_declarations(&project::files("crates", ".rs")));
}
