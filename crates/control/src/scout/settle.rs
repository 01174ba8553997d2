//! Whether a file may be half-written: it is left alone until its last change is `settle` old.

use protocol::FileStat;
use std::time::Duration;

/// A time that lies further ahead than this is no clock's.
const SKEW_MAX_NS: i64 = 60_000_000_000;

/// When the file will be settled. None: it is.
///
/// The modification time decides: every write moves it, and what was renamed into place is whole at once. A file
/// server's clock may run a little ahead; what is dated far ahead was dated by hand, when it had been written.
pub(crate) fn due_us(stat: &FileStat, now_us: i64, settle: Duration) -> Option<i64> {
    let settle_ns = i64::try_from(settle.as_nanos()).unwrap_or(i64::MAX);
    let now_ns = now_us.saturating_mul(1_000);
    let due_ns = stat.mtime_ns.saturating_add(settle_ns);
    let is_settled = settle.is_zero() || due_ns <= now_ns;
    let is_dated = stat.mtime_ns.saturating_sub(now_ns) > SKEW_MAX_NS;
    (!is_settled && !is_dated).then_some(due_ns / 1_000 + 1)
}

/// When a racy file can be hashed so that it is not racy any more.
pub(crate) fn racy_due_us(stat: &FileStat) -> i64 {
    stat.ctime_ns.saturating_add(FileStat::RACY_WINDOW_NS) / 1_000 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_800_000_000_000_000;

    fn check(mtime_us: i64, settle_ms: u64, expected: Option<i64>) {
        let stat = FileStat { inode: 1, size: 1, mtime_ns: mtime_us * 1_000, ctime_ns: 0 };
        let settle = Duration::from_millis(settle_ms);
        assert_eq!(due_us(&stat, NOW_US, settle), expected, "{mtime_us} {settle_ms}");
    }

    #[test]
    fn a_file_is_settled_when_its_last_change_is_old_enough() {
        check(NOW_US - 1, 2_000, Some(NOW_US + 2_000_000));
        check(NOW_US - 2_000_000, 2_000, None);
        check(NOW_US, 0, None);
        check(NOW_US + 5_000_000, 0, None);
    }

    #[test]
    fn a_server_that_runs_ahead_is_waited_for_within_reason() {
        check(NOW_US + 1_000_000, 2_000, Some(NOW_US + 3_000_001));
        check(NOW_US + 3_600_000_000, 2_000, None);
        check(i64::MAX / 1_000, 2_000, None);
    }

    #[test]
    fn a_racy_file_is_due_when_it_is_racy_no_more() {
        let stat = FileStat { inode: 1, size: 1, mtime_ns: 0, ctime_ns: NOW_US * 1_000 + 999 };
        let due_us = racy_due_us(&stat);
        assert!(!stat.is_racy(due_us * 1_000));
        assert!(stat.is_racy((due_us - 2) * 1_000));
    }
}
