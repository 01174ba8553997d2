//! The vocabulary between deciding and doing: events go in, actions come out, and what an action led to comes back as an event.

use super::compactions::{Compact, claimed};
use super::lanes::Want;
use catalog::{CompactionPlan, Lane};
use protocol::{
    ArtifactReceipt, Commit, CommitId, Compaction, Conclude, ErrReport, ErrorClass, Grant,
    HeartbeatAnswer, Identify, JobAttempt, JobId, Metrics, OutputFileId, PluginRefusal, ReadyJob,
    Refusal, Retirement, SessionToken, WorkerMessage,
};

/// The socket identity of a worker. It is not a secret and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(pub Vec<u8>);

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// IDENTIFY, with a token that nobody has seen, for the case that a new session is made.
    Identify(Peer, Identify, SessionToken),
    Message(Peer, WorkerMessage),
    /// CONCLUDEs that came in a row, so that one transaction takes them.
    Concludes(Peer, Vec<(JobId, Conclude)>),
    /// Frames that are no message.
    Malformed(Peer, String),
    /// There is no connection by which the peer could be told anything.
    Unreachable(Peer),
    /// Time has passed.
    Tick,
    /// What a look at the catalog found.
    Hint(Hint),
    /// A process on this host that held a session is gone.
    WorkerDied(SessionToken),
    /// A person ended these attempts: it is in the catalog already.
    Aborted(Vec<AbortedAttempt>),
    Outcome(Outcome),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbortedAttempt {
    pub job: JobAttempt,
    /// For the worker's log: who wanted it.
    pub reason: String,
}

/// What there may be to do, by a cheap look at the catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// Lanes with jobs that could be claimed.
    pub want: Want,
    /// Jobs that were running when a worker was lost: they run alone.
    pub suspects: bool,
    /// Held jobs that may be released.
    pub held: bool,
    /// Superseded files that still lie among the current ones.
    pub retirements: bool,
    /// Files with rows that nobody needs any more.
    pub compactions: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Answer(Peer, HeartbeatAnswer),
    Err(Peer, ErrReport),
    Dispatch(Peer, Assignment),
    Abort(Peer, AbortedAttempt),
    Command(Command),
}

/// A job that goes to a worker; the doing part adds what the payload needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub job: JobAttempt,
    /// None: process the file; else how it was granted, and the how-manieth recovery this is.
    pub recovery: Option<(CommitId, u32)>,
}

/// A change of the catalog. Each checks the job's state, attempt and session itself, so none can do harm by coming late or twice.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Register {
        peer: Peer,
        identify: Identify,
        fresh: SessionToken,
    },
    Claim {
        session: SessionToken,
        lane: Lane,
        limit: usize,
    },
    ClaimSuspect {
        session: SessionToken,
    },
    /// One job of these plugins, for a worker that can take no other.
    ClaimFor {
        session: SessionToken,
        plugins: Vec<String>,
    },
    Grant {
        session: SessionToken,
        ready: Vec<ReadyJob>,
    },
    Conclude {
        session: SessionToken,
        receipts: Vec<Receipt>,
    },
    Fail {
        session: SessionToken,
        failure: Failure,
    },
    Requeue {
        jobs: Vec<Requeue>,
    },
    BeginRecovery {
        job: JobAttempt,
        session: SessionToken,
    },
    Lost {
        job: JobAttempt,
        recovery: u32,
    },
    Admit,
    Retirements,
    MarkRetired {
        files: Vec<OutputFileId>,
    },
    Compact(Compact),
    WorkerLost {
        session: SessionToken,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub job: JobAttempt,
    pub metrics: Metrics,
    pub artifacts: Vec<ArtifactReceipt>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub job: JobAttempt,
    pub class: ErrorClass,
    pub message: String,
    pub metrics: Metrics,
    pub next: NextStep,
}

/// Where a failed attempt leaves its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Spent.
    Fail,
    /// Another attempt, not before this many microseconds from now.
    Retry { after_us: i64 },
    /// The bytes are not those of the version: the tagger looks again.
    LookAgain,
    /// Another attempt at once; this one costs nothing.
    Requeue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requeue {
    pub job: JobAttempt,
    /// Losses that the job has seen with this one; 0 takes none into account.
    pub losses: u32,
    /// Lost alone too often: FAILED instead.
    pub spent: bool,
}

/// A job as the Sentinel gets it from the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    pub job: JobAttempt,
    pub failures: u32,
    pub losses: u32,
    pub retries: Option<u32>,
    pub lane: Lane,
}

/// A job that was RUNNING or COMMITTING when the Sentinel started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    pub claimed: Claimed,
    pub session: Option<SessionToken>,
    /// COMMITTING, with this.
    pub commit: Option<Commit>,
    pub recovery: u32,
    pub is_compaction: bool,
}

impl InFlight {
    pub fn compaction(job: JobAttempt, session: Option<SessionToken>, recovery: u32) -> Self {
        let commit = Some(job.into());
        Self { claimed: claimed(job), session, commit, recovery, is_compaction: true }
    }
}

/// A commit that is to be finished, and its jobs that have not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    pub number: u32,
    pub commit: CommitId,
    pub jobs: Vec<JobAttempt>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Registered {
        peer: Peer,
        session: SessionToken,
        identify: Identify,
        refusals: Vec<PluginRefusal>,
    },
    Claimed {
        session: SessionToken,
        lane: Lane,
        asked: usize,
        jobs: Vec<Claimed>,
    },
    SuspectClaimed {
        session: SessionToken,
        job: Option<Claimed>,
    },
    /// With how long it may take, in microseconds.
    ClaimedFor {
        session: SessionToken,
        job: Option<(Claimed, i64)>,
    },
    Granted {
        session: SessionToken,
        granted: Vec<Grant>,
        refused: Vec<Refusal>,
        /// To be announced again.
        deferred: Vec<JobAttempt>,
    },
    /// `gone`: these jobs are no longer in flight.
    Concluded {
        session: SessionToken,
        concluded: Vec<JobAttempt>,
        refused: Vec<Refusal>,
        retire: Vec<Retirement>,
    },
    Failed {
        session: SessionToken,
        job: JobAttempt,
        taken: bool,
    },
    Requeued {
        jobs: Vec<JobAttempt>,
    },
    RecoveryBegun {
        session: SessionToken,
        job: JobAttempt,
        recovery: Option<Recovery>,
    },
    LostTaken {
        job: JobAttempt,
        taken: bool,
    },
    Admitted {
        queued: u64,
    },
    Retirements {
        retire: Vec<Retirement>,
    },
    CompactionPlanned {
        session: SessionToken,
        plan: Option<Box<CompactionPlan>>,
    },
    /// It is done, or put off; or `refused`, and goes on elsewhere.
    CompactionEnded {
        session: SessionToken,
        job: JobAttempt,
        refused: Option<Refusal>,
        retire: Vec<Retirement>,
    },
    CompactionRecovery {
        session: SessionToken,
        job: JobAttempt,
        /// None: it has ended meanwhile.
        order: Option<Box<Compaction>>,
    },
    /// For commands whose result changes nothing here.
    Done,
}
