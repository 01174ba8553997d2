//! The open pack: a file for each place that its jobs publish to, and what each job has in them.

use super::anew::PackedJob;
use super::packer::ClosedPack;
use crate::failure::JobFailure;
use crate::sinks::{PackFile, SinkError, Sinks, SmallOutput, Unsynced};
use protocol::{
    Commit, JobAttempt, Metrics, QuarantineReason, SinkUri, StagedOutput, TopicName, TopicSchema,
};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// In memory, over all files.
const BUFFERED_BYTES_MAX: usize = 64 << 20;
/// On disk, over all files.
const SIZE_MAX: usize = 128 << 20;
const FILES_MAX: usize = 32;
/// Files beyond these have no dictionaries, which take memory before their first value.
const FILES_WITH_DICTIONARY: usize = 8;
const JOBS_MAX: usize = 5_000;
/// Of the announcement, about: it has to fit one message, with others.
const WORD_BYTES_MAX: usize = 2 << 20;
/// Of a job, or of an output in it.
const WORD_BYTES: usize = 512;
const WORD_BYTES_OF_COLUMN: usize = 128;
/// Under load a row waits no longer than this.
const AGE_MAX: Duration = Duration::from_secs(1);

pub struct OpenPack {
    commit: Commit,
    files: BTreeMap<SinkUri, PackFile>,
    /// What was said last of a topic's columns.
    schemas: HashMap<TopicName, Arc<TopicSchema>>,
    jobs: Vec<JobRows>,
    opened: Instant,
    word_bytes: usize,
}

/// What a job has in which files.
struct JobRows {
    job: JobAttempt,
    rows: Vec<Share>,
    metrics: Metrics,
}

struct Share {
    uri: SinkUri,
    rows: Range<u64>,
    schema: Arc<TopicSchema>,
    schema_version: u64,
    reasons: Vec<QuarantineReason>,
}

impl OpenPack {
    pub fn new(commit: Commit) -> Self {
        Self {
            commit,
            files: BTreeMap::new(),
            schemas: HashMap::new(),
            jobs: Vec::new(),
            opened: Instant::now(),
            word_bytes: 0,
        }
    }

    /// Whether a job with these rows can still come in.
    pub fn takes(&self, outputs: &[SmallOutput]) -> bool {
        let is_new = |output: &&SmallOutput| !self.files.contains_key(&output.uri);
        let fits = |output: &SmallOutput| {
            self.files.get(&output.uri).is_none_or(|file| file.takes(output))
        };
        self.files.len() + outputs.iter().filter(is_new).count() <= FILES_MAX
            && outputs.iter().all(fits)
    }

    pub fn is_full(&self) -> bool {
        self.opened.elapsed() >= AGE_MAX
            || self.jobs.len() >= JOBS_MAX
            || self.word_bytes >= WORD_BYTES_MAX
            || self.files.values().map(PackFile::size).sum::<usize>() >= SIZE_MAX
    }

    /// After an error the pack is good for nothing.
    pub fn write(
        &mut self,
        sinks: &Sinks,
        job: JobAttempt,
        outputs: &[SmallOutput],
        metrics: Metrics,
    ) -> Result<(), SinkError> {
        let mut rows = Vec::with_capacity(outputs.len());
        self.word_bytes += WORD_BYTES;
        for output in outputs {
            if !self.files.contains_key(&output.uri) {
                let many = self.files.len() >= FILES_WITH_DICTIONARY;
                let file = sinks.pack_file(self.commit, output, many)?;
                self.files.insert(output.uri.clone(), file);
            }
            let Some(file) = self.files.get_mut(&output.uri) else { continue };
            let written = file.write(output)?;
            let (uri, reasons) = (output.uri.clone(), output.reasons.clone());
            let schema = self.schema(output);
            self.word_bytes += WORD_BYTES * (1 + reasons.len());
            let schema_version = output.schema_version;
            rows.push(Share { uri, rows: written, schema, schema_version, reasons });
        }
        self.jobs.push(JobRows { job, rows, metrics });
        self.make_room()
    }

    /// Jobs that say the same of a topic say it once.
    fn schema(&mut self, output: &SmallOutput) -> Arc<TopicSchema> {
        if output.uri.is_quarantine() {
            return output.schema.clone();
        }
        match self.schemas.get(&output.topic) {
            Some(known) if **known == *output.schema => known.clone(),
            _ => {
                self.word_bytes += output.schema.columns.len() * WORD_BYTES_OF_COLUMN;
                self.schemas.insert(output.topic.clone(), output.schema.clone());
                output.schema.clone()
            }
        }
    }

    fn make_room(&mut self) -> Result<(), SinkError> {
        while self.files.values().map(PackFile::buffered).sum::<usize>() > BUFFERED_BYTES_MAX {
            let largest = self.files.values_mut().max_by_key(|file| file.buffered());
            let Some(largest) = largest else { return Ok(()) };
            largest.flush()?;
        }
        Ok(())
    }

    pub fn jobs(&self) -> impl Iterator<Item = JobAttempt> {
        self.jobs.iter().map(|one| one.job)
    }

    pub fn close(self) -> Result<ClosedPack, (Vec<JobAttempt>, JobFailure)> {
        let jobs = self.jobs().collect();
        match self.finish() {
            Ok(closed) => Ok(closed),
            Err(error) => Err((jobs, error.into())),
        }
    }

    fn finish(self) -> Result<ClosedPack, SinkError> {
        let files = self.files.into_values().map(PackFile::finish);
        let files = files.collect::<Result<Vec<Option<Unsynced>>, _>>()?;
        let files = files.into_iter().flatten().collect::<Vec<_>>();
        let outputs = files.iter().map(|file| (&file.output.uri, &file.output));
        let outputs = outputs.collect::<BTreeMap<_, _>>();
        let share = |Share { uri, rows, schema, schema_version, reasons }: Share| {
            let file = StagedOutput::clone(outputs.get(&uri)?);
            let (row_start, rows) = (rows.start, rows.end - rows.start);
            let size_bytes = file.size_bytes * rows / file.rows.max(1);
            let output = StagedOutput { row_start, rows, schema_version, reasons, ..file };
            Some((size_bytes, output, schema))
        };
        let jobs = self.jobs.into_iter().map(|JobRows { job, rows, metrics }| {
            let (mut outputs, mut schemas, mut all_bytes) = (Vec::new(), Vec::new(), 0);
            for (size_bytes, output, schema) in rows.into_iter().filter_map(share) {
                all_bytes += size_bytes;
                outputs.push(output);
                schemas.push(schema);
            }
            let metrics = Metrics { size_bytes: all_bytes, ..metrics };
            PackedJob { job, outputs, schemas, metrics }
        });
        let jobs = jobs.collect();
        Ok(ClosedPack { commit: self.commit, files, jobs })
    }
}
