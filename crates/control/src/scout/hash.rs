//! SHA-256 of files, by threads. What is handed back was read from one file that did not change meanwhile.

use super::below;
use super::progress::Progress;
use super::scout_error::ScoutError;
use super::settle;
use super::source::{OpenRoot, is_file, stat_of};
use crate::clock::Clock;
use crate::stop::Stop;
use crossbeam_channel as channel;
use protocol::{ContentHash, FileStat};
use rustix::fs::{Advice, OFlags, fadvise, fstat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// As much as stays in a core's own cache.
const BUFFER_LEN: usize = 256 * 1024;

/// A file to hash; `T` is handed back with the answer.
#[derive(Debug)]
pub(crate) struct HashJob<T> {
    pub(crate) what: T,
    pub(crate) root: Arc<OpenRoot>,
    /// Relative to the root.
    pub(crate) path: Vec<u8>,
    pub(crate) settle: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hashed {
    /// The stat was the same before and after.
    Done {
        hash: ContentHash,
        stat: FileStat,
        racy: bool,
    },
    /// It moved while it was read.
    Changing,
    /// It may be half-written. It has this stat now.
    Settling {
        stat: FileStat,
        due_us: i64,
    },
    /// There is no regular file any more: the inventory will say what there is.
    Gone,
    Unreadable(String),
    Stopped,
}

/// The threads. They end when this is dropped, in the middle of a file if need be.
#[derive(Debug)]
pub(crate) struct Hasher<T> {
    jobs: Option<channel::Sender<HashJob<T>>>,
    answers: mpsc::UnboundedReceiver<(HashJob<T>, Hashed)>,
    /// Of this hasher alone: it does not stop anybody else.
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    waiting: usize,
}

impl<T: Send + 'static> Hasher<T> {
    pub(crate) fn start(
        threads: usize,
        clock: &Arc<dyn Clock>,
        progress: &Arc<Progress>,
    ) -> Result<Self, ScoutError> {
        let (jobs, todo) = channel::unbounded();
        let (done, answers) = mpsc::unbounded_channel();
        let stop = Stop::new();
        let mut hasher = Self { jobs: Some(jobs), answers, stop, threads: Vec::new(), waiting: 0 };
        for i in 0..threads.max(1) {
            let (todo, done) = (todo.clone(), done.clone());
            let mut reader = Reader {
                clock: Arc::clone(clock),
                progress: Arc::clone(progress),
                stop: hasher.stop.clone(),
                leaves_no_trace: true,
                buffer: vec![0; BUFFER_LEN],
            };
            let thread = std::thread::Builder::new().name(format!("scout-hash-{i}"));
            let handle = thread.spawn(move || reader.work(&todo, &done));
            hasher.threads.push(handle.map_err(ScoutError::Thread)?);
        }
        Ok(hasher)
    }

    /// Answers come in any order.
    pub(crate) fn push(&mut self, job: HashJob<T>) {
        let jobs = self.jobs.as_ref();
        if jobs.is_some_and(|jobs| jobs.send(job).is_ok()) {
            self.waiting += 1;
        }
    }

    /// Files that were pushed and not answered yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next answer. None: nothing is being hashed.
    pub(crate) async fn next(&mut self) -> Option<(HashJob<T>, Hashed)> {
        if self.waiting == 0 {
            return None;
        }
        let answer = self.answers.recv().await;
        self.waiting -= 1;
        answer
    }

    /// Everything that waits is answered soon, most of it with `Stopped`.
    pub(crate) fn stop(&self) {
        self.stop.stop();
    }
}

impl<T> Drop for Hasher<T> {
    fn drop(&mut self) {
        self.stop.stop();
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; its file stays dirty.
            let _ = thread.join();
        }
    }
}

/// One thread.
struct Reader {
    clock: Arc<dyn Clock>,
    progress: Arc<Progress>,
    stop: Stop,
    /// Files are opened so that their access time stays, until one belongs to somebody else.
    leaves_no_trace: bool,
    buffer: Vec<u8>,
}

impl Reader {
    fn work<T>(
        &mut self,
        todo: &channel::Receiver<HashJob<T>>,
        done: &mpsc::UnboundedSender<(HashJob<T>, Hashed)>,
    ) {
        for job in todo {
            let hashed = self.hash(&job.root, &job.path, job.settle);
            if done.send((job, hashed)).is_err() {
                return;
            }
        }
    }

    fn hash(&mut self, root: &OpenRoot, path: &[u8], settle: Duration) -> Hashed {
        if self.stop.is_wanted() {
            return Hashed::Stopped;
        }
        match self.read(root, path, settle) {
            Ok(hashed) => hashed,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Hashed::Gone,
            Err(error) => Hashed::Unreadable(error.to_string()),
        }
    }

    fn read(&mut self, root: &OpenRoot, path: &[u8], settle: Duration) -> Result<Hashed, Errno> {
        let began_us = self.clock.now_us();
        let fd = self.open(root, path)?;
        let before = fstat(&fd)?;
        if !is_file(&before) {
            return Ok(Hashed::Gone);
        }
        let stat = stat_of(&before);
        if let Some(due_us) = settle::due_us(&stat, began_us, settle) {
            return Ok(Hashed::Settling { stat, due_us });
        }
        let Some((hash, len)) = self.digest(&fd, stat.size)? else { return Ok(Hashed::Stopped) };
        // By its path: the name must still mean the file that was read.
        let after = below::lstat(root.fd.as_fd(), path)?;
        if len != stat.size || stat_of(&after) != stat || !is_file(&after) {
            return Ok(Hashed::Changing);
        }
        self.progress.files_hashed.add(1);
        Ok(Hashed::Done { hash, stat, racy: stat.is_racy(began_us.saturating_mul(1_000)) })
    }

    /// Hash and length. None: stopped.
    fn digest(&mut self, fd: &OwnedFd, size: u64) -> Result<Option<(ContentHash, u64)>, Errno> {
        if size > BUFFER_LEN as u64 {
            // A hint; not every file system takes it.
            let _ = fadvise(fd, 0, None, Advice::Sequential);
        }
        let mut sha = Sha256::new();
        let mut len = 0;
        loop {
            let read = match rustix::io::read(fd, &mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            };
            sha.update(&self.buffer[..read]);
            len += read as u64;
            self.progress.bytes_hashed.add(read as u64);
            // All of it; or more, and then it grows and would perhaps never end.
            if len >= size {
                break;
            }
            if self.stop.is_wanted() {
                return Ok(None);
            }
        }
        Ok(Some((ContentHash::new(sha.finalize().into()), len)))
    }

    fn open(&mut self, root: &OpenRoot, path: &[u8]) -> Result<OwnedFd, Errno> {
        // Not blocking: the name may be a named pipe by now.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        if self.leaves_no_trace {
            match below::open_file(root.fd.as_fd(), path, flags | OFlags::NOATIME) {
                Err(Errno::PERM) => self.leaves_no_trace = false,
                opened => return opened,
            }
        }
        below::open_file(root.fd.as_fd(), path, flags)
    }
}
