//! One SQLite file as somebody has it who only looks; a writer may be at work meanwhile.

use super::error::SqliteError;
use super::file::Place;
use super::record;
use super::table::{open, plan};
use crate::sinks::SinkError;
use crate::sinks::sql::{CommitRecord, OriginCount, quoted};
use protocol::{ColumnType, JobId, LINEAGE, TableName, TopicName, TopicSchema, VersionId};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

pub struct SqliteReader {
    place: Place,
    connection: Connection,
    patience: Duration,
}

impl SqliteReader {
    /// None: there is no such file.
    pub fn open(
        output_root: &Path,
        file: &str,
        patience: Duration,
    ) -> Result<Option<Self>, SinkError> {
        let Some(place) = Place::existing(output_root, file)? else { return Ok(None) };
        let connection = place.open_to_read(patience)?;
        Ok(Some(Self { place, connection, patience }))
    }

    /// Whether a table will take rows of these columns: it is the sink's, may be written, and can hold them.
    pub fn check(
        &self,
        table: &TableName,
        topic: &TopicName,
        schema: &TopicSchema,
    ) -> Result<(), SinkError> {
        let doing = self.place.doing("read", self.patience);
        // Both looks at the table are at one moment: somebody may be making it.
        let _moment =
            self.connection.unchecked_transaction().map_err(|cause| self.failed(cause))?;
        let is_read_only = self.connection.is_readonly(rusqlite::MAIN_DB);
        if is_read_only.map_err(|cause| self.failed(cause))? {
            return Err(SqliteError::ReadOnly { path: self.place.path.clone() }.into());
        }
        let columns = schema.columns.iter().map(|it| (it.name.clone(), it.column_type.clone()));
        let id = ColumnType::Int { bits: 64, signed: true };
        let lineage = LINEAGE.map(|name| (name.to_owned(), id.clone()));
        let mut table = open(&self.connection, doing, table)?;
        plan(&mut table, topic, columns.chain(lineage))?;
        Ok(())
    }

    /// The records of those of the jobs that have one.
    pub fn committed(
        &self,
        table: &TableName,
        jobs: &[JobId],
    ) -> Result<Vec<CommitRecord>, SinkError> {
        let find = || {
            if !self.has_records()? {
                return Ok(Vec::new());
            }
            let find = |job: &JobId| record::find(&self.connection, table, *job).transpose();
            let found = jobs.iter().filter_map(find).map(|it| Ok(it?.record));
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(find().map_err(|cause| self.failed(cause))?)
    }

    /// How many rows there are of each origin, by job. SQLite counts, with a file of its own where memory does not suffice.
    pub fn counts(
        &self,
        table: &TableName,
        mut each: impl FnMut(OriginCount),
    ) -> Result<(), SinkError> {
        let _moment =
            self.connection.unchecked_transaction().map_err(|cause| self.failed(cause))?;
        let has_records = self.has_records().map_err(|cause| self.failed(cause))?;
        if !has_records {
            return Ok(());
        }
        let doing = self.place.doing("read", self.patience);
        let table = open(&self.connection, doing, table)?;
        if !table.exists {
            return Ok(());
        }
        let [job, version] = LINEAGE.map(quoted);
        let mut count = || {
            let mut statement = self.connection.prepare(&format!(
                "SELECT CAST({job} AS INTEGER), CAST({version} AS INTEGER), count(*) FROM {} GROUP BY 1, 2 ORDER BY 1, 2",
                table.quoted()
            ))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(OriginCount {
                    job: JobId::new(row.get(0)?),
                    version: VersionId::new(row.get(1)?),
                    rows: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
                });
            }
            Ok(())
        };
        Ok(count().map_err(|cause| self.failed(cause))?)
    }

    /// A file without them has no table of ours.
    fn has_records(&self) -> rusqlite::Result<bool> {
        self.connection.query_row(
            "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('_casparian_commits', '_casparian_columns')",
            [],
            |row| row.get(0),
        )
    }

    fn failed(&self, cause: rusqlite::Error) -> SqliteError {
        self.place.doing("read", self.patience).failed(cause)
    }
}
