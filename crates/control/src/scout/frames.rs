//! The directories that one thread of the walk has still to visit. Depth first, and a directory's children are one
//! string of names with a cursor: neither a deep tree nor a million directories side by side make this large.

use super::below;
use super::ignores::Ignores;
use super::listing::Names;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How many directories a thread keeps open. The deepest ones: they are needed next.
const OPEN_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Frames {
    frames: Vec<Frame>,
    /// Those below this one have been closed to save descriptors.
    first_open: usize,
}

/// Children of a directory that were not taken yet.
#[derive(Debug)]
pub(crate) struct Frame {
    path: Arc<[u8]>,
    fd: Option<Arc<OwnedFd>>,
    ignores: Ignores,
    names: Names,
    /// The part of the names that is left.
    next: usize,
    end: usize,
}

/// A directory to visit.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) path: Arc<[u8]>,
    /// The directory that holds it, if it is still open.
    pub(crate) parent: Option<Arc<OwnedFd>>,
    name_at: usize,
    pub(crate) ignores: Ignores,
    /// Whether what lies below it is visited too.
    pub(crate) deep: bool,
}

impl Frames {
    pub(crate) fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
        while self.frames.len() - self.first_open > OPEN_MAX {
            self.frames[self.first_open].fd = None;
            self.first_open += 1;
        }
    }

    pub(crate) fn take(&mut self) -> Option<Task> {
        while let Some(frame) = self.frames.last_mut() {
            if let Some(task) = frame.take() {
                return Some(task);
            }
            self.frames.pop();
            self.first_open = self.first_open.min(self.frames.len());
        }
        None
    }

    /// A part of the work for somebody who has none: the topmost directory, or half of the only one.
    pub(crate) fn split(&mut self) -> Option<Frame> {
        if self.frames.len() > 1 {
            self.first_open = self.first_open.saturating_sub(1);
            return Some(self.frames.remove(0));
        }
        self.frames.first_mut()?.split()
    }

    /// Keeps a parent that had to be opened again, for the next of its children.
    pub(crate) fn reopened(&mut self, path: &[u8], fd: &Arc<OwnedFd>) {
        let is_it = |frame: &&mut Frame| *frame.path == *path;
        if let Some(frame) = self.frames.last_mut().filter(is_it) {
            frame.fd = Some(Arc::clone(fd));
            self.first_open = self.first_open.min(self.frames.len() - 1);
        }
    }
}

impl Frame {
    pub(crate) fn new(path: Arc<[u8]>, fd: Arc<OwnedFd>, names: Names, ignores: Ignores) -> Self {
        let end = names.end();
        Self { path, fd: Some(fd), ignores, names, next: 0, end }
    }

    fn take(&mut self) -> Option<Task> {
        if self.next >= self.end {
            return None;
        }
        let (name, next) = self.names.next_at(self.next)?;
        let path: Arc<[u8]> = below::join(&self.path, name).as_ref().into();
        let task = Task {
            name_at: path.len() - name.len(),
            path,
            parent: self.fd.clone(),
            ignores: self.ignores.clone(),
            deep: true,
        };
        self.next = next;
        Some(task)
    }

    fn split(&mut self) -> Option<Self> {
        let middle = self.names.start_from(self.next + (self.end - self.next) / 2);
        if middle <= self.next || middle >= self.end {
            return None;
        }
        let rest = Self {
            path: Arc::clone(&self.path),
            fd: self.fd.clone(),
            ignores: self.ignores.clone(),
            names: self.names.clone(),
            next: middle,
            end: self.end,
        };
        self.end = middle;
        Some(rest)
    }
}

impl Task {
    /// Where a walk begins.
    pub(crate) fn first(path: Arc<[u8]>, ignores: Ignores, deep: bool) -> Self {
        Self { path, parent: None, name_at: 0, ignores, deep }
    }

    /// Its path is opened from the source root on.
    pub(crate) fn is_first(&self) -> bool {
        self.name_at == 0 && self.parent.is_none()
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.path[self.name_at..]
    }

    /// The path of the directory that holds this one.
    pub(crate) fn parent_path(&self) -> &[u8] {
        &self.path[..self.name_at.saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fd() -> Arc<OwnedFd> {
        Arc::new(OwnedFd::from(std::fs::File::open("/").unwrap()))
    }

    fn frame(path: &[u8], names: &[u8]) -> Frame {
        Frame::new(path.into(), fd(), Names::new(names), Ignores::default())
    }

    fn drain(frames: &mut Frames) -> Vec<String> {
        let tasks = std::iter::from_fn(|| frames.take());
        tasks.map(|task| String::from_utf8(task.path.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_deepest_children_come_first() {
        let mut frames = Frames::default();
        frames.push(frame(b"", b"a\0b\0"));
        frames.push(frame(b"x", b"c\0"));
        assert_eq!(drain(&mut frames), ["x/c", "a", "b"]);
    }

    #[test]
    fn only_the_deepest_directories_stay_open() {
        let fd = fd();
        let mut frames = Frames::default();
        for i in 0..OPEN_MAX + 50 {
            let names = Names::new(b"a\0b\0");
            let path = i.to_string().into_bytes().as_slice().into();
            frames.push(Frame::new(path, Arc::clone(&fd), names, Ignores::default()));
        }
        assert_eq!(Arc::strong_count(&fd), OPEN_MAX + 1);
        let closed = std::iter::from_fn(|| frames.take()).filter(|task| task.parent.is_none());
        assert_eq!(closed.count(), 2 * 50);
    }

    #[test]
    fn a_parent_that_was_opened_again_is_kept_for_its_next_child() {
        let mut frames = Frames::default();
        frames.push(Frame { fd: None, ..frame(b"p", b"a\0b\0") });
        let first = frames.take().unwrap();
        assert!(first.parent.is_none() && !first.is_first());
        frames.reopened(first.parent_path(), &fd());
        let second = frames.take().unwrap();
        assert!(second.parent.is_some());
        assert_eq!((second.name(), second.parent_path()), (b"b".as_slice(), b"p".as_slice()));
    }

    #[test]
    fn work_is_split_without_losing_a_name() {
        let mut mine = Frames::default();
        mine.push(frame(b"", b"a\0bb\0ccc\0dddd\0e\0"));
        let mut other = Frames::default();
        other.push(mine.split().unwrap());
        let both = [drain(&mut mine), drain(&mut other)];
        assert!(both.iter().all(|part| !part.is_empty()), "{both:?}");
        assert_eq!(both.concat(), ["a", "bb", "ccc", "dddd", "e"]);
        mine.push(frame(b"", b"alone\0"));
        assert!(mine.split().is_none());
        mine.push(frame(b"deep", b"x\0"));
        other.push(mine.split().unwrap());
        assert_eq!(
            (drain(&mut mine), drain(&mut other)),
            (vec!["deep/x".into()], vec!["alone".into()])
        );
    }
}
