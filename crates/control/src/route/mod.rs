//! Routing: which tags a path gets. A pure function of the path and the rules.
//! `glob` reads one pattern, `router` matches a path against all of them at once, `tag` says what a tag may look like.

mod alternatives;
mod class;
mod glob;
mod near;
mod router;
mod tag;

pub use glob::{Glob, GlobError};
pub use near::{NearMiss, near_miss};
pub use router::{RouteError, Router};
pub use tag::{TagError, auto_tag, check_tag};
