//! What a job's plugin printed. The worker writes it below the project's state.

use crate::config::Settings;
use protocol::JobId;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

const TAIL_BYTES: u64 = 16 << 10;

/// The end of the job's log, whole lines; None: nothing was printed, or it happened on another machine.
pub fn log_tail(settings: &Settings, job: JobId) -> Option<String> {
    let path = settings.project.state().join("logs/jobs").join(format!("{job}.log"));
    let mut file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    let from = len.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = if from > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    Some(whole.to_owned())
}
