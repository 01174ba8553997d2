//! One directory as the walk saw it, compact: the names lie in one arena, the stats in one array.

use super::digest::Digest;
use super::ignores::Ignores;
use protocol::FileStat;
use std::ffi::CStr;
use std::sync::Arc;

/// A name of a directory. 40 bytes: a directory of a million files has to fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Before `lstat` only the inode is known, from the directory itself.
    pub(crate) stat: FileStat,
    name_at: u32,
    name_len: u16,
    pub(crate) kind: Kind,
}

/// What a name is. In a finished listing every entry is a `File`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    Device,
    /// The file system does not say it in the directory: `lstat` does.
    Unknown,
}

/// Names one after the other, each ended by a NUL, so that the kernel can read them where they are.
#[derive(Debug, Default)]
pub(crate) struct NameArena {
    bytes: Vec<u8>,
}

impl NameArena {
    /// None: four gigabytes of names in one directory are more than an arena takes.
    pub(crate) fn push(&mut self, name: &[u8], inode: u64, kind: Kind) -> Option<Entry> {
        let name_at = u32::try_from(self.bytes.len()).ok()?;
        let name_len = u16::try_from(name.len()).ok()?;
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        let stat = FileStat { inode, size: 0, mtime_ns: 0, ctime_ns: 0 };
        Some(Entry { stat, name_at, name_len, kind })
    }

    pub(crate) fn name(&self, entry: &Entry) -> &[u8] {
        let at = entry.name_at as usize;
        &self.bytes[at..at + usize::from(entry.name_len)]
    }

    /// The name with its NUL.
    pub(crate) fn c_name(&self, entry: &Entry) -> &CStr {
        let at = entry.name_at as usize;
        CStr::from_bytes_until_nul(&self.bytes[at..]).unwrap_or_default()
    }
}

/// The names of subdirectories, each ended by a NUL. Shared by the listing and the walk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    bytes: Arc<[u8]>,
}

impl Names {
    pub(crate) fn new(nul_ended: &[u8]) -> Self {
        Self { bytes: nul_ended.into() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split_inclusive(|&byte| byte == 0).map(|name| &name[..name.len() - 1])
    }

    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Where the first name starts at `from` or behind it.
    pub(crate) fn start_from(&self, from: usize) -> usize {
        let is_start = |at: &usize| *at == 0 || self.bytes[*at - 1] == 0;
        (from..self.end()).find(is_start).unwrap_or(self.end())
    }

    /// The name that starts at `at`, and where the next one starts.
    pub(crate) fn next_at(&self, at: usize) -> Option<(&[u8], usize)> {
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let len = rest.iter().position(|&byte| byte == 0)?;
        Some((&rest[..len], at + len + 1))
    }
}

/// What one directory holds that is not ignored.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Relative to the source root; empty for the root itself.
    pub(crate) path: Arc<[u8]>,
    pub(crate) names: NameArena,
    /// The regular files, in no order until `sort`.
    pub(crate) files: Vec<Entry>,
    pub(crate) directories: Names,
    /// False when something in it could not be read: what is missing from it may still be there.
    pub(crate) complete: bool,
    pub(crate) digest: Digest,
    /// What is ignored in it: tells a name that is ignored from one that is gone.
    pub(crate) ignores: Ignores,
}

impl Listing {
    pub(crate) fn name(&self, entry: &Entry) -> &[u8] {
        self.names.name(entry)
    }

    /// Orders the files by name and drops what the kernel listed twice.
    pub(crate) fn sort(&mut self) {
        let names = &self.names;
        self.files.sort_unstable_by(|a, b| names.name(a).cmp(names.name(b)));
        self.files.dedup_by(|a, b| names.name(a) == names.name(b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 40);
    }

    #[test]
    fn names_are_read_one_after_the_other() {
        let names = Names::new(b"a\0bc\0");
        assert_eq!(names.iter().collect::<Vec<_>>(), [b"a".as_slice(), b"bc"]);
        assert_eq!(names.next_at(0), Some((b"a".as_slice(), 2)));
        assert_eq!(names.next_at(2), Some((b"bc".as_slice(), 5)));
        assert_eq!(names.next_at(5), None);
        assert_eq!([0, 1, 2, 3, 9].map(|from| names.start_from(from)), [0, 2, 2, 5, 5]);
    }

    #[test]
    fn an_arena_gives_back_what_was_put_in() {
        let mut arena = NameArena::default();
        let first = arena.push(b"x\xff", 1, Kind::File).unwrap();
        let second = arena.push(&[b'n'; 255], 2, Kind::File).unwrap();
        assert_eq!(arena.name(&first), b"x\xff");
        assert_eq!(arena.name(&second), [b'n'; 255]);
        assert_eq!(arena.c_name(&first), c"x\xff");
    }

    #[test]
    fn sorting_drops_a_name_that_was_listed_twice() {
        let mut names = NameArena::default();
        let files = [b"b".as_slice(), b"a", b"b"];
        let files = files.iter().map(|name| names.push(name, 1, Kind::File).unwrap()).collect();
        let mut listing = Listing {
            path: Arc::default(),
            names,
            files,
            directories: Names::default(),
            complete: true,
            digest: Digest::default(),
            ignores: Ignores::default(),
        };
        listing.sort();
        let sorted: Vec<_> = listing.files.iter().map(|file| listing.name(file)).collect();
        assert_eq!(sorted, [b"a", b"b"]);
    }
}
