//! Rows of one job in memory, as long as they are few.

use super::budget::{Budget, Permit};
use crate::sinks::SmallOutput;
use arrow_array::RecordBatch;
use protocol::{JobAttempt, Metrics};

/// A job with more than this has files of its own.
const BYTES_MAX: usize = 8 << 20;
/// So has one that could publish to more places.
pub const SINKS_MAX: usize = 16;
/// What a batch takes beside its values.
const BATCH_BYTES: usize = 1 << 10;

/// Batches of a job that runs, in the order in which they came, each with the number of its sink.
#[derive(Debug)]
pub struct SmallRows {
    batches: Vec<(usize, RecordBatch)>,
    bytes: usize,
    permit: Permit,
}

impl SmallRows {
    pub fn new(budget: &Budget) -> Self {
        Self { batches: Vec::new(), bytes: 0, permit: budget.permit() }
    }

    /// False: it is too much to be small.
    pub fn push(&mut self, sink: usize, batch: &RecordBatch) -> bool {
        let bytes = batch.get_array_memory_size() + BATCH_BYTES;
        if self.bytes + bytes > BYTES_MAX || !self.permit.grow(bytes) {
            return false;
        }
        self.bytes += bytes;
        self.batches.push((sink, batch.clone()));
        true
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub fn of(&self, sink: usize) -> Vec<RecordBatch> {
        let own = self.batches.iter().filter(|(number, _)| *number == sink);
        own.map(|(_, batch)| batch.clone()).collect()
    }

    pub fn into_batches(self) -> Vec<(usize, RecordBatch)> {
        self.batches
    }

    pub fn into_permit(self) -> Permit {
        self.permit
    }
}

/// A job that has run and whose rows are in memory.
#[derive(Debug)]
pub struct SmallJob {
    pub job: JobAttempt,
    pub outputs: Vec<SmallOutput>,
    pub metrics: Metrics,
    pub permit: Permit,
}
