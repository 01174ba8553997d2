//! Files to families, on all processors; memory is bounded by the number of families that are kept.

use super::shape::{Shape, shape};
use super::walk::Files;
use crate::output::{Bar, count};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Further ones are counted together.
pub(super) const FAMILIES_MAX: usize = 10_000;
/// Files between the walk and those who look at them.
const WAITING_MAX: usize = 1_000;

#[derive(Debug)]
pub(super) struct Family {
    pub shape: Shape,
    pub files: u64,
    pub bytes: u64,
    /// The one whose path comes first.
    pub sample: PathBuf,
    pub sample_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Families {
    /// Those with most files first.
    pub families: Vec<Family>,
    pub files: u64,
    pub bytes: u64,
    /// Files of families that are not kept.
    pub beyond: u64,
    pub unreadable: u64,
}

type Looked = (PathBuf, u64, io::Result<Shape>);

pub(super) fn gather(root: &Path, bar: &Bar) -> io::Result<Families> {
    let mut walk = Files::below(root)?;
    let lookers = thread::available_parallelism().map_or(2, usize::from);
    let (give, take) = sync_channel::<(PathBuf, u64)>(WAITING_MAX);
    let (tell, hear) = sync_channel::<Looked>(WAITING_MAX);
    let take = &Mutex::new(take);
    let mut found = thread::scope(|scope| {
        for _ in 0..lookers {
            let tell = tell.clone();
            scope.spawn(move || look(take, &tell));
        }
        drop(tell);
        let walker = scope.spawn(move || {
            for file in walk.by_ref() {
                if give.send(file).is_err() {
                    break;
                }
            }
            walk.unreadable
        });
        let mut found = collect(&hear, bar);
        found.unreadable += walker.join().unwrap_or(0);
        found
    });
    found.families.sort_by(|a, b| b.files.cmp(&a.files).then_with(|| a.sample.cmp(&b.sample)));
    Ok(found)
}

fn look(take: &Mutex<Receiver<(PathBuf, u64)>>, tell: &SyncSender<Looked>) {
    loop {
        let file = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((path, bytes)) = file else { return };
        let shape = shape(&path);
        if tell.send((path, bytes, shape)).is_err() {
            return;
        }
    }
}

fn collect(hear: &Receiver<Looked>, bar: &Bar) -> Families {
    let mut found = Families::default();
    let mut places: HashMap<Shape, usize> = HashMap::new();
    for (path, bytes, shape) in hear {
        found.files += 1;
        found.bytes += bytes;
        bar.tell(found.files, None, || format!("{} files looked at", count(found.files)));
        let Ok(shape) = shape else {
            found.unreadable += 1;
            continue;
        };
        match places.get(&shape) {
            Some(place) => found.families[*place].take(path, bytes),
            None if found.families.len() < FAMILIES_MAX => {
                places.insert(shape.clone(), found.families.len());
                found.families.push(Family {
                    shape,
                    files: 1,
                    bytes,
                    sample: path,
                    sample_bytes: bytes,
                });
            }
            None => found.beyond += 1,
        }
    }
    found
}

impl Family {
    fn take(&mut self, path: PathBuf, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
        if path < self.sample {
            (self.sample, self.sample_bytes) = (path, bytes);
        }
    }
}
