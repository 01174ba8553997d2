//! The moments around a commit at which tests kill or pause the Sentinel.

use super::decide::{Command, Compact};
use protocol::CrashPoint;

/// Before and after the transaction that a command is part of.
pub(super) fn around(command: &Command) -> Option<(CrashPoint, CrashPoint)> {
    match command {
        Command::Register { .. } => {
            Some((CrashPoint::RegisterBeforeCommit, CrashPoint::RegisterAfterCommit))
        }
        Command::Claim { .. } => {
            Some((CrashPoint::ClaimBeforeCommit, CrashPoint::ClaimAfterCommit))
        }
        Command::Grant { .. } => {
            Some((CrashPoint::GrantBeforeCommit, CrashPoint::GrantAfterCommit))
        }
        Command::Conclude { .. } => {
            Some((CrashPoint::ConcludeBeforeCommit, CrashPoint::ConcludeAfterCommit))
        }
        Command::Compact(Compact::Conclude { .. }) => {
            Some((CrashPoint::CompactedBeforeCommit, CrashPoint::CompactedAfterCommit))
        }
        Command::MarkRetired { .. } => {
            Some((CrashPoint::RetiredBeforeCommit, CrashPoint::RetiredAfterCommit))
        }
        Command::BeginRecovery { .. } => {
            Some((CrashPoint::RecoveryBeforeCommit, CrashPoint::RecoveryAfterCommit))
        }
        Command::Lost { .. } => Some((CrashPoint::LostBeforeCommit, CrashPoint::LostAfterCommit)),
        Command::Admit => Some((CrashPoint::AdmitBeforeCommit, CrashPoint::AdmitAfterCommit)),
        _ => None,
    }
}
