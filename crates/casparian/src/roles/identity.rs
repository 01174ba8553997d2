//! Who and where this process is: what lineage says of a job's surroundings.

use super::git;
use crate::config::{Environment, Settings};
use std::collections::BTreeMap;

pub fn environment(settings: &Settings, environment: &Environment) -> protocol::Environment {
    let system = rustix::system::uname();
    let words = [system.sysname(), system.release(), system.machine()];
    let version = env!("CARGO_PKG_VERSION").to_owned();
    protocol::Environment {
        host: host(),
        user: environment.user(),
        pid: std::process::id(),
        plugins_dir: settings.plugins_dir.value.to_string_lossy().into_owned(),
        git_hash: git::commit_of(&settings.project.root),
        os: words.map(|word| word.to_string_lossy().into_owned()).join(" "),
        versions: BTreeMap::from([("casparian".to_owned(), version)]),
    }
}

pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Bytes that nobody can guess, for session tokens.
pub fn random(bytes: &mut [u8; 16]) {
    // Without a source of randomness there is no session that could be trusted.
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
