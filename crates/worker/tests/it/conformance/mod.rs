//! What every sink has to do, word for word the same for all of them; a module per subject.

mod columns;
mod kills;
mod promotion;
mod read;
mod recovery;
mod tables;
mod target;
mod types;

pub use target::{Target, attempt, promote};
