//! The names that columns have in a table.

use super::TableError;
use protocol::{LINEAGE, TopicName};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// What a database makes of names, and of their number.
#[derive(Debug)]
pub struct NameRules {
    pub database: &'static str,
    pub columns_max: usize,
    pub bytes_max: usize,
    /// Of ASCII letters.
    pub ignores_case: bool,
    /// In small letters: no column can have them.
    pub reserved: &'static [&'static str],
}

impl NameRules {
    /// Refused by name: no table can have these columns beside those of the lineage.
    pub fn check<'a>(
        &self,
        topic: &TopicName,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), TableError> {
        let (topic, database) = (topic.clone(), self.database);
        let names: Vec<&str> = names.into_iter().collect();
        let (columns, columns_max) = (names.len() + LINEAGE.len(), self.columns_max);
        if columns > columns_max {
            return Err(TableError::TooManyColumns { topic, columns, database, columns_max });
        }
        match names.into_iter().find(|name| name.contains('\0')) {
            Some(name) => Err(TableError::NulInName { topic, column: name.to_owned(), database }),
            None => Ok(()),
        }
    }

    pub fn is_same(&self, a: &str, b: &str) -> bool {
        if self.ignores_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }

    /// A name that the database would cut is cut here, with an ending from its whole text. Such an ending also goes to names that it has
    /// itself, and to the later of two that it does not tell apart; the lineage goes first. A list that grows changes no name that was there
    /// before.
    pub fn stored(&self, originals: &[&str]) -> Vec<String> {
        let mut taken: HashSet<String> = self.reserved.iter().map(|&it| it.to_owned()).collect();
        let mut is_free = |name: &str| match self.ignores_case {
            true => taken.insert(name.to_ascii_lowercase()),
            false => taken.insert(name.to_owned()),
        };
        let stored = |name: &&str| {
            let mut stored = (*name).to_owned();
            let mut hash = Sha256::digest(name.as_bytes());
            while stored.len() > self.bytes_max || !is_free(&stored) {
                let ending =
                    format!("_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
                let kept = name.floor_char_boundary(self.bytes_max - ending.len());
                stored = format!("{}{ending}", &name[..kept]);
                hash = Sha256::digest(hash);
            }
            stored
        };
        originals.iter().map(stored).collect()
    }
}

/// What a name is in a statement, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
