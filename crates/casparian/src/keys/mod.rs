//! CURVE keys in files: made, read, allowed and withdrawn, and who needs which.

mod allowed;
mod certificate;
mod need;
mod store;

pub use allowed::{allow, allowed_workers, withdraw};
pub use need::{of_inner_worker, of_sentinel, of_worker};
pub use store::{KeyStore, Role};
