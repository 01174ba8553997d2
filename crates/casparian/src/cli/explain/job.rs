//! A job in a sentence that says what to do.

use crate::output::{absolute, counted, moment, shown};
use catalog::JobState;
use catalog::report::{ArtifactRow, JobRow};
use protocol::JobId;
use std::path::Path;

pub struct JobFacts {
    pub job: JobRow,
    pub artifacts: Vec<ArtifactRow>,
    /// The other job that has the same bytes in the topics: id, root, path.
    pub holder: Option<(JobId, Vec<u8>, Vec<u8>)>,
}

impl JobFacts {
    pub fn sentence(&self, project: &Path) -> String {
        let job = &self.job;
        match job.state {
            JobState::Pending => self.why_held(),
            JobState::Queued => "waits for a worker: a run, or a live Sentinel with a worker whose plugin is active, takes it".to_owned(),
            JobState::Running => format!("runs{}", self.by()),
            JobState::Committing => format!("publishes its rows{}", self.by()),
            JobState::Completed if job.kind == "retract" => {
                "took the rows of the deleted file out of its topics".to_owned()
            }
            JobState::Completed => self.published(),
            JobState::Failed => {
                format!("failed: {}; `casparian jobs show {}` has all of it, `casparian jobs retry {}` tries again", self.error(), job.id, job.id)
            }
            JobState::Skipped => match &self.holder {
                Some((holder, root, path)) => {
                    let path = shown(&absolute(root, path), project);
                    format!("not needed: job {holder} has the same bytes in the topics, from {path}")
                }
                None => "not needed: the same bytes were in the topics already".to_owned(),
            },
            JobState::Superseded => {
                "not run: the file held something else before its turn came".to_owned()
            }
            JobState::Aborted => {
                let by = job.aborted_by.as_deref().unwrap_or("a person");
                format!("stopped by {by}; `casparian jobs retry {}` tries again", job.id)
            }
        }
    }

    fn why_held(&self) -> String {
        let job = &self.job;
        let other = job.held_by.map(|id| format!("job {id}")).unwrap_or_default();
        match job.hold.as_deref() {
            Some("older") => format!("waits for {other}, which has an older version of the file"),
            Some("copy") => format!("waits for {other}, which processes the same bytes"),
            Some("backoff") => {
                let when = job.not_before_us.map(moment).unwrap_or_default();
                format!("tried again from {when} on: {}", self.error())
            }
            Some("changed") => {
                "the file changed while it was read: it is looked at again by the next scan"
                    .to_owned()
            }
            _ => "waits for the Sentinel, which looks at it when the scan under way is over"
                .to_owned(),
        }
    }

    fn by(&self) -> String {
        let worker = self.job.worker.as_deref().unwrap_or("a worker");
        let since = self.job.claimed_at_us.map(moment).unwrap_or_default();
        format!(" on {worker} since {since}")
    }

    fn published(&self) -> String {
        let rows = counted(self.job.rows, "row", "rows");
        let topics = self.artifacts.iter().filter(|one| one.state == "CURRENT");
        let topics = topics.map(|one| one.topic.as_str()).collect::<Vec<_>>();
        let quarantined = match self.job.quarantined {
            0 => String::new(),
            number => format!(", {} in quarantine", counted(number, "row", "rows")),
        };
        match (self.job.superseded_by, topics.is_empty()) {
            (Some(by), true) => format!("published {rows}{quarantined}, which job {by} replaced"),
            (Some(by), false) => format!(
                "published {rows}{quarantined}; replaced by job {by}, and kept in {}, whose history stays",
                topics.join(", ")
            ),
            (None, true) if self.job.rows == 0 => format!("published no row{quarantined}"),
            (None, true) => format!("published {rows}{quarantined}, which left the topics"),
            (None, false) => format!("published {rows}{quarantined} to {}", topics.join(", ")),
        }
    }

    fn error(&self) -> &str {
        let lines = self.job.error.as_deref().unwrap_or("no reason is known").lines();
        lines.rev().find(|line| !line.trim().is_empty()).unwrap_or_default()
    }
}
