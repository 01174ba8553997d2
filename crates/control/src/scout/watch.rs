//! Kernel events about directories: a hint to look sooner, never the truth. Whatever goes wrong with them, the sweep
//! finds what they did not tell, and the status says that they are off.

use super::walk::Hint;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// A watch costs the kernel about a kilobyte, and us its path.
const WATCHES_MAX: usize = 100_000;
/// More hints than this are one: look everywhere.
const HINTS_MAX: usize = 1_000;
const BUFFER_LEN: usize = 64 * 1024;

/// What is watched, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchStatus {
    /// Directories that the kernel watches for us.
    pub watched: usize,
    /// Why events may be missing. Then changes are found by the sweep.
    pub trouble: Option<String>,
}

/// Directories where something happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    /// By the index of the source.
    pub(crate) some: BTreeSet<(usize, Hint)>,
    /// Too many to tell apart, or some were lost.
    pub(crate) all: bool,
}

#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Adds directories to what is watched: one per source.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    source: usize,
}

#[derive(Debug)]
struct Shared {
    inotify: OwnedFd,
    watches_max: usize,
    state: Mutex<State>,
    changed: Notify,
    /// Readable once the thread is not wanted any more.
    stop: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    /// Source and path of each watch.
    directories: HashMap<i32, (usize, Arc<[u8]>)>,
    hints: Hints,
    trouble: Option<String>,
    /// No more can be added.
    full: bool,
}

impl Watcher {
    pub(crate) fn start(watches_max: usize) -> std::io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let shared = Arc::new(Shared {
            inotify,
            watches_max: watches_max.min(WATCHES_MAX),
            state: Mutex::default(),
            changed: Notify::new(),
            stop: eventfd(0, EventfdFlags::CLOEXEC)?,
        });
        let thread = std::thread::Builder::new().name("scout-watch".to_owned());
        let thread = {
            let shared = Arc::clone(&shared);
            thread.spawn(move || shared.read_until_stopped())?
        };
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn watch(&self, source: usize) -> Watch {
        Watch { shared: Arc::clone(&self.shared), source }
    }

    pub(crate) fn status(&self) -> WatchStatus {
        let state = self.shared.lock();
        WatchStatus { watched: state.directories.len(), trouble: state.trouble.clone() }
    }

    /// Returns when there are hints.
    pub(crate) async fn wait(&self) {
        loop {
            let changed = self.shared.changed.notified();
            if self.shared.lock().hints != Hints::default() {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.lock().hints.some.len()
    }

    pub(crate) fn take(&self) -> Hints {
        std::mem::take(&mut self.shared.lock().hints)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let is_told = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes()).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_told) {
            // A thread that panicked has said so; the sweep does not need it.
            let _ = thread.join();
        }
    }
}

impl Watch {
    /// To be called before the directory is listed: what changes later is told. Watching it again changes nothing.
    pub(crate) fn add(&self, directory: &OwnedFd, path: &Arc<[u8]>) {
        if self.shared.lock().full {
            return;
        }
        // By descriptor: its path may be too long, or may be another directory by now.
        let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        let added = inotify::add_watch(&self.shared.inotify, link, flags);
        let mut state = self.shared.lock();
        match added {
            Ok(watch) => {
                state.directories.insert(watch, (self.source, Arc::clone(path)));
                if state.directories.len() >= self.shared.watches_max {
                    let max = self.shared.watches_max;
                    state.give_up(&format!("there are more than {max} directories to watch"));
                }
            }
            Err(Errno::NOSPC) => state.give_up(
                "the kernel watches no more directories for this user: raise fs.inotify.max_user_watches",
            ),
            Err(error) => state.give_up(&format!("a directory cannot be watched: {error}")),
        }
    }
}

