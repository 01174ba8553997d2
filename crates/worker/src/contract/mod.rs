//! What a topic's rows must look like: each batch is brought to the topic's columns, and rows that do not fit are told apart with the
//! reason. Nothing is dropped, and no value is changed.

mod fit;
mod misfit;
mod parse;
mod quarantine;
mod reject;
mod topic;

pub use fit::{Texts, fit};
pub use misfit::Misfit;
pub use quarantine::{Quarantine, rejected, rows_of};
pub use reject::Reject;
pub use topic::{ContractError, TopicContract};
