//! What the other threads have done of it.

use super::{ABORTED, Session};
use crate::committer::{Order, Promotable};
use crate::event::Promoted;
use crate::failure::JobFailure;
use crate::held::Phase;
use crate::job::SealedJob;
use crate::sinks::Recovered;
use protocol::{ErrorClass, JobAttempt, Metrics, StagedOutput};
use std::collections::BTreeMap;

impl Session {
    pub(super) fn on_ran(&mut self, job: JobAttempt, result: Result<SealedJob, JobFailure>) {
        let held = self.held.of(job).filter(|held| {
            matches!(held.phase, Phase::Running | Phase::Packed | Phase::Compacting)
        });
        match (held, result) {
            (Some(held), Ok(SealedJob { outputs, .. }))
                if held.control.abort_reason().is_some() =>
            {
                let reason = held.control.abort_reason().unwrap_or(ABORTED).to_owned();
                held.fail(ErrorClass::Aborted, reason, None);
                self.order(Order::Discard(outputs));
            }
            (Some(held), Ok(SealedJob { outputs, metrics })) if held.is_original => {
                held.phase = Phase::Promoting { outputs: outputs.clone(), metrics };
                let (jobs, supersede) = (vec![job], Vec::new());
                self.order(Order::Promote(Promotable { jobs, files: outputs, supersede }));
            }
            (Some(held), Ok(SealedJob { outputs, metrics })) => {
                held.phase = Phase::Staged { outputs, metrics, announced: false };
            }
            (Some(held), Err(failure)) => {
                held.fail(failure.class, failure.message, failure.retryable);
            }
            (None, Ok(sealed)) => self.order(Order::Discard(sealed.outputs)),
            (None, Err(_)) => {}
        }
    }

    /// What was granted cannot fail: the Sentinel is told, so that it lets some time pass before somebody finishes it.
    pub(super) fn on_promoted(&mut self, job: JobAttempt, promoted: Promoted) {
        let Some(held) = self.held.of(job) else { return };
        let Phase::Promoting { outputs, metrics } = &mut held.phase else { return };
        match promoted {
            Promoted::Done(took) => {
                let (outputs, mut metrics) = (std::mem::take(outputs), std::mem::take(metrics));
                metrics.ms.insert("promote".to_owned(), took.as_millis() as u64);
                held.succeed(&outputs, metrics);
            }
            Promoted::Failed(error) if held.is_original => {
                held.fail(ErrorClass::Sink, error, None);
            }
            Promoted::Taken => drop(self.held.0.remove(&job.id)),
            Promoted::Failed(error) => {
                tracing::error!(job = %job.id, error, "a granted job is not promoted yet");
                held.fail(ErrorClass::Sink, error, None);
            }
        }
    }

    pub(super) fn on_recovered(
        &mut self,
        job: JobAttempt,
        recovery: u32,
        result: Result<Recovered, String>,
    ) {
        let held = self.held.of(job).filter(|held| held.recovery == recovery);
        let Some(held) = held else { return };
        let Phase::Recovering { outputs } = &mut held.phase else { return };
        let outputs = std::mem::take(outputs);
        match result {
            Ok(Recovered::Complete) => {
                let metrics = metrics_of(&outputs);
                held.succeed(&outputs, metrics);
            }
            Ok(Recovered::Lost) => {
                let text = "what the lost worker staged is gone; the file runs again".to_owned();
                held.fail(ErrorClass::Lost, text, None);
            }
            Ok(Recovered::Overtaken) => drop(self.held.0.remove(&job.id)),
            Err(error) => {
                tracing::error!(job = %job.id, error, "a job cannot be recovered yet");
                held.fail(ErrorClass::Sink, error, None);
            }
        }
    }
}

/// Of what was granted. Each place of a topic has all of its rows.
fn metrics_of(outputs: &[StagedOutput]) -> Metrics {
    let (bad, good): (Vec<_>, Vec<_>) =
        outputs.iter().partition(|output| output.uri.is_quarantine());
    let topics = good.iter().map(|output| (&output.topic, output.rows)).collect::<BTreeMap<_, _>>();
    Metrics {
        rows: topics.values().sum(),
        quarantined: bad.iter().map(|output| output.rows).sum(),
        size_bytes: outputs.iter().map(|output| output.size_bytes).sum(),
        ..Metrics::default()
    }
}
