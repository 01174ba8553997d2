//! A file that is being read: what was decided about it, and its rows, block by block.

use crate::decision::Decision;
use crate::error::ReadError;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// Rows that follow each other in the file, and what could not be read between them.
#[derive(Debug)]
pub struct Block {
    pub rows: RecordBatch,
    /// Of each row its number in the file, from 1, headers and what is skipped not counted; refused rows count.
    pub numbers: Vec<u64>,
    /// Of each row the byte at which it begins in the unpacked file; None where the format has no such place.
    pub offsets: Option<Vec<u64>>,
    pub rejects: Vec<Reject>,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub row: u64,
    /// From 1, in the unpacked file.
    pub line: Option<u64>,
    /// In the unpacked file.
    pub offset: Option<u64>,
    pub column: Option<String>,
    pub reason: String,
    /// As it stands in the file, decoded; what is no text is escaped, what is long is cut.
    pub record: Option<String>,
}

pub struct Reading {
    pub decision: Decision,
    /// Of every block's rows: the wanted columns, in the file's order.
    pub schema: SchemaRef,
    blocks: Box<dyn Iterator<Item = Result<Block, ReadError>> + Send>,
}

impl Reading {
    pub(crate) fn new(
        decision: Decision,
        schema: SchemaRef,
        blocks: impl Iterator<Item = Result<Block, ReadError>> + Send + 'static,
    ) -> Self {
        Self { decision, schema, blocks: Box::new(blocks) }
    }
}

impl Iterator for Reading {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.blocks.next()
    }
}
