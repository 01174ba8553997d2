//! A sink of each kind, and what a worker does with it: stage, promote, recover.

use super::read;
use crate::postgresql::Server;
use crate::support::sink;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use protocol::{
    JobAttempt, JobId, OutputFileId, Retirement, SinkTarget, StagedOutput, Superseded, VersionId,
};
use std::path::PathBuf;
use tempfile::TempDir;
use worker::contract::TopicContract;
use worker::sinks::{
    Lineage, PromoteOutcome, Promoted, RecoverTarget, Recovered, SinkError, Sinks, Stager,
};

/// Of the file that each job of these tests reads.
pub const VERSION: i64 = 3;

/// Makes a test of each case for each of the sinks that are named.
macro_rules! on_sinks {
    ([$($sink:ident),*] $cases:tt) => {
        $($crate::conformance::target::on_sinks!(@ $sink $cases);)*
    };
    (@ $sink:ident [$($case:ident),* $(,)?]) => {
        mod $sink {
            $(
                #[test]
                fn $case() {
                    if let Some(target) = $crate::conformance::target::Target::$sink() {
                        super::$case(&target);
                    }
                }
            )*
        }
    };
}

macro_rules! on_every_sink {
    ($($case:ident),* $(,)?) => {
        $crate::conformance::target::on_sinks!([parquet, sqlite, postgresql] [$($case),*]);
    };
}

pub(crate) use {on_every_sink, on_sinks};

/// A lake of its own, in which every topic has a sink of one kind.
pub struct Target {
    pub lake: TempDir,
    pub place: Place,
}

pub enum Place {
    Parquet,
    Sqlite,
    Postgresql(Server),
}

impl Target {
    fn new(place: Place) -> Self {
        Self { lake: TempDir::new().unwrap(), place }
    }

    pub fn parquet() -> Option<Self> {
        Some(Self::new(Place::Parquet))
    }

    pub fn sqlite() -> Option<Self> {
        Some(Self::new(Place::Sqlite))
    }

    pub fn postgresql() -> Option<Self> {
        Server::new().map(|server| Self::new(Place::Postgresql(server)))
    }

    /// Another one of the same kind.
    pub fn fresh(&self) -> Self {
        match self.place {
            Place::Parquet => Self::parquet(),
            Place::Sqlite => Self::sqlite(),
            Place::Postgresql(_) => Self::postgresql(),
        }
        .unwrap()
    }

    pub fn uri(&self, topic: &str) -> String {
        match &self.place {
            Place::Parquet => format!("parquet://{topic}"),
            Place::Sqlite => format!("sqlite://x.db/{topic}"),
            Place::Postgresql(server) => server.uri(topic),
        }
    }

    pub fn sink(&self, topic: &str) -> SinkTarget {
        sink(topic, &self.uri(topic))
    }

    pub fn worker(&self, name: &str) -> Sinks {
        Sinks::new(self.lake.path().to_owned(), name.parse().unwrap())
    }

    pub fn stager(&self, sinks: &Sinks, topic: &str, job: JobAttempt) -> Stager {
        let lineage = Lineage { job: job.id, version: VersionId::new(VERSION) };
        sinks.stager(&self.sink(topic), job, lineage, false).unwrap()
    }

    /// As a job does: what its contract takes, and the sink has room for. All of it has to be.
    pub fn stage(
        &self,
        sinks: &Sinks,
        topic: &str,
        job: JobAttempt,
        batches: &[RecordBatch],
    ) -> Result<StagedOutput, SinkError> {
        let mut contract = TopicContract::new(&self.sink(topic));
        let mut stager = self.stager(sinks, topic, job);
        for batch in batches {
            let mut taken = contract.take(batch).unwrap();
            taken.part(stager.misfits(&taken.rows)).unwrap();
            assert_eq!(taken.misfits, []);
            stager.write(&taken.rows)?;
        }
        let unsynced = stager.seal(contract.schema())?.expect("there are rows");
        unsynced.sync()?;
        Ok(unsynced.output)
    }

    /// Staged and promoted by a worker of its own.
    pub fn load(
        &self,
        topic: &str,
        job: JobAttempt,
        batches: &[RecordBatch],
    ) -> Result<PromoteOutcome, SinkError> {
        let sinks = self.worker(&format!("w{}", job.id.get()));
        let output = self.stage(&sinks, topic, job, batches)?;
        promote(&sinks, job, &output, &[])
    }

    pub fn done(&self, topic: &str, job: JobAttempt, batches: &[RecordBatch]) {
        assert_eq!(self.load(topic, job, batches).unwrap(), PromoteOutcome::Done);
    }

