//! The Sentinel's loop: takes what came in, asks `decide`, does what it says in one transaction, and sends only what is committed.

use super::batch::events_of;
use super::decide::{
    Action, Assignment, Command, Decider, Event, Hint, Outcome, Peer, Timing, Want,
};
use super::progress::Progress;
use super::refusals::{Refusals, Refused};
use super::requests;
use super::socket::{Inbound, Outbox};
use super::store::{self, Batch};
use super::token::Tokens;
use crate::architect::Registrar;
use crate::clock::Clock;
use crate::stop::Stop;
use catalog::{Catalog, CatalogError, Opportunities, SentinelEpoch};
use protocol::{
    Abort, Conclude, CrashPoint, ErrorClass, JobAttempt, PluginVersion, SentinelMessage,
    crash_point,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

/// Messages in one transaction: the first of them waits for the last.
const BATCH_MAX: usize = 512;
/// The least time between two looks at the catalog, so that looking does not become the work while much is said.
const LOOK_PAUSE_US: i64 = 5_000;
/// The least time between two words on what was refused.
const TELL_PAUSE_US: i64 = 1_000_000;
/// How often the plugin directory is looked at.
const REGISTRY_EVERY_US: i64 = 1_000_000;
/// No back-off and no mark of a pass reaches further ahead.
const WAIT_MAX_US: i64 = 90_000_000;
/// After the catalog failed.
const RECOVER_AFTER: Duration = Duration::from_millis(500);

pub(super) struct Driver {
    pub catalog: Catalog,
    pub epoch: SentinelEpoch,
    pub timing: Timing,
    pub host: String,
    pub clock: Arc<dyn Clock>,
    pub tokens: Tokens,
    pub registrar: Registrar,
    pub inbox: Receiver<Inbound>,
    pub outbox: Outbox,
    pub progress: Arc<Progress>,
    pub refusals: Arc<Refusals>,
    pub stop: Stop,
    /// Somebody wrote what has to be looked at.
    pub woken: Arc<Notify>,
    pub look_every: Duration,
}

/// What changes from step to step.
struct Life {
    decider: Decider,
    /// By the monotonic clock.
    opportunities_looked_us: i64,
    registry_looked_us: i64,
    /// By the wall clock, which may be set back.
    looked_us: i64,
    /// Plugin versions that each worker was sent the source of.
    sent_sources: BTreeSet<(Peer, PluginVersion)>,
    /// What was refused until it was last said, and when that may be said again.
    told: Refused,
    tell_at_us: i64,
}

impl Driver {
    /// Until it is stopped, or deposed. A catalog that fails for a while is waited for.
    pub(super) async fn run(&mut self, says: &Value) -> Result<(), CatalogError> {
        while !self.stop.is_wanted() {
            match self.live(says).await {
                Ok(()) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "the catalog failed; trying again");
                    tokio::time::sleep(RECOVER_AFTER).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// From what the catalog says is in flight, until stopped or until a transaction fails: then memory and catalog may differ, and memory is thrown away.
    async fn live(&mut self, says: &Value) -> Result<(), CatalogError> {
        let told = self.say(says).await?;
        let in_flight = self.catalog.in_flight().await?;
        let compactions = self.catalog.compactions_in_flight().await?;
        let compactions = compactions.into_iter().map(store::compaction_in_flight);
        let in_flight = in_flight.into_iter().map(store::in_flight).chain(compactions).collect();
        let decider = Decider::new(self.timing, in_flight, self.clock.monotonic_us());
        let mut life = Life {
            decider,
            opportunities_looked_us: i64::MIN,
            registry_looked_us: 0,
            looked_us: i64::MAX,
            sent_sources: BTreeSet::new(),
            told,
            tell_at_us: i64::MIN,
        };
        let dead = self.dead_sessions().await?;
        self.step(&mut life, dead).await?;
        while !self.stop.is_wanted() {
            let batch = self.receive().await;
            let is_quiet = batch.is_empty();
            let (mut events, _weights) = events_of(batch, &self.tokens, &self.refusals);
            events.push(Event::Tick);
            let mono_us = self.clock.monotonic_us();
            if is_quiet || mono_us >= life.opportunities_looked_us.saturating_add(LOOK_PAUSE_US) {
                life.opportunities_looked_us = mono_us;
                events.extend(self.look(&mut life).await?);
            }
            if life.told != self.refusals.snapshot() && life.is_to_be_told(mono_us) {
                life.told = self.say(says).await?;
            }
            self.step(&mut life, events).await?;
            let (workers, in_flight) = (life.decider.workers_len(), life.decider.in_flight_len());
            self.progress.set_gauges(workers, in_flight);
        }
        Ok(())
    }

    /// To whoever looks who is active, where the catalog is on a server: with what was refused until now.
    async fn say(&self, says: &Value) -> Result<Refused, CatalogError> {
        let refused = self.refusals.snapshot();
        if self.catalog.url().file().is_none() {
            let mut says = says.clone();
            says["refused"] = json!(refused);
            let mut tx = self.catalog.begin_sentinel(self.epoch).await?;
            tx.say(&says.to_string()).await?;
            tx.commit().await?;
        }
        Ok(refused)
    }

    /// Sessions of processes on this host that are no more: their leases need not be waited for.
    async fn dead_sessions(&self) -> Result<Vec<Event>, CatalogError> {
        let open = self.catalog.open_sessions().await?;
        let dead = open.into_iter().filter(|one| one.host == self.host && !process_lives(one.pid));
        Ok(dead.map(|one| Event::WorkerDied(one.session)).collect())
    }

    /// What came in, but at least a look now and then.
    async fn receive(&mut self) -> Vec<Inbound> {
        let mut batch = Vec::new();
        let first = tokio::select! {
            first = self.inbox.recv() => first,
            () = self.woken.notified() => None,
            () = self.stop.wanted() => None,
            () = tokio::time::sleep(self.look_every) => None,
        };
        if let Some(first) = first {
            batch.push(first);
            while batch.len() < BATCH_MAX
                && let Ok(next) = self.inbox.try_recv()
            {
                batch.push(next);
            }
        }
        batch
    }

    async fn look(&mut self, life: &mut Life) -> Result<Vec<Event>, CatalogError> {
        let now_us = self.clock.now_us();
        if now_us < life.looked_us {
            self.bound_waits(life, now_us).await?;
        }
        life.looked_us = now_us;
        let there = self.catalog.opportunities(now_us).await?;
        // Who asks for something means the sources that lie there now.
        if there.requests || now_us - life.registry_looked_us >= REGISTRY_EVERY_US {
            life.registry_looked_us = now_us;
            self.catalog.freshen_statistics().await?;
            let Life { decider, sent_sources, .. } = life;
            sent_sources.retain(|(peer, _)| decider.knows(peer));
            self.registrar.refresh(&self.catalog, self.epoch, now_us).await?;
        }
        let mut events = Vec::new();
        if there.requests {
            events.push(self.carry_out_requests(now_us).await?);
        }
        let Opportunities {
            fresh,
            backfill,
            suspects,
            held,
            retirements,
            compactions,
            requests: _,
        } = there;
        let want = Want { fresh, backfill };
        events.push(Event::Hint(Hint { want, suspects, held, retirements, compactions }));
        Ok(events)
    }

    /// The clock was set back, now or while no Sentinel was there: waits that it set must not last for hours.
    async fn bound_waits(&self, life: &mut Life, now_us: i64) -> Result<(), CatalogError> {
        life.registry_looked_us = 0;
        let mut tx = self.catalog.begin_sentinel(self.epoch).await?;
        tx.bound_waits(now_us + WAIT_MAX_US).await?;
        tx.commit().await
    }

    async fn carry_out_requests(&self, now_us: i64) -> Result<Event, CatalogError> {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await?;
        let aborted = requests::carry_out(&self.catalog, &mut tx, now_us).await?;
        crash_point(CrashPoint::RequestBeforeCommit);
        tx.commit().await?;
        crash_point(CrashPoint::RequestAfterCommit);
        Ok(Event::Aborted(aborted))
    }

    async fn step(&mut self, life: &mut Life, events: Vec<Event>) -> Result<(), CatalogError> {
        let (now_us, mono_us) = (self.clock.now_us(), self.clock.monotonic_us());
        let lease_s = self.timing.lease_us as f64 / 1e6;
        let mut batch = Batch::new(&self.catalog, self.epoch, now_us, lease_s);
        let mut sends = Vec::new();
        let mut assignments = Vec::new();
        for event in events {
            life.forget_sources(&event);
            let mut actions = life.decider.on(mono_us, event);
            while !actions.is_empty() {
                let mut next = Vec::new();
                for action in actions {
                    match action {
                        Action::Answer(peer, answer) => {
                            if answer.accepted == Some(false) {
                                self.refusals.strange();
                            }
                            sends.push((peer, SentinelMessage::Answer(answer)));
                        }
                        Action::Err(peer, report) => {
                            sends.push((peer, SentinelMessage::Err(None, report)));
                        }
                        Action::Dispatch(peer, assignment) => assignments.push((peer, assignment)),
                        Action::Abort(peer, attempt) => {
                            let abort = Abort { reason: attempt.reason };
                            sends.push((peer, SentinelMessage::Abort(attempt.job.id, abort)));
                        }
                        Action::Command(command) => {
                            let rows = rows_by_job(&command);
                            let outcome = batch.run(command, &mut self.registrar).await?;
                            self.count(&outcome, &rows);
                            next.extend(life.decider.on(mono_us, Event::Outcome(outcome)));
                        }
                    }
                }
                actions = next;
            }
        }
        self.add_dispatches(life, &mut batch, assignments, &mut sends).await?;
        batch.commit().await?;
        self.send(sends);
        Ok(())
    }

    async fn add_dispatches(
        &self,
        life: &mut Life,
        batch: &mut Batch<'_>,
        assignments: Vec<(Peer, Assignment)>,
        sends: &mut Vec<(Peer, SentinelMessage)>,
    ) -> Result<(), CatalogError> {
        let jobs = assignments.iter().map(|(_, assignment)| assignment.job.id).collect::<Vec<_>>();
        let mut details = batch.details(&jobs).await?;
        for (peer, assignment) in assignments {
            if let Some(detail) = details.remove(&assignment.job.id) {
                let mut dispatch = batch.dispatch(assignment, detail).await?;
                if !life.sent_sources.insert((peer.clone(), dispatch.plugin_version)) {
                    dispatch.plugin_source = None;
                }
                sends.push((peer, SentinelMessage::Dispatch(assignment.job.id, dispatch)));
            }
        }
        Ok(())
    }

    fn send(&self, sends: Vec<(Peer, SentinelMessage)>) {
        if sends.is_empty() {
            return;
        }
        for (peer, message) in sends {
            self.outbox.send(peer, message);
        }
        self.outbox.flush();
    }

    fn count(&self, outcome: &Outcome, rows: &BTreeMap<JobAttempt, u64>) {
        match outcome {
            Outcome::Concluded { concluded, refused, .. } => {
                refused.iter().for_each(|_| self.refusals.strange());
                self.progress.count_completed(concluded.len() as u64);
                self.progress.count_rows(concluded.iter().filter_map(|job| rows.get(job)).sum());
            }
            Outcome::Failed { taken: true, .. } => self.progress.count_failed(),
            _ => {}
        }
    }
}

/// What the receipts of a command say.
fn rows_by_job(command: &Command) -> BTreeMap<JobAttempt, u64> {
    let Command::Conclude { receipts, .. } = command else { return BTreeMap::new() };
    receipts.iter().map(|receipt| (receipt.job, receipt.metrics.rows)).collect()
}

impl Life {
    /// Once in a while: who knocks all the time is no reason to write all the time.
    fn is_to_be_told(&mut self, mono_us: i64) -> bool {
        let is_due = mono_us >= self.tell_at_us;
        if is_due {
            self.tell_at_us = mono_us + TELL_PAUSE_US;
        }
        is_due
    }

    /// A worker that identifies may be new, and one that cannot load a plugin may have lost its source.
    fn forget_sources(&mut self, event: &Event) {
        let lost = |(_, conclude): &(_, Conclude)| conclude.error_class == Some(ErrorClass::Load);
        match event {
            Event::Identify(peer, ..) => self.sent_sources.retain(|(sent, _)| sent != peer),
            Event::Concludes(peer, concludes) if concludes.iter().any(lost) => {
                self.sent_sources.retain(|(sent, _)| sent != peer);
            }
            _ => {}
        }
    }
}

fn process_lives(pid: u32) -> bool {
    let raw = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Not permitted means that it is there, and somebody else's.
    let is_there = raw.is_some_and(|pid| {
        !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    });
    is_there && !is_zombie(pid)
}

/// Killed, and not yet taken note of by its parent: it holds nothing any more.
fn is_zombie(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses and may hold anything.
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|rest| rest.starts_with(['Z', 'X']))
}
