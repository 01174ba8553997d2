//! A directory of plugin sources: `*.py` and `*.sql`, names that begin with `_` or `.` left out, not recursive.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Larger than any plugin a person writes.
const SOURCE_LEN_MAX: u64 = 1024 * 1024;

/// One file of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As it is shown in errors.
    pub path: PathBuf,
    /// What is in it, or why that cannot be told.
    pub text: Result<String, String>,
}

/// Changes when a file of the directory comes, goes or changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryStamp {
    files: Vec<(PathBuf, u64, Option<SystemTime>)>,
}

/// A directory that is not there has no plugins.
pub fn stamp(directory: &Path) -> DirectoryStamp {
    let stat = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok();
        let size = metadata.as_ref().map_or(0, fs::Metadata::len);
        let modified = metadata.and_then(|metadata| metadata.modified().ok());
        (path, size, modified)
    };
    DirectoryStamp { files: source_paths(directory).into_iter().map(stat).collect() }
}

pub fn read(directory: &Path) -> Vec<SourceFile> {
    let read = |path: PathBuf| SourceFile { text: read_source(&path), path };
    source_paths(directory).into_iter().map(read).collect()
}

fn source_paths(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths = paths.filter(|path| is_source(path)).collect::<Vec<_>>();
    paths.sort();
    paths
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let is_hidden = name.starts_with('_') || name.starts_with('.');
    let extension = path.extension().and_then(|extension| extension.to_str());
    !is_hidden && matches!(extension, Some("py" | "sql")) && path.is_file()
}

fn read_source(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let read = file.take(SOURCE_LEN_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > SOURCE_LEN_MAX {
        return Err("is larger than 1 MiB, which no plugin should be".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("is not UTF-8: byte {at}; save it as UTF-8")
    })
}
