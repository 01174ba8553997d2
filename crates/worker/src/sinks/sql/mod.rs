//! What tables in databases have in common, whichever database it is.

mod error;
pub mod iso;
pub mod json;
mod load;
mod names;
mod row_bytes;
mod table;

pub use error::{ColumnProblem, TableError};
pub use load::{CommitRecord, CommitState, Load, Loaded, OriginCount};
pub use names::{NameRules, quoted};
pub use row_bytes::rows_above;
pub use table::{Plan, StoredColumn, Table, Widened, typed};
