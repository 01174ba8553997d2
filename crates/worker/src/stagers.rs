//! All sinks of one job: what is published is held against its topic's contract and goes to the topic's sinks, what does not fit goes to
//! quarantine, and memory and open files are bounded over all of them.

mod topic;

use crate::contract::{Misfit, Reject, rejected, rows_of};
use crate::failure::JobFailure;
use crate::host::JobControl;
use crate::job::Workshop;
use crate::packing::{Permit, SINKS_MAX, SmallRows};
use crate::sinks::{Lineage, SinkError, SmallOutput, Stager, Unsynced};
use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use protocol::{Dispatch, ErrorClass, JobAttempt, SinkTarget, SinkUri, TopicSchema};
use std::sync::Arc;
use std::time::{Duration, Instant};
use topic::Topic;

/// In memory, of all sinks together.
const BUFFERED_BYTES_MAX: usize = 64 << 20;
/// A job with more sinks than these has less memory for each.
const MANY: usize = 16;
const OPEN_FILES_MAX: usize = 512;

/// What a job has published.
pub enum SealedRows {
    Files(Vec<Unsynced>),
    Small(Vec<SmallOutput>, Permit),
}

/// One stager per sink. Dropped unsealed, they leave nothing behind.
pub struct Stagers<'a> {
    topics: Vec<Topic>,
    stagers: Vec<Stager>,
    /// What each has in memory, as of its last write.
    buffered: Vec<usize>,
    /// When each was last written to, in writes.
    written: Vec<u64>,
    writes: u64,
    /// What was published so far, as long as it is little.
    small: Option<SmallRows>,
    lineage: Lineage,
    pub control: &'a JobControl,
    /// In the topics.
    pub rows: u64,
    pub quarantined: u64,
    pub busy: Duration,
}

impl<'a> Stagers<'a> {
    pub fn open(
        workshop: &Workshop,
        job: JobAttempt,
        dispatch: &Dispatch,
        control: &'a JobControl,
    ) -> Result<Self, JobFailure> {
        check_distinct(&dispatch.sinks)?;
        let lineage = Lineage { job: job.id, version: dispatch.file_version_id };
        let many = dispatch.sinks.len() > MANY;
        let open = |target: &SinkTarget| workshop.sinks.stager(target, job, lineage, many);
        let mut stagers = dispatch.sinks.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let mut topics: Vec<Topic> = Vec::new();
        for (at, target) in dispatch.sinks.iter().enumerate() {
            match topics.iter_mut().find(|topic| topic.name == target.topic) {
                Some(topic) => topic.sinks.push(at),
                None => {
                    topics.push(Topic::new(target, at, stagers.len()));
                    let uri = target.uri.quarantine(&target.topic);
                    stagers.push(open(&SinkTarget { uri, ..target.clone() })?);
                }
            }
        }
        let (buffered, written) = (vec![0; stagers.len()], vec![0; stagers.len()]);
        Ok(Self {
            topics,
            stagers,
            buffered,
            written,
            writes: 0,
            small: workshop.budget.as_ref().filter(|_| may_be_packed(dispatch)).map(SmallRows::new),
            lineage,
            control,
            rows: 0,
            quarantined: 0,
            busy: Duration::ZERO,
        })
    }

    pub fn write(&mut self, topic: &str, batch: &RecordBatch) -> Result<(), JobFailure> {
        let started = Instant::now();
        let at = self.place_of(topic)?;
        if batch.num_rows() > 0 {
            self.publish(at, batch)?;
        }
        self.control.add_rows(batch.num_rows() as u64, batch.get_array_memory_size() as u64);
        self.busy += started.elapsed();
        Ok(())
    }

    /// Rows of the input that could not be read: the topic has them in, as it has those that are published.
    pub fn reject(&mut self, topic: &str, rejects: &[Reject]) -> Result<(), JobFailure> {
        let started = Instant::now();
        let at = self.place_of(topic)?;
        if !rejects.is_empty() {
            let topic = &mut self.topics[at];
            topic.rejected += rejects.len() as u64;
            let last = rejects.iter().map(|reject| reject.row.cast_unsigned()).max();
            topic.rejected_last = topic.rejected_last.max(last.unwrap_or(0));
            topic.quarantine.count_rejects(rejects);
            let rows = rejected(rejects).map_err(|cause| columns_error(topic, cause))?;
            self.quarantined += rejects.len() as u64;
            let sink = topic.quarantine_at;
            self.take(sink, &rows)?;
            self.control.add_rows(rejects.len() as u64, rows.get_array_memory_size() as u64);
        }
        self.busy += started.elapsed();
        Ok(())
    }

    fn place_of(&self, topic: &str) -> Result<usize, JobFailure> {
        let at = self.topics.iter().position(|known| known.name.as_str() == topic);
        at.ok_or_else(|| self.undeclared(topic))
    }

