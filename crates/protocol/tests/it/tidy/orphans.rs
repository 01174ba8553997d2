//! No source file that no `mod` includes: the compiler never sees it, and every search finds it.

use super::lexer::lex;
use super::project::{self, SourceFile};
use std::collections::{BTreeMap, BTreeSet};

fn orphans(files: &[SourceFile]) -> Vec<String> {
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut seen: BTreeSet<String> =
        texts.keys().filter(|path| is_root(path)).map(|path| (*path).to_owned()).collect();
    let mut todo: Vec<String> = seen.iter().cloned().collect();
    while let Some(path) = todo.pop() {
        for module in modules(texts[path.as_str()]) {
            let base = format!("{}{module}", module_folder(&path));
            let candidates = [format!("{base}.rs"), format!("{base}/mod.rs")];
            for candidate in candidates.into_iter().filter(|it| texts.contains_key(it.as_str())) {
                if seen.insert(candidate.clone()) {
                    todo.push(candidate);
                }
            }
        }
    }
    let lost = texts.keys().filter(|path| !seen.contains(**path));
    lost.map(|path| format!("{path}: no `mod` includes this file")).collect()
}

/// What cargo compiles by itself: `src/lib.rs`, `src/main.rs`, `build.rs`, `src/bin/x.rs`, `benches/x.rs`, `tests/x.rs`,
/// and a `main.rs` one folder deeper.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    let own_folder = |folder: &[&str]| match folder {
        [one] => ["benches", "tests", "examples"].contains(one),
        [src, bin] => (*src, *bin) == ("src", "bin"),
        _ => false,
    };
    match parts.as_slice() {
        ["build.rs"] | ["src", "lib.rs" | "main.rs"] => true,
        [folder @ .., _, "main.rs"] if own_folder(folder) => true,
        [folder @ .., _] => own_folder(folder),
        [] => false,
    }
}

/// Where the modules of this file lie.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_root(path) || name == "mod.rs" {
        format!("{folder}/")
    } else {
        format!("{folder}/{}/", name.trim_end_matches(".rs"))
    }
}

/// `mod x;` gives `x`; inside `mod y { .. }` it gives `y/x`.
fn modules(text: &str) -> Vec<String> {
    let lexed = lex(text);
    let tokens: Vec<&str> = lexed.tokens().into_iter().map(|(_, token)| token).collect();
    let mut found = Vec::new();
    let mut open: Vec<Option<&str>> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let inline = at >= 2 && tokens[at - 2] == "mod";
        match *token {
            "{" => open.push(inline.then(|| tokens[at - 1])),
            "}" => drop(open.pop()),
            ";" if inline => {
                let path = open.iter().flatten().copied().chain([tokens[at - 1]]);
                found.push(path.collect::<Vec<_>>().join("/"));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn a_file_that_only_a_comment_names_is_an_orphan() {
    let files = [
        SourceFile::new("crates/a/src/lib.rs", "mod b; // mod lost;\nmod c { mod d; }"),
        SourceFile::new("crates/a/src/b.rs", "mod e;"),
        SourceFile::new("crates/a/src/b/e.rs", ""),
        SourceFile::new("crates/a/src/c/d.rs", ""),
        SourceFile::new("crates/a/src/lost.rs", "mod deeper;"),
        SourceFile::new("crates/a/src/lost/deeper.rs", ""),
        SourceFile::new("crates/a/tests/it/main.rs", "mod f;"),
        SourceFile::new("crates/a/tests/it/f/mod.rs", ""),
        SourceFile::new("crates/a/tests/it/forgotten.rs", ""),
    ];
    let lost = ["src/lost.rs", "src/lost/deeper.rs", "tests/it/forgotten.rs"];
    assert_eq!(
        orphans(&files),
        lost.map(|path| format!("crates/a/{path}: no `mod` includes this file"))
    );
}

#[test]
fn every_source_file_of_the_project_is_in_a_module_tree() {
    let files = project::files("crates", ".rs");
    assert!(files.len() > 20, "found {} sources", files.len());
    project::expect_none(&orphans(&files));
}
