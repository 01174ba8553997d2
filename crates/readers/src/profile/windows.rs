//! Samples of a large file of lines: pieces from all over it, cut at line ends, as a file of their own.

use crate::decision::{Decision, TextLayout};
use crate::error::ReadError;
use crate::format::Format;
use crate::input::Input;
use crate::pins::Pins;
use std::fs::File;
use std::io::Write;

const WINDOWS: u64 = 8;
const WINDOW_BYTES: usize = 128 << 10;

/// None where the file has no lines that could be found from its middle.
pub(super) fn windows(
    input: &Input,
    decision: &Decision,
    from: u64,
    scratch: impl FnOnce() -> Option<File>,
) -> Result<Option<Input>, ReadError> {
    let by_lines = matches!(decision.format, Format::Csv | Format::Ndjson);
    let wide = decision.encoding.as_deref().is_some_and(|encoding| encoding.starts_with("utf-16"));
    if !by_lines || wide || decision.compression.is_some() || input.len() <= from {
        return Ok(None);
    }
    let Some(mut file) = scratch() else {
        return Ok(None);
    };
    let step = (input.len() - from) / WINDOWS;
    let mut buffer = vec![0; WINDOW_BYTES];
    for window in 0..WINDOWS {
        // The last one ends with the file.
        let at = if window + 1 == WINDOWS {
            input.len().saturating_sub(WINDOW_BYTES as u64).max(from)
        } else {
            from + window * step
        };
        let len = input.read_at(at, &mut buffer)?;
        let bytes = &buffer[..len];
        let begin = memchr::memchr(b'\n', bytes).map_or(len, |end| end + 1);
        let end = memchr::memrchr(b'\n', bytes).map_or(begin, |end| end + 1).max(begin);
        file.write_all(&bytes[begin..end])?;
    }
    Ok(Some(Input::new(file)?))
}

/// How such samples are read: as was decided, and from the first line on.
pub(super) fn pins(decision: &Decision) -> Pins {
    let begin =
        |layout: &TextLayout| TextLayout { header: 0, skip: 0, footer: 0, ..layout.clone() };
    let layout = decision.layout.as_ref().map(begin);
    let mut pins = Decision { layout, ..decision.clone() }.pins();
    if decision.format == Format::Csv {
        pins.columns = Some(decision.columns.iter().map(|column| column.name.clone()).collect());
    }
    pins
}