    fn publish(&mut self, at: usize, batch: &RecordBatch) -> Result<(), JobFailure> {
        let topic = &mut self.topics[at];
        let first = topic.rows + 1;
        topic.rows += batch.num_rows() as u64;
        let mut taken = topic.contract.take(batch)?;
        let sinks = topic.sinks.clone();
        // Every place of a topic holds the same rows, so what one has no room for goes to none.
        for sink in &sinks {
            let misfits = self.stagers[*sink].misfits(&taken.rows);
            if !misfits.is_empty() {
                let parted = taken.part(misfits);
                parted.map_err(|cause| columns_error(&self.topics[at], cause))?;
            }
        }
        self.quarantine(at, batch, &taken.misfits, first)?;
        for sink in sinks {
            self.take(sink, &taken.rows)?;
        }
        self.rows += taken.rows.num_rows() as u64;
        Ok(())
    }

    fn quarantine(
        &mut self,
        at: usize,
        batch: &RecordBatch,
        misfits: &[Misfit],
        first: u64,
    ) -> Result<(), JobFailure> {
        if misfits.is_empty() {
            return Ok(());
        }
        let topic = &mut self.topics[at];
        topic.quarantine.count_misfits(misfits);
        let sink = topic.quarantine_at;
        let rows = rows_of(batch, misfits, first).map_err(|cause| columns_error(topic, cause))?;
        self.quarantined += misfits.len() as u64;
        Ok(self.take(sink, &rows)?)
    }

    fn take(&mut self, index: usize, batch: &RecordBatch) -> Result<(), SinkError> {
        if let Some(small) = &mut self.small
            && (batch.num_rows() == 0 || small.push(index, batch))
        {
            return Ok(());
        }
        self.write_small()?;
        self.write_to(index, batch)
    }

    /// It is not so little after all: from now on it goes to files of its own.
    fn write_small(&mut self) -> Result<(), SinkError> {
        let Some(small) = self.small.take() else { return Ok(()) };
        small.into_batches().iter().try_for_each(|(index, batch)| self.write_to(*index, batch))
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
        let declared = self.topics.iter().map(|topic| topic.name.as_str());
        let declared = declared.collect::<Vec<_>>().join(", ");
        let text = format!("the plugin published to '{topic}'; its topics are: {declared}");
        JobFailure::new(ErrorClass::Plugin, text)
    }

    /// All or nothing.
    pub fn seal(&mut self) -> Result<SealedRows, JobFailure> {
        self.topics.iter().try_for_each(Topic::check_limit)?;
        if let Some(outputs) = self.seal_small()?
            && let Some(small) = self.small.take()
        {
            return Ok(SealedRows::Small(outputs, small.into_permit()));
        }
        self.write_small()?;
        let sealed = self.seal_all();
        if sealed.is_err() {
            self.stagers.iter_mut().for_each(Stager::unseal);
        }
        Ok(SealedRows::Files(sealed?))
    }

    /// None: it goes to files of its own, or there is nothing that would go anywhere.
    fn seal_small(&self) -> Result<Option<Vec<SmallOutput>>, SinkError> {
        let Some(small) = self.small.as_ref().filter(|small| !small.is_empty()) else {
            return Ok(None);
        };
        let mut outputs = Vec::new();
        for topic in &self.topics {
            let schema = Arc::new(topic.contract.schema().clone());
            let quarantine = (topic.quarantine_at, Arc::default(), &topic.quarantine.reasons[..]);
            let sinks = topic.sinks.iter().map(|sink| (*sink, schema.clone(), &[][..]));
            for (sink, schema, reasons) in sinks.chain([quarantine]) {
                let batches = small.of(sink);
                if batches.is_empty() {
                    continue;
                }
                let target = self.stagers[sink].target();
                let rows = SmallOutput::new(target, self.lineage, &batches, schema, reasons)?;
                let Some(rows) = rows.filter(|_| topic.has_schema) else { return Ok(None) };
                outputs.push(rows);
            }
        }
        Ok(Some(outputs))
    }

    fn seal_all(&mut self) -> Result<Vec<Unsynced>, SinkError> {
        let mut outputs = Vec::new();
        for topic in &mut self.topics {
            for sink in &topic.sinks {
                outputs.extend(self.stagers[*sink].seal(topic.contract.schema())?);
            }
            let quarantined = self.stagers[topic.quarantine_at].seal(&TopicSchema::default())?;
            outputs.extend(quarantined.map(|mut unsynced| {
                unsynced.output.reasons = std::mem::take(&mut topic.quarantine.reasons);
                unsynced
            }));
        }
        Ok(outputs)
    }
}

fn columns_error(topic: &Topic, cause: ArrowError) -> SinkError {
    SinkError::Columns { topic: topic.name.clone(), cause }
}

/// An original Sentinel, which gives no lease, grants nothing: its jobs commit one by one.
fn may_be_packed(dispatch: &Dispatch) -> bool {
    let is_file = |sink: &SinkTarget| matches!(sink.uri, SinkUri::Parquet { .. });
    dispatch.lease_s > 0.0
        && dispatch.sinks.len() <= SINKS_MAX
        && dispatch.sinks.iter().all(is_file)
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
