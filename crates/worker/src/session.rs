//! What a worker says to the Sentinel, and what it does with the answers. The one owner of the held jobs; slots and committer
//! do the slow things and report back.

mod orders;
mod outcomes;
mod packs;

use crate::committer::{Committers, Order, Promotable};
use crate::compactor::Compactor;
use crate::event::Event;
use crate::held::{HeldJobs, Phase};
use crate::job::Workshop;
use crate::link::Link;
use crate::packing::Packer;
use crate::packs::Packs;
use crate::plugins::PluginStore;
use crate::queue::JobQueue;
use crate::sinks::Sinks;
use protocol::{
    Busy, CommitId, CrashPoint, ErrorClass, Grant, Heartbeat, HeartbeatAnswer, Identify,
    JobAttempt, JobId, OutputFileId, Refusal, SentinelMessage, SessionToken, Superseded,
    WorkerMessage, crash_point,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Until the Sentinel says otherwise.
const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(2);
/// The Sentinel may forget a worker at any time, but not so that the two do nothing but greet each other.
const IDENTIFY_PAUSE: Duration = Duration::from_millis(200);
/// Until what was neither granted nor refused is announced again.
const DEFERRED_PAUSE: Duration = Duration::from_millis(100);
/// Heartbeats without an answer until another Sentinel is tried.
const SILENT_BEATS_MAX: u32 = 5;

pub struct Session {
    pub link: Link,
    pub queue: Arc<JobQueue>,
    pub committers: Committers,
    plugins: PluginStore,
    pub sinks: Sinks,
    /// Said at every IDENTIFY, with the token of the session to go on with.
    pub identify: Identify,
    pub held: HeldJobs,
    pub packs: Packs,
    pub packer: Packer,
    pub compactor: Compactor,
    retired: Vec<OutputFileId>,
    identified: bool,
    swept: bool,
    awaiting: bool,
    silent_beats: u32,
    heartbeat: Duration,
    next_beat: Instant,
    /// No new jobs are taken.
    pub stopping: bool,
    /// The Sentinel was told that this worker takes nothing more and holds nothing: to it, the session is over.
    has_left: bool,
}

impl Session {
    pub fn new(
        link: Link,
        queue: Arc<JobQueue>,
        committers: Committers,
        packer: Packer,
        compactor: Compactor,
        workshop: &Workshop,
        identify: Identify,
    ) -> Self {
        Self {
            link,
            queue,
            committers,
            plugins: workshop.plugins.clone(),
            sinks: workshop.sinks.clone(),
            identify,
            held: HeldJobs::default(),
            packs: Packs::default(),
            packer,
            compactor,
            retired: Vec::new(),
            identified: false,
            swept: false,
            awaiting: false,
            silent_beats: 0,
            heartbeat: HEARTBEAT_DEFAULT,
            next_beat: Instant::now(),
            stopping: false,
            has_left: false,
        }
    }

    pub fn next_beat(&self) -> Instant {
        self.next_beat
    }

    /// After each round of events: says what is due. What became ready meanwhile goes out as one pack.
    pub fn speak(&mut self) {
        let now = Instant::now();
        if now >= self.next_beat {
            self.beat(now);
        } else if self.identified && !self.awaiting && self.has_news() {
            self.say_heartbeat();
        }
        self.say_conclusions(now);
    }

    fn has_news(&self) -> bool {
        !self.retired.is_empty() || self.held.has_news() || self.packs.has_news()
    }

    fn beat(&mut self, now: Instant) {
        self.silent_beats += 1;
        if self.silent_beats > SILENT_BEATS_MAX {
            self.silent_beats = 0;
            self.link.next_endpoint();
        }
        if self.identified {
            self.say_heartbeat();
        } else if !self.held.has_original() {
            // An original Sentinel takes it for the word of a worker that is free.
            self.link.send(WorkerMessage::Identify(self.identify.clone()));
        }
        self.next_beat = now + self.heartbeat;
    }

    fn say_heartbeat(&mut self) {
        self.awaiting = true;
        let jobs = self.held.list();
        self.has_left |= self.stopping && jobs.is_empty();
        let mut ready = self.held.ready();
        ready.append(&mut self.packs.ready());
        self.link.send(WorkerMessage::Heartbeat(Heartbeat {
            token: self.identify.token.clone(),
            status: if jobs.is_empty() { Busy::Idle } else { Busy::Busy },
            current_job_id: jobs.first().map(|job| job.id),
            jobs,
            ready,
            retired: std::mem::take(&mut self.retired),
            leaving: self.stopping,
        }));
    }

    fn say_conclusions(&mut self, now: Instant) {
        for (job, conclude) in self.held.original_conclusions() {
            self.link.send(WorkerMessage::OriginalConclude(job, conclude));
        }
        let Some(token) = self.identify.token.as_ref().filter(|_| self.identified) else { return };
        let before = now.checked_sub(self.heartbeat).unwrap_or(now);
        for (job, conclude) in self.held.due_conclusions(before, token) {
            self.link.send(WorkerMessage::Conclude(job, conclude));
        }
    }

    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Sentinel(message) => self.on_message(message),
            Event::Ran(job, result) => self.on_ran(job, result),
            Event::Packed(job) => self.on_packed(job),
            Event::PackStaged(commit, jobs) => self.on_pack_staged(commit, jobs),
            Event::Promoted(job, promoted) => self.on_promoted(job, promoted),
            Event::Recovered { job, recovery, result } => {
                self.on_recovered(job, recovery, result);
            }
            Event::Retired(mut files) => self.retired.append(&mut files),
            Event::Stop | Event::Kill => {}
        }
    }

    fn on_message(&mut self, message: SentinelMessage) {
        self.silent_beats = 0;
        match message {
            SentinelMessage::Dispatch(id, dispatch) => {
                let job = JobAttempt { id, attempt: dispatch.attempt };
                self.on_dispatch(job, dispatch);
            }
            SentinelMessage::OriginalDispatch(id, original) => {
                self.on_original_dispatch(id, original);
            }
            SentinelMessage::Abort(id, abort) => {
                let reason = if abort.reason.is_empty() { ABORTED } else { &abort.reason };
                self.on_abort(id, reason);
            }
            SentinelMessage::Answer(answer) => self.on_answer(answer),
            SentinelMessage::Err(job, error) => {
                let job = job.map(|job| job.to_string());
                tracing::warn!(job, message = error.message, "the Sentinel refused a message");
            }
        }
    }

    fn on_answer(&mut self, answer: HeartbeatAnswer) {
        self.awaiting = false;
        match answer.accepted {
            Some(true) => self.on_accepted(&answer),
            Some(false) => self.on_unknown(),
            None => {}
        }
        for refusal in answer.plugin_refusals {
            tracing::warn!(plugin = refusal.name, reason = refusal.reason, "plugin refused");
        }
        self.on_granted(answer.granted);
        self.on_refused(&answer.refused);
        if !answer.deferred.is_empty() {
            self.next_beat = self.next_beat.min(Instant::now() + DEFERRED_PAUSE);
        }
        for job in answer.concluded {
            let ended =
                self.held.of(job).is_some_and(|held| matches!(held.phase, Phase::Ended { .. }));
            if ended {
                self.held.0.remove(&job.id);
            }
        }
        if !answer.retire.is_empty() {
            self.order(Order::Retire(answer.retire));
        }
        answer.compact.into_iter().for_each(|order| self.on_compact(order));
    }

    fn on_accepted(&mut self, answer: &HeartbeatAnswer) {
        let seconds = answer.heartbeat_s.filter(|seconds| *seconds > 0.0 && seconds.is_finite());
        if let Some(heartbeat) = seconds {
            self.heartbeat = Duration::from_secs_f64(heartbeat.clamp(0.01, 3_600.0));
        }
        self.identify.token.clone_from(&answer.session);
        self.identified = true;
        self.next_beat = Instant::now() + self.heartbeat;
        if !self.swept {
            self.swept = true;
            // At once: the jobs that follow may already need the directories.
            self.sinks.keep(&answer.keep_staging);
            self.order(Order::Sweep);
        }
    }

    /// The Sentinel was restarted, or had given this worker up.
    fn on_unknown(&mut self) {
        if self.identified {
            self.identified = false;
            self.next_beat = Instant::now();
        } else {
            self.next_beat = Instant::now() + IDENTIFY_PAUSE;
        }
    }

    fn on_granted(&mut self, granted: Vec<Grant>) {
        let mut commits = BTreeMap::<CommitId, BTreeSet<JobAttempt>>::new();
        for grant in granted {
            let job = JobAttempt { id: grant.id, attempt: grant.attempt };
            if grant.commit_id == CommitId::from(job.id) {
                self.promote(job, grant.supersede);
            } else {
                commits.entry(grant.commit_id).or_default().insert(job);
            }
        }
        for (commit, jobs) in commits {
            self.promote_pack(commit, &jobs);
        }
    }

    fn on_refused(&mut self, refused: &[Refusal]) {
        let attempt = |refusal: &Refusal| JobAttempt { id: refusal.id, attempt: refusal.attempt };
        let attempts = refused.iter().map(attempt).collect::<BTreeSet<_>>();
        for refusal in refused {
            self.give_up(refusal);
        }
        for anew in self.packs.take_refused(&attempts) {
            self.pack_anew(anew);
        }
    }

    fn promote(&mut self, job: JobAttempt, supersede: Vec<Superseded>) {
        let Some(held) = self.held.of(job) else { return };
        let Phase::Staged { outputs, metrics, .. } = &mut held.phase else { return };
        let (outputs, metrics) = (std::mem::take(outputs), std::mem::take(metrics));
        held.phase = Phase::Promoting { outputs: outputs.clone(), metrics };
        crash_point(CrashPoint::Granted);
        self.order(Order::Promote(Promotable { jobs: vec![job], files: outputs, supersede }));
    }

    /// A refusal counts only before the grant: what was granted is promoted or found gone.
    fn give_up(&mut self, refusal: &Refusal) {
        let job = JobAttempt { id: refusal.id, attempt: refusal.attempt };
        let Some(held) = self.held.of(job) else { return };
        if !matches!(held.phase, Phase::Promoting { .. } | Phase::Recovering { .. }) {
            self.forget(job.id, &refusal.reason);
        }
    }

    /// The attempt is none of this worker's any more.
    fn forget(&mut self, id: JobId, reason: &str) {
        let Some(held) = self.held.0.remove(&id) else { return };
        held.control.abort(reason);
        self.queue.remove(JobAttempt { id, attempt: held.attempt });
        if let Phase::Staged { outputs, .. } = held.phase {
            self.order(Order::Discard(outputs));
        }
    }

    /// No new jobs; what waits is given back at once.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.queue.begin_closing();
        self.farewell();
        let jobs =
            self.held.0.iter().map(|(id, held)| JobAttempt { id: *id, attempt: held.attempt });
        for job in jobs.collect::<Vec<_>>() {
            self.end_if_queued(job, STOPPING);
        }
        let all = self.held.0.values();
        for held in all.filter(|held| matches!(held.phase, Phase::Compacting)) {
            held.control.abort(STOPPING);
        }
    }

    /// Tells the Sentinel that this worker takes nothing more, and what it still holds.
    pub fn farewell(&mut self) {
        if self.identified && !self.has_left {
            self.say_heartbeat();
        }
    }

    fn end_if_queued(&mut self, job: JobAttempt, reason: &str) {
        if self.queue.remove(job)
            && let Some(held) = self.held.of(job)
        {
            held.fail(ErrorClass::Aborted, reason.to_owned(), None);
        }
    }

    pub fn abort_running(&self, reason: &str) {
        for held in self.held.0.values() {
            held.control.abort(reason);
        }
    }

    pub fn token(&self) -> Option<&SessionToken> {
        self.identify.token.as_ref()
    }

    fn order(&self, order: Order) {
        self.committers.order(order);
    }
}

pub const STOPPING: &str = "the worker is stopping";
/// An original Sentinel gives no reason.
const ABORTED: &str = "the Sentinel aborted the job";
