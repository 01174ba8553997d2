//! Pieces of records to blocks of rows, on this thread or on others; either way in the file's order.

use super::pieces::{Piece, Pieces};
use crate::error::ReadError;
use crate::reading::{Block, Reject};
use crate::table::Builder;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

type Built = Result<Vec<Block>, ReadError>;

/// Builds one piece after the other when it is asked for.
pub(super) struct Blocks {
    source: Source,
    builder: Arc<Builder>,
    rows_max: usize,
    ready: VecDeque<Block>,
}

enum Source {
    Here(Box<Pieces>),
    /// What each piece becomes, in their order.
    Threads(Receiver<Receiver<Built>>),
    Done,
}

struct Task {
    piece: Piece,
    built: Sender<Built>,
}

impl Blocks {
    pub(super) fn new(
        pieces: Pieces,
        builder: Arc<Builder>,
        rows_max: usize,
        threads: usize,
    ) -> Self {
        let source = if threads == 0 {
            Source::Here(Box::new(pieces))
        } else {
            Source::Threads(spawn(pieces, &builder, rows_max, threads))
        };
        Self { source, builder, rows_max, ready: VecDeque::new() }
    }

    fn built(&mut self) -> Option<Built> {
        match &mut self.source {
            Source::Done => None,
            Source::Here(pieces) => match pieces.next_piece() {
                Ok(piece) => Some(build(&self.builder, &piece?, self.rows_max)),
                Err(error) => Some(Err(error)),
            },
            Source::Threads(pieces) => {
                let built = pieces.recv().ok()?;
                let lost =
                    || ReadError::NotReadable("a thread that builds columns is gone".to_owned());
                Some(built.recv().unwrap_or_else(|_| Err(lost())))
            }
        }
    }
}

impl Iterator for Blocks {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(block) = self.ready.pop_front() {
                return Some(Ok(block));
            }
            match self.built()? {
                Ok(blocks) => self.ready.extend(blocks),
                Err(error) => {
                    self.source = Source::Done;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// One thread reads and splits; so many others build. Channels are as long as there are threads, so that memory stays bounded.
fn spawn(
    mut pieces: Pieces,
    builder: &Arc<Builder>,
    rows_max: usize,
    threads: usize,
) -> Receiver<Receiver<Built>> {
    let (tasks, waiting) = bounded::<Task>(threads);
    let (order, blocks) = bounded(threads + 1);
    for _ in 0..threads {
        let (waiting, builder) = (waiting.clone(), builder.clone());
        thread::spawn(move || {
            for Task { piece, built } in waiting {
                // Nobody waits any more: the reading was dropped.
                let _ = built.send(build(&builder, &piece, rows_max));
            }
        });
    }
    thread::spawn(move || {
        loop {
            let (built, result) = bounded(1);
            match pieces.next_piece() {
                Ok(None) => return,
                Ok(Some(piece)) => {
                    if order.send(result).is_err() || tasks.send(Task { piece, built }).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = order.send(result).map(|()| built.send(Err(error)));
                    return;
                }
            }
        }
    });
    blocks
}

/// At most `rows_max` rows each; rejects go with the rows that follow them.
fn build(builder: &Builder, piece: &Piece, rows_max: usize) -> Built {
    let mut block = builder.build(&piece.cells)?;
    block.rejects.extend(piece.rejects.iter().cloned());
    block.rejects.sort_by_key(|reject| reject.row);
    let rows = block.rows.num_rows();
    if rows <= rows_max {
        return Ok(if rows == 0 && block.rejects.is_empty() { Vec::new() } else { vec![block] });
    }
    Ok(slices(block, rows_max))
}

fn slices(block: Block, rows_max: usize) -> Vec<Block> {
    let mut rejects = VecDeque::from(block.rejects);
    let starts = (0..block.rows.num_rows()).step_by(rows_max);
    let last = block.rows.num_rows() - 1;
    let slice = |start: usize| {
        let len = rows_max.min(last + 1 - start);
        let numbers = block.numbers[start..start + len].to_vec();
        let until = if start + len > last { u64::MAX } else { numbers[len - 1] };
        let count = rejects.iter().take_while(|reject| reject.row <= until).count();
        let rejects: Vec<Reject> = rejects.drain(..count).collect();
        let offsets = block.offsets.as_ref().map(|all| all[start..start + len].to_vec());
        Block { rows: block.rows.slice(start, len), numbers, offsets, rejects }
    };
    starts.map(slice).collect()
}
