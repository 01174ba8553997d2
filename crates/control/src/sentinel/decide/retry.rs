//! What a failed attempt leads to. Pure: the jitter comes from the job's own id, so that a seed replays it.

use super::event::{Claimed, NextStep, Requeue};
use protocol::{ErrorClass, JobAttempt};

/// Retries of what may pass by itself, unless the plugin says otherwise.
const RETRIES_DEFAULT: u32 = 3;
/// The first back-off; each further one is four times as long.
const BACKOFF_FIRST_US: i64 = 4_000_000;
const BACKOFF_LAST_US: i64 = 64_000_000;
/// So often a job may be lost while it ran alone.
const ALONE_LOSSES_MAX: u32 = 3;
/// And so often together with its Sentinel, which is more often the machine's fault, or a person's, than the job's.
const LOSSES_WITH_SENTINEL_MAX: u32 = 10;

/// Who else could have taken a job's worker down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Another job.
    Jobs,
    /// Nobody: the worker had nothing else.
    Alone,
    /// It ran under an earlier Sentinel: alone, where it was a suspect then.
    Earlier,
}

/// `retryable` is the worker's word where it knows better than the class.
pub(super) fn next_step(job: &Claimed, class: ErrorClass, retryable: Option<bool>) -> NextStep {
    match class {
        ErrorClass::Changed => NextStep::LookAgain,
        ErrorClass::Aborted | ErrorClass::WorkerLost => NextStep::Requeue,
        ErrorClass::Storage => NextStep::Retry { after_us: backoff_us(job.job, 0) },
        _ if job.failures < allowed_retries(job, class, retryable) => {
            NextStep::Retry { after_us: backoff_us(job.job, job.failures) }
        }
        _ => NextStep::Fail,
    }
}

fn allowed_retries(job: &Claimed, class: ErrorClass, retryable: Option<bool>) -> u32 {
    let by_default = if retryable.unwrap_or(class.is_retryable()) { RETRIES_DEFAULT } else { 0 };
    job.retries.unwrap_or(by_default)
}

/// 4, 16, 64 s, each up to a fifth longer or shorter.
pub(super) fn backoff_us(job: JobAttempt, failures: u32) -> i64 {
    let base = (BACKOFF_FIRST_US << (2 * failures.min(8))).min(BACKOFF_LAST_US);
    let spread = base / 5;
    let seed = (job.id.get() as u64 ^ u64::from(job.attempt)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let share = (seed >> 40) as i64 % 2_001 - 1_000;
    base + spread * share / 1_000
}

/// A loss costs no attempt. The first one in company makes a suspect (1); each alone adds one, and three alone are too many. A job that takes
/// the Sentinel down with its worker, as it can in `run` and `serve`, is spent later, but not never.
pub(super) fn after_loss(job: &Claimed, company: Company) -> Requeue {
    let (losses, spent) = match company {
        Company::Jobs => (job.losses.max(1), false),
        Company::Alone => (job.losses.max(1) + 1, job.losses.max(1) >= ALONE_LOSSES_MAX),
        Company::Earlier => (job.losses + 1, job.losses >= LOSSES_WITH_SENTINEL_MAX),
    };
    Requeue { job: job.job, losses, spent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::Lane;
    use protocol::JobId;

    fn claimed(failures: u32, losses: u32, retries: Option<u32>) -> Claimed {
        let job = JobAttempt { id: JobId::new(77), attempt: 1 };
        Claimed { job, failures, losses, retries, lane: Lane::Fresh }
    }

    #[test]
    fn back_off_is_four_sixteen_sixty_four_seconds_give_or_take_a_fifth() {
        for (failures, seconds) in [(0, 4.0), (1, 16.0), (2, 64.0), (9, 64.0)] {
            for id in 1..200 {
                let job = JobAttempt { id: JobId::new(id), attempt: 1 };
                let wait = backoff_us(job, failures) as f64 / 1e6;
                assert!((seconds * 0.8..=seconds * 1.2).contains(&wait), "{wait} for {seconds}");
            }
        }
    }

    /// The table in this module's documentation.
    #[test]
    fn each_error_class_leads_to_what_is_written() {
        let page = include_str!("mod.rs");
        for class in ErrorClass::ALL {
            let costs = if class.costs_attempt() { "yes" } else { "no" };
            let next = match next_step(&claimed(0, 0, None), class, None) {
                NextStep::Fail => "fail",
                NextStep::Retry { .. } => "back off",
                NextStep::LookAgain => "look again",
                NextStep::Requeue => "requeue",
            };
            let line = format!("//! | {class} | {next} | {costs} |\n");
            assert!(page.contains(&line), "the page must say: {line}");
        }
        let written =
            page.lines().filter(|line| line.ends_with("| yes |") || line.ends_with("| no |"));
        assert_eq!(written.count(), ErrorClass::ALL.len());
    }

    #[test]
    fn an_exception_fails_at_once_and_a_crash_after_three_retries() {
        let next = |failures, class| next_step(&claimed(failures, 0, None), class, None);
        assert_eq!(next(0, ErrorClass::Plugin), NextStep::Fail);
        assert!(matches!(next(2, ErrorClass::Crash), NextStep::Retry { .. }));
        assert_eq!(next(3, ErrorClass::Crash), NextStep::Fail);
    }

    #[test]
    fn a_full_disk_is_waited_for_without_end() {
        let next = next_step(&claimed(9, 0, Some(0)), ErrorClass::Storage, None);
        assert!(matches!(next, NextStep::Retry { after_us: ..6_000_000 }), "{next:?}");
    }

    #[test]
    fn retries_of_the_plugin_count_for_every_class() {
        let next =
            |failures, retries, class| next_step(&claimed(failures, 0, Some(retries)), class, None);
        assert!(matches!(next(0, 1, ErrorClass::Plugin), NextStep::Retry { .. }));
        assert_eq!(next(1, 1, ErrorClass::Plugin), NextStep::Fail);
        assert_eq!(next(0, 0, ErrorClass::Timeout), NextStep::Fail);
    }

    #[test]
    fn a_changed_file_goes_back_to_the_tagger() {
        let next = next_step(&claimed(9, 0, Some(0)), ErrorClass::Changed, None);
        assert_eq!(next, NextStep::LookAgain);
    }

    #[test]
    fn only_a_job_that_was_lost_alone_three_times_is_spent() {
        let first = after_loss(&claimed(0, 0, None), Company::Jobs);
        assert_eq!((first.losses, first.spent), (1, false));
        let again_in_company = after_loss(&claimed(0, 1, None), Company::Jobs);
        assert_eq!((again_in_company.losses, again_in_company.spent), (1, false));
        let alone: Vec<_> =
            (1..=3).map(|n| after_loss(&claimed(0, n, None), Company::Alone)).collect();
        assert_eq!(alone.iter().map(|r| r.spent).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_job_that_takes_the_sentinel_with_it_is_spent_later() {
        let after = |losses| after_loss(&claimed(0, losses, None), Company::Earlier);
        assert_eq!((after(0).losses, after(0).spent), (1, false));
        assert_eq!((after(9).losses, after(9).spent), (10, false));
        assert!(after(10).spent);
    }
}
