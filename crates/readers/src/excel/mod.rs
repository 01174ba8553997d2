//! Workbooks: xlsx, xlsb, xls and ods. One sheet is read, held, and typed by what its cells are; the rest is as with other tables of text.

mod blocks;
mod decide;
mod layout;
mod load;
mod open;
mod serial;
mod sheet;
mod value;

pub(crate) use load::Kind;
pub(crate) use open::open;
