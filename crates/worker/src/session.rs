//! What a worker says to the Sentinel, and what it does with the answers. The one owner of the held jobs; slots and committer
//! do the slow things and report back.

use crate::committer::{Order, Promotable, Recoverable};
use crate::compactor::Compactor;
use crate::event::{Event, Promoted};
use crate::failure::JobFailure;
use crate::held::{Held, HeldJobs, Phase};
use crate::job::{SealedJob, Workshop};
use crate::link::Link;
use crate::original::{ATTEMPT, dispatch_of};
use crate::packing::{PackAnew, PackedJob, Packer};
use crate::packs::{Packs, files_of};
use crate::plugins::PluginStore;
use crate::queue::{JobQueue, QueuedJob};
use crate::sinks::{Recovered, Sinks};
use crossbeam_channel::Sender;
use protocol::{
    Busy, Commit, CommitId, Compaction, CrashPoint, Dispatch, ErrorClass, Grant, Heartbeat,
    HeartbeatAnswer, Identify, JobAttempt, JobId, JobKind, Metrics, OriginalDispatch, OutputFileId,
    Refusal, SentinelMessage, SessionToken, StagedOutput, Superseded, WorkerMessage, crash_point,
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
    pub orders: Sender<Order>,
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
        orders: Sender<Order>,
        packer: Packer,
        compactor: Compactor,
        workshop: &Workshop,
        identify: Identify,
    ) -> Self {
        Self {
            link,
            queue,
            orders,
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

    /// What is granted goes on: the Sentinel aborts none of that, and a message may be late.
    fn on_abort(&mut self, id: JobId, reason: &str) {
        let Some(held) = self.held.0.get_mut(&id) else { return };
        let job = JobAttempt { id, attempt: held.attempt };
        match &mut held.phase {
            Phase::Running => {
                held.control.abort(reason);
                self.end_if_queued(job, reason);
            }
            Phase::Staged { outputs, .. } => {
                let outputs = std::mem::take(outputs);
                held.fail(ErrorClass::Aborted, reason.to_owned(), None);
                self.order(Order::Discard(outputs));
            }
            Phase::Packed => held.fail(ErrorClass::Aborted, reason.to_owned(), None),
            // It may be granted already. The Sentinel refuses it otherwise, and then its pack is written anew.
            Phase::InPack { .. } => {}
            Phase::Compacting => held.control.abort(reason),
            Phase::Promoting { .. } | Phase::Recovering { .. } | Phase::Ended { .. } => {}
        }
    }

    fn on_dispatch(&mut self, job: JobAttempt, dispatch: Dispatch) {
        let known = self.held.0.get(&job.id).map(|held| (held.attempt, held.recovery));
        if known.is_some_and(|known| known >= (dispatch.attempt, dispatch.recovery)) {
            return;
        }
        if known.is_some() {
            self.forget(job.id, "a newer attempt was dispatched");
        }
        match dispatch.kind {
            // Not listed, it is given to another worker soon.
            JobKind::Recover if self.stopping => {}
            JobKind::Recover => {
                let commit = job.commit(dispatch.commit_id.unwrap_or(CommitId::from(job.id)));
                self.recover(job, commit, dispatch.recovery, dispatch.outputs);
            }
            JobKind::Process | JobKind::Trial => self.enqueue(job, dispatch),
            kind @ (JobKind::Retract | JobKind::Compact) => {
                let text = format!("this worker does not know jobs of kind {kind:?}");
                let held = self.held.0.entry(job.id).or_insert(Held::running(job.attempt));
                held.fail(ErrorClass::Sink, text, Some(false));
            }
        }
    }

    /// Served without grant, so that a crash between publishing and concluding may double it, as it always could there.
    fn on_original_dispatch(&mut self, id: JobId, original: OriginalDispatch) {
        if self.held.0.contains_key(&id) {
            return;
        }
        let job = JobAttempt { id, attempt: ATTEMPT };
        match dispatch_of(original, &self.identify.plugins) {
            Ok(dispatch) => self.enqueue(job, dispatch),
            Err(failure) => {
                let mut held = Held::running(ATTEMPT);
                held.fail(failure.class, failure.message, failure.retryable);
                self.held.0.insert(id, held);
            }
        }
        if let Some(held) = self.held.of(job) {
            held.is_original = true;
        }
    }

    fn enqueue(&mut self, job: JobAttempt, dispatch: Dispatch) {
        let mut held = Held::running(job.attempt);
        if self.stopping {
            held.fail(ErrorClass::Aborted, STOPPING.to_owned(), None);
        } else {
            // The jobs after this one come without the source, and another slot may start them first.
            // What is wrong with it is said by the job that needs it.
            let _ = self.plugins.source_path(&dispatch);
            let control = held.control.clone();
            self.queue.push(QueuedJob { job, dispatch: Box::new(dispatch), control });
        }
        self.held.0.insert(job.id, held);
    }

    /// Files that are to become one, or that somebody was granted to make one.
    fn on_compact(&mut self, order: Compaction) {
        let job = order.job();
        let known = self.held.0.get(&job.id).map(|held| held.recovery);
        if self.stopping || known.is_some_and(|known| known >= order.recovery) {
            return;
        }
        if order.recovery > 0 {
            let outputs = order.output.into_iter().collect();
            return self.recover(job, job.into(), order.recovery, outputs);
        }
        let held = Held { phase: Phase::Compacting, ..Held::running(job.attempt) };
        self.compactor.take(order, held.control.clone());
        self.held.0.insert(job.id, held);
    }

    fn recover(
        &mut self,
        job: JobAttempt,
        commit: Commit,
        recovery: u32,
        outputs: Vec<StagedOutput>,
    ) {
        let held = Held { recovery, ..Held::running(job.attempt) };
        self.held.0.insert(job.id, held);
        if let Some(held) = self.held.of(job) {
            held.phase = Phase::Recovering { outputs: outputs.clone() };
        }
        self.order(Order::Recover(Recoverable { job, commit, recovery, outputs }));
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

    fn promote_pack(&mut self, commit: CommitId, granted: &BTreeSet<JobAttempt>) {
        let Some(files) = self.packs.take_granted(commit, granted) else { return };
        let mut jobs = Vec::with_capacity(granted.len());
        for job in granted {
            let Some(held) = self.held.of(*job) else { continue };
            if let Phase::InPack { outputs, metrics } = &mut held.phase {
                let (outputs, metrics) = (std::mem::take(outputs), std::mem::take(metrics));
                held.phase = Phase::Promoting { outputs, metrics };
                jobs.push(*job);
            }
        }
        crash_point(CrashPoint::Granted);
        self.order(Order::Promote(Promotable { jobs, files, supersede: Vec::new() }));
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

    /// Without those that were given up meanwhile.
    fn pack_anew(&mut self, mut anew: PackAnew) {
        anew.jobs.retain(|one| match self.held.of(one.job) {
            Some(held) if held.is_packed() => {
                held.phase = Phase::Packed;
                true
            }
            _ => false,
        });
        if anew.jobs.is_empty() {
            self.order(Order::Discard(anew.files));
        } else {
            self.packer.pack_anew(anew);
        }
    }

    fn on_packed(&mut self, job: JobAttempt) {
        let Some(held) = self.held.of(job) else { return };
        if !matches!(held.phase, Phase::Running) {
            return;
        }
        match held.control.abort_reason().map(str::to_owned) {
            Some(reason) => held.fail(ErrorClass::Aborted, reason, None),
            None => held.phase = Phase::Packed,
        }
    }

    /// All of a pack is announced, or it is written anew without those that are not wanted any more.
    fn on_pack_staged(&mut self, commit: CommitId, jobs: Vec<PackedJob>) {
        let mut is_whole = true;
        for one in &jobs {
            let held = self.held.of(one.job);
            is_whole &= held.is_some_and(|held| matches!(held.phase, Phase::Packed));
        }
        if !is_whole {
            let files = files_of(&jobs);
            return self.pack_anew(PackAnew { files, jobs });
        }
        for one in &jobs {
            if let Some(held) = self.held.of(one.job) {
                let (outputs, metrics) = (one.outputs.clone(), one.metrics.clone());
                held.phase = Phase::InPack { outputs, metrics };
            }
        }
        self.packs.add(commit, jobs);
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

    fn on_ran(&mut self, job: JobAttempt, result: Result<SealedJob, JobFailure>) {
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
    fn on_promoted(&mut self, job: JobAttempt, promoted: Promoted) {
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

    fn on_recovered(&mut self, job: JobAttempt, recovery: u32, result: Result<Recovered, String>) {
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
        // The committer ends only after this sender is gone.
        let _ = self.orders.send(order);
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

pub const STOPPING: &str = "the worker is stopping";
/// An original Sentinel gives no reason.
const ABORTED: &str = "the Sentinel aborted the job";
