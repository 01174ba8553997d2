//! What people want to know of a file before they use it: what was decided, what its columns hold, what is wrong with it. A large
//! file is looked at in its head and at places all over it.

mod column;
mod make;
mod windows;

pub use column::ColumnProfile;
pub use make::{Profile, RowCount, profile};
