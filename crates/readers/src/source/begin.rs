//! The first bytes of a file, to decide by, and what follows them.

use crate::error::ReadError;
use std::io::{self, Read};

pub(crate) struct Begun {
    pub head: Vec<u8>,
    /// Nothing follows.
    pub whole: bool,
    /// Where unpacking failed behind the head, reading on says so.
    pub rest: Box<dyn Read + Send>,
}

/// At most `len` bytes and one more; an error where not even one could be had.
pub(crate) fn begin(mut bytes: Box<dyn Read + Send>, len: u64) -> Result<Begun, ReadError> {
    let mut head = Vec::new();
    match bytes.by_ref().take(len + 1).read_to_end(&mut head) {
        Ok(read) => Ok(Begun { head, whole: read as u64 <= len, rest: bytes }),
        Err(error) if head.is_empty() => Err(error.into()),
        Err(error) => Ok(Begun { head, whole: false, rest: Box::new(Failed(Some(error))) }),
    }
}

struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
