//! The names that columns have in a table.

use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// A row's number goes by this name, whatever the columns are called.
const NUMBER: &str = "_rowid_";

/// SQLite tells names apart by more than the case of ASCII letters. The later of two gets an ending from its own text, so that a list that
/// grows changes no name that was there before.
pub fn stored_names(originals: &[&str]) -> Vec<String> {
    let mut taken = HashSet::from([NUMBER.to_owned()]);
    let mut stored = |name: &&str| {
        let mut stored = (*name).to_owned();
        let mut hash = Sha256::digest(name.as_bytes());
        while !taken.insert(stored.to_ascii_lowercase()) {
            stored = format!("{name}_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
            hash = Sha256::digest(hash);
        }
        stored
    };
    originals.iter().map(&mut stored).collect()
}
