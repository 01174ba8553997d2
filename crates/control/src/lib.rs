//! The control plane: it finds, versions and routes files (`scout`), reads plugins (`architect`) and steers jobs (`sentinel`).
//! It never touches a row of data.

pub mod architect;
pub mod backfill;
pub mod clock;
pub mod route;
pub mod scout;
pub mod sentinel;
mod stop;

pub use stop::Stop;
