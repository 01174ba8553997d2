//! The payload of a BATCH: two bytes of topic length, the topic, one complete Arrow stream. The guest is not trusted: everything is checked.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
        // The decoder takes some parts of a schema for granted, and panics where they are missing.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decode()));
        decoded.unwrap_or_else(|_| Err(BatchError("its Arrow schema is broken".to_owned())))
    }

    fn decode(&mut self) -> Result<Option<RecordBatch>, BatchError> {
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
    use crate::host::pieces::pieces;
    use arrow_array::builder::{Int64Builder, ListBuilder, StringViewBuilder};
    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, NullArray, StringArray};
    use arrow_ipc::writer::StreamWriter;
    use parquet::arrow::ArrowWriter;
    use std::sync::Arc;

    /// A batch of the types whose buffers refer to each other.
    fn stream() -> Vec<u8> {
        let mut lists = ListBuilder::new(Int64Builder::new());
        lists.append_value([Some(1), None]);
        lists.append_null();
        lists.append_value([Some(3)]);
        let mut views = StringViewBuilder::new();
        for text in ["short", "one that is longer than twelve bytes", ""] {
            views.append_value(text);
        }
        let columns: [(&str, ArrayRef); 6] = [
            ("s", Arc::new(StringArray::from(vec![Some("x"), None, Some("yy")]))),
            ("l", Arc::new(lists.finish())),
            ("v", Arc::new(views.finish())),
            ("d", Arc::new(["a", "b", "a"].into_iter().collect::<DictionaryArray<Int8Type>>())),
            ("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("n", Arc::new(NullArray::new(3))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    /// Decodes and stores what there is, as far as it makes sense.
    fn take(stream: &[u8]) -> Result<usize, String> {
        let mut batches = Batches::new([&[0, 1, b't'][..], stream].concat())
            .map_err(|error| error.to_string())?;
        let mut rows = 0;
        while let Some(batch) = batches.next().map_err(|error| error.to_string())? {
            for piece in pieces(batch).take(2) {
                rows += piece.num_rows();
                let writer = ArrowWriter::try_new(std::io::sink(), piece.schema(), None);
                let written = writer.and_then(|mut writer| writer.write(&piece));
                written.map_err(|error| error.to_string())?;
            }
        }
        Ok(rows)
    }

    #[test]
    fn a_batch_with_any_bit_turned_is_refused_or_stored_and_nothing_else() {
        let whole = stream();
        assert_eq!(take(&whole), Ok(3));
        let mut refused = 0;
        for bit in 0..8 * whole.len() {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            refused += usize::from(take(&broken).is_err());
        }
        assert!(refused > whole.len(), "{refused} of {}", 8 * whole.len());
    }

    #[test]
    fn a_batch_that_is_cut_anywhere_is_refused_or_stored_and_nothing_else() {
        let whole = stream();
        (0..whole.len()).for_each(|len| drop(take(&whole[..len])));
    }

    #[test]
    fn a_batch_that_is_none_is_refused() {
        assert!(Batches::new(vec![0]).is_err());
        assert!(Batches::new(vec![0, 9, b'a']).is_err());
        let mut cut =
            Batches::new([&[0, 1, b'a'][..], &[255, 255, 255, 255, 9, 0]].concat()).unwrap();
        assert!(cut.next().is_err());
    }
}
