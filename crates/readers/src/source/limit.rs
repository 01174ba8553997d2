//! What comes out of a decoder, counted: bombs are stopped, and its errors say where in the file they happened.

use crate::format::Compression;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Only what gives that much is asked for its ratio: small files of one repeated line pack as well as a bomb.
const RATIO_FROM_BYTES: u64 = 1 << 28;
const RATIO_MAX: u64 = 1000;

#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("the {} data ends before its end; the file is cut off, fetch it again", compression.name())]
    CutOff { compression: Compression, offset: u64 },
    #[error("the {} data is damaged: {reason}", compression.name())]
    Damaged { compression: Compression, offset: u64, reason: String },
    #[error(
        "{used} bytes of {} unpack to more than {unpacked}: that is taken for a bomb; if it is meant, unpack the file and give that",
        compression.name()
    )]
    Bomb { compression: Compression, used: u64, unpacked: u64 },
}

pub(crate) struct Limited<R> {
    decoder: R,
    compression: Compression,
    /// Packed bytes that the decoder has taken.
    used: Arc<AtomicU64>,
    unpacked: u64,
    unpacked_max: u64,
}

impl<R: Read> Limited<R> {
    pub(crate) fn new(
        decoder: R,
        compression: Compression,
        used: Arc<AtomicU64>,
        unpacked_max: u64,
    ) -> Self {
        Self { decoder, compression, used, unpacked: 0, unpacked_max }
    }

    fn is_bomb(&self, used: u64) -> bool {
        self.unpacked > self.unpacked_max
            || self.unpacked > RATIO_FROM_BYTES && self.unpacked / RATIO_MAX > used
    }

    fn explain(&self, error: io::Error, offset: u64) -> io::Error {
        let compression = self.compression;
        if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return io::Error::new(
                io::ErrorKind::UnexpectedEof,
                UnpackError::CutOff { compression, offset },
            );
        }
        io::Error::new(
            io::ErrorKind::InvalidData,
            UnpackError::Damaged { compression, offset, reason: error.to_string() },
        )
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let result = self.decoder.read(into);
        let used = self.used.load(Ordering::Relaxed);
        match result {
            Ok(len) => {
                self.unpacked += len as u64;
                if self.is_bomb(used) {
                    let bomb = UnpackError::Bomb {
                        compression: self.compression,
                        used,
                        unpacked: self.unpacked,
                    };
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, bomb));
                }
                Ok(len)
            }
            Err(error) => Err(self.explain(error, used)),
        }
    }
}
