//! What the formats that bring their own types have in common: Parquet, Avro, Arrow.

mod blocks;
mod columns;

pub(crate) use blocks::NativeBlocks;
pub(crate) use columns::NativeColumns;
