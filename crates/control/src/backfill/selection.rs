//! Which files: conditions that must all hold. `path='2025/**' and status=failed and since=2d`.

use super::term::Term;
use catalog::{BackfillFile, JobState};
use std::fmt;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    #[error("'{key}' is nothing to choose files by: expected one of {keys}")]
    Key { key: String, keys: &'static str },
    #[error("{key}: '{value}' does not fit: {reason}")]
    Value { key: String, value: String, reason: String },
    #[error("'{text}' is no condition: write KEY=VALUE or KEY!=VALUE")]
    NoOperator { text: String },
    #[error("the quote in '{text}' is not closed")]
    OpenQuote { text: String },
    #[error("after a condition comes 'and', not '{text}'")]
    NoAnd { text: String },
}

/// All files, when it has no conditions.
#[derive(Debug, Default)]
pub struct Selection {
    terms: Vec<Term>,
}

impl Selection {
    /// Each text holds conditions joined by `and`; all of all texts must hold. Relative times count from `now_us`, relative
    /// directories from `base`.
    pub fn parse<T: AsRef<str>>(
        texts: &[T],
        now_us: i64,
        base: &Path,
    ) -> Result<Self, SelectionError> {
        let mut terms = Vec::new();
        for text in texts {
            let mut rest = text.as_ref().trim();
            loop {
                let (key, is_negated, value, after) = split(rest)?;
                terms.push(Term::new(key, is_negated, value, now_us, base)?);
                if after.is_empty() {
                    break;
                }
                let next = after.strip_prefix("and").filter(|next| next.starts_with(' '));
                let Some(next) = next else {
                    return Err(SelectionError::NoAnd { text: first_word(after) });
                };
                rest = next.trim_start();
            }
        }
        Ok(Self { terms })
    }

    pub fn matches(&self, file: &BackfillFile) -> bool {
        self.terms.iter().all(|term| term.matches(file))
    }

    /// Whether files whose job of the ACTIVE version ended so are meant, and not left to `jobs retry`.
    pub fn asks_for(&self, state: JobState) -> bool {
        self.terms.iter().any(|term| term.asks_for(state))
    }
}

/// Means the same wherever and whenever it is read.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let and = if at == 0 { "" } else { " and " };
            write!(f, "{and}{term}")?;
        }
        Ok(())
    }
}

/// Key, whether it must not be so, value, and what follows.
fn split(text: &str) -> Result<(&str, bool, &str, &str), SelectionError> {
    let no_operator = || SelectionError::NoOperator { text: first_word(text) };
    let at = text.find('=').ok_or_else(no_operator)?;
    let (key, value) = (&text[..at], &text[at + 1..]);
    let (key, is_negated) = key.strip_suffix('!').map_or((key, false), |key| (key, true));
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(no_operator());
    }
    let quote = value.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let (value, after) = match quote {
        Some(quote) => value[1..]
            .split_once(quote)
            .ok_or_else(|| SelectionError::OpenQuote { text: text.to_owned() })?,
        None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
    };
    Ok((key, is_negated, value, after.trim()))
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::BackfillJob;
    use protocol::{JobId, LocationId, VersionId};

    const NOW_US: i64 = 1_795_409_640_000_000;

    fn parse(text: &str) -> Result<Selection, String> {
        Selection::parse(&[text], NOW_US, Path::new("/home/anna"))
            .map_err(|error| error.to_string())
    }

    fn file(path: &str) -> BackfillFile {
        let job = BackfillJob {
            id: JobId::new(1),
            is_active: false,
            state: JobState::Failed,
            is_done: false,
            quarantined: true,
        };
        BackfillFile {
            location: LocationId::new(1),
            version: VersionId::new(1),
            root: b"/data".to_vec(),
            path: path.as_bytes().to_vec(),
            tags: "a,b".to_owned(),
            detected_at_us: NOW_US - 3_600_000_000,
            jobs: vec![job],
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        for (text, is_meant) in [
            ("path=*.csv", true),
            ("path=2024/**", false),
            ("path!='2024/**'", true),
            ("root=/data/", true),
            ("root=data", false),
            ("tag=b", true),
            ("tag!=b", false),
            ("status=failed and tag=a", true),
            ("status=quarantined", true),
            ("status=completed", false),
            ("since=2h", true),
            ("since=30m", false),
            ("until=30m", true),
            ("since=2026-11-24", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(&file("2025/x y.csv")), is_meant, "{text}");
        }
        assert!(Selection::default().matches(&file("x")));
        assert!(parse("status=failed").unwrap().asks_for(JobState::Failed));
        assert!(!parse("status!=failed").unwrap().asks_for(JobState::Failed));
    }

    #[test]
    fn a_selection_is_written_so_that_it_means_the_same_elsewhere_and_later() {
        let text = parse("root=in and since=1h and path!=\"it's/*\"").unwrap().to_string();
        let said = "root='/home/anna/in' and since='2026-11-23T03:54:00Z' and path!=\"it's/*\"";
        assert_eq!(text, said);
        let again = Selection::parse(&[&text], 0, Path::new("/")).unwrap();
        assert_eq!(again.to_string(), text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, error) in [
            ("", "'' is no condition: write KEY=VALUE or KEY!=VALUE"),
            ("failed", "'failed' is no condition: write KEY=VALUE or KEY!=VALUE"),
            ("a b=c", "'a' is no condition: write KEY=VALUE or KEY!=VALUE"),
            (
                "colour=red",
                "'colour' is nothing to choose files by: expected one of path, root, tag, status, since, until",
            ),
            (
                "status=bad",
                "status: 'bad' does not fit: expected completed, failed, aborted or quarantined",
            ),
            (
                "since=soon",
                "since: 'soon' does not fit: expected a date (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (12h, 2d)",
            ),
            ("tag=a tag=b", "after a condition comes 'and', not 'tag=b'"),
            ("path='a", "the quote in 'path='a' is not closed"),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
        let error = parse("path=[a").unwrap_err();
        assert!(error.starts_with("path: '[a' does not fit:") && error.contains("']'"), "{error}");
    }
}
