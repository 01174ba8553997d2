//! What a scan would do with one path: the same rules, asked for one path only, with what stands in its way.

use super::below;
use super::ignores::{IgnoreReason, Ignores};
use super::lister::read_ignores;
use super::report::PassedOverReason;
use super::scout_error::ScoutError;
use super::source::{Source, stat_of};
use super::walker::PATH_LEN_MAX;
use protocol::FileStat;
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// Why a path is not taken. `at` is the part of it that this is said of, relative to the source root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    Ignored {
        at: Vec<u8>,
        by: IgnoreReason,
    },
    /// The project's own state or output.
    Own {
        at: Vec<u8>,
    },
    Unreadable {
        at: Vec<u8>,
        error: String,
    },
    Special {
        at: Vec<u8>,
        reason: PassedOverReason,
    },
    /// There is nothing of this name.
    Missing {
        at: Vec<u8>,
    },
}

/// `path` is relative to the source. Gives its stat where a scan would take it; None: it is a directory that would be walked.
pub fn outlook(
    source: &Source,
    rules: &[String],
    own: &[PathBuf],
    path: &[u8],
) -> Result<Result<Option<FileStat>, Obstacle>, ScoutError> {
    let root = match source.open(own) {
        Ok(root) => root,
        Err(ScoutError::SourceIsOurs { .. }) => return Ok(Err(Obstacle::Own { at: Vec::new() })),
        Err(error) => return Err(error),
    };
    let mut ignores = source.ignores(rules)?;
    if path.len() > PATH_LEN_MAX {
        let reason = PassedOverReason::TooDeep;
        return Ok(Err(Obstacle::Special { at: path.to_vec(), reason }));
    }
    let directories = below::above(path).count();
    for (depth, at) in below::above(path).skip(1).chain([path]).enumerate() {
        let directory = below::above(path).nth(depth).unwrap_or_default();
        ignores = match enter(&root, directory, &ignores) {
            Ok(ignores) => ignores,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let stat = match below::lstat(root.fd.as_fd(), if at.is_empty() { b"." } else { at }) {
            Ok(stat) => stat,
            Err(error) => return Ok(Err(unreadable(at, error))),
        };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if root.own.have_path(at) || root.own.have(&stat) {
            return Ok(Err(Obstacle::Own { at: at.to_vec() }));
        }
        if let Some(by) = ignores.reason(at, is_directory) {
            return Ok(Err(Obstacle::Ignored { at: at.to_vec(), by }));
        }
        if let Some(reason) = special(&stat) {
            return Ok(Err(Obstacle::Special { at: at.to_vec(), reason }));
        }
        if depth + 1 >= directories.max(1) {
            return Ok(Ok((!is_directory).then(|| stat_of(&stat))));
        }
        if !is_directory {
            return Ok(Err(Obstacle::Missing { at: path.to_vec() }));
        }
    }
    Ok(Ok(None))
}

/// The ignore rules that hold in a directory.
fn enter(
    root: &super::source::OpenRoot,
    path: &[u8],
    above: &Ignores,
) -> Result<Ignores, Obstacle> {
    let fd =
        below::open_directory(root.fd.as_fd(), path).map_err(|error| unreadable(path, error))?;
    let read = read_ignores(fd.as_fd(), path, above);
    read.map(|(ignores, _)| ignores).map_err(|error| {
        let at = below::join(path, super::ignores::IGNORE_FILE).into_owned();
        Obstacle::Unreadable { at, error: error.to_string() }
    })
}

fn unreadable(at: &[u8], error: Errno) -> Obstacle {
    match error {
        Errno::NOENT | Errno::NOTDIR => Obstacle::Missing { at: at.to_vec() },
        error => Obstacle::Unreadable { at: at.to_vec(), error: error.to_string() },
    }
}

fn special(stat: &Stat) -> Option<PassedOverReason> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::Directory => None,
        FileType::Symlink => Some(PassedOverReason::Symlink),
        FileType::Fifo => Some(PassedOverReason::Fifo),
        FileType::Socket => Some(PassedOverReason::Socket),
        _ => Some(PassedOverReason::Device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn look(root: &std::path::Path, path: &str) -> Result<Option<FileStat>, Obstacle> {
        let source = Source::at(root, &[]).unwrap();
        outlook(&source, &["*.bak".to_owned()], &[root.join("lake")], path.as_bytes()).unwrap()
    }

    #[test]
    fn a_path_meets_what_a_scan_would_meet() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for directory in ["a/b", "lake/t", "skip"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for file in
            ["a/b/x.csv", "a/b/y.csv", "a/z.bak", "lake/t/part-1.parquet", "skip/x.csv", "top.csv"]
        {
            fs::write(root.join(file), "x").unwrap();
        }
        fs::write(root.join("a/.casparianignore"), "y.csv\n").unwrap();
        fs::write(root.join(".casparianignore"), "skip/\n").unwrap();
        std::os::unix::fs::symlink("top.csv", root.join("link.csv")).unwrap();
        assert!(look(root, "a/b/x.csv").unwrap().is_some());
        assert!(look(root, "top.csv").unwrap().is_some());
        assert_eq!(look(root, "a/b").unwrap(), None);
        assert_eq!(look(root, "").unwrap(), None);
        let at = |path: &str| path.as_bytes().to_vec();
        assert_eq!(look(root, "lake/t/part-1.parquet"), Err(Obstacle::Own { at: at("lake") }));
        assert_eq!(look(root, "a/b/no.csv"), Err(Obstacle::Missing { at: at("a/b/no.csv") }));
        assert_eq!(look(root, "top.csv/x"), Err(Obstacle::Missing { at: at("top.csv/x") }));
        let reason = PassedOverReason::Symlink;
        assert_eq!(look(root, "link.csv"), Err(Obstacle::Special { at: at("link.csv"), reason }));
        for (path, ignored, pattern) in [
            ("a/b/y.csv", "a/b/y.csv", "y.csv"),
            ("a/z.bak", "a/z.bak", "*.bak"),
            ("skip/x.csv", "skip", "skip/"),
        ] {
            let Err(Obstacle::Ignored { at, by }) = look(root, path) else { panic!("{path}") };
            assert_eq!((at.as_slice(), by.pattern.as_str()), (ignored.as_bytes(), pattern));
        }
    }
}
