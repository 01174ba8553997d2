//! The thread that changes what is published. What waits is done as one pack: all renames, then each directory made durable once.

use crate::event::{Event, Promoted};
use crate::job::Workshop;
use crate::sinks::{PromoteOutcome, Promoter, RecoverTarget, SinkError};
use crossbeam_channel::{Receiver, Sender};
use protocol::{CrashPoint, JobAttempt, Retirement, StagedOutput, Superseded, crash_point};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// Jobs that are made durable together.
const PACK_MAX: usize = 1_000;

#[derive(Debug)]
pub enum Order {
    /// Before anything else: clear what workers that are gone left behind.
    Sweep,
    Promote(Granted),
    Discard(Vec<StagedOutput>),
    Recover {
        job: JobAttempt,
        recovery: u32,
        outputs: Vec<StagedOutput>,
    },
    Retire(Vec<Retirement>),
}

/// What a grant is for.
#[derive(Debug)]
pub struct Granted {
    pub job: JobAttempt,
    pub outputs: Vec<StagedOutput>,
    /// What it replaces, in sinks that remove rows as others come.
    pub supersede: Vec<Superseded>,
}

/// Ends when the sender of orders is gone.
pub fn start(
    workshop: Arc<Workshop>,
    orders: Receiver<Order>,
    events: Sender<Event>,
) -> io::Result<JoinHandle<()>> {
    let builder = std::thread::Builder::new().name("committer".to_owned());
    builder.spawn(move || {
        while let Ok(first) = orders.recv() {
            let mut pack = vec![first];
            pack.extend(orders.try_iter().take(PACK_MAX - 1));
            for event in carry_out(&workshop, pack) {
                if events.send(event).is_err() {
                    return;
                }
            }
        }
    })
}

/// Renames come last: what else was ordered with them does not depend on them.
fn carry_out(workshop: &Workshop, pack: Vec<Order>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut grants = Vec::new();
    for order in pack {
        match order {
            Order::Promote(granted) => grants.push(granted),
            Order::Sweep => report("sweep staging", workshop.sinks.sweep().map(|_| ())),
            Order::Discard(outputs) => report("discard", workshop.sinks.discard(&outputs)),
            Order::Retire(files) => events.push(retire(workshop, &files)),
            Order::Recover { job, recovery, outputs } => {
                let target = RecoverTarget { job, recovery, outputs: &outputs };
                let result = workshop.sinks.recover(&target);
                events.push(Event::Recovered { job, recovery, result });
            }
        }
    }
    events.extend(promote(workshop, &grants));
    events
}

fn report(what: &str, result: Result<(), SinkError>) {
    if let Err(error) = result {
        tracing::error!(%error, "cannot {what}");
    }
}

/// The Sentinel asks again for what could not be moved.
fn retire(workshop: &Workshop, files: &[Retirement]) -> Event {
    crash_point(CrashPoint::BeforeRetire);
    let (done, errors) = workshop.sinks.retire(files);
    crash_point(CrashPoint::AfterRetire);
    for error in errors {
        tracing::error!(%error, "a superseded file stays where it is");
    }
    Event::Retired(done)
}

fn promote(workshop: &Workshop, grants: &[Granted]) -> Vec<Event> {
    if grants.is_empty() {
        return Vec::new();
    }
    let started = Instant::now();
    let mut promoter = workshop.sinks.promotion();
    crash_point(CrashPoint::BeforeRename);
    let renamed = grants.iter().map(|granted| promote_all(&mut promoter, granted));
    let renamed = renamed.collect::<Vec<_>>();
    crash_point(CrashPoint::AfterRenames);
    let mut promoted = promoter.finish();
    let synced = promoted.files.map_err(|error| error.to_string());
    crash_point(CrashPoint::AfterDirectorySync);
    let took = started.elapsed();
    let outcome = |result: Result<PromoteOutcome, SinkError>| match (result, &synced) {
        (Ok(PromoteOutcome::Taken), _) => Promoted::Taken,
        (Ok(PromoteOutcome::Done), Ok(())) => Promoted::Done(took),
        (Ok(PromoteOutcome::Done), Err(error)) => Promoted::Failed(error.clone()),
        (Err(error), _) => Promoted::Failed(error.to_string()),
    };
    let jobs = grants.iter().map(|granted| granted.job);
    let mut of_job = |(job, result): (JobAttempt, _)| {
        // A table that has not taken the rows goes before files that are there.
        let result = promoted.tables.remove(&job.id).unwrap_or(result);
        Event::Promoted(job, outcome(result))
    };
    jobs.zip(renamed).map(&mut of_job).collect()
}

fn promote_all(
    promoter: &mut Promoter<'_>,
    granted: &Granted,
) -> Result<PromoteOutcome, SinkError> {
    for output in &granted.outputs {
        if promoter.promote(granted.job, output, &granted.supersede)? == PromoteOutcome::Taken {
            return Ok(PromoteOutcome::Taken);
        }
        crash_point(CrashPoint::BetweenRenames);
    }
    Ok(PromoteOutcome::Done)
}
