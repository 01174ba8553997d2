//! How many files the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many as the system lets it: each worker's connection is one, and the usual limit is meant for programs that use `select`.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With fewer it works, too.
    let _ = setrlimit(Resource::Nofile, limit);
}
