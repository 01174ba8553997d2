//! Blocks of cells to batches of rows. A row with a cell that is no value of its column becomes a reject.

use super::cells::Cells;
use super::column::{Column, Misfit};
use crate::decision::ColumnDecision;
use crate::error::ReadError;
use crate::pins::{PinError, Pins};
use crate::reading::{Block, Reject};
use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use std::sync::Arc;

/// Shared by threads: each block is built on its own.
#[derive(Debug)]
pub struct Builder {
    columns: Vec<Column>,
    schema: SchemaRef,
}

/// Longer cells are cut in reasons.
const CELL_SHOWN_MAX: usize = 80;

impl Builder {
    /// `wanted`: only these columns, in the file's order.
    pub fn new(
        decisions: &[ColumnDecision],
        wanted: Option<&[String]>,
        pins: &Pins,
    ) -> Result<Self, ReadError> {
        if let Some(name) = wanted
            .into_iter()
            .flatten()
            .find(|name| decisions.iter().all(|column| column.name != **name))
        {
            let names: Vec<&str> = decisions.iter().map(|column| column.name.as_str()).collect();
            return Err(ReadError::NotReadable(format!(
                "there is no column '{name}'; columns are {}",
                names.join(", ")
            )));
        }
        let columns = decisions
            .iter()
            .enumerate()
            .filter(|(_, column)| wanted.is_none_or(|wanted| wanted.contains(&column.name)))
            .map(|(place, column)| {
                Column::new(column, place, pins.types.contains_key(&column.name))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PinError::Value {
                key: "types".to_owned(),
                value: "a date or time".to_owned(),
                wanted: error.to_string(),
            })?;
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(&column.name, column.data_type.clone(), true))
            .collect();
        Ok(Self { columns, schema: Arc::new(Schema::new(fields)) })
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows in the order of the cells, and rejects in that order, too.
    pub fn build(&self, cells: &Cells) -> Result<Block, ReadError> {
        let mut refused: Vec<(usize, Misfit)> = Vec::new();
        let mut misfits = Vec::new();
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            arrays.push(column.build(cells, &mut misfits)?);
            refused.extend(misfits.drain(..).map(|misfit| (at, misfit)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(cells.rows.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        let numbers = cells.rows.iter().map(|row| row.number).collect();
        let offsets = Some(cells.rows.iter().map(|row| row.offset).collect());
        let block = Block { rows, numbers, offsets, rejects: Vec::new() };
        if refused.is_empty() { Ok(block) } else { self.without(block, cells, refused) }
    }

    /// The block without the rows that were refused; each is told once, by its first column.
    fn without(
        &self,
        block: Block,
        cells: &Cells,
        mut refused: Vec<(usize, Misfit)>,
    ) -> Result<Block, ReadError> {
        refused.sort_by_key(|(column, misfit)| (misfit.row, *column));
        refused.dedup_by_key(|(_, misfit)| misfit.row);
        let mut kept = vec![true; cells.rows.len()];
        for (_, misfit) in &refused {
            kept[misfit.row] = false;
        }
        let rejects = refused.iter().map(|(at, misfit)| self.reject(cells, *at, misfit)).collect();
        let kept_of = |all: Vec<u64>| -> Vec<u64> {
            all.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(value, _)| value).collect()
        };
        let numbers = kept_of(block.numbers);
        let offsets = block.offsets.map(kept_of);
        let mask = BooleanArray::from(kept);
        let rows = arrow_select::filter::filter_record_batch(&block.rows, &mask)?;
        Ok(Block { rows, numbers, offsets, rejects })
    }

    fn reject(&self, cells: &Cells, column: usize, misfit: &Misfit) -> Reject {
        let Column { name, type_name, .. } = &self.columns[column];
        let text = cells.text_of(misfit.cell);
        let shown: String = text.chars().take(CELL_SHOWN_MAX).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        cells.reject(misfit.row, Some(name), format!("'{shown}{more}' is no {type_name}"))
    }
}
