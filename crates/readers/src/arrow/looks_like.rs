//! Both kinds of Arrow IPC, by their first bytes.

use arrow_ipc::{MessageHeader, root_as_message};

const CONTINUATION: [u8; 4] = [0xff; 4];
/// A schema of more metadata than this is not looked for.
const SCHEMA_BYTES_MAX: usize = 16 << 20;

pub(crate) fn is_file(head: &[u8]) -> bool {
    head.starts_with(b"ARROW1\0\0")
}

/// A stream begins with its schema: a message behind its length, and since format version 5 four more bytes before.
pub(crate) fn is_stream(head: &[u8]) -> bool {
    let rest = head.strip_prefix(&CONTINUATION).unwrap_or(head);
    let Some((len, rest)) = rest.split_first_chunk::<4>() else {
        return false;
    };
    let len = u32::from_le_bytes(*len) as usize;
    if !(8..=SCHEMA_BYTES_MAX).contains(&len) {
        return false;
    }
    match rest.get(..len) {
        Some(message) => root_as_message(message)
            .is_ok_and(|message| message.header_type() == MessageHeader::Schema),
        // Longer than the head: the mark in front must do.
        None => head.starts_with(&CONTINUATION) && rest.len() > 1024,
    }
}
