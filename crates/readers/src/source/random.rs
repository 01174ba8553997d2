//! A file whose format is read from its end: on disk where it lies, or unpacked into memory.

use crate::error::ReadError;
use crate::format::Compression;
use crate::input::Input;
use crate::settings::Settings;
use crate::source::cursor::Cursor;
use crate::source::open::whole;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a packed file may hold unpacked; one that is not packed is never held.
const HELD_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Clone)]
pub(crate) enum Random {
    File(Input),
    Held(Bytes),
}

impl Random {
    pub(crate) fn open(
        input: &Input,
        compression: Option<Compression>,
        settings: &Settings,
    ) -> Result<Self, ReadError> {
        match compression {
            None => Ok(Self::File(input.clone())),
            Some(_) => Ok(Self::Held(
                whole(input, settings, HELD_BYTES_MAX.min(settings.unpacked_bytes_max))?.into(),
            )),
        }
    }

    pub(crate) fn cursor(&self) -> RandomCursor {
        match self {
            Self::File(input) => {
                RandomCursor::File(BufReader::with_capacity(64 << 10, Cursor::new(input)))
            }
            Self::Held(bytes) => RandomCursor::Held(io::Cursor::new(bytes.clone())),
        }
    }
}

pub(crate) enum RandomCursor {
    File(BufReader<Cursor>),
    Held(io::Cursor<Bytes>),
}

impl Read for RandomCursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(into),
            Self::Held(bytes) => bytes.read(into),
        }
    }
}

impl Seek for RandomCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Held(bytes) => bytes.seek(to),
        }
    }
}

impl Length for Random {
    fn len(&self) -> u64 {
        match self {
            Self::File(input) => input.len(),
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Random {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        match self {
            Self::File(input) => {
                let mut cursor = Cursor::new(input);
                cursor.seek(SeekFrom::Start(start))?;
                Ok(Box::new(BufReader::new(cursor)))
            }
            Self::Held(bytes) => Ok(Box::new(bytes.get_read(start)?)),
        }
    }

    /// A length that the file does not have is refused before memory is asked for it.
    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            let reason = format!(
                "it speaks of {length} bytes at byte {start}, and has {} in all",
                self.len()
            );
            return Err(ParquetError::EOF(reason));
        }
        match self {
            Self::File(input) => {
                let mut buffer = vec![0; length];
                let read = input.read_at(start, &mut buffer)?;
                if read < length {
                    return Err(ParquetError::EOF(format!(
                        "the file became shorter while it was read, at byte {start}"
                    )));
                }
                Ok(buffer.into())
            }
            Self::Held(bytes) => bytes.get_bytes(start, length),
        }
    }
}
