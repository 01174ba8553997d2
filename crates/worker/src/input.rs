//! The input file: opened read-only, never followed through a link, and proven to be the content that the job names (P4).

use crate::failure::JobFailure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use protocol::{ContentHash, Dispatch, ErrorClass, FileStat};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const READ_LEN: usize = 1 << 18;

#[derive(Debug)]
pub struct InputFile {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether only reading it again can tell that it is what was hashed.
    suspect: bool,
}

impl InputFile {
    pub fn open(dispatch: &Dispatch) -> Result<Self, JobFailure> {
        let path = path_of(dispatch)?;
        let (fd, stat) = open_regular(&path)?;
        let suspect = dispatch.racy || file_stat(&stat) != dispatch.stat;
        let file = Self { fd, path, suspect };
        if suspect && stat.st_size as u64 != dispatch.size {
            return Err(changed(&file.path, "has another size"));
        }
        Ok(file)
    }

    /// What lies there now.
    pub fn identity(path: &Path) -> Result<(FileStat, ContentHash), JobFailure> {
        let (fd, stat) = open_regular(path)?;
        let file = Self { fd, path: path.to_owned(), suspect: false };
        Ok((file_stat(&stat), file.hash()?))
    }

    /// After the parse: whether what was read is what was hashed. `opened_ns` is when it was opened.
    pub fn verify(&self, dispatch: &Dispatch, opened_ns: i64) -> Result<(), JobFailure> {
        let opened = rustix::fs::fstat(&self.fd);
        let opened = opened.map_err(|error| cannot("stat", &self.path, error))?;
        let named = rustix::fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        let named = named.map_err(|error| cannot("stat", &self.path, error))?;
        // The plugin may have opened the path: it must still name this very file.
        if (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino) {
            return Err(changed(&self.path, "was replaced"));
        }
        let stat = file_stat(&named);
        let moved = stat != dispatch.stat;
        if !(self.suspect || moved || stat.is_racy(opened_ns)) {
            return Ok(());
        }
        if self.hash()? == dispatch.content_hash {
            return Ok(());
        }
        Err(changed(&self.path, "has other content"))
    }

    fn hash(&self) -> Result<ContentHash, JobFailure> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; READ_LEN];
        let mut offset = 0;
        loop {
            match rustix::io::pread(&self.fd, &mut buffer, offset) {
                Ok(0) => return Ok(ContentHash::new(hasher.finalize().into())),
                Ok(len) => {
                    hasher.update(&buffer[..len]);
                    offset += len as u64;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(cannot("read", &self.path, error)),
            }
        }
    }
}

impl AsFd for InputFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn path_of(dispatch: &Dispatch) -> Result<PathBuf, JobFailure> {
    let Some(encoded) = &dispatch.file_path_b64 else {
        return Ok(PathBuf::from(&dispatch.file_path));
    };
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|error| {
        let text = format!("the path of {} cannot be decoded: {error}", dispatch.file_path);
        JobFailure::new(ErrorClass::Input, text)
    })?;
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

fn open_regular(path: &Path) -> Result<(OwnedFd, Stat), JobFailure> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, path, flags, Mode::empty());
    let fd = fd.map_err(|error| cannot("open", path, error))?;
    let stat = rustix::fs::fstat(&fd).map_err(|error| cannot("stat", path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(changed(path, "is no regular file any more"));
    }
    Ok((fd, stat))
}

fn file_stat(stat: &Stat) -> FileStat {
    FileStat {
        inode: stat.st_ino,
        size: stat.st_size as u64,
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

fn cannot(action: &str, path: &Path, error: Errno) -> JobFailure {
    match error {
        Errno::NOENT | Errno::NOTDIR => changed(path, "is gone"),
        Errno::LOOP => changed(path, "is a symbolic link now"),
        _ => {
            let text = format!("cannot {action} {}: {error}", path.display());
            JobFailure::new(ErrorClass::Input, text)
        }
    }
}

fn changed(path: &Path, how: &str) -> JobFailure {
    let text = format!("{} {how} since it was hashed; it will be looked at again", path.display());
    JobFailure::new(ErrorClass::Changed, text)
}
