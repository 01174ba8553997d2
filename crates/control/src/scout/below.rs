//! Opening what lies below a directory by descriptors: paths may be longer than the kernel takes at once, and no
//! component may be a symbolic link.

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat};
use rustix::io::{Errno, Result};
use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The kernel's PATH_MAX is 4,096 with the NUL; what is longer is walked in pieces.
const PIECE_LEN_MAX: usize = 4_095;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const WAYPOINT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens a directory for listing. `path` is relative to `base`; empty for `base` itself.
pub(crate) fn open_directory(base: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    open_file(base, path, DIRECTORY)
}

/// Opens `path` without following a symbolic link anywhere in it.
pub(crate) fn open_file(base: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let (near, tail) = approach(base, path)?;
    open_piece(near.as_fd(), tail, flags | OFlags::CLOEXEC)
}

/// `lstat` of a path of any length. Only the last component is guarded against being a link.
pub(crate) fn lstat(base: BorrowedFd<'_>, path: &[u8]) -> Result<Stat> {
    let (near, tail) = approach(base, path)?;
    statat(near, tail, AtFlags::SYMLINK_NOFOLLOW)
}

/// A descriptor to start from, and what remains of the path: short enough for one system call.
fn approach<'a>(base: BorrowedFd<'a>, path: &'a [u8]) -> Result<(Near<'a>, &'a [u8])> {
    let mut near = Near::Base(base);
    let mut rest = path;
    while rest.len() > PIECE_LEN_MAX {
        let cut = rest[..PIECE_LEN_MAX].iter().rposition(|&byte| byte == b'/');
        let cut = cut.filter(|&at| at > 0).ok_or(Errno::NAMETOOLONG)?;
        near = Near::Opened(open_piece(near.as_fd(), &rest[..cut], WAYPOINT)?);
        rest = &rest[cut + 1..];
    }
    Ok((near, rest))
}

enum Near<'a> {
    Base(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Near<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Base(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

fn open_piece(base: BorrowedFd<'_>, piece: &[u8], flags: OFlags) -> Result<OwnedFd> {
    match openat2(base, piece, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // Before Linux 5.6, or where a sandbox does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open_by_components(base, piece, flags),
        done => done,
    }
}

fn open_by_components(base: BorrowedFd<'_>, piece: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let (parents, name) = match piece.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&piece[..at], &piece[at + 1..]),
        None => (&piece[..0], piece),
    };
    let mut near = Near::Base(base);
    for component in parents.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        near = Near::Opened(openat(near, component, WAYPOINT | OFlags::NOFOLLOW, Mode::empty())?);
    }
    openat(near, name, flags | OFlags::NOFOLLOW, Mode::empty())
}

/// `directory` and a name in it; the source root's own path is empty.
pub(crate) fn join<'a>(directory: &'a [u8], name: &'a [u8]) -> Cow<'a, [u8]> {
    if directory.is_empty() {
        return Cow::Borrowed(name);
    }
    Cow::Owned([directory, b"/", name].concat())
}

/// The directories above a path, from the source root on.
pub(crate) fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let root = (!path.is_empty()).then_some(0);
    root.into_iter().chain(slashes).map(|end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, mkdirat};

    fn directory(path: &std::path::Path) -> OwnedFd {
        openat(CWD, path, DIRECTORY, Mode::empty()).unwrap()
    }

    /// A chain of directories whose path is `count` times `name`, made step by step.
    fn chain(base: &OwnedFd, name: &[u8], count: usize) -> Vec<u8> {
        let mut fd = base.try_clone().unwrap();
        for _ in 0..count {
            mkdirat(&fd, name, Mode::RWXU).unwrap();
            fd = openat(&fd, name, DIRECTORY, Mode::empty()).unwrap();
        }
        vec![name; count].join(b"/".as_slice())
    }

    #[test]
    fn a_path_longer_than_the_kernel_takes_is_opened() {
        let temp = tempfile::tempdir().unwrap();
        let base = directory(temp.path());
        let path = chain(&base, &[b'd'; 200], 60);
        assert!(path.len() > 2 * PIECE_LEN_MAX);
        let deepest = open_directory(base.as_fd(), &path).unwrap();
        let stat = rustix::fs::fstat(deepest).unwrap();
        assert_eq!(lstat(base.as_fd(), &path).unwrap().st_ino, stat.st_ino);
    }

    #[test]
    fn no_component_may_be_a_link_with_or_without_openat2() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("real/below")).unwrap();
        std::os::unix::fs::symlink("real", temp.path().join("link")).unwrap();
        let base = directory(temp.path());
        for open in [open_piece, open_by_components] {
            assert!(open(base.as_fd(), b"real/below", DIRECTORY).is_ok());
            assert!(open(base.as_fd(), b"link/below", DIRECTORY).is_err());
            assert!(open(base.as_fd(), b"link", DIRECTORY).is_err());
        }
    }

    #[test]
    fn the_root_itself_has_an_empty_path() {
        let temp = tempfile::tempdir().unwrap();
        let base = directory(temp.path());
        assert!(open_directory(base.as_fd(), b"").is_ok());
        assert_eq!(&*join(b"", b"x"), b"x");
        assert_eq!(&*join(b"a/b", b"x"), b"a/b/x");
        assert_eq!(above(b"a/b/x").collect::<Vec<_>>(), [b"".as_slice(), b"a", b"a/b"]);
        assert_eq!(above(b"").count(), 0);
    }
}
