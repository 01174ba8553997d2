//! What ends a job from outside: its TIMEOUT, its MEMORY, or an abort. Silence alone never does.

use super::control::JobControl;
use super::memory::MemoryScan;
use crate::failure::JobFailure;
use protocol::{ErrorClass, JobLimits};
use rustix::process::Pid;
use std::time::{Duration, Instant};

/// How often the guest is looked at.
pub const TICK: Duration = Duration::from_millis(100);
/// Longer ones are the same to everybody, and clocks can count this far.
const TIMEOUT_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

#[derive(Debug)]
pub struct Watch<'a> {
    control: &'a JobControl,
    memory: &'a MemoryScan,
    limits: JobLimits,
    deadline: Instant,
    next_look: Instant,
}

impl<'a> Watch<'a> {
    pub fn new(control: &'a JobControl, memory: &'a MemoryScan, limits: JobLimits) -> Self {
        let now = Instant::now();
        let timeout = Duration::from_millis(limits.timeout_ms).min(TIMEOUT_MAX);
        let deadline = now + timeout;
        Self { control, memory, limits, deadline, next_look: now + TICK }
    }

    /// How long nothing needs to be looked at.
    pub fn pause(&self) -> Duration {
        let now = Instant::now();
        self.deadline.min(self.next_look).saturating_duration_since(now)
    }

    pub fn check(&mut self, group: Pid) -> Result<(), JobFailure> {
        if let Some(reason) = self.control.abort_reason() {
            return Err(JobFailure::new(ErrorClass::Aborted, reason));
        }
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.timeout());
        }
        if now >= self.next_look {
            self.next_look = now + TICK;
            self.check_memory(group)?;
        }
        Ok(())
    }

    fn check_memory(&self, group: Pid) -> Result<(), JobFailure> {
        let used = self.memory.group_bytes(group);
        let limit = self.limits.memory_bytes;
        if limit == 0 || used <= limit {
            return Ok(());
        }
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let text = format!(
            "the plugin used {} MiB of memory; its MEMORY is {} MiB: raise it or read the file in parts",
            mebibytes(used),
            mebibytes(limit)
        );
        Err(JobFailure::new(ErrorClass::Memory, text))
    }

    fn timeout(&self) -> JobFailure {
        let seconds = self.limits.timeout_ms as f64 / 1_000.0;
        let text = format!("the plugin did not finish within its TIMEOUT of {seconds} s");
        JobFailure::new(ErrorClass::Timeout, text)
    }
}
