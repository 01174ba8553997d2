//! Guests that wait for their next job. Each belongs to the thread that started it, and ends with it.

use super::guest::{Guest, Hello};
use super::log::JobLog;
use super::process::Launch;
use super::watch::Watch;
use crate::failure::JobFailure;
use protocol::{PluginLanguage, PluginVersion};
use std::sync::Arc;

/// A guest is replaced after this many jobs, whatever it keeps.
const JOBS_MAX: u32 = 1_000;
/// Guests of other plugins that a thread keeps.
const WARM_MAX: usize = 4;

/// What a guest may be used again for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestKey {
    pub version: PluginVersion,
    pub language: PluginLanguage,
    pub source_root: String,
    /// Topics and settings as the plugin was told them.
    pub hello: String,
}

#[derive(Debug)]
pub struct Pool {
    launch: Arc<Launch>,
    /// The one used last is last.
    warm: Vec<(GuestKey, Guest)>,
}

impl Pool {
    pub fn new(launch: Arc<Launch>) -> Self {
        Self { launch, warm: Vec::new() }
    }

    pub fn is_warm_for(&self, version: &PluginVersion) -> bool {
        self.warm.iter().any(|(key, _)| key.version == *version)
    }

    pub fn take(
        &mut self,
        key: &GuestKey,
        hello: &Hello,
        watch: &mut Watch<'_>,
        log: &mut JobLog,
    ) -> Result<Guest, JobFailure> {
        // One may have ended by itself since its last job; that is no fault of this one.
        self.warm.retain(|(_, guest)| guest.is_healthy());
        match self.warm.iter().position(|(warm, _)| warm == key) {
            Some(index) => Ok(self.warm.remove(index).1),
            None => Guest::start(&self.launch, key.language, hello, watch, log),
        }
    }

    /// Keeps it, unless it is worn out.
    pub fn put(&mut self, key: GuestKey, guest: Guest, memory_limit: u64) {
        let is_full = memory_limit > 0 && guest.resident_bytes() > memory_limit / 2;
        if !guest.is_healthy() || guest.jobs_done >= JOBS_MAX || is_full {
            return;
        }
        self.warm.push((key, guest));
        if self.warm.len() > WARM_MAX {
            self.warm.remove(0);
        }
    }
}
