//! One topic of a job: what it is held against, and what became of its rows.

use crate::contract::{Quarantine, TopicContract};
use crate::failure::JobFailure;
use protocol::{ErrorClass, QuarantineLimit, SinkTarget, TopicName};

pub struct Topic {
    pub name: TopicName,
    pub contract: TopicContract,
    /// Which of the stagers are its sinks.
    pub sinks: Vec<usize>,
    /// The one for what does not fit.
    pub quarantine_at: usize,
    pub quarantine: Quarantine,
    limit: QuarantineLimit,
    /// Its columns were known when the job was given: it may commit with others.
    pub has_schema: bool,
    /// That were published, whatever became of them.
    pub rows: u64,
    /// That could not be read, and so were never published.
    pub rejected: u64,
    /// The highest number in the file of one of these.
    pub rejected_last: u64,
}

impl Topic {
    pub fn new(target: &SinkTarget, sink: usize, quarantine_at: usize) -> Self {
        Self {
            name: target.topic.clone(),
            contract: TopicContract::new(target),
            sinks: vec![sink],
            quarantine_at,
            quarantine: Quarantine::default(),
            limit: target.options.max_quarantine,
            has_schema: target.schema_def.as_ref().is_some_and(|schema| !schema.is_empty()),
            rows: 0,
            rejected: 0,
            rejected_last: 0,
        }
    }

    pub fn check_limit(&self) -> Result<(), JobFailure> {
        // A statement may make few rows of many: so many, at least, there were in the file.
        let all = (self.rows + self.rejected).max(self.rejected_last);
        if !self.limit.is_exceeded(self.quarantine.rows, all) {
            return Ok(());
        }
        let why = self.quarantine.reasons.iter().take(3).map(|reason| match &reason.column {
            Some(column) => format!("column '{column}': {} ({} rows)", reason.reason, reason.rows),
            None => format!("{} ({} rows)", reason.reason, reason.rows),
        });
        let (name, why) = (&self.name, why.collect::<Vec<_>>().join("; "));
        let text = format!(
            "topic {name}: {} of {all} rows do not fit, more than its max_quarantine: {why}. Mend the plugin or its SCHEMA, or set OPTIONS {name}: max_quarantine=...",
            self.quarantine.rows
        );
        Err(JobFailure::new(ErrorClass::Plugin, text))
    }
}
