//! The Sentinel's heart: a state machine without I/O or clock of its own. An event and the time go in, actions come out.
//! It remembers leases and credit only; what must outlive it is in the catalog, and each command checks itself there.

mod decider;
mod event;
mod jobs;
mod lanes;
mod message;
mod outcome;
mod retry;
mod tick;
mod worker;

pub use decider::{Decider, Timing};
pub use event::{
    AbortedAttempt, Action, Assignment, Claimed, Command, Event, Failure, Hint, InFlight, NextStep,
    Outcome, Peer, Receipt, Requeue,
};
pub use lanes::Want;
