//! The thread that writes files anew, one order at a time, so that neither slots nor promotions wait for it.

use crate::event::Event;
use crate::failure::JobFailure;
use crate::host::JobControl;
use crate::job::{SealedJob, Workshop};
use crossbeam_channel::{Receiver, Sender};
use protocol::{Compaction, CrashPoint, ErrorClass, Metrics, crash_point};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

type Ordered = (Compaction, Arc<JobControl>);

/// The thread ends when this is gone.
#[derive(Debug)]
pub struct Compactor(Sender<Ordered>);

impl Compactor {
    pub fn start(
        workshop: Arc<Workshop>,
        events: Sender<Event>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (orders, to_do) = crossbeam_channel::unbounded();
        let builder = std::thread::Builder::new().name("compactor".to_owned());
        let thread = builder.spawn(move || run(&workshop, &to_do, &events))?;
        Ok((Self(orders), thread))
    }

    /// What comes of it is told as of a job that has run.
    pub fn take(&self, order: Compaction, control: Arc<JobControl>) {
        // The thread ends only after this sender is gone.
        let _ = self.0.send((order, control));
    }
}

fn run(workshop: &Workshop, to_do: &Receiver<Ordered>, events: &Sender<Event>) {
    while let Ok((order, control)) = to_do.recv() {
        let result = compact(workshop, &order, &control);
        if events.send(Event::Ran(order.job(), result)).is_err() {
            return;
        }
    }
}

fn compact(
    workshop: &Workshop,
    order: &Compaction,
    control: &JobControl,
) -> Result<SealedJob, JobFailure> {
    let compacted = workshop.sinks.compact(order, control)?;
    let Some(unsynced) = compacted else {
        return Err(JobFailure::new(ErrorClass::Aborted, "it was stopped"));
    };
    crash_point(CrashPoint::CompactedBeforeSync);
    let synced = unsynced.sync();
    let outputs = vec![unsynced.output];
    if let Err(error) = synced {
        if let Err(error) = workshop.sinks.discard(&outputs) {
            tracing::warn!(%error, "what cannot be synced stays in staging");
        }
        return Err(error.into());
    }
    Ok(SealedJob { outputs, metrics: Metrics::default() })
}
