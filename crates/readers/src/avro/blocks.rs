//! A container's blocks, unpacked and checked, as a container that the library reads: it ends behind the last good record.

use crate::avro::header::{Counted, Header};
use crate::avro::records::Records;
use crate::avro::varint::write_long;
use crate::error::ReadError;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// A block as it lies in the file.
const PACKED_BYTES_MAX: u64 = 256 << 20;

/// What was found beneath the library, told when it is through with the records.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: u64,
    pub(crate) error: Option<ReadError>,
}

pub(crate) type Finding = Arc<Mutex<Found>>;

pub(crate) struct Blocks<R> {
    container: Counted<R>,
    header: Header,
    records: Records,
    finding: Finding,
    out: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(container: Counted<R>, header: Header, records: Records) -> Self {
        let out = header.plain();
        Self { container, header, records, finding: Finding::default(), out, at: 0, ended: false }
    }

    pub(crate) fn finding(&self) -> Finding {
        Arc::clone(&self.finding)
    }

    /// Bytes of a record, as the first block has them.
    pub(crate) fn record_bytes(&mut self) -> u64 {
        let head = self.out.len();
        self.append();
        let finding = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        (self.out.len() - head) as u64 / finding.records.max(1)
    }

    fn append(&mut self) {
        let result = self.block();
        let mut finding = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(Some(records)) => finding.records += records,
            Ok(None) => self.ended = true,
            Err((records, error)) => {
                finding.records += records;
                finding.error = Some(error);
                self.ended = true;
            }
        }
    }

    /// How many good records were appended; None at the end.
    fn block(&mut self) -> Result<Option<u64>, (u64, ReadError)> {
        let Some((count, block)) = self.packed().map_err(|error| (0, error))? else {
            return Ok(None);
        };
        let begin = self.container.offset;
        let damaged = |reason: String| ReadError::Broken {
            offset: begin,
            reason: format!("the avro block that ends here is damaged: {reason}"),
        };
        let block = self.header.codec.unpack(block).map_err(|reason| (0, damaged(reason)))?;
        let (mut rest, mut good, mut wrong) = (&block[..], 0, None);
        while good < count && wrong.is_none() {
            match self.records.skip(rest) {
                Ok(behind) if behind.len() == rest.len() => {
                    wrong = Some("a record of no bytes, which is not supported".to_owned());
                }
                Ok(behind) => (rest, good) = (behind, good + 1),
                Err(reason) => wrong = Some(format!("record {} of {count}: {reason}", good + 1)),
            }
        }
        if wrong.is_none() && !rest.is_empty() {
            wrong = Some(format!("{} bytes follow its {count} records", rest.len()));
        }
        self.emit(good, &block[..block.len() - rest.len()]);
        wrong.map_or(Ok(Some(good)), |reason| Err((good, damaged(reason))))
    }

    fn emit(&mut self, records: u64, bytes: &[u8]) {
        if records == 0 {
            return;
        }
        write_long(records as i64, &mut self.out);
        write_long(bytes.len() as i64, &mut self.out);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(&self.header.sync);
    }

    fn packed(&mut self) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        let Some(count) = self.container.long_or_end()? else {
            return Ok(None);
        };
        let len = self.container.long()?;
        let said = u64::try_from(count)
            .ok()
            .zip(u64::try_from(len).ok().filter(|len| *len <= PACKED_BYTES_MAX));
        let (count, len) = said.ok_or_else(|| {
            self.container.damaged(format!("an avro block of {count} records in {len} bytes"))
        })?;
        let block = self.container.bytes(len)?;
        let mut sync = [0; 16];
        self.container.exact(&mut sync)?;
        if sync != self.header.sync {
            return Err(self
                .container
                .damaged("the avro block that ends here does not end with the file's mark"));
        }
        Ok(Some((count, block)))
    }
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() && !self.ended {
            self.out.clear();
            self.at = 0;
            self.append();
        }
        let len = (&self.out[self.at..]).read(into)?;
        self.at += len;
        Ok(len)
    }
}
