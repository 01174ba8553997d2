//! Directories that the catalog knows below one that does not list them any more.

use super::batch::{Departure, GONE};
use super::below;
use super::listing::Listing;
use super::source::OpenRoot;
use catalog::{Catalog, CatalogError, DirectoryDigest};
use protocol::{DirectoryId, SourceRootId};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::{HashSet, VecDeque};
use std::os::fd::AsFd;

/// Small, for most of a page is jumped over where a subdirectory is still there.
const PAGE: usize = 100;

/// What happened to a directory that is not listed.
pub(crate) enum Fate {
    Leaves(Departure),
    Unknown,
}

/// What the catalog knows below a directory, less what is below its listed subdirectories.
pub(crate) struct Below<'a> {
    catalog: &'a Catalog,
    root: SourceRootId,
    parent: &'a [u8],
    listed: HashSet<&'a [u8]>,
    page: VecDeque<(Vec<u8>, DirectoryDigest)>,
    /// Where the next page starts. None: there are no more.
    from: Option<Vec<u8>>,
}

impl<'a> Below<'a> {
    pub(crate) fn of(catalog: &'a Catalog, root: SourceRootId, listing: &'a Listing) -> Self {
        let listed = listing.directories.iter().collect();
        let (page, from) = (VecDeque::new(), Some(Vec::new()));
        Self { catalog, root, parent: &listing.path, listed, page, from }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<(Vec<u8>, DirectoryId)>, CatalogError> {
        loop {
            while let Some((path, stored)) = self.page.pop_front() {
                let child = child_of(self.parent, &path);
                if self.listed.contains(child) {
                    if path.len() > prefix_len(self.parent) + child.len() {
                        self.jump_behind(child.len(), &path);
                    }
                } else if stored.digest.as_deref() != Some(GONE) {
                    return Ok(Some((path, stored.id)));
                }
            }
            let Some(from) = self.from.take() else { return Ok(None) };
            let page = self.catalog.directories_below(self.root, self.parent, &from, PAGE).await?;
            if page.len() == PAGE {
                // No path has a byte 0, so this is where the next one can be at the earliest.
                self.from = page.last().map(|(path, _)| [path.as_slice(), b"\0"].concat());
            }
            self.page = page.into();
        }
    }

    /// Past all that is below a listed child.
    fn jump_behind(&mut self, child_len: usize, path: &[u8]) {
        let child = &path[..prefix_len(self.parent) + child_len];
        // '0' is the byte after '/'.
        let behind = [child, b"0"].concat();
        while self.page.front().is_some_and(|(path, _)| *path < behind) {
            self.page.pop_front();
        }
        if let Some(from) = self.from.as_mut().filter(|from| **from < behind) {
            *from = behind;
        }
    }
}

fn prefix_len(parent: &[u8]) -> usize {
    if parent.is_empty() { 0 } else { parent.len() + 1 }
}

/// The name of the child of `parent` that `path` is, or is below.
fn child_of<'p>(parent: &[u8], path: &'p [u8]) -> &'p [u8] {
    let below = &path[prefix_len(parent)..];
    let end = below.iter().position(|&byte| byte == b'/').unwrap_or(below.len());
    &below[..end]
}

/// `path` is below the listing's directory, and the child that it belongs to is not listed.
pub(crate) fn fate(root: &OpenRoot, listing: &Listing, path: &[u8]) -> Fate {
    let child = child_of(&listing.path, path);
    let child = &path[..prefix_len(&listing.path) + child.len()];
    match below::lstat(root.fd.as_fd(), child) {
        Err(Errno::NOENT | Errno::NOTDIR) => Fate::Leaves(Departure::Deleted),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
            Fate::Leaves(Departure::Deleted)
        }
        Ok(stat) if root.own.have_path(child) || root.own.have(&stat) => {
            Fate::Leaves(Departure::Ignored)
        }
        Ok(_) if listing.ignores.has(child, true) => Fate::Leaves(Departure::Ignored),
        Ok(_) | Err(_) => Fate::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_is_the_first_name_below_the_parent() {
        assert_eq!(child_of(b"", b"a/b/c"), b"a");
        assert_eq!(child_of(b"a", b"a/b/c"), b"b");
        assert_eq!(child_of(b"a/b", b"a/b/c"), b"c");
    }
}
