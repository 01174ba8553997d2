//! Which of our formats a file is in, or why it is in none.

use super::{binary, compound, text, zip};
use crate::arrow;
use crate::encoding;
use crate::error::ReadError;
use crate::excel;
use crate::format::{Compression, Format};
use crate::input::Input;
use crate::settings::Settings;
use crate::source::Random;

/// A format, with what was found out on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Excel(excel::Kind),
    Parquet,
    Avro,
    Arrow,
    Text(Format),
}

pub(crate) fn detect(
    input: &Input,
    compression: Option<Compression>,
    head: &[u8],
    settings: &Settings,
) -> Result<Found, ReadError> {
    let random = || Random::open(input, compression, settings);
    if head.starts_with(b"PAR1") {
        return Ok(Found::Parquet);
    }
    if head.starts_with(b"Obj\x01") {
        return Ok(Found::Avro);
    }
    if arrow::is_file(head) || arrow::is_stream(head) {
        return Ok(Found::Arrow);
    }
    if head.starts_with(zip::MAGIC) || head.starts_with(zip::EMPTY_MAGIC) {
        return zip::workbook(&random()?).map(Found::Excel).map_err(ReadError::NotReadable);
    }
    if head.starts_with(compound::MAGIC) {
        return match compound::refused(&random()?) {
            Some(reason) => Err(ReadError::NotReadable(reason)),
            None => Ok(Found::Excel(excel::Kind::Xls)),
        };
    }
    if let Some(reason) = binary::refused(head) {
        return Err(ReadError::NotReadable(reason));
    }
    let detected = encoding::detect(head, false);
    let text = encoding::decode(&head[detected.mark..], detected.encoding);
    if binary::is_binary(&text) {
        let first: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let what = format!(
            "binary data of a format that is not known (it begins with {})",
            first.join(" ")
        );
        return Err(ReadError::NotReadable(binary::refusal(
            &what,
            "a Python plugin can read it; READER format= takes it for text",
        )));
    }
    if text::is_markup(&text) {
        let cure = "a Python plugin can read it; READER format= takes it for text";
        return Err(ReadError::NotReadable(binary::refusal("XML or HTML", cure)));
    }
    Ok(Found::Text(text::format(&text)))
}

impl Found {
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Excel(_) => Format::Excel,
            Self::Parquet => Format::Parquet,
            Self::Avro => Format::Avro,
            Self::Arrow => Format::Arrow,
            Self::Text(format) => format,
        }
    }
}
