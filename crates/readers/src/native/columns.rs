//! The columns of a file that says itself what they are: their names told apart, and those picked that are wanted.

use crate::decision::{ColumnDecision, ColumnKind};
use crate::error::ReadError;
use crate::format::Format;
use crate::names::names as distinct;
use crate::pins::{PinError, Pins};
use crate::settings::Settings;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, FieldRef, Schema, SchemaRef};
use std::collections::HashSet;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) struct NativeColumns {
    /// Of the wanted columns, in the file's order.
    pub(crate) schema: SchemaRef,
    /// Where they stand among all of the file's.
    pub(crate) wanted: Vec<usize>,
    /// Of all columns.
    pub(crate) decided: Vec<ColumnDecision>,
}

impl NativeColumns {
    pub(crate) fn new(
        format: Format,
        file: &Schema,
        pins: &Pins,
        settings: &Settings,
    ) -> Result<Self, ReadError> {
        refuse_text_pins(format, pins)?;
        let names = file_names(file, pins)?;
        let fields: Vec<FieldRef> = file
            .fields()
            .iter()
            .zip(names)
            .map(|(field, name)| Arc::new(field.as_ref().clone().with_name(name)))
            .collect();
        let wanted: Vec<usize> = match &settings.columns {
            None => (0..fields.len()).collect(),
            Some(columns) => {
                let columns: HashSet<&str> = columns.iter().map(String::as_str).collect();
                (0..fields.len())
                    .filter(|at| columns.contains(fields[*at].name().as_str()))
                    .collect()
            }
        };
        let decided = fields.iter().map(|field| decided(field)).collect();
        let schema = Arc::new(Schema::new(
            wanted.iter().map(|at| Arc::clone(&fields[*at])).collect::<Vec<_>>(),
        ));
        Ok(Self { schema, wanted, decided })
    }

    /// A batch of the wanted columns alone, under their names.
    pub(crate) fn of_wanted(&self, batch: &RecordBatch) -> Result<RecordBatch, ReadError> {
        self.named(batch.columns().to_vec(), batch.num_rows())
    }

    /// A batch of all columns of the file.
    pub(crate) fn of_all(&self, batch: &RecordBatch) -> Result<RecordBatch, ReadError> {
        let wanted = self.wanted.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        self.named(wanted, batch.num_rows())
    }

    fn named(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, ReadError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

fn decided(field: &Field) -> ColumnDecision {
    ColumnDecision {
        name: field.name().clone(),
        kind: ColumnKind::Native,
        data_type: field.data_type().clone(),
        evidence: "declared by the file".to_owned(),
        nulls: Vec::new(),
    }
}

fn file_names(file: &Schema, pins: &Pins) -> Result<Vec<String>, ReadError> {
    let Some(names) = &pins.columns else {
        return Ok(distinct(file.fields().iter().map(|field| field.name().as_str())));
    };
    if names.len() == file.fields().len() {
        return Ok(distinct(names.iter().map(String::as_str)));
    }
    Err(ReadError::Pin(PinError::Value {
        key: "columns".to_owned(),
        value: names.join(","),
        wanted: format!(
            "{} names for the {} columns of the file",
            file.fields().len(),
            file.fields().len()
        ),
    }))
}

/// A pin that would be passed over in silence is an error.
fn refuse_text_pins(format: Format, pins: &Pins) -> Result<(), ReadError> {
    let told = Pins { format: None, columns: None, ..pins.clone() };
    if told == Pins::default() {
        return Ok(());
    }
    let given = told.line();
    let (key, value) = given.split_once('=').unwrap_or((given.as_str(), ""));
    Err(ReadError::Pin(PinError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        wanted: format!(
            "{format} has names and types of its own; only format= and columns= can be pinned"
        ),
    }))
}
