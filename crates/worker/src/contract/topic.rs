//! The contract of one topic within one job.

use super::fit::{Fitted, Texts, either, filter_of, fit, is_beyond_float, nulls_of};
use super::misfit::{Misfit, is_not};
use crate::sinks::columns::{arrow_type, column_type};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{ArrowError, Field, Fields, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use protocol::{Column, ColumnType, LINEAGE, SinkTarget, TopicName, TopicSchema};
use std::collections::HashSet;
use std::sync::Arc;

/// What was published fits no table.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error("topic {topic}: column '{column}' is reserved for lineage; rename it")]
    Reserved { topic: TopicName, column: String },
    #[error("topic {topic}: two columns are named '{column}'; rename one")]
    Duplicate { topic: TopicName, column: String },
    #[error(
        "topic {topic}: column '{column}' has the type {data_type}, which no table can hold; publish it as another"
    )]
    Unstorable { topic: TopicName, column: String, data_type: String },
    #[error("topic {topic}: rows without a column cannot be stored")]
    NoColumns { topic: TopicName },
    #[error(
        "topic {topic}: column '{column}' ({column_type}) is not in its schema, which is strict; add it to SCHEMA or set OPTIONS {topic}: schema=evolve"
    )]
    StrictNew { topic: TopicName, column: String, column_type: ColumnType },
    #[error(
        "topic {topic}: column '{column}' is {known} and now {found}, and its schema is strict; publish {known} or set OPTIONS {topic}: schema=evolve"
    )]
    StrictChanged { topic: TopicName, column: String, known: ColumnType, found: ColumnType },
    #[error("topic {topic}: {cause}")]
    Arrow { topic: TopicName, cause: ArrowError },
}

/// What became of a batch.
#[derive(Debug)]
pub struct Taken {
    /// Those that fit, in the topic's columns.
    pub rows: RecordBatch,
    /// In the order of their rows, at most one for each.
    pub misfits: Vec<Misfit>,
}

impl Taken {
    /// Rows that a sink has no room for leave, too.
    pub fn part(&mut self, misfits: Vec<Misfit>) -> Result<(), ArrowError> {
        let gone = self.misfits.iter().map(|misfit| misfit.row).collect::<HashSet<_>>();
        let all = self.rows.num_rows() + gone.len();
        let kept = (0..all).filter(|row| !gone.contains(row)).collect::<Vec<_>>();
        let bad = misfits.iter().map(|misfit| misfit.row).collect::<HashSet<_>>();
        let bad = BooleanBuffer::collect_bool(kept.len(), |row| bad.contains(&row));
        self.rows = filter_record_batch(&self.rows, &filter_of(&bad))?;
        let moved = misfits.into_iter().map(|misfit| Misfit { row: kept[misfit.row], ..misfit });
        self.misfits.extend(moved);
        self.misfits.sort_by_key(|misfit| misfit.row);
        self.misfits.dedup_by_key(|misfit| misfit.row);
        Ok(())
    }
}

/// The columns grow with what is published. What was taken before means the same after.
#[derive(Debug)]
pub struct TopicContract {
    topic: TopicName,
    schema: TopicSchema,
    is_strict: bool,
    arrow: SchemaRef,
    /// Of the last batch, which has been checked.
    incoming: SchemaRef,
}

impl TopicContract {
    pub fn new(target: &SinkTarget) -> Self {
        let schema = target.schema_def.clone().unwrap_or_default();
        // Before its first rows a topic has no columns to be strict about.
        let is_strict = target.options.strict && !schema.is_empty();
        let (arrow, incoming) = (Arc::new(arrow_schema(&schema)), Arc::new(Schema::empty()));
        Self { topic: target.topic.clone(), schema, is_strict, arrow, incoming }
    }

    pub fn schema(&self) -> &TopicSchema {
        &self.schema
    }

