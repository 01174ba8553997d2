//! The payload of a BATCH: two bytes of topic length, the topic, one complete Arrow stream. The guest is not trusted: everything is checked.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;

#[derive(Debug, thiserror::Error)]
#[error("the guest sent a batch that is none: {0}")]
pub struct BatchError(String);

/// The topic, and an iterator-like decoder of its batches.
pub struct Batches {
    pub topic: String,
    decoder: StreamDecoder,
    rest: Buffer,
}

impl Batches {
    pub fn new(payload: Vec<u8>) -> Result<Self, BatchError> {
        let (head, rest) = payload.split_first_chunk::<2>().ok_or_else(|| short(&payload))?;
        let len = u16::from_be_bytes(*head) as usize;
        let name = rest.get(..len).ok_or_else(|| short(&payload))?;
        let topic = String::from_utf8_lossy(name).into_owned();
        let rest = Buffer::from_vec(payload).slice(2 + len);
        Ok(Self { topic, decoder: StreamDecoder::new(), rest })
    }

    pub fn next(&mut self) -> Result<Option<RecordBatch>, BatchError> {
        while !self.rest.is_empty() {
            let decoded = self.decoder.decode(&mut self.rest);
            if let Some(batch) = decoded.map_err(|error| BatchError(error.to_string()))? {
                return Ok(Some(batch));
            }
        }
        self.decoder.finish().map_err(|error| BatchError(error.to_string()))?;
        Ok(None)
    }
}

fn short(payload: &[u8]) -> BatchError {
    BatchError(format!("{} bytes are too few", payload.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_none_is_refused() {
        assert!(Batches::new(vec![0]).is_err());
        assert!(Batches::new(vec![0, 9, b'a']).is_err());
        let mut cut =
            Batches::new([&[0, 1, b'a'][..], &[255, 255, 255, 255, 9, 0]].concat()).unwrap();
        assert!(cut.next().is_err());
    }
}
