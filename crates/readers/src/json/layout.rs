//! Where the records of a JSON text stand: one on each line, one after the other, or as the items of an array, at the top or within.

use super::text::{Result, Text, extent};
use crate::error::ReadError;
use crate::format::Format;
use crate::pins::Pins;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Lines,
    Values,
    /// `is_top`: nothing may follow it.
    Array {
        is_top: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub framing: Framing,
    /// In the text: of the first record, or of the array's bracket.
    pub start: usize,
    /// `data.items`; `.` is the whole document.
    pub path: Option<String>,
    pub notes: Vec<String>,
}

/// An array that names alone lead to.
#[derive(Debug)]
struct Found {
    path: String,
    depth: usize,
    start: usize,
    end: usize,
    objects: usize,
    others: usize,
}

/// Lines that are looked at.
const LINES_MAX: usize = 20;

impl Layout {
    fn new(framing: Framing, start: usize) -> Self {
        Self { framing, start, path: None, notes: Vec::new() }
    }
}

/// `whole`: the head is all of the file.
pub(super) fn layout(
    head: &[u8],
    whole: bool,
    pins: &Pins,
) -> std::result::Result<Layout, ReadError> {
    let mut text = Text::new(head);
    skip_blanks(&mut text);
    let start = text.at;
    if text.peek().is_none() {
        return Err(ReadError::Empty);
    }
    if let Some(path) = pins.records.as_deref().filter(|path| *path != ".") {
        return pinned(text, path);
    }
    if pins.format == Some(Format::Ndjson) || has_lines(&head[start..], whole) {
        return Ok(Layout::new(Framing::Lines, start));
    }
    if pins.records.is_some() {
        return Ok(Layout::new(Framing::Values, start));
    }
    match text.peek() {
        Some(b'[') => Ok(Layout::new(Framing::Array { is_top: true }, start)),
        Some(b'{') => document(text, whole),
        _ => Ok(Layout::new(Framing::Values, start)),
    }
}

pub(super) fn skip_blanks(text: &mut Text<'_>) {
    text.blanks();
    // The mark that begins each value of a JSON text sequence.
    while text.take(0x1e) {
        text.blanks();
    }
}

/// Several lines, each a value of its own, but for some that are broken.
fn has_lines(head: &[u8], whole: bool) -> bool {
    let mut lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
    if !whole {
        lines.pop();
    }
    let filled = lines.into_iter().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<&[u8]> = filled.take(LINES_MAX).collect();
    let good = lines.iter().filter(|line| is_value(line)).count();
    lines.len() > 1 && good * 2 > lines.len()
}

