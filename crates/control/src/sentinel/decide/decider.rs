//! What the Sentinel remembers, and the entry of every event.

use super::compactions::Compactions;
use super::event::{Action, Command, Event, Hint, InFlight, Peer};
use super::jobs::Held;
use super::lanes::{Lanes, Load, Want};
use super::worker::{Pace, Worker};
use protocol::{CommitId, ErrReport, Identify, JobId, OutputFileId, SessionToken};
use std::collections::{BTreeMap, BTreeSet};

/// Durations that decisions depend on, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub lease_us: i64,
    pub heartbeat_us: i64,
}

/// Commands whose outcome is still to come: what they will bring is not asked for twice.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Jobs that were asked for, by session.
    pub claims: BTreeMap<SessionToken, usize>,
    /// The same, by lane.
    pub lanes: Load,
    pub recoveries: BTreeSet<CommitId>,
}

#[derive(Debug)]
pub struct Decider {
    pub(super) timing: Timing,
    pub(super) workers: BTreeMap<SessionToken, Worker>,
    pub(super) held: BTreeMap<JobId, Held>,
    pub(super) hint: Hint,
    pub(super) lanes: Lanes,
    pub(super) asked: Asked,
    pub(super) pace: Pace,
    /// The worker that is kept free to run suspects one by one.
    pub(super) alone: Option<SessionToken>,
    /// Files that a worker was asked to move to `_history`, and when.
    pub(super) retiring: BTreeMap<OutputFileId, i64>,
    pub(super) compactions: Compactions,
    pub(super) last_tick_us: i64,
}

impl Decider {
    /// What was in flight gets a whole lease to be heard of again: its workers may be there.
    pub fn new(timing: Timing, in_flight: Vec<InFlight>, now_us: i64) -> Self {
        let held = in_flight
            .into_iter()
            .map(|job| (job.claimed.job.id, Held::at_start(job, now_us + timing.lease_us)))
            .collect();
        Self {
            timing,
            workers: BTreeMap::new(),
            held,
            hint: Hint {
                want: Want::BOTH,
                suspects: true,
                held: true,
                retirements: true,
                compactions: false,
            },
            lanes: Lanes::default(),
            asked: Asked::default(),
            pace: Pace::default(),
            alone: None,
            retiring: BTreeMap::new(),
            compactions: Compactions::new(now_us),
            last_tick_us: now_us,
        }
    }

    pub fn on(&mut self, now_us: i64, event: Event) -> Vec<Action> {
        let actions = self.decide(now_us, event);
        self.spare_originals(actions)
    }

    fn decide(&mut self, now_us: i64, event: Event) -> Vec<Action> {
        match event {
            Event::Identify(peer, identify, fresh) => vec![self.on_identify(peer, identify, fresh)],
            Event::Message(peer, message) => self.on_message(now_us, peer, message),
            Event::Concludes(peer, concludes) => self.on_concludes(now_us, &peer, concludes),
            Event::Malformed(peer, message) => {
                vec![Action::Err(peer, ErrReport { message, ..ErrReport::default() })]
            }
            Event::Unreachable(peer) => self.on_unreachable(&peer),
            Event::Tick => self.on_tick(now_us),
            Event::Hint(hint) => self.on_hint(now_us, hint),
            Event::WorkerDied(session) => self.on_worker_died(now_us, &session),
            Event::Aborted(attempts) => self.on_aborted(now_us, attempts),
            Event::Outcome(outcome) => self.on_outcome(now_us, outcome),
        }
    }

    /// A worker that asks twice, because the first answer is late, has one session all the same.
    fn on_identify(&self, peer: Peer, mut identify: Identify, fresh: SessionToken) -> Action {
        if identify.token.is_none() {
            let known = self.workers.values().find(|worker| worker.peer == peer);
            identify.token = known.map(|worker| worker.session.clone());
        }
        Action::Command(Command::Register { peer, identify, fresh })
    }

    /// Whether nothing is in flight and nothing is known that could be done.
    pub fn is_idle(&self) -> bool {
        self.held.is_empty() && self.hint == Hint::default()
    }

    pub fn knows(&self, peer: &Peer) -> bool {
        self.workers.values().any(|worker| worker.peer == *peer)
    }

    pub fn workers_len(&self) -> usize {
        self.workers.len()
    }

    pub fn in_flight_len(&self) -> usize {
        self.held.len()
    }
}
