//! All state, and all SQL about it. A transaction type per role enforces who writes what: the scout writes through `ScoutTx`,
//! the Sentinel through `SentinelTx`, commands leave requests. Everybody may read.

mod db;
mod error;
mod fingerprint;
mod ids;
mod inventory;
mod job_state;
mod migrate;
mod queue;
mod record;
mod registry;
pub mod report;
mod requests;
mod roles;
mod tagging;
mod url;
mod workers;

pub use db::{Catalog, OpenMode, Seat};
pub use error::CatalogError;
pub use ids::IdGenerator;
pub use inventory::{
    DirectoryDigest, DoubtReason, KnownRoot, NewDirectory, NewLocation, Place, RootDoubt,
    StoredEntry,
};
pub use job_state::{Hold, JobState, Lane, is_legal};
pub use queue::{
    Aborted, BackfillFile, BackfillJob, BackfillStep, ClaimFrom, ClaimedJob, CompactionPlan,
    ConcludeOutcome, FailNext, Failure, GoneVersion, GrantOutcome, InFlightCompaction, InFlightJob,
    JobDetail, Loss, ManifestDetail, Opportunities, Receipt, Recovery, RecoveryOutput, Restored,
    Retried, TopicTarget, Waiting,
};
pub use record::{RecordCounts, Tagged};
pub use registry::{
    Announcement, DesiredPlugin, DesiredRegistry, KnownManifest, PluginStatus, RegistryState,
    auto_tag,
};
pub use requests::{NewRequest, PendingRequest, RefusedJob, RequestReport, RetrySelection};
pub use roles::{ScoutTx, SentinelEpoch, SentinelTx};
pub use tagging::{RoutingTable, SubscribedPlugin, TodoLocation, VersionSummary};
pub use url::CatalogUrl;
pub use workers::{WorkerRegistration, WorkerSession};
