//! Named moments at which tests kill or pause a process. A release build has none of them.
//!
//! Whoever starts the process hands in what is to happen; a moment that was not asked for costs one look at an empty cell.

use std::sync::OnceLock;

macro_rules! crash_points {
    ($($point:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CrashPoint {
            $($point,)*
        }

        impl CrashPoint {
            /// Tests try each of these; what is added here is tried, too.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// The role comes first, for a process has one.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

crash_points! {
    StagedBeforeSync = "worker-staged-before-sync",
    StagedAfterSync = "worker-staged-after-sync",
    PackBeforeSync = "worker-pack-before-sync",
    PackAfterSync = "worker-pack-after-sync",
    CompactedBeforeSync = "worker-compacted-before-sync",
    BeforeReady = "worker-before-ready",
    AfterReady = "worker-after-ready",
    Granted = "worker-granted",
    BeforeRename = "worker-before-rename",
    BetweenRenames = "worker-between-renames",
    AfterRenames = "worker-after-renames",
    AfterDirectorySync = "worker-after-directory-sync",
    BeforeConclude = "worker-before-conclude",
    AfterConclude = "worker-after-conclude",
    BeforeRetire = "worker-before-retire",
    BetweenRetires = "worker-between-retires",
    AfterRetire = "worker-after-retire",
    RecoverBeforeTake = "recoverer-before-take",
    RecoverTaken = "recoverer-taken",
    RecoverFound = "recoverer-found",
    RecoverBetweenRenames = "recoverer-between-renames",
    RecoverBeforeSync = "recoverer-before-sync",
    RecoverDone = "recoverer-done",
    RecoverLost = "recoverer-lost",
    RegisterBeforeCommit = "sentinel-register-before-commit",
    RegisterAfterCommit = "sentinel-register-after-commit",
    ClaimBeforeCommit = "sentinel-claim-before-commit",
    ClaimAfterCommit = "sentinel-claim-after-commit",
    GrantBeforeCommit = "sentinel-grant-before-commit",
    GrantAfterCommit = "sentinel-grant-after-commit",
    GrantSent = "sentinel-grant-sent",
    ConcludeBeforeCommit = "sentinel-conclude-before-commit",
    ConcludeAfterCommit = "sentinel-conclude-after-commit",
    CompactedBeforeCommit = "sentinel-compacted-before-commit",
    CompactedAfterCommit = "sentinel-compacted-after-commit",
    RetiredBeforeCommit = "sentinel-retired-before-commit",
    RetiredAfterCommit = "sentinel-retired-after-commit",
    RecoveryBeforeCommit = "sentinel-recovery-before-commit",
    RecoveryAfterCommit = "sentinel-recovery-after-commit",
    LostBeforeCommit = "sentinel-lost-before-commit",
    LostAfterCommit = "sentinel-lost-after-commit",
    AdmitBeforeCommit = "sentinel-admit-before-commit",
    AdmitAfterCommit = "sentinel-admit-after-commit",
    RequestBeforeCommit = "sentinel-request-before-commit",
    RequestAfterCommit = "sentinel-request-after-commit",
    ScoutBeforeCommit = "scout-before-commit",
    ScoutAfterCommit = "scout-after-commit",
}

static HOOK: OnceLock<fn(CrashPoint)> = OnceLock::new();

/// Once, at the start of the process.
pub fn on_crash_points(hook: fn(CrashPoint)) {
    // A second one changes nothing.
    let _ = HOOK.set(hook);
}

/// The process has come to this point.
#[inline]
pub fn crash_point(point: CrashPoint) {
    if cfg!(debug_assertions)
        && let Some(hook) = HOOK.get()
    {
        hook(point);
    }
}
