//! The one word and the one sentence that a path comes to.

use super::facts::Facts;
use super::obstacle;
use crate::failure::Failure;
use crate::output::{Printer, counted, moment, path_fields};
use catalog::JobState;
use control::route::NearMiss;
use control::scout::Obstacle;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub struct Verdict {
    pub word: &'static str,
    pub sentence: String,
}

impl Verdict {
    fn new(word: &'static str, sentence: impl Into<String>) -> Self {
        Self { word, sentence: sentence.into() }
    }

    pub fn of(facts: &Facts, project: &Path) -> Self {
        let known = facts.location.as_ref();
        if let Some(at) = known.and_then(|location| location.deleted_at_us) {
            return Self::gone(facts, at);
        }
        if let Some(obstacle) = &facts.obstacle {
            let mut sentence = obstacle::sentence(obstacle, &facts.root);
            if known.is_some() {
                sentence += "; the next scan takes note of that";
            }
            return Self::new(obstacle::word(obstacle), sentence);
        }
        let Some(location) = known else {
            return Self::new(
                "not_scanned",
                "no scan has seen it yet: `casparian run` does it, and processes it if a plugin wants it",
            );
        };
        if facts.stat.is_some_and(|stat| stat != location.stat) {
            return Self::new(
                "changed",
                "it changed since it was last scanned: `casparian run` looks at it again",
            );
        }
        if facts.plugins.is_empty() && facts.jobs.is_empty() {
            return Self::unwanted(facts);
        }
        if location.is_unrouted || facts.versions.is_empty() {
            return Self::new(
                "new",
                "it is known and waits for the tagger: `casparian run` or `casparian serve` goes on with it",
            );
        }
        Self::of_jobs(facts, project)
    }

    fn gone(facts: &Facts, at_us: i64) -> Self {
        let rows = facts.jobs.iter().flat_map(|job| &job.artifacts);
        let rows = rows.filter(|one| one.state == "CURRENT").map(|one| one.rows).sum::<u64>();
        let stay = match rows {
            0 => "no row of it is in a topic".to_owned(),
            rows => format!(
                "{} of it stay in the topics (OPTIONS on_delete=retract takes them out)",
                counted(rows, "row", "rows")
            ),
        };
        let at = moment(at_us);
        let sentence = match &facts.obstacle {
            Some(Obstacle::Missing { .. }) => {
                format!("it was gone when it was scanned at {at}; {stay}")
            }
            Some(other) => {
                let why = obstacle::sentence(other, &facts.root);
                format!("it left the inventory at {at}: {why}; {stay}")
            }
            None => format!(
                "it was gone at {at} and is there again: `casparian run` takes it up; {stay}"
            ),
        };
        Self::new("deleted", sentence)
    }

    fn unwanted(facts: &Facts) -> Self {
        let near = facts.near.first().map(|(rule, near)| match near {
            NearMiss::Case => format!("; '{}' would, but for upper and lower case", rule.pattern),
            NearMiss::Directory => {
                format!("; '{}' matches its name, in another directory", rule.pattern)
            }
            NearMiss::Extension => {
                format!("; '{}' would, without the last extension", rule.pattern)
            }
        });
        let near = near.unwrap_or_default();
        let rejected = match facts.rejected.len() {
            0 => String::new(),
            number => format!(
                "; {} could not be read, see below",
                counted(number as u64, "plugin", "plugins")
            ),
        };
        if facts.matched.is_empty() {
            return Self::new(
                "unrouted",
                format!("no rule matches it, so no plugin takes it{near}{rejected}"),
            );
        }
        let tags = facts.tags.join(", ");
        Self::new(
            "unrouted",
            format!(
                "rules give it the tags {tags}, and no active plugin takes one of these{rejected}"
            ),
        )
    }

    fn of_jobs(facts: &Facts, project: &Path) -> Self {
        let current = facts.versions.iter().find(|version| version.is_current);
        let current = current.map(|version| version.id);
        let jobs = facts
            .jobs
            .iter()
            .filter(|one| Some(one.job.version) == current && one.job.kind == "process");
        // The least happy one decides; of the same state the newest.
        let worst = jobs.min_by_key(|one| rank(one.job.state));
        let Some(worst) = worst else {
            return Self::new(
                "unrouted",
                "what it holds now has no job: no plugin wanted it when it was routed",
            );
        };
        let word = match worst.job.state {
            JobState::Failed => "failed",
            JobState::Aborted => "aborted",
            JobState::Running | JobState::Committing => "running",
            JobState::Pending | JobState::Queued => "queued",
            JobState::Superseded => "superseded",
            JobState::Completed => "completed",
            JobState::Skipped => "skipped",
        };
        if worst.job.state == JobState::Completed {
            let done = facts.jobs.iter().filter(|one| Some(one.job.version) == current);
            let done = done
                .filter(|one| one.job.state == JobState::Completed && one.job.kind == "process");
            let told = done.map(|one| one.sentence(project)).collect::<Vec<_>>();
            return Self::new(word, told.join("; "));
        }
        Self::new(word, worst.sentence(project))
    }
}

fn rank(state: JobState) -> u8 {
    match state {
        JobState::Failed => 0,
        JobState::Running | JobState::Committing => 1,
        JobState::Pending | JobState::Queued => 2,
        JobState::Aborted => 3,
        JobState::Completed => 4,
        JobState::Skipped => 5,
        JobState::Superseded => 6,
    }
}

/// A path that no source has.
pub fn outside(printer: Printer, path: &Path, shown: &str) -> Result<(), Failure> {
    let sentence = "no source has it: `casparian run DIRECTORY` takes one up, as do [[sources]] of casparian.toml";
    if printer.is_json() {
        let mut fields = path_fields(path.as_os_str().as_bytes());
        fields.insert("status".to_owned(), json!("outside"));
        fields.insert("reason".to_owned(), json!(sentence));
        fields.insert("source".to_owned(), Value::Null);
        return printer.document(&Value::Object(fields));
    }
    printer.line(&format!("{shown}: outside: {sentence}"))
}
