//! The threads that change what is published: one renames files, one writes to databases, so that files need not wait for a long load.
//! What waits is done as one pack: all renames, then each directory made durable once.

use crate::event::{Event, Promoted};
use crate::job::Workshop;
use crate::sinks::{PromoteOutcome, Promoter, RecoverTarget, SinkError};
use crossbeam_channel::{Receiver, Sender};
use protocol::{
    Commit, CrashPoint, JobAttempt, Retirement, SinkUri, StagedOutput, Superseded, crash_point,
};
use std::collections::BTreeMap;
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
    Promote(Promotable),
    Discard(Vec<StagedOutput>),
    Recover(Recoverable),
    Retire(Vec<Retirement>),
}

/// One commit.
#[derive(Debug)]
pub struct Promotable {
    pub jobs: Vec<JobAttempt>,
    /// Each file once.
    pub files: Vec<StagedOutput>,
    /// What it replaces, in sinks that remove rows as others come.
    pub supersede: Vec<Superseded>,
}

#[derive(Debug)]
pub struct Recoverable {
    pub job: JobAttempt,
    pub commit: Commit,
    pub recovery: u32,
    pub outputs: Vec<StagedOutput>,
}

/// The threads end when this is gone.
#[derive(Debug)]
pub struct Committers {
    files: Sender<Order>,
    tables: Sender<Order>,
}

impl Committers {
    pub fn start(
        workshop: &Arc<Workshop>,
        events: &Sender<Event>,
    ) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let start = |name: &str| {
            let (orders, to_do) = crossbeam_channel::unbounded();
            let (workshop, events) = (workshop.clone(), events.clone());
            let builder = std::thread::Builder::new().name(name.to_owned());
            Ok::<_, io::Error>((orders, builder.spawn(move || run(&workshop, &to_do, &events))?))
        };
        let (files, of_files) = start("commit-files")?;
        let (tables, of_tables) = start("commit-tables")?;
        Ok((Self { files, tables }, vec![of_files, of_tables]))
    }

    /// A commit with a table among its outputs waits for other tables, with all of its files.
    pub fn order(&self, order: Order) {
        // The threads end only after these senders are gone.
        let _ = match order {
            Order::Promote(ref commit) if any_table(&commit.files) => self.tables.send(order),
            Order::Recover(ref one) if any_table(&one.outputs) => self.tables.send(order),
            Order::Retire(all) => {
                let (tables, files) = all.into_iter().partition(|one| is_table(&one.uri));
                let _ = self.tables.send(Order::Retire(tables));
                self.files.send(Order::Retire(files))
            }
            order => self.files.send(order),
        };
    }
}

fn is_table(uri: &SinkUri) -> bool {
    !matches!(uri, SinkUri::Parquet { .. })
}

fn any_table(outputs: &[StagedOutput]) -> bool {
    outputs.iter().any(|output| is_table(&output.uri))
}

fn run(workshop: &Workshop, orders: &Receiver<Order>, events: &Sender<Event>) {
    while let Ok(first) = orders.recv() {
        let mut pack = vec![first];
        pack.extend(orders.try_iter().take(PACK_MAX - 1));
        for event in carry_out(workshop, pack) {
            if events.send(event).is_err() {
                return;
            }
        }
    }
}

/// Renames come last: what else was ordered with them does not depend on them.
fn carry_out(workshop: &Workshop, pack: Vec<Order>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut grants = Vec::new();
    let mut recoveries = BTreeMap::<_, Vec<Recoverable>>::new();
    for order in pack {
        match order {
            Order::Promote(commit) => grants.push(commit),
            Order::Sweep => report("sweep staging", workshop.sinks.sweep().map(|_| ())),
            Order::Discard(outputs) => report("discard", workshop.sinks.discard(&outputs)),
            Order::Retire(files) if files.is_empty() => {}
            Order::Retire(files) => events.push(retire(workshop, &files)),
            Order::Recover(one) => {
                recoveries.entry((one.commit, one.recovery)).or_default().push(one);
            }
        }
    }
    for ((commit, recovery), jobs) in recoveries {
        events.extend(recover(workshop, commit, recovery, &jobs));
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

/// The jobs of a pack have files in common.
fn recover(workshop: &Workshop, commit: Commit, recovery: u32, jobs: &[Recoverable]) -> Vec<Event> {
    let outputs = jobs.iter().map(|one| one.outputs.as_slice()).collect();
    let target = RecoverTarget { commit, recovery, jobs: outputs };
    let event = |job, result| Event::Recovered { job, recovery, result };
    match workshop.sinks.recover(&target) {
        Ok(became) => {
            jobs.iter().zip(became).map(|(one, became)| event(one.job, Ok(became))).collect()
        }
        Err(error) => jobs.iter().map(|one| event(one.job, Err(error.to_string()))).collect(),
    }
}

fn promote(workshop: &Workshop, grants: &[Promotable]) -> Vec<Event> {
    if grants.is_empty() {
        return Vec::new();
    }
    let started = Instant::now();
    let mut promoter = workshop.sinks.promotion();
    crash_point(CrashPoint::BeforeRename);
    let renamed = grants.iter().map(|commit| promote_all(&mut promoter, commit));
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
    let mut events = Vec::new();
    for (commit, result) in grants.iter().zip(renamed) {
        // A table that has not taken the rows goes before files that are there. A pack has none.
        let in_table = commit.jobs.first().and_then(|job| promoted.tables.remove(&job.id));
        let outcome = outcome(in_table.unwrap_or(result));
        events.extend(commit.jobs.iter().map(|job| Event::Promoted(*job, outcome.clone())));
    }
    events
}

fn promote_all(
    promoter: &mut Promoter<'_>,
    commit: &Promotable,
) -> Result<PromoteOutcome, SinkError> {
    let Some(first) = commit.jobs.first() else { return Ok(PromoteOutcome::Taken) };
    for output in &commit.files {
        if promoter.promote(*first, output, &commit.supersede)? == PromoteOutcome::Taken {
            return Ok(PromoteOutcome::Taken);
        }
        crash_point(CrashPoint::BetweenRenames);
    }
    Ok(PromoteOutcome::Done)
}
