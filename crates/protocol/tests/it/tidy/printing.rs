//! Data goes to stdout, everything else to stderr, through `casparian::output` only.

use super::lexer::lex;
use super::project::{self, SourceFile};

const OUTPUT: &str = "crates/casparian/src/output";
const MACROS: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];

fn printing(files: &[SourceFile]) -> Vec<String> {
    let sources = files.iter().filter(|file| {
        file.path.split('/').nth(2) == Some("src") && !file.path.starts_with(OUTPUT)
    });
    let mut findings = Vec::new();
    for file in sources {
        let lexed = lex(&file.text);
        let tokens = lexed.tokens();
        for (at, (line, token)) in tokens.iter().enumerate() {
            let next = tokens.get(at + 1).map_or("", |(_, next)| next);
            let prints = MACROS.contains(token) && next == "!";
            let opens = ["stdout", "stderr"].contains(token) && is_of_std_io(&tokens[..at]);
            if prints || opens {
                findings.push(format!("{}:{line}: `{token}` belongs to {OUTPUT}", file.path));
            }
        }
    }
    findings
}

/// Whether what comes before is `io::`, or a `use std::io::{` with some names after it.
fn is_of_std_io(before: &[(usize, &str)]) -> bool {
    let words: Vec<&str> = before.iter().map(|(_, token)| *token).collect();
    let statement = words.rsplit(|word| *word == ";").next().unwrap_or_default();
    let in_use_list = statement.contains(&"use")
        && statement.windows(4).any(|window| window == ["io", ":", ":", "{"]);
    words.ends_with(&["io", ":", ":"]) || in_use_list
}

#[test]
fn printing_outside_of_the_output_module_is_found() {
    let found = |path: &str, text: &str| printing(&[SourceFile::new(path, text)]);
    let path = "crates/worker/src/x.rs";
    let finding = |token: &str| [format!("{path}:1: `{token}` belongs to {OUTPUT}")];
    assert_eq!(found(path, "fn f() { println!(\"x\"); }"), finding("println"));
    assert_eq!(found(path, "std::eprint!(\"x\")"), finding("eprint"));
    assert_eq!(found(path, "let out = std::io::stdout();"), finding("stdout"));
    assert_eq!(found(path, "use std::io::{Write, stderr};"), finding("stderr"));
    assert_eq!(found("crates/casparian/src/output/x.rs", "println!(\"x\")"), [""; 0]);
}

#[test]
fn what_only_looks_like_printing_passes() {
    let text = "// println!\nlet s = \"println!\"; child.stdout.take(); Command::new(a).stderr(b); fn print() {}\nuse x::{stdout};";
    assert!(printing(&[SourceFile::new("crates/worker/src/x.rs", text)]).is_empty());
}

#[test]
fn only_the_output_module_prints() {
    project::expect_none(&printing(&project::files("crates", ".rs")));
}
