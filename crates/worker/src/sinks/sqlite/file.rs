//! Opening the file: where it is, whether it is one, and how it is written to.

use super::error::{Doing, SqliteError};
use crate::sinks::SinkError;
use crate::sinks::parquet::Directory;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    device: u64,
    number: u64,
}

/// Where a file is: its directory, whose parts below the output root are no links, and its name.
pub struct Place {
    directory: Directory,
    name: String,
    pub path: PathBuf,
}

impl Place {
    /// For a writer: directories below the output root are made. `file` is absolute or relative to the output root.
    pub fn make(output_root: &Path, file: &str) -> Result<Self, SinkError> {
        let (parent, name) = file.rsplit_once('/').unwrap_or(("", file));
        let directory = match file.strip_prefix('/') {
            Some(_) => absolute(parent, file)?,
            None if parent.is_empty() => Directory::root(output_root)?,
            None => Directory::root(output_root)?.make_descend(parent)?,
        };
        Self::within(directory, name)
    }

    /// For those who only look: None when there is no such file.
    pub fn existing(output_root: &Path, file: &str) -> Result<Option<Self>, SinkError> {
        let (parent, name) = file.rsplit_once('/').unwrap_or(("", file));
        let directory = match (Directory::existing(output_root)?, parent) {
            _ if file.starts_with('/') => Directory::existing(Path::new(&format!("{parent}/")))?,
            (Some(root), "") => Some(root),
            (Some(root), parent) => root.descend(parent)?,
            (None, _) => None,
        };
        let Some(directory) = directory else { return Ok(None) };
        let place = Self::within(directory, name)?;
        Ok(if place.is_there()? { Some(place) } else { None })
    }

    fn within(directory: Directory, name: &str) -> Result<Self, SinkError> {
        let path = directory.path.join(name);
        Ok(Self { directory, name: name.to_owned(), path })
    }

    /// A link, a directory or a pipe is no file to open. The file itself is left alone: SQLite's locks belong to the process, and
    /// closing any descriptor of the file would give them up.
    fn is_there(&self) -> Result<bool, SinkError> {
        let stat =
            rustix::fs::statat(&self.directory.fd, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        match stat {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(true),
            Ok(_) => Err(SqliteError::NotAFile { path: self.path.clone() }.into()),
            Err(Errno::NOENT) => Ok(false),
            Err(cause) => Err(SinkError::io("stat", &self.path, cause)),
        }
    }

    /// What the name stands for just now. Asked by path: the directory may be another one, too.
    pub fn inode(&self) -> Option<Inode> {
        let stat = rustix::fs::lstat(&self.path).ok()?;
        Some(Inode { device: stat.st_dev, number: stat.st_ino })
    }

    /// SQLite takes names, not descriptors, and with `NOFOLLOW` refuses a name with a link in any part. The output root itself may be
    /// reached through links, so its links are resolved first; what lies below has been walked without following any.
    fn resolved(&self) -> Result<PathBuf, SinkError> {
        let directory = self.directory.path.canonicalize();
        let directory = directory.map_err(|cause| SinkError::io("open", &self.path, cause))?;
        let same =
            rustix::fs::stat(&directory).ok().zip(rustix::fs::fstat(&self.directory.fd).ok());
        if same.is_none_or(|(a, b)| (a.st_dev, a.st_ino) != (b.st_dev, b.st_ino)) {
            return Err(SinkError::Symlink { path: self.directory.path.clone() });
        }
        Ok(directory.join(&self.name))
    }

    /// The file is made if need be, and then its name is durable.
    pub fn open_to_write(&self, patience: Duration) -> Result<Connection, SinkError> {
        let is_new = !self.is_there()?;
        let create = if is_new { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let connection = self.open(create, patience)?;
        let doing = self.doing("open", patience);
        let is_read_only =
            connection.is_readonly(rusqlite::MAIN_DB).map_err(|it| doing.failed(it))?;
        if is_read_only {
            return Err(SqliteError::ReadOnly { path: self.path.clone() }.into());
        }
        connection.execute_batch(WRITER).map_err(|cause| doing.failed(cause))?;
        if is_new {
            self.directory.sync()?;
        }
        Ok(connection)
    }

    /// Nothing is written but what a writer that was killed left to be rolled back.
    pub fn open_to_read(&self, patience: Duration) -> Result<Connection, SinkError> {
        let connection = self.open(OpenFlags::empty(), patience)?;
        let set = connection.execute_batch("PRAGMA query_only = ON");
        set.map_err(|cause| self.doing("open", patience).failed(cause))?;
        Ok(connection)
    }

    fn open(&self, more: OpenFlags, patience: Duration) -> Result<Connection, SinkError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE
            | more;
        let open = || {
            let connection = Connection::open_with_flags(self.resolved()?, flags);
            let doing = self.doing("open", patience);
            let connection = connection.map_err(|cause| doing.failed(cause))?;
            connection.busy_timeout(patience).map_err(|cause| doing.failed(cause))?;
            Ok(connection)
        };
        open()
    }

    pub fn doing(&self, action: &'static str, waited: Duration) -> Doing<'_> {
        Doing { action, path: &self.path, waited }
    }
}

/// - The journal's mode stays what the file has. A new one gets SQLite's own default: then there is one file, which can be copied or mailed
///   as it lies there, and works on a network disk. Who has many readers beside the loads sets WAL once; it stays.
/// - EXTRA is FULL, and makes durable that the journal is gone. Without that a loss of power right after the commit could undo it.
/// - Foreign keys and their cascades are the business of who made them; rows come and go here as the catalog says.
/// - A rewritten table takes its old name again without a look at what views say of it.
const WRITER: &str = "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; PRAGMA cache_size = -16384";

/// What the user named in casparian.toml may be reached through links, but is not made.
fn absolute(parent: &str, file: &str) -> Result<Directory, SinkError> {
    let path = PathBuf::from(format!("{parent}/"));
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
        Ok(fd) => Ok(Directory { fd, path }),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {
            Err(SqliteError::NoDirectory { path: PathBuf::from(file) }.into())
        }
        Err(cause) => Err(SinkError::io("open", &path, cause)),
    }
}
