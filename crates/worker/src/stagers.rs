//! All sinks of one job: what is published goes to those of its topic, and memory and open files are bounded over all of them.

use crate::failure::JobFailure;
use crate::host::JobControl;
use crate::sinks::{Lineage, SinkError, Sinks, Stager, Unsynced};
use arrow_array::RecordBatch;
use protocol::{Dispatch, ErrorClass, JobAttempt, SinkTarget};
use std::time::{Duration, Instant};

/// In memory, of all sinks together.
const BUFFERED_BYTES_MAX: usize = 64 << 20;
/// A job with more sinks than these has less memory for each.
const MANY: usize = 16;
const OPEN_FILES_MAX: usize = 512;

/// One stager per sink. Dropped unsealed, they leave nothing behind.
pub struct Stagers<'a> {
    stagers: Vec<Stager>,
    /// What each has in memory, as of its last write.
    buffered: Vec<usize>,
    /// When each was last written to, in writes.
    written: Vec<u64>,
    writes: u64,
    pub control: &'a JobControl,
    pub rows: u64,
    pub busy: Duration,
}

impl<'a> Stagers<'a> {
    pub fn open(
        sinks: &Sinks,
        job: JobAttempt,
        dispatch: &Dispatch,
        control: &'a JobControl,
    ) -> Result<Self, JobFailure> {
        check_distinct(&dispatch.sinks)?;
        let lineage = Lineage { job: job.id, version: dispatch.file_version_id };
        let many = dispatch.sinks.len() > MANY;
        let open = dispatch.sinks.iter().map(|target| sinks.stager(target, job, lineage, many));
        let stagers = open.collect::<Result<Vec<_>, _>>()?;
        let (buffered, written) = (vec![0; stagers.len()], vec![0; stagers.len()]);
        let busy = Duration::ZERO;
        Ok(Self { stagers, buffered, written, writes: 0, control, rows: 0, busy })
    }

    pub fn write(&mut self, topic: &str, batch: &RecordBatch) -> Result<(), JobFailure> {
        let started = Instant::now();
        let mut known = false;
        for index in 0..self.stagers.len() {
            if self.stagers[index].topic() == topic {
                self.write_to(index, batch)?;
                known = true;
            }
        }
        if !known {
            return Err(self.undeclared(topic));
        }
        let rows = batch.num_rows() as u64;
        self.rows += rows;
        self.control.add_rows(rows, batch.get_array_memory_size() as u64);
        self.busy += started.elapsed();
        Ok(())
    }

    fn write_to(&mut self, index: usize, batch: &RecordBatch) -> Result<(), SinkError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.writes += 1;
        self.written[index] = self.writes;
        if !self.stagers[index].has_open_file() {
            self.make_room_for_a_file()?;
        }
        self.stagers[index].write(batch)?;
        self.buffered[index] = self.stagers[index].buffered();
        self.make_room_in_memory()
    }

    fn make_room_in_memory(&mut self) -> Result<(), SinkError> {
        while self.buffered.iter().sum::<usize>() > BUFFERED_BYTES_MAX {
            let largest = (0..self.buffered.len()).max_by_key(|index| self.buffered[*index]);
            let Some(largest) = largest else { return Ok(()) };
            self.stagers[largest].flush()?;
            self.buffered[largest] = 0;
        }
        Ok(())
    }

    fn make_room_for_a_file(&mut self) -> Result<(), SinkError> {
        if self.stagers.len() <= OPEN_FILES_MAX {
            return Ok(());
        }
        let open = (0..self.stagers.len()).filter(|index| self.stagers[*index].has_open_file());
        let open = open.collect::<Vec<_>>();
        if open.len() < OPEN_FILES_MAX {
            return Ok(());
        }
        let longest_ago = open.into_iter().min_by_key(|index| self.written[*index]);
        let Some(index) = longest_ago else { return Ok(()) };
        self.buffered[index] = 0;
        self.stagers[index].rest()
    }

    fn undeclared(&self, topic: &str) -> JobFailure {
        let declared = self.stagers.iter().map(Stager::topic).collect::<Vec<_>>().join(", ");
        let text = format!("the plugin published to '{topic}'; its topics are: {declared}");
        JobFailure::new(ErrorClass::Plugin, text)
    }

    /// All or nothing.
    pub fn seal(&mut self) -> Result<Vec<Unsynced>, JobFailure> {
        let sealed = self.stagers.iter_mut().map(Stager::seal).collect::<Result<Vec<_>, _>>();
        if sealed.is_err() {
            self.stagers.iter_mut().for_each(Stager::unseal);
        }
        Ok(sealed?.into_iter().flatten().collect())
    }
}

/// Files of two topics in one directory could not be told apart.
fn check_distinct(sinks: &[SinkTarget]) -> Result<(), SinkError> {
    for (index, second) in sinks.iter().enumerate() {
        if let Some(first) = sinks[..index].iter().find(|first| first.uri == second.uri) {
            return Err(SinkError::Shared {
                uri: second.uri.clone(),
                first: first.topic.clone(),
                second: second.topic.clone(),
            });
        }
    }
    Ok(())
}
