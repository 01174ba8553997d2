//! A pass of scout with somebody watching it.

use crate::output::{Bar, bytes, count};
use control::scout::{PassReport, Progress, ProgressCounts, ScoutError};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(125);

pub async fn watched(
    pass: impl Future<Output = Result<PassReport, ScoutError>>,
    progress: &Progress,
    bar: &Bar,
) -> Result<PassReport, ScoutError> {
    let mut pass = std::pin::pin!(pass);
    loop {
        tokio::select! {
            report = &mut pass => return report,
            () = tokio::time::sleep(TICK) => {}
        }
        let counts = progress.counts();
        bar.tell(counts.files_seen, None, || text(&counts));
    }
}

fn text(counts: &ProgressCounts) -> String {
    let seen = format!("{} files seen", count(counts.files_seen));
    match counts.files_hashed {
        0 => seen,
        files => format!("{seen}, {} hashed ({})", count(files), bytes(counts.bytes_hashed)),
    }
}