    /// Asks for the rows of one attempt to go.
    pub fn retire(&self, sinks: &Sinks, topic: &str, job: JobAttempt) {
        let retirement = Retirement {
            id: OutputFileId::new(1),
            job,
            topic: topic.parse().unwrap(),
            uri: self.uri(topic).parse().unwrap(),
            file: protocol::final_name(job.into()),
            copied: false,
        };
        let (done, errors) = sinks.retire(&[retirement]);
        assert!(errors.is_empty() && done == [OutputFileId::new(1)], "{errors:?}");
    }

    /// `job value` of all rows that readers of the topic see, in this order.
    pub fn rows(&self, topic: &str, column: &str) -> Vec<(i64, Option<i64>)> {
        let jobs = self.column(topic, "_job_id", &DataType::Int64);
        let versions = self.column(topic, "_file_version_id", &DataType::Int64);
        assert!(read::ints(&versions).iter().all(|version| *version == Some(VERSION)));
        let values = self.column(topic, column, &DataType::Int64);
        let jobs = read::ints(&jobs).into_iter().map(Option::unwrap);
        let mut rows: Vec<_> = jobs.zip(read::ints(&values)).collect();
        rows.sort_unstable();
        rows
    }

    /// How many rows readers of the topic see, and the sum of a column.
    pub fn totals(&self, topic: &str, column: &str) -> (i64, i64) {
        let totals = match self.place {
            Place::Parquet => {
                let values = read::ints(&self.column(topic, column, &DataType::Int64));
                return (values.len() as i64, values.iter().flatten().sum());
            }
            _ => self.ask(&format!("SELECT count(*) || ' ' || sum({column}) FROM {topic}")),
        };
        let (rows, sum) = totals[0].split_once(' ').unwrap();
        (rows.parse().unwrap(), sum.parse().unwrap())
    }

    /// Lines that a client of the database prints.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        match &self.place {
            Place::Parquet => panic!("files answer no SQL"),
            Place::Sqlite => crate::sqlite::shell(&self.lake.path().join("x.db"), sql),
            Place::Postgresql(server) => server.ask(sql),
        }
    }

    /// What a reader of the topic sees of a column, as this type, in the order in which rows were written; empty without the topic.
    pub fn column(&self, topic: &str, name: &str, data_type: &DataType) -> ArrayRef {
        match &self.place {
            Place::Parquet => read::parquet(&self.lake.path().join(topic), name, data_type),
            Place::Sqlite => read::sqlite(&self.lake.path().join("x.db"), topic, name, data_type),
            Place::Postgresql(server) => read::postgresql(server, topic, name, data_type),
        }
    }

    /// Where staged output of a topic lies.
    pub fn staging(&self, topic: &str) -> PathBuf {
        if matches!(self.place, Place::Parquet) {
            return self.lake.path().join(topic).join("_staging");
        }
        let tables = std::fs::read_dir(self.lake.path().join("_tables"));
        let mut tables = tables.into_iter().flatten().map(|table| table.unwrap().path());
        let name = format!("{topic}-");
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&name);
        tables.find(is_it).map_or_else(PathBuf::new, |table| table.join("_staging"))
    }

    /// Of all workers.
    pub fn staged_files(&self, topic: &str) -> Vec<PathBuf> {
        let workers = std::fs::read_dir(self.staging(topic));
        let workers = workers.into_iter().flatten().map(|worker| worker.unwrap().path());
        let files = workers.flat_map(|worker| std::fs::read_dir(worker).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }
}

pub fn attempt(id: i64, attempt: u32) -> JobAttempt {
    JobAttempt { id: JobId::new(id), attempt }
}

pub fn promote(
    sinks: &Sinks,
    job: JobAttempt,
    output: &StagedOutput,
    supersede: &[JobAttempt],
) -> Result<PromoteOutcome, SinkError> {
    let superseded = |old: &JobAttempt| Superseded {
        job: old.id,
        topic: output.topic.clone(),
        uri: output.uri.clone(),
    };
    let supersede: Vec<Superseded> = supersede.iter().map(superseded).collect();
    let mut promotion = sinks.promotion();
    let outcome = promotion.promote(job, output, &supersede)?;
    let Promoted { files, mut tables } = promotion.finish();
    files?;
    tables.remove(&job.id).unwrap_or(Ok(outcome))
}

pub fn recover(
    sinks: &Sinks,
    job: JobAttempt,
    recovery: u32,
    outputs: &[StagedOutput],
) -> Recovered {
    let target = RecoverTarget { commit: job.into(), recovery, jobs: vec![outputs] };
    sinks.recover(&target).unwrap().remove(0)
}
