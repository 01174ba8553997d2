//! Reads one directory: its names, then an `lstat` of each that is not ignored. Opens nothing but ignore files.

use super::below;
use super::digest::Digest;
use super::findings::Findings;
use super::ignores::{self, IGNORE_FILE, Ignores};
use super::listing::{Entry, Kind, Listing, NameArena, Names};
use super::report::PassedOverReason;
use super::source::{OpenRoot, is_file, stat_of};
use rustix::fs::{AtFlags, FileType, OFlags, RawDir, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What `getdents` fills at once.
const BUFFER_LEN: usize = 64 * 1024;
/// An ignore file that is larger is not one.
const IGNORE_FILE_LEN_MAX: u64 = 1 << 20;

/// One per thread: it keeps its buffers.
pub(crate) struct Lister<'a> {
    root: &'a OpenRoot,
    findings: &'a Findings,
    buffer: Box<[MaybeUninit<u8>]>,
    directories: Vec<u8>,
    path: Vec<u8>,
}

impl<'a> Lister<'a> {
    pub(crate) fn new(root: &'a OpenRoot, findings: &'a Findings) -> Self {
        let buffer = vec![MaybeUninit::uninit(); BUFFER_LEN].into_boxed_slice();
        Self { root, findings, buffer, directories: Vec::new(), path: Vec::new() }
    }

    /// None: the directory could not be read at all, and that was noted.
    pub(crate) fn list(
        &mut self,
        fd: &OwnedFd,
        path: &Arc<[u8]>,
        above: &Ignores,
    ) -> Option<Listing> {
        let mut names = NameArena::default();
        let mut files = Vec::new();
        let mut complete = self.read_names(fd, path, &mut names, &mut files)?;
        let ignores = if files.iter().any(|entry| is_ignore_file(&names, entry)) {
            self.read_ignores(fd.as_fd(), path, above)?
        } else {
            above.clone()
        };
        // Inodes lie on a disk in the order of their numbers.
        files.sort_unstable_by_key(|entry| entry.stat.inode);
        let mut digest = Digest::default();
        self.directories.clear();
        files.retain_mut(|entry| {
            let name = names.name(entry);
            if self.is_ignored(fd.as_fd(), &ignores, path, name, entry) {
                return false;
            }
            match self.look(fd.as_fd(), &names, entry) {
                Ok(Kind::File) => digest.add_file(name, &entry.stat),
                Ok(Kind::Directory) => {
                    digest.add_directory(name);
                    self.directories.extend_from_slice(name);
                    self.directories.push(0);
                }
                Ok(special) => self.pass_over(fd.as_fd(), path, &names, entry, special),
                // Gone since the directory was read.
                Err(Errno::NOENT) => return false,
                Err(error) => {
                    complete = false;
                    note_unreadable(self.root, self.findings, &below::join(path, name), error);
                }
            }
            entry.kind == Kind::File
        });
        files.shrink_to_fit();
        let directories = Names::new(&self.directories);
        let path = Arc::clone(path);
        Some(Listing { path, names, files, directories, complete, digest, ignores })
    }

    /// Whether all names were read. None: none were.
    fn read_names(
        &mut self,
        fd: &OwnedFd,
        path: &[u8],
        names: &mut NameArena,
        files: &mut Vec<Entry>,
    ) -> Option<bool> {
        let (root, findings) = (self.root, self.findings);
        let unreadable = |error| note_unreadable(root, findings, path, error);
        let mut entries = RawDir::new(fd, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // The directory was removed while it was open.
                Err(Errno::NOENT) => return None,
                Err(error) => {
                    unreadable(error);
                    return (!files.is_empty()).then_some(false);
                }
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let Some(entry) = names.push(name, entry.ino(), kind_of(entry.file_type())) else {
                unreadable(Errno::FBIG);
                return Some(false);
            };
            files.push(entry);
        }
        Some(true)
    }

    /// None: without its ignore file nobody knows what may be taken from the directory, so nothing is.
    fn read_ignores(&self, fd: BorrowedFd<'_>, path: &[u8], above: &Ignores) -> Option<Ignores> {
        let file_path = self.root.absolute(&below::join(path, IGNORE_FILE));
        match read_ignores(fd, path, above) {
            Ok((ignores, bad)) => {
                let file = String::from_utf8_lossy(&file_path);
                bad.iter().for_each(|bad| self.findings.bad_ignore(format!("{file}: {bad}")));
                Some(ignores)
            }
            Err(error) => {
                self.findings.unreadable(file_path, error.to_string());
                None
            }
        }
    }

