//! What is scouted: a directory and all below it, or one file of a directory.

use super::below::join;
use super::ignores::{IgnorePatternError, Ignores};
use super::scout_error::ScoutError;
use catalog::Place;
use protocol::FileStat;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, Stat, fstat, fstatvfs, openat, stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A source root. Each has its own locations, also where one lies inside another: a file below both is inventoried
/// for each of them, and its content is processed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Absolute and without links, so that one directory is one root however it was spelled.
    path: PathBuf,
    /// It has not been there yet: the path is as it was given.
    is_awaited: bool,
    /// Nothing but this file of the directory.
    only: Option<Vec<u8>>,
    /// Patterns in gitignore syntax, relative to the root.
    pub ignore: Vec<String>,
    /// A file that was modified less than this ago is left alone: it may be half-written.
    pub settle: Duration,
}

impl Source {
    /// A directory; or a file, and then its root is the innermost of `known` roots that it lies in, else its directory.
    pub fn at(path: &Path, known: &[PathBuf]) -> Result<Self, ScoutError> {
        let missing = |cause| ScoutError::SourceUnreadable { path: path.to_owned(), cause };
        let path = std::fs::canonicalize(path).map_err(missing)?;
        let source = |path, only| Self {
            path,
            is_awaited: false,
            only,
            ignore: Vec::new(),
            settle: Duration::ZERO,
        };
        let metadata = std::fs::metadata(&path).map_err(missing)?;
        if metadata.is_dir() {
            return Ok(source(path, None));
        }
        if !metadata.is_file() {
            return Err(ScoutError::SourceSpecial { path });
        }
        let around = known.iter().filter(|root| path.starts_with(root));
        let innermost = around.max_by_key(|root| root.as_os_str().len());
        let root = match innermost.map(PathBuf::as_path).or(path.parent()) {
            Some(root) => root.to_owned(),
            None => return Err(ScoutError::SourceSpecial { path }),
        };
        let only = path.strip_prefix(&root).map(|below| below.as_os_str().as_bytes().to_vec());
        Ok(source(root, only.ok()))
    }

    /// One that is not there, and is taken up when it is. `path` is absolute.
    pub fn awaited(path: PathBuf) -> Self {
        let (ignore, settle) = (Vec::new(), Duration::ZERO);
        Self { path, is_awaited: true, only: None, ignore, settle }
    }

    /// Finds out what an awaited one is, once it is there.
    pub(crate) fn look_again(&mut self) {
        if !self.is_awaited {
            return;
        }
        if let Ok(found) = Self::at(&self.path, &[]) {
            let (ignore, settle) = (std::mem::take(&mut self.ignore), self.settle);
            *self = Self { ignore, settle, ..found };
        }
    }

    /// Where it lies at this moment. None: it is away.
    pub(crate) fn place(&self) -> Option<Place> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, &self.path, flags, Mode::empty()).ok()?;
        place(&fd, &fstat(&fd).ok()?).ok()
    }

    pub(crate) fn unreadable(&self, error: Errno) -> ScoutError {
        ScoutError::SourceUnreadable { path: self.path.clone(), cause: error.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn only(&self) -> Option<&[u8]> {
        self.only.as_deref()
    }

    pub(crate) fn path_bytes(&self) -> &[u8] {
        self.path.as_os_str().as_bytes()
    }

    /// Its own patterns and those of the catalog's ignore rules.
    pub(crate) fn ignores(&self, rules: &[String]) -> Result<Ignores, IgnorePatternError> {
        Ignores::from_patterns(&[rules, self.ignore.as_slice()].concat())
    }

    /// Fails when the root is missing, unreadable, or ours; then nothing below it counts as deleted.
    pub(crate) fn open(&self, own: &[PathBuf]) -> Result<OpenRoot, ScoutError> {
        let unreadable = |error| self.unreadable(error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, &self.path, flags, Mode::empty()).map_err(unreadable)?;
        let stat = fstat(&fd).map_err(unreadable)?;
        let id = place_id(&stat);
        let own = OwnPlaces::below(&self.path, own);
        if own.hold_root || own.ids.contains(&id) {
            return Err(ScoutError::SourceIsOurs { path: self.path.clone() });
        }
        let path = self.path_bytes().to_vec();
        let place = place(&fd, &stat).map_err(unreadable)?;
        Ok(OpenRoot { fd, place, path, own })
    }
}

/// A source root, held open for a pass.
#[derive(Debug)]
pub(crate) struct OpenRoot {
    pub(crate) fd: OwnedFd,
    pub(crate) place: Place,
    pub(crate) own: OwnPlaces,
    path: Vec<u8>,
}

impl OpenRoot {
    /// Not even a name lies in it.
    pub(crate) fn is_empty(&self) -> Result<bool, Errno> {
        for entry in Dir::read_from(&self.fd)? {
            if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn absolute(&self, below: &[u8]) -> Vec<u8> {
        match (self.path.as_slice(), below) {
            (root, b"") => root.to_vec(),
            (b"/", below) => [b"/", below].concat(),
            (root, below) => join(root, below).into_owned(),
        }
    }
}

/// The project's own state and output, directories or files: never an input, whatever an ignore file says.
#[derive(Debug, Default)]
pub(crate) struct OwnPlaces {
    /// Device and inode: an own directory is recognised whatever the path to it looks like.
    ids: Vec<PlaceId>,
    /// Relative to the source root.
    paths: Vec<Vec<u8>>,
    hold_root: bool,
}

type PlaceId = (u64, u64);

impl OwnPlaces {
    fn below(root: &Path, places: &[PathBuf]) -> Self {
        let mut own = Self::default();
        for place in places {
            // What does not exist yet is known by its path alone.
            let real = std::fs::canonicalize(place).unwrap_or_else(|_| place.clone());
            own.ids.extend(stat(&real).map(|stat| place_id(&stat)));
            own.hold_root |= root.starts_with(&real);
            if let Ok(below) = real.strip_prefix(root) {
                own.paths.push(below.as_os_str().as_bytes().to_vec());
            }
        }
        own
    }

    /// `path` is relative to the source root.
    pub(crate) fn have_path(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|own| own == path)
    }

    /// Whether it is worth a closer look: by the name, or by the inode that the directory tells.
    pub(crate) fn may_have(&self, name: &[u8], inode: u64) -> bool {
        let is_named = |path: &Vec<u8>| path.ends_with(name);
        self.ids.iter().any(|&(_, own)| own == inode) || self.paths.iter().any(is_named)
    }

    pub(crate) fn have(&self, stat: &Stat) -> bool {
        self.ids.contains(&place_id(stat))
    }
}

/// A file system tells its own number where it has one: that of the device may change with each start of the machine.
fn place(fd: &OwnedFd, stat: &Stat) -> Result<Place, Errno> {
    let told = fstatvfs(fd)?.f_fsid;
    let file_system = if told == 0 { stat.st_dev } else { told };
    Ok(Place { file_system, inode: stat.st_ino })
}

fn place_id(stat: &Stat) -> PlaceId {
    (stat.st_dev, stat.st_ino)
}

pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

#[expect(clippy::unnecessary_cast, reason = "the kernel's types differ between architectures")]
pub(crate) fn stat_of(stat: &Stat) -> FileStat {
    FileStat {
        inode: stat.st_ino as u64,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

pub(crate) fn path_from(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
