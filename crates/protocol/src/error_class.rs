//! Why an attempt did not succeed. The class travels as a field and decides what happens next; no text is ever searched.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The plugin raised an exception, or published what cannot be stored.
    Plugin,
    /// The plugin could not be loaded: syntax, import, no `Handler`.
    Load,
    /// The guest process ended on its own.
    Crash,
    /// The job took longer than its TIMEOUT.
    Timeout,
    /// The guest used more than its MEMORY.
    Memory,
    /// Staging or promoting failed: permission, names, database.
    Sink,
    /// The place that output goes to has no room, or is out of reach for everybody: no attempt is charged, and it is tried until it is well again.
    Storage,
    /// The file could not be opened: permission, input/output error.
    Input,
    /// The file is not the version that the job names: it changed, or it is gone (P4).
    Changed,
    /// A person or a shutdown stopped the job.
    Aborted,
    /// The recoverer found neither staged nor final output: the file has to run again.
    Lost,
    /// The process that held the job was lost.
    WorkerLost,
}

impl ErrorClass {
    pub const ALL: [Self; Self::WorkerLost as usize + 1] = [
        Self::Plugin,
        Self::Load,
        Self::Crash,
        Self::Timeout,
        Self::Memory,
        Self::Sink,
        Self::Storage,
        Self::Input,
        Self::Changed,
        Self::Aborted,
        Self::Lost,
        Self::WorkerLost,
    ];

    /// Whether another attempt may succeed though nothing was changed by a person.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Crash
            | Self::Timeout
            | Self::Memory
            | Self::Sink
            | Self::Storage
            | Self::Lost => true,
            Self::Plugin
            | Self::Load
            | Self::Input
            | Self::Changed
            | Self::Aborted
            | Self::WorkerLost => false,
        }
    }

    /// Whether an attempt that ends so counts against the job.
    pub fn costs_attempt(self) -> bool {
        !matches!(self, Self::Storage | Self::Changed | Self::Aborted | Self::WorkerLost)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Load => "load",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Sink => "sink",
            Self::Storage => "storage",
            Self::Input => "input",
            Self::Changed => "changed",
            Self::Aborted => "aborted",
            Self::Lost => "lost",
            Self::WorkerLost => "worker_lost",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
