//! The head of a container: its schema, its codec, and the mark that ends each block.

use crate::avro::codec::Codec;
use crate::avro::varint::{unzigzag, write_long};
use crate::error::ReadError;
use crate::format::Format;
use serde_json::{Value, json};
use std::io::{self, Read};

pub(crate) const MAGIC: &[u8; 4] = b"Obj\x01";
/// All of the metadata at most.
const METADATA_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) schema: String,
    pub(crate) codec: Codec,
    pub(crate) sync: [u8; 16],
}

impl Header {
    /// Values that are no records are records of one field: their bytes are the same.
    pub(crate) fn wrap(&mut self) -> Result<(), ReadError> {
        let no_json = |error| ReadError::Damaged {
            format: Format::Avro,
            reason: format!("its schema is no JSON ({error})"),
        };
        let schema: Value = serde_json::from_str(&self.schema).map_err(no_json)?;
        let is_record = schema
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind == "record" || kind == "error");
        if !is_record {
            let field = json!({"name": "value", "type": schema});
            self.schema =
                json!({"type": "record", "name": "record", "fields": [field]}).to_string();
        }
        Ok(())
    }

    /// Bytes of a container whose blocks are not packed.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        write_long(2, &mut bytes);
        for (key, value) in [("avro.schema", self.schema.as_str()), ("avro.codec", "null")] {
            for text in [key, value] {
                write_long(text.len() as i64, &mut bytes);
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        write_long(0, &mut bytes);
        bytes.extend_from_slice(&self.sync);
        bytes
    }
}

/// Bytes of a container, counted.
pub(crate) struct Counted<R> {
    reader: R,
    pub(crate) offset: u64,
}

impl<R: Read> Counted<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, offset: 0 }
    }

    pub(crate) fn damaged(&self, reason: impl Into<String>) -> ReadError {
        ReadError::Broken { offset: self.offset, reason: reason.into() }
    }

    pub(crate) fn exact(&mut self, into: &mut [u8]) -> Result<(), ReadError> {
        self.reader.read_exact(into).map_err(|error| self.ended(error))?;
        self.offset += into.len() as u64;
        Ok(())
    }

    /// `len` is what the file says: memory grows with what really comes.
    pub(crate) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        self.reader.by_ref().take(len).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < len {
            return Err(self.ended(io::ErrorKind::UnexpectedEof.into()));
        }
        self.offset += len;
        Ok(bytes)
    }

    /// None at the end, where nothing of a number is left.
    pub(crate) fn long_or_end(&mut self) -> Result<Option<i64>, ReadError> {
        let mut number = 0_u64;
        for at in 0..10 {
            let mut byte = [0];
            if at == 0 {
                if self.reader.read(&mut byte)? == 0 {
                    return Ok(None);
                }
                self.offset += 1;
            } else {
                self.exact(&mut byte)?;
            }
            number |= u64::from(byte[0] & 0x7f) << (7 * at);
            if byte[0] & 0x80 == 0 {
                return Ok(Some(unzigzag(number)));
            }
        }
        Err(self.damaged("a number of more than ten bytes; the avro container is damaged here"))
    }

    pub(crate) fn long(&mut self) -> Result<i64, ReadError> {
        self.long_or_end()?.ok_or_else(|| self.ended(io::ErrorKind::UnexpectedEof.into()))
    }

    fn ended(&self, error: io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self
                .damaged("the avro container ends before its end; it is cut off, fetch it again"),
            _ => error.into(),
        }
    }

    pub(crate) fn header(&mut self) -> Result<Header, ReadError> {
        let mut magic = [0; 4];
        self.exact(&mut magic)?;
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let mut pairs = self.long()?;
            if pairs == 0 {
                break;
            }
            if pairs < 0 {
                pairs = pairs.saturating_neg();
                self.long()?;
            }
            for _ in 0..pairs {
                let key = self.text()?;
                let value = self.text()?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Codec::of(&value)?,
                    _ => {}
                }
            }
        }
        let mut sync = [0; 16];
        self.exact(&mut sync)?;
        let schema = schema.and_then(|bytes| String::from_utf8(bytes).ok());
        let reason = || "its header has no schema".to_owned();
        let schema =
            schema.ok_or_else(|| ReadError::Damaged { format: Format::Avro, reason: reason() })?;
        Ok(Header { schema, codec, sync })
    }

    fn text(&mut self) -> Result<Vec<u8>, ReadError> {
        match u64::try_from(self.long()?) {
            Ok(len) if len + self.offset <= METADATA_BYTES_MAX => self.bytes(len),
            _ => {
                Err(self.damaged("the metadata of the avro container says a length that cannot be"))
            }
        }
    }
}
