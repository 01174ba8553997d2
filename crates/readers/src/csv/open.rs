//! Opens a delimited file: what its head, and samples of a large one, say about it, and then its rows from the first one on.

use super::blocks::Blocks;
use super::pieces::Pieces;
use super::samples;
use super::survey::Survey;
use crate::encoding::{TextStream, detect, pinned};
use crate::error::ReadError;
use crate::input::Input;
use crate::pins::Pins;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::source::{Begun, begin, open_unpacked};
use crate::table::Builder;
use std::io::{Cursor, Read};
use std::sync::Arc;

/// What is looked at of a file that is too large to be proven as a whole, besides samples of the rest.
const HEAD_BYTES: u64 = 1 << 20;

pub(crate) fn open(input: &Input, pins: &Pins, settings: &Settings) -> Result<Reading, ReadError> {
    let (compression, bytes) = open_unpacked(input, settings)?;
    let provable = compression.is_some() || input.len() <= settings.proven_bytes_max;
    let wanted = if provable { settings.proven_bytes_max } else { HEAD_BYTES };
    let Begun { head: mut raw, whole, rest } = begin(bytes, wanted)?;
    let detected = match &pins.encoding {
        Some(label) => pinned(label, &raw)?,
        None => detect(&raw, whole),
    };
    let head_len = raw.len() - detected.mark;
    raw.drain(..detected.mark);
    let mut stream = TextStream::new(Box::new(Cursor::new(raw).chain(rest)), detected.encoding);
    let mut text = Vec::new();
    stream.read(&mut text, head_len)?;
    let mut survey = Survey::new(&text, whole, &detected, pins)?;
    if !whole && compression.is_none() {
        samples::see(input, &mut survey, pins.footer.is_some())?;
    }
    let decision = survey.decision(compression, &detected, pins)?;
    let builder = Arc::new(Builder::new(&decision.columns, settings.columns.as_deref(), pins)?);
    let schema = builder.schema().clone();
    text.drain(..survey.start_in_head);
    let pieces = Pieces::new(stream, text, survey.start, survey.rules, settings);
    let threads = if whole { 0 } else { settings.threads };
    let blocks = Blocks::new(pieces, builder, settings.rows_max.max(1), threads);
    Ok(Reading::new(decision, schema, blocks))
}