    fn is_ignored(
        &mut self,
        fd: BorrowedFd<'_>,
        ignores: &Ignores,
        directory: &[u8],
        name: &[u8],
        entry: &Entry,
    ) -> bool {
        let is_directory = entry.kind == Kind::Directory;
        let may_be_own = self.root.own.may_have(name, entry.stat.inode);
        if !may_be_own && ignores.are_built_in_only() {
            return ignores::is_never_an_input(name, is_directory);
        }
        self.path.clear();
        self.path.extend_from_slice(directory);
        if !directory.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        may_be_own && self.is_own(fd, name) || ignores.has(&self.path, is_directory)
    }

    fn is_own(&self, fd: BorrowedFd<'_>, name: &[u8]) -> bool {
        let stat =
            || statat(fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|s| self.root.own.have(&s));
        self.root.own.have_path(&self.path) || stat()
    }

    /// Fills in the stat of a file, and the kind where the directory did not say it.
    fn look(
        &self,
        fd: BorrowedFd<'_>,
        names: &NameArena,
        entry: &mut Entry,
    ) -> Result<Kind, Errno> {
        if matches!(entry.kind, Kind::File | Kind::Unknown) {
            let kind = entry.kind;
            // Should it fail, the entry is no file of this listing.
            entry.kind = Kind::Unknown;
            let stat = statat(fd, names.c_name(entry), AtFlags::SYMLINK_NOFOLLOW)?;
            entry.stat = stat_of(&stat);
            entry.kind = match kind_of(FileType::from_raw_mode(stat.st_mode)) {
                // A file that became a directory in between: the next pass sees it as one.
                Kind::Directory if kind == Kind::File => return Err(Errno::NOENT),
                kind => kind,
            };
        }
        Ok(entry.kind)
    }

    fn pass_over(
        &self,
        fd: BorrowedFd<'_>,
        directory: &[u8],
        names: &NameArena,
        entry: &Entry,
        kind: Kind,
    ) {
        // Without room for the name nobody asks where a link leads.
        if self.findings.count_passed_over_if_full() {
            return;
        }
        let reason = match kind {
            Kind::Symlink => link_reason(fd, names, entry),
            Kind::Fifo => PassedOverReason::Fifo,
            Kind::Socket => PassedOverReason::Socket,
            _ => PassedOverReason::Device,
        };
        let path = self.root.absolute(&below::join(directory, names.name(entry)));
        self.findings.passed_over(path, reason);
    }
}

pub(crate) fn note_unreadable(root: &OpenRoot, findings: &Findings, path: &[u8], error: Errno) {
    findings.unreadable(root.absolute(path), error.to_string());
}

/// The listing of a directory in which only one file is looked at, because it was named by itself.
pub(crate) fn list_one(root: &OpenRoot, path: &[u8]) -> Result<Listing, Errno> {
    let name_at = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let stat = below::lstat(root.fd.as_fd(), path)?;
    if !is_file(&stat) {
        return Err(Errno::NOENT);
    }
    let mut names = NameArena::default();
    let name = &path[name_at..];
    let mut entry = names.push(name, stat.st_ino, Kind::File).ok_or(Errno::NAMETOOLONG)?;
    entry.stat = stat_of(&stat);
    Ok(Listing {
        path: path[..name_at.saturating_sub(1)].into(),
        names,
        files: vec![entry],
        directories: Names::default(),
        complete: false,
        digest: Digest::default(),
        ignores: Ignores::default(),
    })
}

fn is_ignore_file(names: &NameArena, entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File | Kind::Unknown) && names.name(entry) == IGNORE_FILE
}

fn link_reason(fd: BorrowedFd<'_>, names: &NameArena, entry: &Entry) -> PassedOverReason {
    match statat(fd, names.c_name(entry), AtFlags::empty()) {
        Err(Errno::NOENT) => PassedOverReason::DanglingSymlink,
        Err(Errno::LOOP) => PassedOverReason::LoopingSymlink,
        _ => PassedOverReason::Symlink,
    }
}

/// With the ignore file of `directory` in force, if there is one; and what of it is no pattern.
pub(crate) fn read_ignores(
    directory: BorrowedFd<'_>,
    path: &[u8],
    above: &Ignores,
) -> std::io::Result<(Ignores, Vec<String>)> {
    let text = read_small(directory, IGNORE_FILE)?;
    Ok(text.map_or_else(|| (above.clone(), Vec::new()), |text| above.with_file(path, &text)))
}

/// None: there is no such file.
fn read_small(directory: BorrowedFd<'_>, name: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    // Not blocking: the name may be a named pipe by now.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = match below::open_file(directory, name, flags) {
        Ok(fd) => fd,
        // A link is passed over like any other; it is no ignore file.
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let file = File::from(fd);
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.take(IGNORE_FILE_LEN_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > IGNORE_FILE_LEN_MAX {
        return Err(std::io::Error::other("an ignore file is at most 1 MiB long"));
    }
    Ok(Some(text))
}

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
        FileType::Unknown => Kind::Unknown,
    }
}
