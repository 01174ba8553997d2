//! Makes staged files durable. Many at once: a file system journal takes what waits together for hardly more than one costs,
//! and slots need not wait for it.

use crate::event::Event;
use crate::failure::JobFailure;
use crate::job::{SealedJob, StagedJob, Workshop};
use crate::packing::ClosedPack;
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

enum Staged {
    Job(JobAttempt, StagedJob),
    Pack(ClosedPack),
}

/// Where slots put what they have run. The threads end when the last of these is gone.
#[derive(Debug, Clone)]
pub struct Syncers {
    workshop: Arc<Workshop>,
    staged: Sender<Staged>,
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
            Ok(staged) => self.staged.send(Staged::Job(job, staged)).is_ok(),
            Err(failure) => self.events.send(Event::Ran(job, Err(failure))).is_ok(),
        }
    }

    pub fn take_pack(&self, pack: ClosedPack) {
        // A worker that has ended needs it no more.
        let _ = self.staged.send(Staged::Pack(pack));
    }
}

fn run(workshop: &Workshop, waiting: &Receiver<Staged>, events: &Sender<Event>) {
    while let Ok(staged) = waiting.recv() {
        let told = match staged {
            Staged::Job(job, staged) => {
                events.send(Event::Ran(job, sync(workshop, staged))).map_err(drop)
            }
            Staged::Pack(pack) => sync_pack(workshop, pack)
                .into_iter()
                .try_for_each(|event| events.send(event).map_err(drop)),
        };
        if told.is_err() {
            return;
        }
    }
}

/// One flush for each file, however many jobs are in it.
fn sync_pack(workshop: &Workshop, pack: ClosedPack) -> Vec<Event> {
    crash_point(CrashPoint::PackBeforeSync);
    let synced = pack.files.iter().try_for_each(Unsynced::sync);
    crash_point(CrashPoint::PackAfterSync);
    let Err(error) = synced else { return vec![Event::PackStaged(pack.commit.id, pack.jobs)] };
    let files = pack.files.into_iter().map(|unsynced| unsynced.output).collect::<Vec<_>>();
    if let Err(error) = workshop.sinks.discard(&files) {
        tracing::warn!(%error, "what cannot be synced stays in staging");
    }
    let failure = JobFailure::from(error);
    let jobs = pack.jobs.into_iter();
    jobs.map(|one| Event::Ran(one.job, Err(failure.clone()))).collect()
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
