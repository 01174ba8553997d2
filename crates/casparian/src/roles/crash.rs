//! Tests kill or pause this process at a moment that they name: `CASPARIAN_TEST_CRASH=worker-before-rename:1:kill` ends it
//! when it comes there for the first time, `:stop` pauses it. A release build does not look.

use crate::config::Environment;
use protocol::{CrashPoint, on_crash_points};
use rustix::process::{Signal, getpid, kill_process};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const VARIABLE: &str = "CASPARIAN_TEST_CRASH";

static PLAN: OnceLock<Plan> = OnceLock::new();

#[derive(Debug)]
struct Plan {
    point: String,
    /// How often the process comes there before it happens, and that time.
    left: AtomicU32,
    signal: Signal,
}

pub fn heed_tests(environment: &Environment) {
    if cfg!(debug_assertions)
        && let Some(plan) = environment.test(VARIABLE).and_then(parsed)
    {
        let _ = PLAN.set(plan);
        on_crash_points(happen);
    }
}

fn parsed(text: &str) -> Option<Plan> {
    let mut parts = text.split(':');
    let (point, time, what) = (parts.next()?, parts.next()?, parts.next()?);
    let signal = if what == "stop" { Signal::STOP } else { Signal::KILL };
    Some(Plan { point: point.to_owned(), left: AtomicU32::new(time.parse().ok()?), signal })
}

fn happen(point: CrashPoint) {
    let Some(plan) = PLAN.get().filter(|plan| plan.point == point.as_str()) else { return };
    if plan.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
        == Ok(1)
    {
        // It concerns this process, which is there.
        let _ = kill_process(getpid(), plan.signal);
    }
}
