//! One condition: a key, `=` or `!=`, and a value.

use super::moment::Moment;
use super::selection::SelectionError;
use crate::route::{Router, check_tag};
use catalog::{BackfillFile, JobState};
use std::fmt;
use std::path::Path;

const KEYS: &str = "path, root, tag, status, since, until";

/// How the plugin's last job for what the file holds now ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Completed,
    Failed,
    Aborted,
    /// It has rows in quarantine.
    Quarantined,
}

pub(super) struct Term {
    is_negated: bool,
    key: &'static str,
    value: String,
    condition: Condition,
}

enum Condition {
    Path(Router),
    Root(Vec<u8>),
    Tag,
    Status(Status),
    Since(Moment),
    Until(Moment),
}

impl Term {
    /// `now_us` and `base` make the value one that means the same at any time and place.
    pub(super) fn new(
        key: &str,
        is_negated: bool,
        value: &str,
        now_us: i64,
        base: &Path,
    ) -> Result<Self, SelectionError> {
        let bad = |reason: String| SelectionError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            reason,
        };
        let moment = || {
            let expected = "expected a date (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (12h, 2d)";
            Moment::parse(value, now_us).ok_or_else(|| bad(expected.to_owned()))
        };
        let mut value = value.to_owned();
        let (key, condition) = match key {
            "path" => {
                let router = Router::new([(value.as_str(), "x")]);
                ("path", Condition::Path(router.map_err(|error| bad(error.to_string()))?))
            }
            "root" => {
                let root = base.join(value.trim_end_matches('/'));
                value = root.to_string_lossy().into_owned();
                ("root", Condition::Root(root.into_os_string().into_encoded_bytes()))
            }
            "tag" => {
                check_tag(&value).map_err(|error| bad(error.to_string()))?;
                ("tag", Condition::Tag)
            }
            "status" => ("status", Condition::Status(status(&value).map_err(bad)?)),
            "since" | "until" => {
                let moment = moment()?;
                value = moment.to_string();
                match key {
                    "since" => ("since", Condition::Since(moment)),
                    _ => ("until", Condition::Until(moment)),
                }
            }
            _ => return Err(SelectionError::Key { key: key.to_owned(), keys: KEYS }),
        };
        Ok(Self { is_negated, key, value, condition })
    }

    pub(super) fn matches(&self, file: &BackfillFile) -> bool {
        let is_so = match &self.condition {
            Condition::Path(router) => !router.matching(&file.path).is_empty(),
            Condition::Root(root) => file.root == *root,
            Condition::Tag => file.tags.split(',').any(|tag| tag == self.value),
            Condition::Status(status) => status.is_of(file),
            Condition::Since(moment) => file.detected_at_us >= moment.0,
            Condition::Until(moment) => file.detected_at_us < moment.0,
        };
        is_so != self.is_negated
    }

    pub(super) fn asks_for(&self, state: JobState) -> bool {
        let wanted = match self.condition {
            Condition::Status(Status::Failed) => JobState::Failed,
            Condition::Status(Status::Aborted) => JobState::Aborted,
            _ => return false,
        };
        wanted == state && !self.is_negated
    }
}

fn status(value: &str) -> Result<Status, String> {
    match value {
        "completed" => Ok(Status::Completed),
        "failed" => Ok(Status::Failed),
        "aborted" => Ok(Status::Aborted),
        "quarantined" => Ok(Status::Quarantined),
        _ => Err("expected completed, failed, aborted or quarantined".to_owned()),
    }
}

impl Status {
    fn is_of(self, file: &BackfillFile) -> bool {
        let Some(last) = file.jobs.last() else { return false };
        match self {
            Self::Completed => matches!(last.state, JobState::Completed | JobState::Skipped),
            Self::Failed => last.state == JobState::Failed,
            Self::Aborted => last.state == JobState::Aborted,
            Self::Quarantined => last.quarantined,
        }
    }
}

/// As it is read again.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.value.contains('\'') { '"' } else { '\'' };
        let operator = if self.is_negated { "!=" } else { "=" };
        write!(f, "{}{operator}{quote}{}{quote}", self.key, self.value)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
