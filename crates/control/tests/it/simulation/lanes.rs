//! Both lanes full of work: each gets its share of the workers' time, and all of it when the other is empty.

use super::rng::Rng;
use super::sentinel::TIMING;
use catalog::Lane;
use control::sentinel::decide::{
    Action, Claimed, Command, Decider, Event, Hint, Outcome, Peer, Want,
};
use protocol::{
    Conclude, ConcludeStatus, Heartbeat, Identify, JobAttempt, JobId, JobProgress, Metrics,
    WorkerMessage,
};
use std::collections::BTreeMap;

/// Workers that only take time, and a queue that never ends.
struct Mill {
    decider: Decider,
    rng: Rng,
    now_us: i64,
    want: Want,
    jobs: i64,
    /// The job's end and lane, by worker and job.
    running: Vec<BTreeMap<JobId, (i64, Lane)>>,
    had_us: BTreeMap<Lane, i64>,
}

/// How long a job takes.
fn length_us(lane: Lane) -> i64 {
    match lane {
        Lane::Fresh => 60_000,
        Lane::Backfill => 2_500_000,
    }
}

impl Mill {
    fn new(workers: usize, want: Want) -> Self {
        let mut mill = Self {
            decider: Decider::new(TIMING, Vec::new(), 0),
            rng: Rng::new(workers as u64),
            now_us: 0,
            want,
            jobs: 0,
            running: vec![BTreeMap::new(); workers],
            had_us: BTreeMap::new(),
        };
        for worker in 0..workers {
            let identify = Identify { slots: 1, ..Identify::default() };
            let session = format!("s{worker}").parse().unwrap();
            mill.on(Event::Identify(peer(worker), identify, session));
        }
        mill
    }

    fn on(&mut self, event: Event) {
        let mut actions = self.decider.on(self.now_us, event);
        while let Some(action) = actions.pop() {
            if let Action::Command(command) = action
                && let Some(outcome) = self.apply(command)
            {
                actions.extend(self.decider.on(self.now_us, Event::Outcome(outcome)));
            }
        }
    }

    fn apply(&mut self, command: Command) -> Option<Outcome> {
        match command {
            Command::Register { peer, identify, fresh } => {
                let refusals = Vec::new();
                Some(Outcome::Registered { peer, session: fresh, identify, refusals })
            }
            Command::Claim { session, lane, limit } => {
                let is_there = match lane {
                    Lane::Fresh => self.want.fresh,
                    Lane::Backfill => self.want.backfill,
                };
                let worker: usize = session.as_str()[1..].parse().unwrap();
                let jobs = (0..limit).filter(|_| is_there).map(|_| self.take(worker, lane));
                let jobs = jobs.collect();
                Some(Outcome::Claimed { session, lane, asked: limit, jobs })
            }
            Command::ClaimFor { .. } => unreachable!("no worker here is an original one"),
            Command::ClaimSuspect { session } => {
                Some(Outcome::SuspectClaimed { session, job: None })
            }
            Command::Fail { session, failure } => {
                Some(Outcome::Failed { session, job: failure.job, taken: true })
            }
            Command::Admit => Some(Outcome::Admitted { queued: 0 }),
            _ => None,
        }
    }

    fn take(&mut self, worker: usize, lane: Lane) -> Claimed {
        self.jobs += 1;
        let id = JobId::new(self.jobs);
        self.running[worker].insert(id, (self.now_us + length_us(lane), lane));
        let job = JobAttempt { id, attempt: 1 };
        Claimed { job, failures: 0, losses: 0, retries: None, lane }
    }

    /// So much time passes. What is over is reported as failed: that ends a job in one message.
    fn go_on(&mut self, for_us: i64) {
        let until_us = self.now_us + for_us;
        while self.now_us < until_us {
            let step_us = self.rng.below(20_000) as i64;
            self.now_us += step_us;
            for worker in 0..self.running.len() {
                for (_, lane) in self.running[worker].values() {
                    *self.had_us.entry(*lane).or_default() += step_us;
                }
                self.speak(worker);
            }
            self.on(Event::Tick);
            let (suspects, held, retirements) = (false, false, false);
            self.on(Event::Hint(Hint {
                want: self.want,
                suspects,
                held,
                retirements,
                compactions: false,
            }));
        }
    }

    fn speak(&mut self, worker: usize) {
        let token = Some(format!("s{worker}").parse().unwrap());
        let over = self.running[worker].iter().filter(|(_, (end, _))| *end <= self.now_us);
        let over = over.map(|(id, _)| *id).collect::<Vec<_>>();
        for id in over {
            self.running[worker].remove(&id);
            let conclude = Conclude {
                status: ConcludeStatus::Failed,
                token: token.clone(),
                attempt: 1,
                recovery: 0,
                metrics: Metrics::default(),
                artifacts: Vec::new(),
                error_message: None,
                error_class: None,
                retryable: None,
            };
            self.on(Event::Message(peer(worker), WorkerMessage::Conclude(id, conclude)));
        }
        let listed = self.running[worker].keys();
        let jobs =
            listed.map(|id| JobProgress { id: *id, attempt: 1, rows: 0, bytes: 0, packed: false });
        let heartbeat = Heartbeat { token, jobs: jobs.collect(), ..Heartbeat::default() };
        self.on(Event::Message(peer(worker), WorkerMessage::Heartbeat(heartbeat)));
    }

    /// The part of the time that the backfill lane had, and the part of the workers that was busy.
    fn shares(&self) -> (f64, f64) {
        let had = |lane| self.had_us.get(&lane).copied().unwrap_or_default() as f64;
        let all = had(Lane::Fresh) + had(Lane::Backfill);
        let room = self.now_us as f64 * self.running.len() as f64;
        (had(Lane::Backfill) / all, all / room)
    }
}

fn peer(worker: usize) -> Peer {
    Peer(vec![worker as u8])
}

#[test]
fn each_lane_gets_its_share_of_the_time_however_long_its_jobs_are() {
    for workers in [1, 2, 8] {
        let mut mill = Mill::new(workers, Want::BOTH);
        mill.go_on(120_000_000);
        let (backfill, busy) = mill.shares();
        assert!((0.2..0.3).contains(&backfill), "{workers} workers: {backfill}");
        assert!(busy > 0.85, "{workers} workers: {busy}");
    }
}

#[test]
fn a_lane_alone_gets_everything() {
    for (want, share) in
        [(Want { fresh: true, backfill: false }, 0.0), (Want { fresh: false, backfill: true }, 1.0)]
    {
        let mut mill = Mill::new(3, want);
        mill.go_on(30_000_000);
        let (backfill, busy) = mill.shares();
        assert_eq!(backfill, share);
        assert!(busy > 0.8, "{want:?}: {busy}");
    }
}

#[test]
fn a_lane_that_comes_back_does_not_wait_for_what_the_other_had_meanwhile() {
    let mut mill = Mill::new(2, Want { fresh: false, backfill: true });
    mill.go_on(60_000_000);
    mill.want = Want::BOTH;
    mill.had_us.clear();
    let before_us = mill.now_us;
    mill.go_on(60_000_000);
    let fresh = mill.had_us[&Lane::Fresh] as f64 / (2.0 * (mill.now_us - before_us) as f64);
    assert!((0.6..0.85).contains(&fresh), "{fresh}");
}
