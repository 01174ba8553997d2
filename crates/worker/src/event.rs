//! What the worker's main thread is told by the others.

use crate::failure::JobFailure;
use crate::job::SealedJob;
use crate::sinks::{Recovered, SinkError};
use protocol::{ArtifactId, JobAttempt, SentinelMessage};
use std::time::Duration;

#[derive(Debug)]
pub enum Event {
    Sentinel(SentinelMessage),
    /// A slot has run the attempt.
    Ran(JobAttempt, Result<SealedJob, JobFailure>),
    Promoted(JobAttempt, Promoted),
    Recovered {
        job: JobAttempt,
        recovery: u32,
        result: Result<Recovered, SinkError>,
    },
    Retired(Vec<ArtifactId>),
    Stop,
    Kill,
}

#[derive(Debug)]
pub enum Promoted {
    /// Durable.
    Done(Duration),
    /// Somebody took the staged files: who recovers the job reports on it.
    Taken,
    /// It stays COMMITTING, and its recovery goes on from what is there.
    Failed(String),
}
