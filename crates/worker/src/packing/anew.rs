//! A pack of which some jobs were refused is written once more without them: what is granted has no rows of others.

use super::open::OpenPack;
use super::packer::ClosedPack;
use crate::failure::JobFailure;
use crate::sinks::{SinkError, Sinks};
use protocol::{Commit, JobAttempt, Metrics, StagedOutput, TopicSchema};
use std::sync::Arc;

/// A job in a pack, and where its rows are.
#[derive(Debug, Clone)]
pub struct PackedJob {
    pub job: JobAttempt,
    /// Without their schemas.
    pub outputs: Vec<StagedOutput>,
    /// Of the outputs, in their order; shared by jobs that left them alike.
    pub schemas: Vec<Arc<TopicSchema>>,
    pub metrics: Metrics,
}

#[derive(Debug)]
pub struct PackAnew {
    /// Of the pack that was, to be thrown away.
    pub files: Vec<StagedOutput>,
    /// Those that stay.
    pub jobs: Vec<PackedJob>,
}

impl PackAnew {
    pub fn write(
        self,
        sinks: &Sinks,
        commit: Commit,
    ) -> Result<ClosedPack, (Vec<JobAttempt>, JobFailure)> {
        let jobs = self.jobs.iter().map(|one| one.job).collect();
        let written = self.copy(sinks, commit);
        if let Err(error) = sinks.discard(&self.files) {
            tracing::warn!(%error, "what was refused stays in staging until a worker starts");
        }
        match written {
            Ok(pack) => pack.close(),
            Err(error) => Err((jobs, error.into())),
        }
    }

    fn copy(&self, sinks: &Sinks, commit: Commit) -> Result<OpenPack, SinkError> {
        let mut pack = OpenPack::new(commit);
        for PackedJob { job, outputs, schemas, metrics } in &self.jobs {
            let outputs = outputs.iter().zip(schemas);
            let rows = outputs.map(|(output, schema)| sinks.read_small(output, schema.clone()));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            pack.write(sinks, *job, &rows, metrics.clone())?;
        }
        Ok(pack)
    }
}
