//! Whether what is missing in a source root is to be believed. A file system that is not mounted looks like an empty
//! directory, and another one like a tree whose files all left.

use catalog::{DoubtReason, KnownRoot, Place};

/// So many files that leave an empty root at once are asked about.
pub const MANY_FILES: u64 = 100;

/// What speaks against it before anything is walked.
pub(crate) fn suspicion(known: &KnownRoot, place: Place, is_empty: bool) -> Option<DoubtReason> {
    let before = known.place?;
    if before.file_system != place.file_system {
        return Some(DoubtReason::FileSystem);
    }
    // A file that somebody drops where nothing is mounted does not end the doubt.
    let stood = known.doubt.is_some_and(|doubt| doubt.reason == DoubtReason::Directory);
    if before.inode != place.inode && (is_empty || stood) {
        return Some(DoubtReason::Directory);
    }
    is_empty.then_some(DoubtReason::Empty)
}

/// After a walk that took nothing away: `found` of the known files are there, `missing` are not. The number of a file
/// system may change by itself; then most of the files are where they were.
pub(crate) fn is_doubtful(reason: DoubtReason, found: u64, missing: u64) -> bool {
    match reason {
        DoubtReason::FileSystem => missing > found,
        DoubtReason::Directory => missing > 0,
        DoubtReason::Empty => missing >= MANY_FILES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::RootDoubt;
    use protocol::SourceRootId;

    fn known(place: Option<(u64, u64)>) -> KnownRoot {
        KnownRoot { id: SourceRootId::new(1), place: place.map(place_of), doubt: None }
    }

    fn place_of((file_system, inode): (u64, u64)) -> Place {
        Place { file_system, inode }
    }

    #[test]
    fn another_file_system_and_an_empty_root_are_suspicious() {
        let root = known(Some((1, 7)));
        assert_eq!(suspicion(&root, place_of((2, 7)), false), Some(DoubtReason::FileSystem));
        assert_eq!(suspicion(&root, place_of((1, 8)), true), Some(DoubtReason::Directory));
        assert_eq!(suspicion(&root, place_of((1, 7)), true), Some(DoubtReason::Empty));
        // A tree that was moved into place has other files, and that is what was wanted.
        assert_eq!(suspicion(&root, place_of((1, 8)), false), None);
        assert_eq!(suspicion(&known(None), place_of((1, 8)), true), None);
        let doubt = Some(RootDoubt { reason: DoubtReason::Directory, missing: 1 });
        let doubted = KnownRoot { doubt, ..root };
        assert_eq!(suspicion(&doubted, place_of((1, 8)), false), Some(DoubtReason::Directory));
        assert_eq!(suspicion(&doubted, place_of((1, 7)), false), None);
    }

    #[test]
    fn a_suspicion_ends_where_most_files_are_there_or_few_are_missing() {
        assert!(is_doubtful(DoubtReason::FileSystem, 0, 1));
        assert!(!is_doubtful(DoubtReason::FileSystem, 5, 5));
        assert!(!is_doubtful(DoubtReason::FileSystem, 0, 0));
        assert!(is_doubtful(DoubtReason::Directory, 0, 1));
        assert!(!is_doubtful(DoubtReason::Empty, 0, MANY_FILES - 1));
        assert!(is_doubtful(DoubtReason::Empty, 0, MANY_FILES));
    }
}
