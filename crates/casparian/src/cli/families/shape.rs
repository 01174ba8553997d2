//! What files of a family have in common.

use readers::{Input, Pins, ReadError, Settings, open};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Names beyond these are counted.
const COLUMNS_MAX: usize = 50;
/// A head is enough to tell columns by.
const HEAD_BYTES: u64 = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// With its packing: `csv, gzip`; of what is not read, what it is.
    pub format: String,
    pub is_read: bool,
    /// The file's name with `#` for numbers.
    pub name: Vec<u8>,
    pub columns: Vec<String>,
    pub width: usize,
}

pub(super) fn shape(path: &Path) -> io::Result<Shape> {
    let input = Input::new(File::open(path)?)?;
    let settings = Settings {
        proven_bytes_max: HEAD_BYTES,
        block_bytes: HEAD_BYTES as usize,
        ..Settings::default()
    };
    let name = name_shape(path.file_name().map(OsStrExt::as_bytes).unwrap_or_default());
    Ok(match open(&input, &Pins::default(), &settings) {
        Ok(reading) => {
            let decision = &reading.decision;
            let packing = decision
                .compression
                .map_or(String::new(), |packing| format!(", {}", packing.name()));
            let columns = &decision.columns;
            Shape {
                format: format!("{}{packing}", decision.format),
                is_read: true,
                name,
                columns: columns
                    .iter()
                    .take(COLUMNS_MAX)
                    .map(|column| column.name.clone())
                    .collect(),
                width: columns.len(),
            }
        }
        Err(ReadError::Io(error)) => return Err(error),
        Err(error) => {
            Shape { format: what(&error), is_read: false, name, columns: Vec::new(), width: 0 }
        }
    })
}

/// Why a file is not read, without what is of this file alone.
fn what(error: &ReadError) -> String {
    match error {
        ReadError::Empty => "empty".to_owned(),
        ReadError::Damaged { format, .. } => format!("damaged {format}"),
        ReadError::Broken { .. } => "broken".to_owned(),
        ReadError::NotReadable(reason) => {
            let reason = reason.strip_prefix("this is ").unwrap_or(reason);
            let end = reason.find([',', ':', '(', '\'']).unwrap_or(reason.len());
            reason[..end].trim().to_owned()
        }
        error => error.to_string(),
    }
}

fn name_shape(name: &[u8]) -> Vec<u8> {
    let mut shape: Vec<u8> = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'0'..=b'9' if shape.last() == Some(&b'#') => {}
            b'0'..=b'9' => shape.push(b'#'),
            other => shape.push(*other),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_alike() {
        assert_eq!(name_shape(b"orders_2024-01-31.csv"), b"orders_#-#-#.csv");
        assert_eq!(name_shape(b"a1b22"), b"a#b#");
    }
}
