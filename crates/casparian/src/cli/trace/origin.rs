//! A job with all that its rows come from.

use crate::failure::Failure;
use crate::output::absolute;
use catalog::Catalog;
use catalog::report::{ArtifactRow, JobFilter, JobRow, OriginRow};
use protocol::JobId;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub struct Origin {
    pub job: JobRow,
    pub taken: OriginRow,
    pub artifacts: Vec<ArtifactRow>,
    /// Absolute.
    pub path: Vec<u8>,
    pub bytes: Bytes,
}

/// Whether what the job read still lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// By size and times, as when they were hashed.
    There,
    /// The file holds something else now.
    Replaced,
    /// Its size or times are others than when it was scanned last.
    Changed,
    Gone,
}

impl Bytes {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::There => "still lies there, by its size and times",
            Self::Replaced => "lies there no more: the file holds a newer version",
            Self::Changed => "may lie there no more: the file changed since it was last scanned",
            Self::Gone => "lies there no more: the file is gone",
        }
    }
}

impl Origin {
    /// None: there is no such job.
    pub async fn of(catalog: &Catalog, id: JobId) -> Result<Option<Self>, Failure> {
        let filter = JobFilter { id: Some(id), limit: 1, ..JobFilter::default() };
        let Some(job) = catalog.jobs(&filter).await?.pop() else { return Ok(None) };
        let Some(taken) = catalog.origin_of(id).await? else { return Ok(None) };
        let path = absolute(&job.root, &job.path);
        let bytes = bytes(&path, &taken);
        let artifacts = catalog.artifacts_of(id).await?;
        Ok(Some(Self { job, taken, artifacts, path, bytes }))
    }
}

fn bytes(path: &[u8], taken: &OriginRow) -> Bytes {
    let Ok(now) = std::fs::symlink_metadata(Path::new(OsStr::from_bytes(path))) else {
        return Bytes::Gone;
    };
    if !taken.is_current {
        return Bytes::Replaced;
    }
    let mtime_ns = now.mtime().saturating_mul(1_000_000_000).saturating_add(now.mtime_nsec());
    let stat = &taken.stat;
    let is_same = (now.ino(), now.len(), mtime_ns) == (stat.inode, stat.size, stat.mtime_ns);
    if now.is_file() && is_same { Bytes::There } else { Bytes::Changed }
}
