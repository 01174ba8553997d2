//! Lengths that a file speaks of, before memory is asked for them: the library believes each, and what cannot be had ends the process.

use crate::source::Random;
use arrow_ipc::{Block, Buffer, Message, RecordBatch, root_as_footer, root_as_message};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, Read};

/// A message's description, without its values.
const METADATA_MAX: u64 = 64 << 20;
/// Values of one buffer, unpacked.
const UNPACKED_MAX: i64 = 16 << 30;
const CONTINUATION: [u8; 4] = [0xff; 4];
const TRAILER: u64 = 10;

/// All messages of a file, by its footer.
pub(super) fn check_file(file: &Random) -> Result<(), String> {
    let len = file.len();
    let trailer = read(file, len.saturating_sub(TRAILER), TRAILER)?;
    let footer_len =
        u64::from(u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]));
    if !trailer.ends_with(b"ARROW1") {
        return Err(
            "it does not end as a file of its kind; it is cut off, fetch it again".to_owned()
        );
    }
    let begin =
        len.checked_sub(TRAILER + footer_len).ok_or("its footer is longer than the file")?;
    let footer = read(file, begin, footer_len)?;
    let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
    for block in footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten() {
        check_block(file, block)?;
    }
    Ok(())
}

fn check_block(file: &Random, block: &Block) -> Result<(), String> {
    let place = |number: i64| {
        u64::try_from(number).map_err(|_| format!("its footer speaks of byte {number}"))
    };
    let (offset, metadata, body) =
        (place(block.offset())?, place(block.metaDataLength().into())?, place(block.bodyLength())?);
    let end = offset.checked_add(metadata).and_then(|end| end.checked_add(body));
    if metadata > METADATA_MAX || end.is_none_or(|end| end > file.len()) {
        return Err(format!(
            "its footer speaks of {body} bytes at byte {offset}, and it has {} in all",
            file.len()
        ));
    }
    let bytes = read(file, offset, metadata)?;
    let bytes = bytes.strip_prefix(&CONTINUATION).unwrap_or(&bytes);
    let message = message(bytes.get(4..).unwrap_or_default())?;
    check_message(&message, body, |at| {
        let prefix = read(file, offset + metadata + at, 8).ok()?;
        prefix.try_into().ok().map(i64::from_le_bytes)
    })
}

fn read(file: &Random, at: u64, len: u64) -> Result<Vec<u8>, String> {
    let len = usize::try_from(len).map_err(|error| error.to_string())?;
    file.get_bytes(at, len).map(|bytes| bytes.to_vec()).map_err(|error| error.to_string())
}

fn message(bytes: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(bytes).map_err(|error| format!("a message of it cannot be read ({error})"))
}

/// `prefix_at`: what a packed buffer says of its length, at a place in the body.
fn check_message(
    message: &Message<'_>,
    body: u64,
    prefix_at: impl Fn(u64) -> Option<i64>,
) -> Result<(), String> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else {
        return Ok(());
    };
    for buffer in batch.buffers().into_iter().flatten() {
        check_buffer(&batch, buffer, body, &prefix_at)?;
    }
    Ok(())
}

fn check_buffer(
    batch: &RecordBatch<'_>,
    buffer: &Buffer,
    body: u64,
    prefix_at: &impl Fn(u64) -> Option<i64>,
) -> Result<(), String> {
    let span = u64::try_from(buffer.offset()).ok().zip(u64::try_from(buffer.length()).ok());
    let Some((offset, len)) =
        span.filter(|(offset, len)| offset.checked_add(*len).is_some_and(|end| end <= body))
    else {
        return Err(format!(
            "a buffer of {} bytes at {} in a message of {body}",
            buffer.length(),
            buffer.offset()
        ));
    };
    if batch.compression().is_none() || len < 8 {
        return Ok(());
    }
    match prefix_at(offset) {
        Some(unpacked) if unpacked <= UNPACKED_MAX => Ok(()),
        unpacked => Err(format!(
            "a packed buffer of {len} bytes says that it unpacks to {}",
            unpacked.unwrap_or_default()
        )),
    }
}

/// A stream, message by message as they were checked.
pub(super) struct CheckedStream<R> {
    stream: R,
    message: Vec<u8>,
    at: usize,
}

impl<R: Read> CheckedStream<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, message: Vec::new(), at: 0 }
    }

    /// False: the end.
    fn next(&mut self) -> io::Result<bool> {
        self.message.clear();
        self.at = 0;
        if self.take(4)? == 0 {
            return Ok(false);
        }
        if self.message == CONTINUATION {
            self.take_all(4)?;
        }
        let len = self.message.last_chunk::<4>().map_or(0, |len| u32::from_le_bytes(*len));
        if len == 0 {
            return Ok(true);
        }
        if u64::from(len) > METADATA_MAX {
            return Err(wrong(format!("a message of it is described in {len} bytes")));
        }
        let begin = self.message.len();
        self.take_all(len.into())?;
        let body = message(&self.message[begin..]).map_err(wrong)?.bodyLength();
        let body = u64::try_from(body).map_err(|_| wrong(format!("a message of {body} bytes")))?;
        let end = self.message.len();
        self.take_all(body)?;
        let prefix_at = |at: u64| {
            self.message
                .get(end + usize::try_from(at).ok()?..)?
                .first_chunk()
                .map(|prefix| i64::from_le_bytes(*prefix))
        };
        let checked = message(&self.message[begin..end])
            .and_then(|message| check_message(&message, body, prefix_at));
        checked.map(|()| true).map_err(wrong)
    }

    /// Memory grows with what comes.
    fn take(&mut self, len: u64) -> io::Result<u64> {
        let taken = self.stream.by_ref().take(len).read_to_end(&mut self.message)?;
        Ok(taken as u64)
    }

    fn take_all(&mut self, len: u64) -> io::Result<()> {
        if self.take(len)? < len {
            return Err(wrong(
                "it ends within a message; it is cut off, fetch it again".to_owned(),
            ));
        }
        Ok(())
    }
}

impl<R: Read> Read for CheckedStream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.message.len() && !self.next()? {
            return Ok(0);
        }
        let len = (&self.message[self.at..]).read(into)?;
        self.at += len;
        Ok(len)
    }
}

fn wrong(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