fn is_value(line: &[u8]) -> bool {
    let mut text = Text::new(line);
    // An item of an array that is written line by line is a value, and a comma.
    matches!(text.peek(), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
        && text.skip(0).is_ok()
        && text.at == line.len()
}

/// One object, which may hold the records, or several.
fn document(mut text: Text<'_>, whole: bool) -> std::result::Result<Layout, ReadError> {
    let start = text.at;
    let mut found = Vec::new();
    let result = survey(&mut text, 0, "", &mut found);
    let end = text.at;
    text.blanks();
    let is_only = result.is_ok() && whole && text.peek().is_none();
    let is_open = result.as_ref().is_err_and(|fault| fault.is_cut) && !whole;
    if is_open {
        // What the head ends in is what the file is made of.
        let last = found.pop().filter(|last| last.objects > 0 && last.others == 0);
        let Some(last) = last else { return Ok(Layout::new(Framing::Values, start)) };
        return Ok(within(last, start, end));
    }
    if !is_only {
        return Ok(Layout::new(Framing::Values, start));
    }
    let shallowest = found.iter().filter(|one| one.is_records()).map(|one| one.depth).min();
    let mut candidates =
        found.into_iter().filter(|one| one.is_records() && Some(one.depth) == shallowest);
    let (first, second) = (candidates.next(), candidates.next());
    match (first, second) {
        (Some(only), None) if (only.end - only.start) * 2 > end - start => {
            Ok(within(only, start, end))
        }
        (Some(one), _) => {
            let note = format!(
                "the document is one row; records={} reads the items of an array in it as rows",
                one.path
            );
            Ok(Layout { notes: vec![note], ..Layout::new(Framing::Values, start) })
        }
        (None, _) => Ok(Layout::new(Framing::Values, start)),
    }
}

impl Found {
    fn is_records(&self) -> bool {
        self.objects > 0 && self.others == 0
    }
}

fn within(found: Found, start: usize, end: usize) -> Layout {
    let mut notes = Vec::new();
    let around = (end - start).saturating_sub(found.end.max(found.start) - found.start);
    if around > found.path.len() + 8 {
        notes.push(format!("rows are the items of '{}'; what stands around it is in no column, records=. reads the document as one row", found.path));
    }
    Layout {
        path: Some(found.path),
        notes,
        ..Layout::new(Framing::Array { is_top: false }, found.start)
    }
}

fn survey(text: &mut Text<'_>, depth: usize, path: &str, found: &mut Vec<Found>) -> Result<()> {
    match text.peek() {
        Some(b'{') => text.object(depth, |text, name| {
            let name = super::shape::name_of(text, name)?;
            let path = if path.is_empty() { name } else { format!("{path}.{name}") };
            survey(text, depth + 1, &path, found)
        }),
        Some(b'[') => {
            let at = found.len();
            found.push(Found {
                path: path.to_owned(),
                depth,
                start: text.at,
                end: 0,
                objects: 0,
                others: 0,
            });
            text.array(depth, |text| {
                let is_object = text.peek() == Some(b'{');
                text.skip(depth + 1)?;
                found[at].objects += usize::from(is_object);
                found[at].others += usize::from(!is_object);
                Ok(())
            })?;
            found[at].end = text.at;
            Ok(())
        }
        _ => text.skip(depth),
    }
}

/// The array of this path.
fn pinned(mut text: Text<'_>, path: &str) -> std::result::Result<Layout, ReadError> {
    let missing = || {
        ReadError::NotReadable(format!(
            "READER: records={path}: there is no such array near the beginning of the file; 'casparian inspect' shows what there is"
        ))
    };
    for name in path.split('.') {
        find(&mut text, name).ok_or_else(missing)?;
    }
    if text.peek() != Some(b'[') {
        return Err(missing());
    }
    Ok(Layout {
        path: Some(path.to_owned()),
        ..Layout::new(Framing::Array { is_top: false }, text.at)
    })
}

/// Goes to the value of this name in the object that begins here.
fn find(text: &mut Text<'_>, wanted: &str) -> Option<()> {
    if !text.take(b'{') {
        return None;
    }
    loop {
        text.blanks();
        let name = text.string().ok()?;
        text.blanks();
        text.take(b':').then_some(())?;
        text.blanks();
        if super::shape::name_of(text, name).ok()? == wanted {
            return Some(());
        }
        text.at = extent(text.bytes, text.at)?;
        text.blanks();
        text.take(b',').then_some(())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, framing: Framing, path: Option<&str>) {
        let layout = layout(head.as_bytes(), true, &Pins::default()).unwrap();
        assert_eq!((layout.framing, layout.path.as_deref()), (framing, path), "{head}");
    }

    #[test]
    fn records_are_found_where_they_stand() {
        check("{\"a\":1}\n{\"a\":2}\n", Framing::Lines, None);
        check("{\"a\":1}\n{\"a\":\n{\"a\":3}\n", Framing::Lines, None);
        check("{\n\"a\":1\n}\n{\n\"a\":2\n}", Framing::Values, None);
        check("{\"a\":1}{\"a\":2}", Framing::Values, None);
        check(" [{\"a\":1},\n{\"a\":2}]", Framing::Array { is_top: true }, None);
        check("{\"a\":1,\"b\":[1,2]}", Framing::Values, None);
        check(
            "{\"meta\":{\"n\":2},\"data\":{\"items\":[{\"a\":1},{\"a\":2},{\"a\":3},{\"a\":4},{\"a\":5},{\"a\":6}]}}",
            Framing::Array { is_top: false },
            Some("data.items"),
        );
        check("{\"a\":[{\"x\":1}],\"b\":[{\"x\":1}]}", Framing::Values, None);
    }
}
