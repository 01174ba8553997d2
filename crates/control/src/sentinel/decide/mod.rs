//! The Sentinel's heart: a state machine without I/O or clock of its own. An event and the time go in, actions come out.
//! It remembers leases and credit only; what must outlive it is in the catalog, and each command checks itself there.
//!
//! # How a step goes
//!
//! `driver` turns what came in into events and hands them over one by one. Each gives actions: words to workers (`Answer`, `Dispatch`,
//! `Abort`, `Err`) and `Command`s to the catalog. What a command led to comes back as `Event::Outcome` and may give further actions. All
//! commands of a step are one transaction, and nothing is said before it is committed; if it fails, the `Decider` is thrown away and a
//! new one begins with what the catalog says is in flight. So nothing here may be the only place that knows something.
//!
//! | event | from | leads to |
//! |---|---|---|
//! | `Identify`, `Message`, `Concludes`, `Malformed` | a worker | a session; leases renewed; `Grant`, `Conclude`, `Fail`, `Lost` |
//! | `Unreachable` | the socket | a worker of the original v4 is forgotten |
//! | `Tick` | the clock, every step | leases that end: `Requeue` or a recovery; silent workers are forgotten; work is given |
//! | `Hint` | a look at the catalog | what there is to claim, to admit, to move to `_history`, to compact |
//! | `WorkerDied` | a process of this host that is gone | its leases end at once |
//! | `Aborted` | a person's request, committed already | the worker is told; its room is free |
//! | `Outcome` | a command | memory follows the catalog |
//!
//! # A job in here
//!
//! `Held` is a job that somebody has: `Running` under a lease, or `Committing`, granted and only going forward. A job that is in no
//! `Held` waits in the catalog or has ended.
//!
//! ```text
//! Claim -> Running -- Grant --> Committing{0} -- Conclude --> (gone: COMPLETED)
//!             |                    | lease ends, or it cannot be promoted
//!             |                    v
//!             |               BeginRecovery -> Committing{n} -- Lost{n} --> (gone: QUEUED, a new attempt)
//!             +-- Fail, Requeue, Aborted --> (gone: PENDING, QUEUED, FAILED or ABORTED)
//! ```
//!
//! # What must stay true
//!
//! - Whoever speaks of a job must name its attempt and hold its session; who does not is refused, and loses his staging at most.
//! - A session speaks from the connection that it identified with. A connection has one session.
//! - A lease is renewed only by its holder's listing the job. Two heartbeats without it, after its DISPATCH, and the job is given again.
//! - A Sentinel that was away forgives everybody that time.
//! - A `Committing` job never goes back but by `Lost` of its newest recovery.
//! - The jobs of a pack are granted together, and recovered together by one worker: they share files.
//! - A job whose rows wait in a pack takes no credit any more, and is no suspect when its worker is lost: it has run.
//! - A compaction is held like a job, takes no credit, and is forgotten when its worker is lost before the grant; after it, it goes forward like any.
//! - What is asked of the catalog and not answered is not asked again (`Asked`).
//! - Jobs that were running when a worker was lost run alone, one at a time, on a worker kept free for them.
//!
//! # What an error leads to (`retry`)
//!
//! | error class | next | costs an attempt |
//! |---|---|---|
//! | plugin | fail | yes |
//! | load | fail | yes |
//! | input | fail | yes |
//! | crash | back off | yes |
//! | timeout | back off | yes |
//! | memory | back off | yes |
//! | sink | back off | yes |
//! | lost | back off | yes |
//! | changed | look again | no |
//! | aborted | requeue | no |
//! | worker_lost | requeue | no |
//! | storage | back off | no |
//!
//! Back off: after 4, 16 and 64 s, each a fifth longer or shorter; then FAILED. Where it costs no attempt it is 4 s every time, without end. A
//! plugin's RETRIES takes the place of both "fail" and the three. A lease that ends costs no attempt: the first loss makes a suspect, and the third one that happened alone makes it FAILED.
//! A job that takes its Sentinel down too, as one can in `run` and `serve`, is FAILED when that happened ten times alone.
//! A `lost` of a COMMITTING job is no failure: it runs again at once.
//!
//! # Who gets what (`tick`, `lanes`, `worker`)
//!
//! Recoveries first, then one suspect, then claims: per worker its free credit (slots times the bunch that the mean length of jobs allows,
//! less what it has), split between the lanes so that each gets its share of the time.

mod compactions;
mod decider;
mod event;
mod jobs;
mod lanes;
mod message;
mod original;
mod outcome;
mod packs;
mod retry;
mod tick;
mod worker;

pub use compactions::Compact;
pub use decider::{Decider, Timing};
pub use event::{
    AbortedAttempt, Action, Assignment, Claimed, Command, Event, Failure, Hint, InFlight, NextStep,
    Outcome, Peer, Receipt, Recovery, Requeue,
};
pub use lanes::Want;
