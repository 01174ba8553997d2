//! What a plugin prints and logs, in one file per job; made only when there is something, and of limited size.

use protocol::JobId;
use rustix::fd::AsFd;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const LOG_BYTES_MAX: u64 = 10 << 20;
const READS_MAX: usize = 64;

#[derive(Debug)]
pub struct JobLog {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    dropped: u64,
    broken: bool,
}

impl JobLog {
    pub fn new(state_dir: &Path, job: JobId) -> Self {
        let path = state_dir.join("logs/jobs").join(format!("{job}.log"));
        Self { path, file: None, written: 0, dropped: 0, broken: false }
    }

    pub fn line(&mut self, level: &str, message: &str) {
        self.write(format!("{level}: {message}\n").as_bytes());
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let room = LOG_BYTES_MAX.saturating_sub(self.written) as usize;
        let kept = &bytes[..bytes.len().min(room)];
        self.dropped += (bytes.len() - kept.len()) as u64;
        if !kept.is_empty() {
            self.append(kept);
        }
    }

    /// A log that cannot be written never fails the job.
    fn append(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        let written = self.open().and_then(|file| file.write_all(bytes));
        self.written += bytes.len() as u64;
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "a job's log cannot be written");
            self.broken = true;
        }
    }

    fn open(&mut self) -> std::io::Result<&mut File> {
        if let Some(ref mut file) = self.file {
            return Ok(file);
        }
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // A further attempt of the job goes on in its file.
        let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        self.written = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    /// Takes what is in the pipe now; false when its other end is closed.
    pub fn drain(&mut self, pipe: impl AsFd) -> bool {
        let pipe = pipe.as_fd();
        let mut buffer = [0; 16 << 10];
        // One who prints without end must not keep the host from looking at the clock.
        for _ in 0..READS_MAX {
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => return false,
                Ok(len) => self.write(&buffer[..len]),
                Err(Errno::AGAIN) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }
}

impl Drop for JobLog {
    fn drop(&mut self) {
        if self.dropped > 0 {
            let note = format!("\n({} more bytes were printed and not kept)\n", self.dropped);
            self.append(note.as_bytes());
        }
    }
}
