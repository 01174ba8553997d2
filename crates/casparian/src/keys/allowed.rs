//! The list of allowed workers, as commands change it. A live Sentinel sees the change by itself.

use super::store::{KeyStore, given, write_whole};
use crate::failure::Failure;
use control::sentinel::{AllowedWorker, read_allow_list};

const HEADER: &str =
    "# Workers that may connect: a public key in each line, and what you call it.\n";

pub fn allowed_workers(store: &KeyStore) -> Result<Vec<AllowedWorker>, Failure> {
    let read = read_allow_list(&store.allowed_file());
    read.map_err(|error| Failure::usage(error.to_string()))
}

/// False: it was allowed already.
pub fn allow(store: &KeyStore, key: &str, name: &str) -> Result<bool, Failure> {
    let key = given(key)?;
    let _lock = store.lock()?;
    let mut workers = allowed_workers(store)?;
    if workers.iter().any(|worker| worker.key == key) {
        return Ok(false);
    }
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    workers.push(AllowedWorker { key, name });
    write(store, &workers)?;
    Ok(true)
}

/// By key, by a file that has it, or by name; how many there were.
pub fn withdraw(store: &KeyStore, wanted: &str) -> Result<usize, Failure> {
    let _lock = store.lock()?;
    let mut workers = allowed_workers(store)?;
    let before = workers.len();
    if workers.iter().any(|worker| worker.name == wanted) {
        workers.retain(|worker| worker.name != wanted);
    } else {
        let key = given(wanted)?;
        workers.retain(|worker| worker.key != key);
    }
    if workers.len() < before {
        write(store, &workers)?;
    }
    Ok(before - workers.len())
}

fn write(store: &KeyStore, workers: &[AllowedWorker]) -> Result<(), Failure> {
    let lines = workers.iter().map(|worker| format!("{} {}", worker.key, worker.name));
    let lines = lines.map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    write_whole(&store.allowed_file(), &format!("{HEADER}{lines}"), 0o600)
}
