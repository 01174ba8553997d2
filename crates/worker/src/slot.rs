//! A slot: one thread that takes jobs from the queue and runs them in its own warm guests.

use crate::failure::JobFailure;
use crate::host::{Launch, Pool};
use crate::job::{JobRunner, RanJob, Workshop};
use crate::packing::Packer;
use crate::queue::{JobQueue, QueuedJob};
use crate::syncer::Syncers;
use protocol::ErrorClass;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

pub fn start(
    number: u32,
    workshop: Arc<Workshop>,
    launch: Arc<Launch>,
    queue: Arc<JobQueue>,
    syncers: Syncers,
    packer: Packer,
) -> io::Result<JoinHandle<()>> {
    let builder = std::thread::Builder::new().name(format!("slot-{number}"));
    builder.spawn(move || {
        let mut runner = JobRunner::new(workshop, Pool::new(launch));
        while let Some(queued) =
            queue.take(|dispatch| runner.pool.is_warm_for(&dispatch.plugin_version))
        {
            let is_heard = match run(&mut runner, &queued) {
                Ok(RanJob::Small(small)) => packer.take(small),
                Ok(RanJob::Staged(staged)) => syncers.take(queued.job, Ok(staged)),
                Err(failure) => syncers.take(queued.job, Err(failure)),
            };
            if !is_heard {
                return;
            }
        }
    })
}

/// A defect that one file's data brings to light ends that job only.
fn run(runner: &mut JobRunner, queued: &QueuedJob) -> Result<RanJob, JobFailure> {
    let run = || runner.run(queued.job, &queued.dispatch, &queued.control);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = format!(
            "the worker failed on this job's data: {}; please report it",
            cause.unwrap_or("no reason given")
        );
        tracing::error!(job = %queued.job.id, "{text}");
        Err(JobFailure::new(ErrorClass::Crash, text))
    })
}
