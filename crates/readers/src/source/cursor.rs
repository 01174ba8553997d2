//! A place in the input, for libraries that want to read and to seek. It ends where the file ended when it was opened.

use crate::input::Input;
use std::io::{self, Read, Seek, SeekFrom};

#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    input: Input,
    offset: u64,
}

impl Cursor {
    pub(crate) fn new(input: &Input) -> Self {
        Self { input: input.clone(), offset: 0 }
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.input.len().saturating_sub(self.offset);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| buffer.len().min(left));
        let len = self.input.read_at(self.offset, &mut buffer[..wanted])?;
        self.offset += len as u64;
        Ok(len)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.input.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
        };
        self.offset = offset.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a place before the file's beginning")
        })?;
        Ok(self.offset)
    }
}
