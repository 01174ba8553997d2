//! The names that columns have in a table.

use super::error::{COLUMNS_MAX, PostgresqlError};
use protocol::{LINEAGE, TopicName};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Bytes.
const NAME_LEN_MAX: usize = 63;
/// Every table has them already.
const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Refused before anything is staged: no table can have these columns.
pub fn check_columns<'a>(
    topic: &TopicName,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), PostgresqlError> {
    let columns = names.len() + LINEAGE.len();
    if columns > COLUMNS_MAX {
        return Err(PostgresqlError::TooManyColumns { topic: topic.clone(), columns });
    }
    let mut names = names;
    match names.find(|name| name.contains('\0')) {
        Some(name) => {
            let column = name.to_owned();
            Err(PostgresqlError::NulInName { topic: topic.clone(), column })
        }
        None => Ok(()),
    }
}

/// A name that PostgreSQL would cut is cut here, with an ending from its whole text, as are those that it has itself; the lineage goes
/// first. A list that grows changes no name that was there before.
pub fn stored_names(originals: &[&str]) -> Vec<String> {
    let mut taken: HashSet<String> = SYSTEM.into_iter().map(str::to_owned).collect();
    let mut stored = |name: &&str| {
        let mut stored = (*name).to_owned();
        let mut hash = Sha256::digest(name.as_bytes());
        while stored.is_empty() || stored.len() > NAME_LEN_MAX || !taken.insert(stored.clone()) {
            let ending = format!("_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
            let kept = name.floor_char_boundary(NAME_LEN_MAX - ending.len());
            stored = format!("{}{ending}", &name[..kept]);
            hash = Sha256::digest(hash);
        }
        stored
    };
    originals.iter().map(&mut stored).collect()
}

/// What a name is in a statement, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_would_change_get_an_ending_of_their_own() {
        let long = "ä".repeat(100);
        let other = "ä".repeat(101);
        let names = stored_names(&["a", "A", "", "ctid", &long, &other, "a \"b\""]);
        assert_eq!((&*names[0], &*names[1], &*names[6]), ("a", "A", "a \"b\""));
        assert!(names[2].starts_with('_') && names[3].starts_with("ctid_"), "{names:?}");
        assert!(names[4].len() <= NAME_LEN_MAX && names[4] != names[5], "{names:?}");
        let fewer = stored_names(&["a", "A", "", "ctid", &long]);
        assert_eq!(fewer, names[..5]);
    }

    #[test]
    fn what_no_table_can_have_is_refused_by_name() {
        let topic = "t".parse().unwrap();
        let error = check_columns(&topic, ["a\0b"].into_iter()).unwrap_err().to_string();
        assert!(error.contains("\"a\\0b\" holds a NUL"), "{error}");
        let many = vec!["a"; 1_599];
        let error = check_columns(&topic, many.into_iter()).unwrap_err().to_string();
        assert!(error.contains("1601 columns with those of the lineage"), "{error}");
    }
}
