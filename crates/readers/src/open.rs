//! From a file to its reading: the one place that knows every format.

use crate::detect::{Found, detect};
use crate::error::ReadError;
use crate::format::Format;
use crate::input::Input;
use crate::pins::{PinError, Pins};
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::{head, open_unpacked};
use crate::{arrow, avro, csv, excel, json, parquet};

/// Enough to tell a format by.
const HEAD_BYTES: usize = 64 << 10;

/// Decides what the file is, as far as `pins` leaves it open, and begins to read it.
pub fn open(input: &Input, pins: &Pins, settings: &Settings) -> Result<Reading, ReadError> {
    let (compression, _) = open_unpacked(input, settings)?;
    let head = head(input, settings, HEAD_BYTES)?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    let format = match pins.format {
        Some(format) if is_text(format) => format,
        pinned => {
            let found = detect(input, compression, &head, settings)?;
            agree(pinned, found)?;
            match found {
                Found::Excel(kind) => return excel::open(input, compression, kind, pins, settings),
                Found::Parquet => return parquet::open(input, compression, pins, settings),
                Found::Avro => return avro::open(input, compression, pins, settings),
                Found::Arrow => return arrow::open(input, compression, pins, settings),
                Found::Text(format) => format,
            }
        }
    };
    match format {
        Format::Json | Format::Ndjson => json::open(input, pins, settings),
        _ => csv::open(input, pins, settings),
    }
}

fn is_text(format: Format) -> bool {
    !matches!(format, Format::Excel | Format::Parquet | Format::Avro | Format::Arrow)
}

/// A binary format that is pinned is what the file has to be.
fn agree(pinned: Option<Format>, found: Found) -> Result<(), ReadError> {
    match pinned {
        Some(pinned) if found.format() != pinned => {
            let is = found.format().name();
            Err(ReadError::Pin(PinError::Value {
                key: "format".to_owned(),
                value: pinned.name().to_owned(),
                wanted: format!("the file is {is}"),
            }))
        }
        _ => Ok(()),
    }
}
