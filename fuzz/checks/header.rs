//! The header of a message.

use protocol::{HEADER_LEN, Header, PAYLOAD_LEN_MAX, PROTOCOL_VERSION};

/// Taken or refused, never half; what is taken is what was said.
pub fn check(data: &[u8]) {
    let Ok(header) = Header::decode(data) else { return };
    assert_eq!((data.len(), data[0]), (HEADER_LEN, PROTOCOL_VERSION));
    let again = header.encode();
    // Two bytes are reserved: whatever they hold is passed over.
    assert_eq!((&again[..2], &again[4..]), (&data[..2], &data[4..]));
    assert_eq!(again[2..4], [0, 0]);
    assert_eq!(Header::decode(&again), Ok(header));
    let announced = header.payload_len as usize;
    let fits = |len: usize| header.check_payload(&vec![b' '; len]).is_ok();
    if announced <= PAYLOAD_LEN_MAX {
        assert!(fits(announced) && !fits(announced + 1));
    } else {
        assert!(!fits(PAYLOAD_LEN_MAX) && !fits(0));
    }
}
