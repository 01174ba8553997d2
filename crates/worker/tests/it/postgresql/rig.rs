//! A schema of its own in the tests' server, loads into it, and what `psql` reads there.

use crate::sqlite::{staged, topic};
use arrow_array::{ArrayRef, RecordBatch};
use protocol::{JobAttempt, JobId, PostgresqlTable, SinkUri, TableName};
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use worker::sinks::SinkError;
use worker::sinks::postgresql::{Login, PostgresqlSink};
use worker::sinks::sql::{Load, Loaded, OriginCount};

pub struct Server {
    url: String,
    psql: String,
    schema: String,
}

#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

impl Server {
    /// None: nobody said that there is one. In CI that is a failure.
    pub fn new() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Some(url) = variable("CASPARIAN_TEST_POSTGRES").filter(|url| url.contains("host="))
        else {
            let said = "CASPARIAN_TEST_POSTGRES names no server: this test is skipped (`make test` starts one)";
            assert!(variable("CI").is_none(), "{said}");
            // Not captured, so that it is seen.
            let _ = writeln!(std::io::stderr(), "{said}");
            return None;
        };
        let bin = variable("CASPARIAN_TEST_POSTGRES_BIN");
        let psql = bin.map_or_else(|| "psql".to_owned(), |bin| format!("{bin}/psql"));
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let schema = format!("sink_{}_{number}", std::process::id());
        let server = Self { url, psql, schema };
        server.admin(&format!("CREATE SCHEMA {}", server.schema));
        Some(server)
    }

    /// `postgresql://casparian@localhost/postgres/SCHEMA/TABLE?host=PLACE`
    pub fn uri(&self, table: &str) -> String {
        self.url.replace("/postgres?", &format!("/postgres/{}/{table}?", self.schema))
    }

    pub fn place(&self) -> PostgresqlTable {
        let uri = self.uri("t");
        let Ok(SinkUri::Postgresql(place)) = uri.parse() else { panic!("{uri}") };
        *place
    }

    pub fn sink(&self) -> PostgresqlSink {
        PostgresqlSink::new(&self.place(), &Login::default()).unwrap()
    }

    pub fn admin(&self, sql: &str) -> Vec<String> {
        let mut psql = Command::new(&self.psql);
        psql.args([&self.url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// In the schema of the test.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        self.admin(&format!("SET search_path = {}; SET TimeZone = 'UTC'; {sql}", self.schema))
    }

    pub fn load(
        &self,
        job: JobAttempt,
        columns: &[(&str, ArrayRef)],
        supersede: &[JobId],
    ) -> Result<Loaded, SinkError> {
        load_into(&mut self.sink(), job, &[staged(job, columns)], supersede)
    }

    #[track_caller]
    pub fn done(&self, job: JobAttempt, columns: &[(&str, ArrayRef)]) {
        assert_eq!(self.load(job, columns, &[]).unwrap(), Loaded::Done);
    }

    pub fn counts(&self) -> Vec<(i64, u64)> {
        let mut counts = Vec::new();
        let each = |it: OriginCount| counts.push((it.job.get(), it.rows));
        self.sink().counts(&table(), each).unwrap();
        counts
    }
}

pub fn table() -> TableName {
    "t".parse().unwrap()
}

pub fn load_into(
    sink: &mut PostgresqlSink,
    job: JobAttempt,
    batches: &[RecordBatch],
    supersede: &[JobId],
) -> Result<Loaded, SinkError> {
    let mut transaction = sink.begin()?;
    let loaded = transaction.load(Load {
        topic: &topic(),
        table: &table(),
        job,
        schema: batches[0].schema(),
        rows: batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        supersede,
        batches: &mut batches.iter().cloned().map(Ok),
    })?;
    transaction.commit().map(|()| loaded)
}