impl Shared {
    fn read_until_stopped(&self) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER_LEN];
        loop {
            let fds = [&self.inotify, &self.stop];
            let mut ready = fds.map(|fd| PollFd::new(fd, PollFlags::IN));
            match poll(&mut ready, None) {
                Ok(_) if !ready[1].revents().is_empty() => return,
                Ok(_) => self.read(&mut buffer),
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.lock().give_up(&format!("kernel events cannot be read: {error}"));
                    return;
                }
            }
        }
    }

    fn read(&self, buffer: &mut [MaybeUninit<u8>]) {
        let mut events = Reader::new(&self.inotify, buffer);
        let mut state = self.lock();
        // Until there are none, or an error that the next poll will meet again.
        while let Ok(event) = events.next() {
            let name = event.file_name().map(std::ffi::CStr::to_bytes);
            state.note(event.wd(), event.events(), name);
            if events.is_buffer_empty() {
                break;
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, watch: i32, events: ReadFlags, name: Option<&[u8]>) {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.hints.all = true;
            return;
        }
        if events.contains(ReadFlags::IGNORED) {
            self.directories.remove(&watch);
            return;
        }
        let Some((source, path)) = self.directories.get(&watch) else { return };
        let (source, path) = (*source, Arc::clone(path));
        let arrived = events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if let Some(name) = name.filter(|_| arrived && events.contains(ReadFlags::ISDIR)) {
            let below = super::below::join(&path, name).into_owned();
            self.hint(source, Hint { path: below, deep: true });
        }
        // An ignore file speaks of everything below it.
        let deep = name == Some(super::ignores::IGNORE_FILE);
        self.hint(source, Hint { path: path.to_vec(), deep });
    }

    fn hint(&mut self, source: usize, hint: Hint) {
        if self.hints.some.len() >= HINTS_MAX {
            self.hints.all = true;
        }
        if !self.hints.all {
            self.hints.some.insert((source, hint));
        }
    }

    fn give_up(&mut self, trouble: &str) {
        self.full = true;
        if self.trouble.is_none() {
            tracing::warn!(
                trouble,
                "not every change is seen at once; the others are found by the sweep"
            );
            self.trouble = Some(trouble.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let directories = HashMap::from([(7, (3, b"d".as_slice().into()))]);
        State { directories, ..State::default() }
    }

    fn hinted(state: &mut State) -> Vec<(usize, String, bool)> {
        let hints = std::mem::take(&mut state.hints).some;
        let text = |path: Vec<u8>| String::from_utf8(path).unwrap();
        hints.into_iter().map(|(source, hint)| (source, text(hint.path), hint.deep)).collect()
    }

    #[test]
    fn a_file_hints_at_its_directory_and_a_new_directory_at_all_below_it() {
        let mut state = state();
        state.note(7, ReadFlags::CLOSE_WRITE, Some(b"file"));
        state.note(7, ReadFlags::CLOSE_WRITE, Some(b"other"));
        assert_eq!(hinted(&mut state), [(3, "d".to_owned(), false)]);
        state.note(7, ReadFlags::CREATE | ReadFlags::ISDIR, Some(b"new"));
        assert_eq!(hinted(&mut state), [(3, "d".to_owned(), false), (3, "d/new".to_owned(), true)]);
        state.note(7, ReadFlags::CLOSE_WRITE, Some(b".casparianignore"));
        assert_eq!(hinted(&mut state), [(3, "d".to_owned(), true)]);
        state.note(8, ReadFlags::CLOSE_WRITE, Some(b"file"));
        assert_eq!(hinted(&mut state), [], "a watch that was removed meanwhile");
    }

    #[test]
    fn lost_events_and_too_many_mean_everywhere() {
        let mut state = state();
        state.note(-1, ReadFlags::QUEUE_OVERFLOW, None);
        assert!(state.hints.all);
        state.hints = Hints::default();
        (0..=HINTS_MAX).for_each(|i| {
            let path = i.to_string().into_bytes();
            state.hint(0, Hint { path, deep: false });
        });
        assert!(state.hints.all);
    }
}
