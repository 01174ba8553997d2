//! What the worker's main thread is told by the others.

use crate::failure::JobFailure;
use crate::job::SealedJob;
use crate::packing::PackedJob;
use crate::sinks::Recovered;
use protocol::{CommitId, JobAttempt, OutputFileId, SentinelMessage};
use std::time::Duration;

#[derive(Debug)]
pub enum Event {
    Sentinel(SentinelMessage),
    /// A slot has run the attempt, or a pack failed with it.
    Ran(JobAttempt, Result<SealedJob, JobFailure>),
    /// A slot has run the attempt, and its rows go to the open pack.
    Packed(JobAttempt),
    /// A pack is durable.
    PackStaged(CommitId, Vec<PackedJob>),
    Promoted(JobAttempt, Promoted),
    Recovered {
        job: JobAttempt,
        recovery: u32,
        result: Result<Recovered, String>,
    },
    Retired(Vec<OutputFileId>),
    Stop,
    Kill,
}

#[derive(Debug, Clone)]
pub enum Promoted {
    /// Durable.
    Done(Duration),
    /// Somebody took the staged files: who recovers the job reports on it.
    Taken,
    /// It stays COMMITTING, and its recovery goes on from what is there.
    Failed(String),
}
