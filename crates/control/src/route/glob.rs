//! One pattern: gitignore's globs on the path relative to the source root, with `{a,b}`. A pattern also matches everything
//! below a directory that it matches.

use super::alternatives::expand;
use super::class;
use std::fmt::{self, Write};

/// Longest pattern, in bytes: rules are compiled together, so one must not fill the room of all.
const PATTERN_LEN_MAX: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    #[error("the pattern is empty: write e.g. *.csv")]
    Empty,
    #[error("the pattern is longer than {PATTERN_LEN_MAX} bytes: split it into several")]
    TooLong,
    #[error(
        r"a pattern cannot start with '!': it can only ask for files. List what to leave out in .casparianignore, or write \! for a name that starts with '!'"
    )]
    Negated,
    #[error(r"a '[' has no ']': close it, or write \[ for the character itself")]
    UnclosedClass,
    #[error("'[:{name}:]' is not a class: write e.g. [[:digit:]]")]
    UnknownClass { name: String },
    #[error("the range '{from}-{to}' runs backwards")]
    BadRange { from: char, to: char },
    #[error(r"a '{{' has no '}}': close it, or write \{{ for the character itself")]
    UnclosedBrace,
    #[error(r"a '}}' has no '{{' before it: write \}} for the character itself")]
    UnopenedBrace,
    #[error("the braces stand for more than {max} patterns: split the pattern")]
    TooManyAlternatives { max: usize },
    #[error(r"the last '\' escapes nothing: write \\ for the character itself")]
    DanglingEscape,
    #[error(r"a '\' stands before a '/', which no name contains: leave it out")]
    EscapedSlash,
    #[error("'{part}' cannot be a part of a path: patterns start at the source root")]
    DotPart { part: &'static str },
    #[error("'//' matches no path: write one '/'")]
    EmptyPart,
}

/// A pattern that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    regex: String,
}

impl Glob {
    pub fn parse(pattern: &str) -> Result<Self, GlobError> {
        if pattern.len() > PATTERN_LEN_MAX {
            return Err(GlobError::TooLong);
        }
        let alternatives = expand(pattern)?
            .iter()
            .map(|alternative| to_regex(&alternative.chars().collect::<Vec<_>>()))
            .collect::<Result<Vec<_>, _>>()?;
        let regex = format!("(?s-u)^(?:{})$", alternatives.join("|"));
        Ok(Self { pattern: pattern.to_owned(), regex })
    }

    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// A regular expression over a relative path, as `characters` writes it.
    pub(super) fn regex(&self) -> &str {
        &self.regex
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.pattern)
    }
}

/// What stands between two slashes.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// `**`, or more stars: any number of directories.
    AnyDepth,
    Name(String),
}

fn to_regex(pattern: &[char]) -> Result<String, GlobError> {
    if pattern.first() == Some(&'!') {
        return Err(GlobError::Negated);
    }
    let mut parts = split(pattern)?;
    let rooted = parts.first().is_some_and(Option::is_none);
    if rooted {
        parts.remove(0);
    }
    let below_only = parts.last().is_some_and(Option::is_none);
    if below_only {
        parts.pop();
    }
    let mut parts = parts.into_iter().collect::<Option<Vec<_>>>().ok_or(GlobError::EmptyPart)?;
    if parts.is_empty() {
        return Err(GlobError::Empty);
    }
    if parts.len() == 1 && !rooted {
        parts.insert(0, Part::AnyDepth);
    }
    parts.dedup_by(|next, part| *next == Part::AnyDepth && *part == Part::AnyDepth);
    Ok(join(&parts, below_only))
}

/// The parts between slashes; None where two slashes meet, before a leading and after a trailing one.
fn split(pattern: &[char]) -> Result<Vec<Option<Part>>, GlobError> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(&char) = pattern.get(at) {
        match char {
            '\\' if at + 1 == pattern.len() => return Err(GlobError::DanglingEscape),
            '\\' if pattern[at + 1] == '/' => return Err(GlobError::EscapedSlash),
            '\\' => at += 1,
            '[' => at = class::end(pattern, at)?,
            '/' => {
                parts.push(part(&pattern[start..at])?);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(part(&pattern[start..])?);
    Ok(parts)
}

fn part(content: &[char]) -> Result<Option<Part>, GlobError> {
    match content {
        [] => Ok(None),
        ['*', '*', ..] if content.iter().all(|char| *char == '*') => Ok(Some(Part::AnyDepth)),
        ['.'] => Err(GlobError::DotPart { part: "." }),
        ['.', '.'] => Err(GlobError::DotPart { part: ".." }),
        _ => name(content).map(Some),
    }
}

/// A part without slashes.
fn name(content: &[char]) -> Result<Part, GlobError> {
    let mut regex = String::new();
    let mut at = 0;
    while at < content.len() {
        match content[at] {
            '\\' => {
                at += 1;
                push_literal(&mut regex, content[at]);
            }
            '*' => {
                if content.get(at + 1) != Some(&'*') {
                    regex.push_str("[^/]*");
                }
            }
            '?' => regex.push_str("(?u:[^/])"),
            '[' => {
                let end = class::end(content, at)?;
                regex.push_str(&class::to_regex(content, at, end)?);
                at = end;
            }
            char => push_literal(&mut regex, char),
        }
        at += 1;
    }
    Ok(Part::Name(regex))
}

fn push_literal(regex: &mut String, char: char) {
    for byte in char.encode_utf8(&mut [0; 4]).bytes() {
        if byte.is_ascii_alphanumeric() {
            regex.push(char::from(byte));
        } else {
            _ = write!(regex, r"\x{byte:02X}");
        }
    }
}

/// `below_only`: the pattern ended in a slash, so it means a directory, and a path is a file.
fn join(parts: &[Part], below_only: bool) -> String {
    let mut regex = String::new();
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let after_name = index > 0 && parts[index - 1] != Part::AnyDepth;
        match part {
            Part::AnyDepth if last && after_name => regex.push_str("/.+"),
            Part::AnyDepth if last => regex.push_str(".+"),
            Part::AnyDepth if after_name => regex.push_str("/(?:.*/)?"),
            Part::AnyDepth => regex.push_str("(?:.*/)?"),
            Part::Name(name) if after_name => _ = write!(regex, "/{name}"),
            Part::Name(name) => regex.push_str(name),
        }
    }
    regex.push_str(if below_only { "/.+" } else { "(?:/.+)?" });
    regex
}
