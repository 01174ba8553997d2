//! The packed bytes beneath a decoder: what of them is used up is counted, and a few can be looked at before they are.

use crate::format::Compression;
use crate::source::cursor::Cursor;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER: usize = 256 << 10;

pub(crate) struct Packed {
    cursor: Cursor,
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
    used: Arc<AtomicU64>,
}

impl Packed {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            begin: 0,
            end: 0,
            used: Arc::default(),
        }
    }

    /// Bytes that the decoder has taken so far.
    pub(crate) fn used(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.used)
    }

    /// The next `len` bytes, less at the end of the file.
    pub(crate) fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        if self.end - self.begin < len {
            self.buffer.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
            while self.end < len {
                match self.cursor.read(&mut self.buffer[self.end..])? {
                    0 => break,
                    more => self.end += more,
                }
            }
        }
        Ok(&self.buffer[self.begin..self.end.min(self.begin + len)])
    }
}

impl Read for Packed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(into)?;
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.begin == self.end {
            self.begin = 0;
            self.end = self.cursor.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.begin..self.end])
    }

    fn consume(&mut self, len: usize) {
        self.begin += len;
        self.used.fetch_add(len as u64, Ordering::Relaxed);
    }
}

impl Compression {
    /// Bytes that tell it for sure.
    pub(crate) const MAGIC_LEN: usize = 10;

    /// By the first bytes; `BZh9` alone may be text, with a block's mark behind it it is not.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        const BZIP2_BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
        const BZIP2_END: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..]
                if mark.starts_with(BZIP2_BLOCK) || mark.starts_with(BZIP2_END) =>
            {
                Some(Self::Bzip2)
            }
            _ => None,
        }
    }
}
