//! JSON: one value per line, one after the other, an array, or an array within a document. Types are those of JSON; what several types
//! hold is kept as text.

mod column;
mod layout;
mod open;
mod ordered;
mod records;
mod rows;
mod shape;
mod text;

pub(crate) use open::{looks_like, open};
