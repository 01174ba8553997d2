//! The same work on one piece after the other, on this thread or on others; either way the results come in the order of the pieces.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::thread;

/// `work` may be done on so many threads besides the one that makes the pieces; 0: all of it here.
pub(super) fn ordered<T, U>(
    pieces: impl Iterator<Item = T> + Send + 'static,
    threads: usize,
    work: impl Fn(T) -> U + Send + Sync + 'static,
) -> Box<dyn Iterator<Item = U> + Send>
where
    T: Send + 'static,
    U: Send + 'static,
{
    if threads == 0 {
        return Box::new(pieces.map(work));
    }
    Box::new(spawn(pieces, threads, work).into_iter().filter_map(|result| result.recv().ok()))
}

/// Channels are as long as there are threads, so that memory stays bounded. Whoever finds nobody waiting ends.
fn spawn<T: Send + 'static, U: Send + 'static>(
    pieces: impl Iterator<Item = T> + Send + 'static,
    threads: usize,
    work: impl Fn(T) -> U + Send + Sync + 'static,
) -> Receiver<Receiver<U>> {
    let (tasks, waiting) = bounded::<(T, Sender<U>)>(threads);
    let (order, results) = bounded(threads + 1);
    let work = Arc::new(work);
    for _ in 0..threads {
        let (waiting, work) = (waiting.clone(), work.clone());
        thread::spawn(move || {
            for (piece, done) in waiting {
                let _ = done.send(work(piece));
            }
        });
    }
    thread::spawn(move || {
        for piece in pieces {
            let (done, result) = bounded(1);
            if order.send(result).is_err() || tasks.send((piece, done)).is_err() {
                return;
            }
        }
    });
    results
}
