//! A lint is silenced by `#[expect(lint, reason = "...")]`, which ends when its cause does; never by `#[allow]`.

use super::lexer::lex;
use super::project::{self, SourceFile};

fn silenced(files: &[SourceFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let lexed = lex(&file.text);
        let tokens = lexed.tokens();
        for window in tokens.windows(3) {
            let [(line, open), (_, name), (_, paren)] = window else { continue };
            if *open == "[" && *paren == "(" && *name == "allow" {
                findings.push(format!("{}:{line}: #[allow]; say #[expect(.., reason)]", file.path));
            }
        }
    }
    findings
}

#[test]
fn an_allow_attribute_is_found_in_both_forms() {
    let file = |text: &str| [SourceFile::new("crates/a/src/x.rs", text)];
    assert_eq!(silenced(&file("#[allow(dead_code)]\nfn f() {}")).len(), 1);
    assert_eq!(silenced(&file("#![allow(dead_code)]")).len(), 1);
    assert!(silenced(&file("// #[allow(x)]\n#[expect(dead_code, reason = \"x\")]")).is_empty());
}

#[test]
fn no_lint_of_the_project_is_silenced_by_allow() {
    project::expect_none(&silenced(&project::files("crates", ".rs")));
}
