//! Directories by descriptor: opened part by part without following links, so that no path leaves the output root.

use crate::sinks::SinkError;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const OPEN: OFlags =
    OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

#[derive(Debug)]
pub struct Directory {
    pub fd: OwnedFd,
    pub path: PathBuf,
}

impl Directory {
    /// The output root itself may be reached through links: it is what the user named.
    pub fn root(path: &Path) -> Result<Self, SinkError> {
        std::fs::create_dir_all(path).map_err(|cause| SinkError::io("make", path, cause))?;
        let flags = OPEN.difference(OFlags::NOFOLLOW);
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let fd = fd.map_err(|cause| SinkError::io("open", path, cause))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// For those who only look: None when it does not exist.
    pub fn existing(path: &Path) -> Result<Option<Self>, SinkError> {
        let flags = OPEN.difference(OFlags::NOFOLLOW);
        match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path: path.to_owned() })),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(SinkError::io("open", path, cause)),
        }
    }

    /// None when it does not exist.
    pub fn child(&self, name: &str) -> Result<Option<Self>, SinkError> {
        let path = self.path.join(name);
        match rustix::fs::openat(&self.fd, name, OPEN, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(SinkError::Symlink { path }),
            Err(cause) => Err(SinkError::io("open", &path, cause)),
        }
    }

    pub fn make_child(&self, name: &str) -> Result<Self, SinkError> {
        self.open_or_make(name).map(|(child, _)| child)
    }

    /// And whether it is new.
    fn open_or_make(&self, name: &str) -> Result<(Self, bool), SinkError> {
        let mut is_new = false;
        for _ in 0..100 {
            if let Some(child) = self.child(name)? {
                return Ok((child, is_new));
            }
            match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
                Ok(()) => is_new = true,
                Err(Errno::EXIST) => {}
                Err(cause) => return Err(SinkError::io("make", &self.path.join(name), cause)),
            }
        }
        Err(SinkError::io("make", &self.path.join(name), Errno::AGAIN))
    }

    /// `relative` has `/` between its parts.
    pub fn descend(self, relative: &str) -> Result<Option<Self>, SinkError> {
        let mut here = self;
        for part in relative.split('/') {
            match here.child(part)? {
                Some(child) => here = child,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// What is new is durable in its parent when this returns.
    pub fn make_descend(self, relative: &str) -> Result<Self, SinkError> {
        relative.split('/').try_fold(self, |here, part| {
            let (child, is_new) = here.open_or_make(part)?;
            if is_new {
                here.sync()?;
            }
            Ok(child)
        })
    }

    pub fn sync(&self) -> Result<(), SinkError> {
        rustix::fs::fsync(&self.fd).map_err(|cause| SinkError::io("sync", &self.path, cause))
    }

    /// Names of its entries; those that are not UTF-8 are none of ours.
    pub fn names(&self) -> Result<Vec<(String, FileType)>, SinkError> {
        let list = || {
            let entries = Dir::read_from(&self.fd)?;
            let mut names = Vec::new();
            for entry in entries {
                let entry = entry?;
                if let Ok(name) = entry.file_name().to_str()
                    && !matches!(name, "." | "..")
                {
                    names.push((name.to_owned(), entry.file_type()));
                }
            }
            Ok(names)
        };
        list().map_err(|cause: Errno| SinkError::io("list", &self.path, cause))
    }

    /// None when there is no such file; a link or a directory is none either.
    pub fn file(&self, name: &[u8]) -> Result<Option<File>, SinkError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let path = self.path.join(OsStr::from_bytes(name));
        let file = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(cause) => return Err(SinkError::io("open", &path, cause)),
        };
        let metadata = file.metadata().map_err(|cause| SinkError::io("stat", &path, cause))?;
        Ok(metadata.is_file().then_some(file))
    }

    /// Whether there was something to remove.
    pub fn remove(&self, name: &str) -> Result<bool, SinkError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(cause) => Err(SinkError::io("remove", &self.path.join(name), cause)),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renamed {
    Done,
    /// There is no source.
    NoSource,
    /// There is something at the target; nothing was changed.
    Occupied,
}

/// Atomic, and never over something that is there.
pub fn rename(from: (&Directory, &str), to: (&Directory, &str)) -> Result<Renamed, SinkError> {
    let flags = RenameFlags::NOREPLACE;
    match rustix::fs::renameat_with(&from.0.fd, from.1, &to.0.fd, to.1, flags) {
        Ok(()) => Ok(Renamed::Done),
        Err(Errno::NOENT) => Ok(Renamed::NoSource),
        Err(Errno::EXIST) => Ok(Renamed::Occupied),
        // Some network file systems cannot do it in one call.
        Err(Errno::INVAL | Errno::NOSYS) => link_and_unlink(from, to),
        Err(cause) => Err(SinkError::io("rename", &from.0.path.join(from.1), cause)),
    }
}

fn link_and_unlink(from: (&Directory, &str), to: (&Directory, &str)) -> Result<Renamed, SinkError> {
    match rustix::fs::linkat(&from.0.fd, from.1, &to.0.fd, to.1, AtFlags::empty()) {
        Ok(()) => from.0.remove(from.1).map(|_| Renamed::Done),
        Err(Errno::NOENT) => Ok(Renamed::NoSource),
        Err(Errno::EXIST) => Ok(Renamed::Occupied),
        Err(cause) => Err(SinkError::io("rename", &from.0.path.join(from.1), cause)),
    }
}

pub fn same_inode(a: impl AsFd, b: impl AsFd) -> bool {
    match (rustix::fs::fstat(a), rustix::fs::fstat(b)) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    }
}
