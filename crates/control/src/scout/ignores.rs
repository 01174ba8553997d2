//! What is not inventoried: `.casparianignore` files (gitignore syntax, nested as git does it), the settings' patterns,
//! and what is never an input. The nearest ignore file that says something of a name decides, then the settings,
//! then the built-in names; so `!keep.tmp` in an ignore file brings back a file that the built-in names would drop.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

pub(crate) const IGNORE_FILE: &[u8] = b".casparianignore";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{pattern}' is no ignore pattern: {cause}; write it as in a .gitignore file")]
pub struct IgnorePatternError {
    pattern: String,
    cause: String,
}

/// What decides over a name: a pattern of an ignore file or of the settings, or a name that is never an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoreOrigin {
    /// The ignore file of this directory, relative to the source root.
    File {
        directory: Vec<u8>,
    },
    Settings,
    BuiltIn,
}

/// Why a path is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreReason {
    pub pattern: String,
    pub origin: IgnoreOrigin,
}

/// What is ignored in a directory and below it, until a deeper ignore file says otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ignores {
    settings: Option<Arc<Gitignore>>,
    nearest: Option<Arc<Level>>,
}

/// One ignore file, and those above it.
#[derive(Debug)]
struct Level {
    patterns: Gitignore,
    /// Length of its directory's path with the slash behind it: patterns are relative to that directory.
    prefix_len: usize,
    above: Option<Arc<Level>>,
}

impl Ignores {
    /// The patterns of the settings and the catalog, relative to the source root.
    pub(crate) fn from_patterns(patterns: &[String]) -> Result<Self, IgnorePatternError> {
        let mut builder = GitignoreBuilder::new(".");
        for pattern in patterns {
            add(&mut builder, pattern)?;
        }
        let built = builder.build().map_err(|error| refused(&patterns.join(" "), &error))?;
        let settings = (!built.is_empty()).then(|| Arc::new(built));
        Ok(Self { settings, nearest: None })
    }

    /// With the ignore file of `directory` in force. What is no pattern is handed back, the rest counts.
    pub(crate) fn with_file(&self, directory: &[u8], text: &[u8]) -> (Self, Vec<String>) {
        let mut builder = GitignoreBuilder::new(".");
        let mut bad = Vec::new();
        // Lines first, then UTF-8: one bad line must not take the others with it.
        for line in text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).split(|&b| b == b'\n') {
            match std::str::from_utf8(line) {
                Ok(line) => bad.extend(add(&mut builder, line).err().map(|e| e.to_string())),
                Err(_) => bad.push(format!("'{}' is not UTF-8", line.escape_ascii())),
            }
        }
        match builder.build() {
            Ok(patterns) => {
                let prefix_len = if directory.is_empty() { 0 } else { directory.len() + 1 };
                let level = Level { patterns, prefix_len, above: self.nearest.clone() };
                (Self { settings: self.settings.clone(), nearest: Some(Arc::new(level)) }, bad)
            }
            Err(error) => {
                bad.push(error.to_string());
                (self.clone(), bad)
            }
        }
    }

    /// Whether the built-in names alone decide, so that nobody has to make a whole path.
    pub(crate) fn are_built_in_only(&self) -> bool {
        self.settings.is_none() && self.nearest.is_none()
    }

    /// As `has`, with what decided. None: it is not ignored.
    pub(crate) fn reason(&self, path: &[u8], is_directory: bool) -> Option<IgnoreReason> {
        let mut level = self.nearest.as_ref();
        while let Some(file) = level {
            let below = &path[file.prefix_len..];
            match file.patterns.matched(path_of(below), is_directory) {
                Match::None => level = file.above.as_ref(),
                Match::Whitelist(_) => return None,
                Match::Ignore(glob) => {
                    let directory = path[..file.prefix_len.saturating_sub(1)].to_vec();
                    return Some(reason(glob, IgnoreOrigin::File { directory }));
                }
            }
        }
        match self.settings.as_ref().map(|it| it.matched(path_of(path), is_directory)) {
            Some(Match::Ignore(glob)) => Some(reason(glob, IgnoreOrigin::Settings)),
            Some(Match::Whitelist(_)) => None,
            _ => {
                let name = name_of(path);
                let pattern = || name.escape_ascii().to_string();
                let built_in =
                    || IgnoreReason { pattern: pattern(), origin: IgnoreOrigin::BuiltIn };
                is_never_an_input(name, is_directory).then(built_in)
            }
        }
    }

    /// `path` is relative to the source root. Its directory must not be ignored itself.
    pub(crate) fn has(&self, path: &[u8], is_directory: bool) -> bool {
        let mut level = self.nearest.as_ref();
        while let Some(file) = level {
            if let Some(said) = says(&file.patterns, &path[file.prefix_len..], is_directory) {
                return said;
            }
            level = file.above.as_ref();
        }
        let said = self.settings.as_ref().and_then(|p| says(p, path, is_directory));
        said.unwrap_or_else(|| is_never_an_input(name_of(path), is_directory))
    }
}

