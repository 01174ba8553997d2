//! The file from its beginning, unpacked.

use crate::error::ReadError;
use crate::format::Compression;
use crate::input::Input;
use crate::settings::Settings;
use crate::source::cursor::Cursor;
use crate::source::gzip::Members;
use crate::source::limit::Limited;
use crate::source::packed::Packed;
use bzip2::bufread::MultiBzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use std::io::{self, Read};

/// What unpacking may hold: an xz file of the highest level needs 65 MB, a zstd file without `--long` at most 128 MB.
const XZ_MEMORY_MAX: u64 = 512 << 20;
const ZSTD_WINDOW_LOG_MAX: u32 = 28;

/// A second call begins again.
pub(crate) fn open_unpacked(
    input: &Input,
    settings: &Settings,
) -> Result<(Option<Compression>, Box<dyn Read + Send>), ReadError> {
    let mut magic = [0; Compression::MAGIC_LEN];
    let len = input.read_at(0, &mut magic)?;
    let cursor = Cursor::new(input);
    let Some(compression) = Compression::of(&magic[..len]) else {
        return Ok((None, Box::new(cursor)));
    };
    let packed = Packed::new(cursor);
    let used = packed.used();
    let max = settings.unpacked_bytes_max;
    let reader: Box<dyn Read + Send> = match compression {
        Compression::Gzip => Box::new(Limited::new(Members::new(packed), compression, used, max)),
        Compression::Bzip2 => {
            Box::new(Limited::new(MultiBzDecoder::new(packed), compression, used, max))
        }
        Compression::Xz => {
            let stream =
                Stream::new_stream_decoder(XZ_MEMORY_MAX, CONCATENATED).map_err(io::Error::from)?;
            Box::new(Limited::new(XzDecoder::new_stream(packed, stream), compression, used, max))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(Limited::new(decoder, compression, used, max))
        }
    };
    Ok((Some(compression), reader))
}

/// The first `len` unpacked bytes, less where the file is shorter or cannot be unpacked further: reading it says so in its place.
pub(crate) fn head(input: &Input, settings: &Settings, len: usize) -> Result<Vec<u8>, ReadError> {
    let (_, reader) = open_unpacked(input, settings)?;
    let mut head = Vec::with_capacity(len);
    match reader.take(len as u64).read_to_end(&mut head) {
        Err(error) if head.is_empty() => Err(error.into()),
        _ => Ok(head),
    }
}

/// All of it, for formats that are read from their end; at most `max` bytes.
pub(super) fn whole(input: &Input, settings: &Settings, max: u64) -> Result<Vec<u8>, ReadError> {
    let (_, reader) = open_unpacked(input, settings)?;
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        let reason = format!(
            "unpacked the file has more than {max} bytes, and its format is read from its end; unpack it and give that"
        );
        return Err(ReadError::NotReadable(reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn input(bytes: &[u8]) -> Input {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Input::new(file).unwrap()
    }

    fn text() -> Vec<u8> {
        (0..200_000).flat_map(|n| format!("{n},row {}\n", n * 7919 % 1000).into_bytes()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    type Pack = fn(&[u8]) -> Vec<u8>;
    const ALL: [(Compression, Pack); 4] = [
        (Compression::Gzip, gzip),
        (Compression::Bzip2, bzip2),
        (Compression::Xz, xz),
        (Compression::Zstd, zstd),
    ];

    fn read(
        bytes: &[u8],
        settings: &Settings,
    ) -> (Option<Compression>, Vec<u8>, Option<ReadError>) {
        let (compression, mut reader) = open_unpacked(&input(bytes), settings).unwrap();
        let mut out = Vec::new();
        let error = reader.read_to_end(&mut out).err().map(ReadError::from);
        (compression, out, error)
    }

    #[test]
    fn each_packing_is_told_by_its_bytes_and_members_follow_each_other() {
        let text = text();
        for (compression, pack) in ALL {
            let twice = [pack(&text), pack(b"and more\n")].concat();
            let (told, out, error) = read(&twice, &Settings::default());
            assert_eq!(told, Some(compression));
            assert!(error.is_none(), "{compression:?}: {error:?}");
            assert!(out == [&text[..], b"and more\n"].concat(), "{compression:?}");
        }
        assert_eq!(read(b"BZh9 is a text", &Settings::default()).0, None);
    }

    #[test]
    fn a_file_that_is_cut_off_gives_what_there_is_and_then_says_so() {
        let text = text();
        for (compression, pack) in ALL {
            let packed = pack(&text);
            let cut = &packed[..packed.len() / 2];
            let (_, out, error) = read(cut, &Settings::default());
            assert!(text.starts_with(&out), "{compression:?}");
            assert!(out.len() > 1000, "{compression:?} gave {}", out.len());
            let name = compression.name();
            assert_eq!(
                error.unwrap().to_string(),
                format!(
                    "the file is broken at byte {}: the {name} data ends before its end; the file is cut off, fetch it again",
                    cut.len()
                )
            );
            assert!(!head(&input(cut), &Settings::default(), 1 << 30).unwrap().is_empty());
        }
    }

    #[test]
    fn damage_says_where_and_what() {
        let mut packed = gzip(&text());
        let middle = packed.len() / 2;
        packed[middle..middle + 64].fill(0xff);
        let (_, _, error) = read(&packed, &Settings::default());
        let error = error.unwrap().to_string();
        assert!(
            error.starts_with("the file is broken at byte ")
                && error.contains("the gzip data is damaged: "),
            "{error}"
        );
        let (_, out, error) =
            read(&[&gzip(b"a\n")[..], b"\0\0garbage"].concat(), &Settings::default());
        assert_eq!(out, b"a\n");
        let error = error.unwrap().to_string();
        assert!(
            error.ends_with("what follows the packed data is neither gzip nor padding"),
            "{error}"
        );
        assert!(read(&[&gzip(b"a\n")[..], &[0; 512]].concat(), &Settings::default()).2.is_none());
    }

    #[test]
    fn a_bomb_is_stopped() {
        let packed = gzip(&vec![0; 1 << 20]);
        let settings = Settings { unpacked_bytes_max: 1 << 16, ..Settings::default() };
        let (_, _, error) = read(&packed, &settings);
        let error = error.unwrap().to_string();
        assert!(
            error.contains(
                "that is taken for a bomb; if it is meant, unpack the file and give that"
            ),
            "{error}"
        );
        let one = zstd::encode_all(io::repeat(0).take(1 << 29), 3).unwrap();
        let (_, reader) = open_unpacked(&input(&one), &Settings::default()).unwrap();
        let len = io::copy(&mut reader.take(1 << 29), &mut io::sink()).map_err(ReadError::from);
        assert!(len.unwrap_err().to_string().contains("taken for a bomb"));
    }
}
