//! One number for what a directory holds: if it equals the stored one, nothing in the directory has to be compared.
//!
//! The digest is a sum, so that it does not depend on the order in which the kernel lists names and no rescan has to
//! sort. It guards against chance, not against an attacker: whoever can forge it can already write the files.

use protocol::FileStat;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Files and subdirectories are summed apart: only where the second half differs can a subdirectory have vanished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    files: u128,
    directories: u128,
}

const HALF: usize = size_of::<u128>();
pub(crate) const DIGEST_LEN: usize = 2 * HALF;

impl Digest {
    pub(crate) fn add_file(&mut self, name: &[u8], stat: &FileStat) {
        let mut hasher = SipHasher13::new();
        hasher.write(name);
        hasher.write_u64(stat.inode);
        hasher.write_u64(stat.size);
        hasher.write_i64(stat.mtime_ns);
        hasher.write_i64(stat.ctime_ns);
        self.files = self.files.wrapping_add(hasher.finish128().as_u128());
    }

    pub(crate) fn add_directory(&mut self, name: &[u8]) {
        let mut hasher = SipHasher13::new();
        hasher.write(name);
        self.directories = self.directories.wrapping_add(hasher.finish128().as_u128());
    }

    pub(crate) fn to_bytes(self) -> [u8; DIGEST_LEN] {
        let mut bytes = [0; DIGEST_LEN];
        bytes[..HALF].copy_from_slice(&self.files.to_le_bytes());
        bytes[HALF..].copy_from_slice(&self.directories.to_le_bytes());
        bytes
    }

    /// Whether `stored` was made from the same subdirectories.
    pub(crate) fn has_directories_of(self, stored: &[u8]) -> bool {
        stored.len() == DIGEST_LEN && stored[HALF..] == self.directories.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(inode: u64) -> FileStat {
        FileStat { inode, size: 3, mtime_ns: 4, ctime_ns: 5 }
    }

    fn digest(files: &[(&[u8], FileStat)], directories: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        files.iter().for_each(|(name, stat)| digest.add_file(name, stat));
        directories.iter().for_each(|name| digest.add_directory(name));
        digest
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        let (a, b) = ((b"a".as_slice(), stat(1)), (b"b".as_slice(), stat(2)));
        assert_eq!(digest(&[a, b], &[b"x", b"y"]), digest(&[b, a], &[b"y", b"x"]));
    }

    #[test]
    fn every_part_of_a_stat_and_every_name_matters() {
        let base = digest(&[(b"a", stat(1))], &[]);
        let changes = [
            FileStat { inode: 9, ..stat(1) },
            FileStat { size: 9, ..stat(1) },
            FileStat { mtime_ns: 9, ..stat(1) },
            FileStat { ctime_ns: 9, ..stat(1) },
        ];
        for changed in changes {
            assert_ne!(digest(&[(b"a", changed)], &[]), base, "{changed:?}");
        }
        assert_ne!(digest(&[(b"b", stat(1))], &[]), base);
        assert_ne!(digest(&[(b"a", stat(1))], &[b"d"]), base);
        // Two files that swap their names.
        let straight = digest(&[(b"a", stat(1)), (b"b", stat(2))], &[]);
        assert_ne!(digest(&[(b"a", stat(2)), (b"b", stat(1))], &[]), straight);
    }

    #[test]
    fn the_halves_are_compared_apart() {
        let stored = digest(&[(b"a", stat(1))], &[b"d"]).to_bytes();
        assert!(digest(&[(b"a", stat(2))], &[b"d"]).has_directories_of(&stored));
        assert!(!digest(&[(b"a", stat(1))], &[]).has_directories_of(&stored));
        assert!(!digest(&[], &[]).has_directories_of(&[]), "a directory that was gone");
    }
}
