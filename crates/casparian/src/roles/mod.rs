//! What a process can be: Sentinel, worker, scout, or all of them. The planes are put together here and nowhere else.

mod crash;
mod descriptors;
mod drain;
mod engine;
mod git;
mod health;
mod identity;
mod inventory;
mod job_log;
mod presence;
mod private_dir;
mod python;
mod run_once;
mod run_report;
mod sentinel;
mod signals;
mod sources;
mod standing;
mod watching;
mod worker;

pub use crash::heed_tests;
pub use health::{Finding, Health, examine_machine};
pub use identity::host;
pub use inventory::scan;
pub use job_log::log_tail;
pub use presence::{Presence, scout_lock};
pub use run_once::Run;
pub use run_report::RunReport;
pub use sentinel::active_sentinel;
pub use signals::Signals;
pub use sources::{Scouting, away, own_places, sources_around};
pub use standing::{run_scout, run_sentinel, run_worker, serve};
