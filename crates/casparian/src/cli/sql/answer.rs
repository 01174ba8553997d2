//! An answer on its way out, in one of four forms. Only a table is held, for its columns to line up, and that up to a bound.

use super::Arguments;
use crate::cli::context::Context;
use crate::failure::Failure;
use crate::output::{Table, counted};
use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use protocol::LINEAGE;
use query::lake::{Answer, QueryError};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a table that are shown.
const TABLE_ROWS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns that line up, for people
    Table,
    /// RFC 4180, with a header; no value is an empty cell
    Csv,
    /// One array of objects
    Json,
    Parquet,
}

pub fn write(answer: Answer<'_>, arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let format = if context.printer.is_json() { Format::Json } else { arguments.format };
    match &arguments.to {
        Some(path) => to_file(answer, format, path, context),
        None if format == Format::Table => {
            let (text, note) = table(answer)?;
            context.printer.table(&text)?;
            context.printer.note(&note);
            Ok(())
        }
        None if format == Format::Parquet && context.printer.is_shown() => {
            Err(Failure::usage("Parquet is not for a terminal")
                .hint("name a file: --to answer.parquet"))
        }
        None => {
            match rows(answer, format, context.printer.stream()) {
                // Whoever read it has enough.
                Err(WriteError::Out(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|error| error.failure("stdout")),
            }
        }
    }
}

/// Beside it first, so that nobody finds half of it.
fn to_file(
    answer: Answer<'_>,
    format: Format,
    path: &Path,
    context: &Context,
) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let partial = PathBuf::from(partial);
    let shown = path.display().to_string();
    let written = File::create(&partial).map_err(WriteError::Out).and_then(|file| {
        if format == Format::Table {
            let (text, _) = table(answer).map_err(WriteError::Failure)?;
            let mut file = file;
            file.write_all(text.text().as_bytes()).map_err(WriteError::Out)?;
            return file.sync_all().map_err(WriteError::Out);
        }
        rows(answer, format, BufWriter::new(file))
    });
    let moved = written.and_then(|()| std::fs::rename(&partial, path).map_err(WriteError::Out));
    if let Err(error) = moved {
        let _ = std::fs::remove_file(&partial);
        return Err(error.failure(&shown));
    }
    context.printer.note(&format!("written to {shown}"));
    Ok(())
}

enum WriteError {
    Out(io::Error),
    Query(QueryError),
    Rows(ArrowError),
    Failure(Failure),
}

impl WriteError {
    fn failure(self, place: &str) -> Failure {
        match self {
            Self::Out(error) => Failure::unreachable(format!("cannot write to {place}: {error}")),
            Self::Query(error) => error.into(),
            Self::Rows(error) => Failure::usage(format!("the answer has no such form: {error}"))
                .hint("cast the column, e.g. CAST(x AS VARCHAR), or take another --format"),
            Self::Failure(failure) => failure,
        }
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        Self::Rows(error)
    }
}

fn rows(answer: Answer<'_>, format: Format, out: impl Write + Send) -> Result<(), WriteError> {
    let failed = Mutex::new(None);
    let out = Out { out, failed: &failed };
    let written = match format {
        Format::Csv | Format::Table => csv(answer, out),
        Format::Json => json(answer, out),
        Format::Parquet => parquet(answer, out),
    };
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(WriteError::Out(error)),
        None => written,
    }
}

/// Keeps what went wrong in writing: the writers of the forms make texts of it.
struct Out<'a, W> {
    out: W,
    failed: &'a Mutex<Option<io::Error>>,
}

impl<W> Out<'_, W> {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            kind.into()
        })
    }
}

impl<W: Write> Write for Out<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

fn csv(answer: Answer<'_>, mut out: impl Write) -> Result<(), WriteError> {
    // The header is there without rows, too.
    let empty = RecordBatch::new_empty(answer.schema.clone());
    let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(&mut out);
    writer.write(&empty)?;
    for batch in answer {
        writer.write(&batch.map_err(WriteError::Query)?)?;
    }
    drop(writer);
    out.flush().map_err(WriteError::Out)
}

fn json(answer: Answer<'_>, mut out: impl Write) -> Result<(), WriteError> {
    let builder = arrow_json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, arrow_json::writer::JsonArray>(&mut out);
    for batch in answer {
        writer.write(&with_text_ids(&batch.map_err(WriteError::Query)?)?)?;
    }
    writer.finish()?;
    drop(writer);
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(WriteError::Out)
}

/// An id is a text in JSON: JavaScript would round the number.
fn with_text_ids(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if LINEAGE.contains(&field.name().as_str()) && *field.data_type() == DataType::Int64 {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(cast(column, &DataType::Utf8)?);
        } else {
            fields.push(field.clone());
            columns.push(column.clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn parquet(answer: Answer<'_>, out: impl Write + Send) -> Result<(), WriteError> {
    let schema: SchemaRef = answer.schema.clone();
    let mut writer = ArrowWriter::try_new(out, schema, None).map_err(ArrowError::from)?;
    for batch in answer {
        writer.write(&batch.map_err(WriteError::Query)?).map_err(ArrowError::from)?;
    }
    let mut out = writer.into_inner().map_err(ArrowError::from)?;
    out.flush().map_err(WriteError::Out)
}

fn table(answer: Answer<'_>) -> Result<(Table, String), Failure> {
    let schema = answer.schema.clone();
    let names = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
    let numbers =
        schema.fields().iter().enumerate().filter(|(_, field)| field.data_type().is_numeric());
    let numbers = numbers.map(|(at, _)| at).collect::<Vec<_>>();
    let mut table = Table::named(&names).numbers(&numbers);
    let mut count = 0;
    for batch in answer {
        let batch = batch?;
        count += add(&mut table, &batch, TABLE_ROWS_MAX - count)?;
        if count == TABLE_ROWS_MAX {
            let note = format!(
                "the first {TABLE_ROWS_MAX} rows; --format csv --to FILE writes all of them"
            );
            return Ok((table, note));
        }
    }
    Ok((table, counted(count as u64, "row", "rows")))
}

fn add(table: &mut Table, batch: &RecordBatch, rows_max: usize) -> Result<usize, Failure> {
    let options = FormatOptions::default().with_null("");
    let bug = |error: ArrowError| Failure::bug(error.to_string());
    let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(bug)?;
    let rows = batch.num_rows().min(rows_max);
    for row in 0..rows {
        table.row(formatters.iter().map(|column| column.value(row).to_string()));
    }
    Ok(rows)
}
