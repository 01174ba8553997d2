//! The job queue: every move of a job, a file per move. A move checks state, attempt and session itself, so that coming late or twice does no harm.

mod abort;
mod admit;
mod backfill;
mod claim;
mod compact;
mod conclude;
mod detail;
mod fail;
mod grant;
mod heal;
mod job;
mod moves;
mod output_files;
mod pack;
mod recover;
mod restore;
mod retire;
mod retract;
mod retry;
mod schemas;
mod supersede;
mod waiting;

pub use abort::Aborted;
pub(crate) use backfill::Target;
pub use backfill::{BackfillFile, BackfillJob, BackfillStep, GoneVersion};
pub use claim::{ClaimFrom, ClaimedJob, InFlightJob};
pub use compact::{CompactionPlan, InFlightCompaction};
pub use conclude::{ConcludeOutcome, Receipt};
pub use detail::{JobDetail, ManifestDetail, TopicTarget};
pub use fail::{FailNext, Failure, Loss};
pub use grant::GrantOutcome;
pub use recover::{Recovery, RecoveryOutput};
pub use restore::Restored;
pub use retry::Retried;
pub use waiting::{Opportunities, Waiting};