/// Names that are never an input, unless an ignore file or a setting brings them back.
pub(crate) fn is_never_an_input(name: &[u8], is_directory: bool) -> bool {
    if is_directory {
        return name == b".git" || name == b"__pycache__";
    }
    name.ends_with(b".tmp") || name.ends_with(b".part") || name == b".DS_Store"
}

fn reason(glob: &Glob, origin: IgnoreOrigin) -> IgnoreReason {
    IgnoreReason { pattern: glob.original().to_owned(), origin }
}

fn path_of(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

fn says(patterns: &Gitignore, path: &[u8], is_directory: bool) -> Option<bool> {
    match patterns.matched(path_of(path), is_directory) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

fn add(builder: &mut GitignoreBuilder, pattern: &str) -> Result<(), IgnorePatternError> {
    match builder.add_line(None, pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(pattern, &error)),
    }
}

fn refused(pattern: &str, error: &ignore::Error) -> IgnorePatternError {
    IgnorePatternError { pattern: pattern.trim_end().to_owned(), cause: error.to_string() }
}

fn name_of(path: &[u8]) -> &[u8] {
    let start = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    &path[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ignores: &Ignores, ignored: &[&str], kept: &[&str]) {
        for (paths, expected) in [(ignored, true), (kept, false)] {
            for path in paths {
                let (path, is_directory) = match path.strip_suffix('/') {
                    Some(path) => (path, true),
                    None => (*path, false),
                };
                assert_eq!(ignores.has(path.as_bytes(), is_directory), expected, "{path}");
                let reason = ignores.reason(path.as_bytes(), is_directory);
                assert_eq!(reason.is_some(), expected, "{path}: {reason:?}");
            }
        }
    }

    #[test]
    fn some_names_are_never_an_input() {
        let none = Ignores::default();
        assert!(none.are_built_in_only());
        check(
            &none,
            &[".git/", "a/__pycache__/", "x.tmp", "a/x.part", "a/.DS_Store"],
            &["git/", ".git", "x.csv", ".hidden", "tmp", "x.tmp/"],
        );
    }

    #[test]
    fn the_nearest_ignore_file_decides() {
        let root = Ignores::from_patterns(&["*.log".into(), "/top.csv".into()]).unwrap();
        check(&root, &["a/x.log", "top.csv"], &["a/top.csv"]);
        let (outer, bad) = root.with_file(b"", b"# comment\r\n*.csv\n!keep.csv\n\nbuild/\n");
        assert!(bad.is_empty(), "{bad:?}");
        check(&outer, &["x.csv", "a/b/x.csv", "a/build/", "x.log"], &["a/keep.csv", "build"]);
        let (inner, _) = outer.with_file(b"a/b", b"!x.csv\n/only_here.txt\n!*.tmp\n");
        check(
            &inner,
            &["a/b/y.csv", "a/b/only_here.txt"],
            &["a/b/x.csv", "a/b/c/x.csv", "a/b/c/only_here.txt", "a/b/z.tmp"],
        );
    }

    #[test]
    fn the_pattern_that_decides_is_named_with_its_place() {
        let root = Ignores::from_patterns(&["*.log".into()]).unwrap();
        let (inner, _) = root.with_file(b"a/b", b"/x.csv\n");
        let reason = |path: &str| {
            let reason = inner.reason(path.as_bytes(), false).unwrap();
            (reason.pattern, reason.origin)
        };
        let file = IgnoreOrigin::File { directory: b"a/b".to_vec() };
        assert_eq!(reason("a/b/x.csv"), ("/x.csv".to_owned(), file));
        assert_eq!(reason("a/b/x.log"), ("*.log".to_owned(), IgnoreOrigin::Settings));
        assert_eq!(reason("a/b/x.tmp"), ("x.tmp".to_owned(), IgnoreOrigin::BuiltIn));
    }

    #[test]
    fn names_are_bytes() {
        let ignores = Ignores::from_patterns(&["*.csv".into()]).unwrap();
        assert!(ignores.has(b"caf\xe9.csv", false));
        assert!(ignores.has(b"a\nb/\xff.csv", false));
        assert!(!ignores.has(b"\xff.txt", false));
    }

    #[test]
    fn a_line_that_is_no_pattern_leaves_the_others() {
        let (ignores, bad) = Ignores::default().with_file(b"", b"a[z-a]\n\xff\xfe\n*.csv\n");
        assert_eq!(bad.len(), 2, "{bad:?}");
        assert!(bad[0].starts_with("'a[z-a]' is no ignore pattern: "), "{bad:?}");
        assert_eq!(bad[1], "'\\xff\\xfe' is not UTF-8");
        check(&ignores, &["x.csv"], &["x.txt"]);
        assert!(Ignores::from_patterns(&["a[z-a]".into()]).is_err());
    }
}
