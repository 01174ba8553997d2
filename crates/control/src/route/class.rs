//! `[a-z]`, `[!0-9]`, `[[:digit:]]`: one character out of a set, never a `/`.

use super::glob::GlobError;
use std::fmt::Write;

/// The named sets, as members of a regular expression's class.
const NAMED: [(&str, &str); 12] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("blank", r"\t\x20"),
    ("cntrl", r"\x00-\x1F\x7F"),
    ("digit", "0-9"),
    ("graph", "!-~"),
    ("lower", "a-z"),
    ("print", r"\x20-~"),
    ("punct", r"!-/:-@\[-`\{-~"),
    ("space", r"\t-\r\x20"),
    ("upper", "A-Z"),
    ("xdigit", "0-9A-Fa-f"),
];

/// The index of the `]` that ends the class which begins at `open`.
pub(super) fn end(pattern: &[char], open: usize) -> Result<usize, GlobError> {
    let mut at = content_start(pattern, open);
    // A `]` in the first place is a member.
    if pattern.get(at) == Some(&']') {
        at += 1;
    }
    while let Some(&char) = pattern.get(at) {
        match char {
            ']' => return Ok(at),
            '\\' => at += 1,
            '[' if pattern.get(at + 1) == Some(&':') => {
                at = named_end(pattern, at).unwrap_or(at);
            }
            _ => {}
        }
        at += 1;
    }
    Err(GlobError::UnclosedClass)
}

fn content_start(pattern: &[char], open: usize) -> usize {
    open + 1 + usize::from(is_negated(pattern, open))
}

fn is_negated(pattern: &[char], open: usize) -> bool {
    matches!(pattern.get(open + 1), Some('!' | '^'))
}

/// The index of the `]` of `[:name:]`.
fn named_end(pattern: &[char], open: usize) -> Option<usize> {
    let name = pattern[open + 2..].iter().take_while(|char| char.is_ascii_alphabetic()).count();
    let colon = open + 2 + name;
    (pattern.get(colon..colon + 2) == Some(&[':', ']'])).then_some(colon + 1)
}

/// The class between `open` and its end as a regular expression over bytes.
pub(super) fn to_regex(pattern: &[char], open: usize, end: usize) -> Result<String, GlobError> {
    let members = members(&pattern[content_start(pattern, open)..end])?;
    Ok(if is_negated(pattern, open) {
        format!("(?u:[^{members}/])")
    } else {
        format!("(?u:[[{members}]--/])")
    })
}

fn members(content: &[char]) -> Result<String, GlobError> {
    let mut regex = String::new();
    let mut at = 0;
    while at < content.len() {
        if content[at] == '['
            && content.get(at + 1) == Some(&':')
            && let Some(end) = named_end(content, at)
        {
            regex.push_str(named(&content[at + 2..end - 1])?);
            at = end + 1;
            continue;
        }
        let (from, next) = member(content, at);
        if content.get(next) == Some(&'-') && next + 1 < content.len() {
            let (to, next) = member(content, next + 1);
            if from > to {
                return Err(GlobError::BadRange { from, to });
            }
            _ = write!(regex, "{}-{}", escaped(from), escaped(to));
            at = next;
        } else {
            regex.push_str(&escaped(from));
            at = next;
        }
    }
    Ok(regex)
}

/// The character that stands at `at`, and where the next one begins.
fn member(content: &[char], at: usize) -> (char, usize) {
    match content[at] {
        '\\' if at + 1 < content.len() => (content[at + 1], at + 2),
        char => (char, at + 1),
    }
}

fn named(name: &[char]) -> Result<&'static str, GlobError> {
    let name: String = name.iter().collect();
    let found = NAMED.iter().find(|(known, _)| *known == name);
    found.map(|(_, members)| *members).ok_or(GlobError::UnknownClass { name })
}

fn escaped(char: char) -> String {
    format!(r"\x{{{:X}}}", u32::from(char))
}
