//! How the blocks of a container are packed.

use crate::error::ReadError;
use std::io::{self, Read};

/// One block, unpacked; writers make them of some ten kilobytes.
const BLOCK_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstd,
    Bzip2,
    Xz,
}

impl Codec {
    pub(crate) fn of(name: &[u8]) -> Result<Self, ReadError> {
        match name {
            b"null" | b"" => Ok(Self::Null),
            b"deflate" => Ok(Self::Deflate),
            b"snappy" => Ok(Self::Snappy),
            b"zstandard" => Ok(Self::Zstd),
            b"bzip2" => Ok(Self::Bzip2),
            b"xz" => Ok(Self::Xz),
            other => Err(ReadError::NotReadable(format!(
                "an avro file packed with '{}'; null, deflate, snappy, zstandard, bzip2 and xz are read: write it anew with one of these",
                String::from_utf8_lossy(other).escape_debug()
            ))),
        }
    }

    /// Why it cannot be unpacked is said for people.
    pub(crate) fn unpack(self, block: Vec<u8>) -> Result<Vec<u8>, String> {
        match self {
            Self::Null => Ok(block),
            Self::Deflate => limited(flate2::read::DeflateDecoder::new(&*block)),
            Self::Snappy => snappy(&block),
            Self::Zstd => limited(zstd::Decoder::new(&*block).map_err(|error| error.to_string())?),
            Self::Bzip2 => limited(bzip2::read::BzDecoder::new(&*block)),
            Self::Xz => limited(liblzma::read::XzDecoder::new(&*block)),
        }
    }
}

fn limited(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = reader
        .take(BLOCK_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error: io::Error| error.to_string())?;
    if read as u64 > BLOCK_BYTES_MAX {
        return Err(format!("it unpacks to more than {BLOCK_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Raw snappy, with the checksum of what it unpacks to behind it.
fn snappy(block: &[u8]) -> Result<Vec<u8>, String> {
    let (packed, sum) = block.split_last_chunk::<4>().ok_or("it is too short for its checksum")?;
    let len = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    if len as u64 > BLOCK_BYTES_MAX {
        return Err(format!("it unpacks to more than {BLOCK_BYTES_MAX} bytes"));
    }
    let bytes =
        snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| error.to_string())?;
    let mut found = flate2::Crc::new();
    found.update(&bytes);
    if found.sum() != u32::from_be_bytes(*sum) {
        return Err("its checksum differs".to_owned());
    }
    Ok(bytes)
}