    pub fn take(&mut self, batch: &RecordBatch) -> Result<Taken, ContractError> {
        if *batch.schema_ref() != self.incoming {
            self.check(batch.schema_ref())?;
            self.incoming = batch.schema();
        }
        let mut faults: Vec<Fault> = Vec::new();
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.schema.columns.len()];
        let fields = self.incoming.fields().clone();
        for (field, column) in fields.iter().zip(batch.columns()) {
            let at = self.place_of(field.name(), column)?;
            columns.resize(self.schema.columns.len(), None);
            let (fitted, wanted) = self.fit_column(at, column)?;
            if let Some(rows) = fitted.misfits {
                let (name, given) = (field.name().clone(), column.clone());
                faults.push(Fault { name, rows, what: Wrong::Value { given, wanted } });
            }
            columns[at] = Some(fitted.column);
        }
        self.check_nulls(&columns, batch.num_rows(), &mut faults);
        let arrow = self.arrow_schema();
        let columns = columns.into_iter().zip(arrow.fields()).map(|(column, field)| {
            column.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(arrow.clone(), columns.collect(), &options);
        let rows = rows.map_err(|cause| self.arrow_error(cause))?;
        self.part(rows, &faults)
    }

    fn part(&self, rows: RecordBatch, faults: &[Fault]) -> Result<Taken, ContractError> {
        let bad = faults.iter().fold(None, |bad, fault| either(bad, Some(fault.rows.clone())));
        let Some(bad) = bad.filter(|bad| bad.count_set_bits() > 0) else {
            return Ok(Taken { rows, misfits: Vec::new() });
        };
        let first = |row: usize| faults.iter().find(|fault| fault.rows.value(row));
        let misfit = |row: usize| first(row).map(|fault| fault.misfit(row));
        let misfits = bad.set_indices().filter_map(misfit).collect();
        let rows = filter_record_batch(&rows, &filter_of(&bad));
        Ok(Taken { rows: rows.map_err(|cause| self.arrow_error(cause))?, misfits })
    }

    fn check(&self, incoming: &Schema) -> Result<(), ContractError> {
        let topic = || self.topic.clone();
        let mut seen = HashSet::new();
        for field in incoming.fields() {
            let column = field.name().clone();
            if LINEAGE.contains(&column.as_str()) {
                return Err(ContractError::Reserved { topic: topic(), column });
            }
            if !seen.insert(field.name()) {
                return Err(ContractError::Duplicate { topic: topic(), column });
            }
            if column_type(field.data_type()).is_none() {
                let data_type = field.data_type().to_string();
                return Err(ContractError::Unstorable { topic: topic(), column, data_type });
            }
        }
        if incoming.fields().is_empty() {
            return Err(ContractError::NoColumns { topic: topic() });
        }
        Ok(())
    }

    /// Where the column is; a new one comes last.
    fn place_of(&mut self, name: &str, column: &ArrayRef) -> Result<usize, ContractError> {
        let known = self.schema.columns.iter().position(|column| column.name == name);
        if let Some(at) = known {
            return Ok(at);
        }
        let column_type = column_type(column.data_type()).unwrap_or(ColumnType::Null);
        if self.is_strict {
            let (topic, column) = (self.topic.clone(), name.to_owned());
            return Err(ContractError::StrictNew { topic, column, column_type });
        }
        self.schema.columns.push(Column::new(name, column_type));
        Ok(self.schema.columns.len() - 1)
    }

    fn fit_column(
        &mut self,
        at: usize,
        column: &ArrayRef,
    ) -> Result<(Fitted, ColumnType), ContractError> {
        let known = self.schema.columns[at].clone();
        let texts = if known.declared { Texts::AreRead } else { Texts::Stay };
        let mut wanted = known.column_type.clone();
        let mut fitted = self.fit_to(column, &wanted, texts)?;
        if fitted.misfits.is_some()
            && !known.declared
            && let Some(wider) = wider_for(&known, column)
        {
            let widened = self.fit_to(column, &wider, texts)?;
            if self.is_strict {
                return Err(ContractError::StrictChanged {
                    topic: self.topic.clone(),
                    column: known.name,
                    known: known.column_type,
                    found: wider,
                });
            }
            if count(widened.misfits.as_ref()) < count(fitted.misfits.as_ref()) {
                self.schema.columns[at].column_type = wider.clone();
                (fitted, wanted) = (widened, wider);
            }
        }
        if wanted.may_be_beyond_float() && !known.beyond_float {
            self.schema.columns[at].beyond_float = is_beyond_float(&fitted.column);
        }
        Ok((fitted, wanted))
    }

    fn fit_to(
        &self,
        column: &ArrayRef,
        to: &ColumnType,
        texts: Texts,
    ) -> Result<Fitted, ContractError> {
        fit(column, to, texts).map_err(|cause| self.arrow_error(cause))
    }

    fn check_nulls(&self, columns: &[Option<ArrayRef>], rows: usize, faults: &mut Vec<Fault>) {
        for (known, column) in self.schema.columns.iter().zip(columns) {
            if !known.not_null {
                continue;
            }
            let nulls = match column {
                Some(column) => nulls_of(column),
                None => Some(BooleanBuffer::new_set(rows)),
            };
            if let Some(rows) = nulls {
                faults.push(Fault { name: known.name.clone(), rows, what: Wrong::Null });
            }
        }
    }

    fn arrow_schema(&mut self) -> SchemaRef {
        let columns = self.schema.columns.iter().zip(self.arrow.fields());
        let is_same = self.arrow.fields().len() == self.schema.columns.len()
            && columns
                .into_iter()
                .all(|(column, field)| *field.data_type() == arrow_type(&column.column_type));
        if !is_same {
            self.arrow = Arc::new(arrow_schema(&self.schema));
        }
        self.arrow.clone()
    }

    fn arrow_error(&self, cause: ArrowError) -> ContractError {
        ContractError::Arrow { topic: self.topic.clone(), cause }
    }
}

/// Rows of a batch that have the same thing wrong with them.
struct Fault {
    name: String,
    rows: BooleanBuffer,
    what: Wrong,
}

enum Wrong {
    Value { given: ArrayRef, wanted: ColumnType },
    Null,
}

impl Fault {
    fn misfit(&self, row: usize) -> Misfit {
        let reason = match &self.what {
            Wrong::Value { given, wanted } => is_not(given, row, wanted),
            Wrong::Null => "null where the schema says not null".to_owned(),
        };
        Misfit { row, column: Some(self.name.clone()), reason }
    }
}

/// A type for what the column held and for what it gets now.
fn wider_for(known: &Column, column: &ArrayRef) -> Option<ColumnType> {
    let found = column_type(column.data_type())?;
    let is_exact = !known.beyond_float && !is_beyond_float(column);
    let wider = known.column_type.wider(&found, is_exact)?;
    (wider != known.column_type).then_some(wider)
}

fn count(misfits: Option<&BooleanBuffer>) -> usize {
    misfits.map_or(0, BooleanBuffer::count_set_bits)
}

/// Columns may come and go between files, so each may be null.
fn arrow_schema(schema: &TopicSchema) -> Schema {
    let field = |column: &Column| Field::new(&column.name, arrow_type(&column.column_type), true);
    Schema::new(schema.columns.iter().map(field).collect::<Fields>())
}
