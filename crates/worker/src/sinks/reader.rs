//! The side of those who look: what lies where, without making anything. What `verify --repair` puts right is here, too.

use super::SinkError;
use super::databases::{Databases, Logins};
use super::parquet::{Directory, Renamed, STAGING_NAME, StoredFile, free_name, is_idle, rename};
use super::sink::parquet_path;
use super::sql::OriginCount;
use protocol::{JobId, SinkUri};
use rustix::fs::{Dir, FileType, FlockOperation, flock};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where in a sink a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area<'a> {
    /// What readers of the topic see.
    Current,
    /// What was replaced.
    History,
    /// What a worker has not published.
    Staging { worker: &'a str },
}

/// All sinks below one output root.
#[derive(Debug, Clone)]
pub struct SinkReader {
    output_root: PathBuf,
    databases: Arc<Databases>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkEntry {
    pub name: Vec<u8>,
    pub is_directory: bool,
    pub is_file: bool,
}

impl SinkReader {
    pub fn new(output_root: PathBuf, logins: Logins) -> Self {
        let databases = Arc::new(Databases::new(output_root.clone(), logins));
        Self { output_root, databases }
    }

    pub fn output_root(&self) -> &Path {
        &self.output_root
    }

    /// Why nothing can be said of this sink from here, if nothing can.
    pub fn unreachable(&self, uri: &SinkUri) -> Option<String> {
        match uri {
            SinkUri::Named { .. } => {
                return Some(SinkError::Unsupported { uri: uri.clone() }.to_string());
            }
            SinkUri::Postgresql(_) => {
                let reached = apart(|| self.databases.reach(uri));
                return reached.err().map(|error| error.to_string());
            }
            SinkUri::Parquet { .. } | SinkUri::Sqlite(_) => {}
        }
        match Directory::existing(&self.output_root) {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!(
                "the output root {} is not there; is its disk mounted?",
                self.output_root.display()
            )),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Rows of a table by where they come from, in the order of their jobs.
    pub fn counts(
        &self,
        uri: &SinkUri,
        each: impl FnMut(OriginCount) + Send,
    ) -> Result<(), SinkError> {
        apart(|| self.databases.counts(uri, each))
    }

    /// Takes rows of a job out of a table that no record speaks for. False: there are none.
    pub fn remove_rows(&self, uri: &SinkUri, job: JobId) -> Result<bool, SinkError> {
        apart(|| self.databases.remove_rows(uri, job))
    }

    /// None: there is no such file.
    pub fn file(
        &self,
        uri: &SinkUri,
        area: Area<'_>,
        name: &[u8],
    ) -> Result<Option<StoredFile>, SinkError> {
        let Some(directory) = self.area(parquet_path(uri)?, area)? else { return Ok(None) };
        let path = directory.path.join(OsStr::from_bytes(name));
        Ok(directory.file(name)?.map(|file| StoredFile { file, path }))
    }

    /// What lies in a directory, given by its path below the output root; read as it is asked for. None: there is none.
    pub fn entries(
        &self,
        path: &str,
    ) -> Result<Option<impl Iterator<Item = Result<SinkEntry, SinkError>>>, SinkError> {
        let Some(directory) = self.directory(path)? else { return Ok(None) };
        let listed = Dir::read_from(&directory.fd);
        let listed = listed.map_err(|cause| SinkError::io("list", &directory.path, cause))?;
        let entries = listed.filter_map(move |entry| match entry {
            Ok(entry) => {
                let name = entry.file_name().to_bytes();
                let kind = entry.file_type();
                let is_file = matches!(kind, FileType::RegularFile | FileType::Unknown);
                let is_directory = kind == FileType::Directory;
                let entry = SinkEntry { name: name.to_owned(), is_directory, is_file };
                (name != b"." && name != b"..").then_some(Ok(entry))
            }
            Err(cause) => Some(Err(SinkError::io("list", &directory.path, cause))),
        });
        Ok(Some(entries))
    }

    /// Workers whose staging in this directory nobody holds any more.
    pub fn idle_workers(&self, path: &str) -> Result<Vec<String>, SinkError> {
        let staging = match self.directory(path)? {
            Some(directory) => directory.child(STAGING_NAME)?,
            None => None,
        };
        let Some(staging) = staging else { return Ok(Vec::new()) };
        let names = staging.names()?.into_iter().filter(|(_, kind)| *kind == FileType::Directory);
        let idle = names.filter(|(name, _)| is_idle(&staging, name));
        Ok(idle.map(|(name, _)| name).collect())
    }

    pub fn has_idle_worker(&self, path: &str, worker: &str) -> Result<bool, SinkError> {
        let Some(directory) = self.directory(path)? else { return Ok(false) };
        Ok(directory.child(STAGING_NAME)?.is_some_and(|staging| is_idle(&staging, worker)))
    }

    /// Out of the way of readers, under a name that is free there. False: it is not there.
    pub fn move_to_history(&self, path: &str, name: &str) -> Result<bool, SinkError> {
        let Some(sink) = self.directory(path)? else { return Ok(false) };
        let history = sink.make_child(super::parquet::HISTORY_NAME)?;
        let mut target = name.to_owned();
        for turn in 1.. {
            match rename((&sink, name), (&history, &target))? {
                Renamed::Done => break,
                Renamed::NoSource => return Ok(false),
                Renamed::Occupied => target = free_name(name, turn),
            }
        }
        history.sync()?;
        sink.sync().map(|()| true)
    }

    /// Back from history to where readers see it. False: it is not there, or its place is taken.
    pub fn move_back(&self, path: &str, name: &str) -> Result<bool, SinkError> {
        let Some(sink) = self.directory(path)? else { return Ok(false) };
        let Some(history) = sink.child(super::parquet::HISTORY_NAME)? else { return Ok(false) };
        if rename((&history, name), (&sink, name))? != Renamed::Done {
            return Ok(false);
        }
        sink.sync()?;
        history.sync().map(|()| true)
    }

    /// Removes what a worker that is gone left in staging. False: somebody holds it, or it is not there.
    pub fn remove_staged(&self, path: &str, worker: &str, name: &str) -> Result<bool, SinkError> {
        let Some(own) = self.below(path, &[STAGING_NAME, worker])? else { return Ok(false) };
        if flock(&own.fd, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        own.remove(name)
    }

    fn area(&self, path: &str, area: Area<'_>) -> Result<Option<Directory>, SinkError> {
        match area {
            Area::Current => self.directory(path),
            Area::History => self.below(path, &[super::parquet::HISTORY_NAME]),
            Area::Staging { worker } => self.below(path, &[STAGING_NAME, worker]),
        }
    }

    fn below(&self, path: &str, parts: &[&str]) -> Result<Option<Directory>, SinkError> {
        let mut here = self.directory(path)?;
        for part in parts {
            here = match here {
                Some(directory) => directory.child(part)?,
                None => None,
            };
        }
        Ok(here)
    }

    /// Empty: the output root itself.
    fn directory(&self, path: &str) -> Result<Option<Directory>, SinkError> {
        match Directory::existing(&self.output_root)? {
            Some(root) if !path.is_empty() => root.descend(path),
            root => Ok(root),
        }
    }
}

/// A client of a database waits for its server, which no thread of an event loop may do: those who look may be such.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
