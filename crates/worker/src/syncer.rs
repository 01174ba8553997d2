//! Makes staged files durable. Many at once: a file system journal takes what waits together for hardly more than one costs,
//! and slots need not wait for it.

use crate::event::Event;
use crate::failure::JobFailure;
use crate::job::{SealedJob, StagedJob, Workshop};
use crate::sinks::Unsynced;
use crossbeam_channel::{Receiver, Sender};
use protocol::{CrashPoint, JobAttempt, crash_point};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

const THREADS: usize = 16;
/// Jobs that wait to be synced hold files open; beyond it slots wait.
const WAITING_MAX: usize = 64;

/// Outputs of one job that wait; a job with more is synced by its own slot, so that the others bound the files that are open.
const OUTPUTS_MAX: usize = 8;

/// Where slots put what they have run. The threads end when the last of these is gone.
#[derive(Debug, Clone)]
pub struct Syncers {
    workshop: Arc<Workshop>,
    staged: Sender<(JobAttempt, StagedJob)>,
    events: Sender<Event>,
}

impl Syncers {
    pub fn start(
        workshop: &Arc<Workshop>,
        events: &Sender<Event>,
    ) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (staged, waiting) = crossbeam_channel::bounded(WAITING_MAX);
        let start = |number| {
            let (workshop, waiting, events) = (workshop.clone(), waiting.clone(), events.clone());
            let builder = std::thread::Builder::new().name(format!("sync-{number}"));
            builder.spawn(move || run(&workshop, &waiting, &events))
        };
        let threads = (0..THREADS).map(start).collect::<Result<Vec<_>, _>>()?;
        let (workshop, events) = (workshop.clone(), events.clone());
        Ok((Self { workshop, staged, events }, threads))
    }

    /// False when nobody listens any more.
    pub fn take(&self, job: JobAttempt, result: Result<StagedJob, JobFailure>) -> bool {
        match result {
            Ok(staged) if staged.outputs.len() > OUTPUTS_MAX => {
                self.events.send(Event::Ran(job, sync(&self.workshop, staged))).is_ok()
            }
            Ok(staged) => self.staged.send((job, staged)).is_ok(),
            Err(failure) => self.events.send(Event::Ran(job, Err(failure))).is_ok(),
        }
    }
}

fn run(workshop: &Workshop, waiting: &Receiver<(JobAttempt, StagedJob)>, events: &Sender<Event>) {
    while let Ok((job, staged)) = waiting.recv() {
        if events.send(Event::Ran(job, sync(workshop, staged))).is_err() {
            return;
        }
    }
}

fn sync(workshop: &Workshop, staged: StagedJob) -> Result<SealedJob, JobFailure> {
    let started = Instant::now();
    crash_point(CrashPoint::StagedBeforeSync);
    let synced = staged.outputs.iter().try_for_each(Unsynced::sync);
    crash_point(CrashPoint::StagedAfterSync);
    let outputs = staged.outputs.into_iter().map(|unsynced| unsynced.output).collect::<Vec<_>>();
    if let Err(error) = synced {
        if let Err(error) = workshop.sinks.discard(&outputs) {
            tracing::warn!(%error, "what cannot be synced stays in staging");
        }
        return Err(error.into());
    }
    let mut metrics = staged.metrics;
    let stage = metrics.ms.entry("stage".to_owned()).or_default();
    *stage += started.elapsed().as_millis() as u64;
    Ok(SealedJob { outputs, metrics })
}
