//! The files of the project, as texts.

use std::fs;
use std::path::{Path, PathBuf};

/// A file: its path from the project's root, with `/`, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// `catalog` for `crates/catalog/src/lib.rs`.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

/// Every file below `folder` whose name ends in `suffix`, by path; none when there is no such folder.
pub fn files(folder: &str, suffix: &str) -> Vec<SourceFile> {
    let root = root();
    let mut found = Vec::new();
    collect(&root.join(folder), suffix, &mut found);
    found.sort();
    let relative = |path: &Path| {
        path.strip_prefix(&root).expect("below the root").to_str().expect("UTF-8").to_owned()
    };
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a readable text");
    found.iter().map(|path| SourceFile { path: relative(path), text: read(path) }).collect()
}

pub fn file(path: &str) -> SourceFile {
    let text = fs::read_to_string(root().join(path)).expect(path);
    SourceFile::new(path, &text)
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/");
    crates.parent().expect("the project").to_owned()
}

fn collect(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "__pycache__" && !name.starts_with('.') {
                collect(&path, suffix, found);
            }
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
}

/// Fails with one finding a line.
#[track_caller]
pub fn expect_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
