//! Which format of text a file is in: each that has marks of its own is asked, and what is left is delimited.

use crate::format::Format;
use crate::json;

/// `head` is UTF-8, as far as it could be decoded.
pub(super) fn format(head: &[u8]) -> Format {
    if json::looks_like(head) {
        return Format::Json;
    }
    Format::Csv
}
