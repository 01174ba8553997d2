//! Gzip: members one behind the other, as `cat a.gz b.gz` and parallel packers leave them, and nothing but zeros after the last.

use crate::source::packed::Packed;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

pub(crate) struct Members {
    /// None after the last one.
    member: Option<GzDecoder<Packed>>,
}

impl Members {
    pub(crate) fn new(packed: Packed) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl Read for Members {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let len = member.read(into)?;
            if len > 0 || into.is_empty() {
                return Ok(len);
            }
            self.member = match self.member.take() {
                Some(member) => next_member(member.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

fn next_member(mut packed: Packed) -> io::Result<Option<GzDecoder<Packed>>> {
    if packed.peek(2)?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Some(GzDecoder::new(packed)));
    }
    loop {
        let rest = packed.fill_buf()?;
        if rest.is_empty() {
            return Ok(None);
        }
        if let Some(other) = rest.iter().position(|byte| *byte != 0) {
            packed.consume(other);
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "what follows the packed data is neither gzip nor padding",
            ));
        }
        let len = rest.len();
        packed.consume(len);
    }
}
