//! The jobs that a worker holds, each in its phase. What is asked of a job in another phase than it applies to changes nothing.

use crate::host::JobControl;
use protocol::{
    ArtifactReceipt, CommitId, Conclude, ConcludeStatus, ErrorClass, JobAttempt, JobId,
    JobProgress, Metrics, OriginalConclude, ReadyJob, SessionToken, StagedOutput,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug)]
pub enum Phase {
    /// Waiting for a slot, or in one.
    Running,
    /// It is no job, but files that are written anew.
    Compacting,
    /// It has run; its rows are in the open pack.
    Packed,
    /// In a pack that is durable, said with each heartbeat until it is granted or refused.
    InPack {
        outputs: Vec<StagedOutput>,
        metrics: Metrics,
    },
    /// Said with each heartbeat until it is granted or refused.
    Staged {
        outputs: Vec<StagedOutput>,
        metrics: Metrics,
        announced: bool,
    },
    Promoting {
        outputs: Vec<StagedOutput>,
        metrics: Metrics,
    },
    Recovering {
        outputs: Vec<StagedOutput>,
    },
    /// Said until it is answered.
    Ended {
        conclude: Box<Conclude>,
        said: Option<Instant>,
    },
}

#[derive(Debug)]
pub struct Held {
    pub attempt: u32,
    /// 0 unless this is a recovery.
    pub recovery: u32,
    pub control: Arc<JobControl>,
    /// Of an original v4 Sentinel: it grants nothing and answers nothing.
    pub is_original: bool,
    /// The Sentinel knows that it takes no slot any more.
    pub told_packed: bool,
    pub phase: Phase,
}

#[derive(Debug, Default)]
pub struct HeldJobs(pub BTreeMap<JobId, Held>);

impl HeldJobs {
    pub fn of(&mut self, job: JobAttempt) -> Option<&mut Held> {
        self.0.get_mut(&job.id).filter(|held| held.attempt == job.attempt)
    }

    pub fn list(&mut self) -> Vec<JobProgress> {
        let listed = self.0.iter_mut().map(|(id, held)| {
            held.told_packed = held.is_packed();
            JobProgress {
                id: *id,
                attempt: held.attempt,
                rows: held.control.rows(),
                bytes: held.control.bytes(),
                packed: held.told_packed,
            }
        });
        listed.collect()
    }

    /// All that is staged; from now on it counts as announced.
    pub fn ready(&mut self) -> Vec<ReadyJob> {
        let mut ready = Vec::new();
        for (id, held) in &mut self.0 {
            if let Phase::Staged { outputs, announced, .. } = &mut held.phase {
                *announced = true;
                ready.push(ReadyJob {
                    job: *id,
                    attempt: held.attempt,
                    commit_id: CommitId::from(*id),
                    outputs: outputs.clone(),
                });
            }
        }
        ready
    }

    /// Whether there is something that the Sentinel was not told yet.
    pub fn has_news(&self) -> bool {
        self.0.values().any(|held| matches!(held.phase, Phase::Staged { announced: false, .. }))
            || self.has_room()
    }

    /// Half of what there was to run has run: the Sentinel may give more.
    fn has_room(&self) -> bool {
        let untold = self.0.values().filter(|held| held.is_packed() && !held.told_packed).count();
        let running = self.0.values().filter(|held| matches!(held.phase, Phase::Running)).count();
        untold > 0 && untold >= running
    }

    pub fn has_original(&self) -> bool {
        self.0.values().any(|held| held.is_original)
    }

    /// Said once, and forgotten.
    pub fn original_conclusions(&mut self) -> Vec<(JobId, OriginalConclude)> {
        let mut ended = Vec::new();
        self.0.retain(|id, held| match &held.phase {
            Phase::Ended { conclude, .. } if held.is_original => {
                ended.push((*id, OriginalConclude::from(&**conclude)));
                false
            }
            _ => true,
        });
        ended
    }

    /// CONCLUDEs that were not said since `before`.
    pub fn due_conclusions(
        &mut self,
        before: Instant,
        token: &SessionToken,
    ) -> Vec<(JobId, Conclude)> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (id, held) in &mut self.0 {
            if let Phase::Ended { conclude, said } = &mut held.phase
                && said.is_none_or(|said| said < before)
            {
                *said = Some(now);
                due.push((*id, Conclude { token: Some(token.clone()), ..(**conclude).clone() }));
            }
        }
        due
    }
}

impl Held {
    pub fn is_packed(&self) -> bool {
        matches!(self.phase, Phase::Packed | Phase::InPack { .. })
    }

    pub fn running(attempt: u32) -> Self {
        let phase = Phase::Running;
        Self {
            attempt,
            recovery: 0,
            control: Arc::default(),
            is_original: false,
            told_packed: false,
            phase,
        }
    }

    pub fn end(&mut self, conclude: Conclude) {
        let conclude = Conclude { attempt: self.attempt, recovery: self.recovery, ..conclude };
        self.phase = Phase::Ended { conclude: Box::new(conclude), said: None };
    }

    pub fn succeed(&mut self, outputs: &[StagedOutput], metrics: Metrics) {
        let artifacts = outputs.iter().map(receipt).collect();
        self.end(Conclude { metrics, artifacts, ..conclude(ConcludeStatus::Success) });
    }

    pub fn fail(&mut self, class: ErrorClass, message: String, retryable: Option<bool>) {
        self.end(Conclude {
            error_message: Some(message),
            error_class: Some(class),
            retryable,
            ..conclude(ConcludeStatus::Failed)
        });
    }
}

fn receipt(output: &StagedOutput) -> ArtifactReceipt {
    ArtifactReceipt {
        topic: output.topic.clone(),
        uri: output.uri.to_string(),
        file: Some(output.final_name.clone()),
        rows: output.rows,
        hash: Some(output.hash),
    }
}

fn conclude(status: ConcludeStatus) -> Conclude {
    Conclude {
        status,
        token: None,
        attempt: 0,
        recovery: 0,
        metrics: Metrics::default(),
        artifacts: Vec::new(),
        error_message: None,
        error_class: None,
        retryable: None,
    }
}
