//! Why a table does not take columns or rows, whichever database it is in: the place, the cause, the cure.

use protocol::{ColumnType, ErrorClass, JobId, TopicName};

/// A `place` is the file or the server.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(
        "{place}: table '{table}' was not made by this sink; drop or rename it, or name another table in the sink's address"
    )]
    NotOurs { place: String, table: String },
    #[error("{place}: column '{column}' of table '{table}' {problem}")]
    Column { place: String, table: String, column: String, problem: Box<ColumnProblem> },
    #[error(
        "topic {topic}: {columns} columns with those of the lineage, and a table of {database} has at most {columns_max}; publish fewer, or send the topic to parquet://"
    )]
    TooManyColumns { topic: TopicName, columns: usize, database: &'static str, columns_max: usize },
    #[error(
        "topic {topic}: the column name {column:?} holds a NUL character, which no {database} name can; rename it"
    )]
    NulInName { topic: TopicName, column: String, database: &'static str },
    #[error(
        "job {job}: {found} rows came for table '{table}' and {expected} were announced; nothing was stored"
    )]
    RowCount { job: JobId, table: String, expected: u64, found: u64 },
}

/// What is wrong with one column.
#[derive(Debug, thiserror::Error)]
pub enum ColumnProblem {
    #[error("is gone; add it again, or drop the table and run its files again")]
    Gone,
    #[error("was not made by this sink, which now needs the name; drop or rename it")]
    Taken,
    #[error(
        "goes from {before} to {now}, for which the table is rewritten, but somebody added a column '{added}' to it; drop that, or keep it in a table of its own"
    )]
    BesideOthers { before: ColumnType, now: ColumnType, added: String },
    #[error("cannot go from {before} to {now}: {value} would change")]
    Lossy { before: ColumnType, now: ColumnType, value: String },
    #[error("is {before} and cannot also hold {now}; publish one type per column")]
    Conflict { before: ColumnType, now: ColumnType },
}

impl TableError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::TooManyColumns { .. } | Self::NulInName { .. } => ErrorClass::Plugin,
            Self::Column { problem, .. } if matches!(**problem, ColumnProblem::Conflict { .. }) => {
                ErrorClass::Plugin
            }
            _ => ErrorClass::Sink,
        }
    }
}
