//! The fixed header of every message: 16 bytes, big-endian, `!BBHQI`
//! (version, opcode, reserved, job id, payload length). Decoding is pure; the socket lives elsewhere.

pub const PROTOCOL_VERSION: u8 = 4;
pub const HEADER_LEN: usize = 16;
/// Largest payload that is sent or taken, in bytes.
pub const PAYLOAD_LEN_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    Identify = 1,
    Dispatch = 2,
    Abort = 3,
    Heartbeat = 4,
    Conclude = 5,
    Err = 6,
}

impl Opcode {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Identify,
            2 => Self::Dispatch,
            3 => Self::Abort,
            4 => Self::Heartbeat,
            5 => Self::Conclude,
            6 => Self::Err,
            _ => return None,
        })
    }
}

/// Why two frames are not a message. None of these stops the receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a message has two frames, header and payload; this one has {count}")]
    FrameCount { count: usize },
    #[error("the header has {len} bytes; expected {HEADER_LEN}")]
    HeaderLength { len: usize },
    #[error("protocol version {version}; this peer speaks {PROTOCOL_VERSION}")]
    Version { version: u8 },
    #[error("unknown opcode {opcode}")]
    Opcode { opcode: u8 },
    #[error("the header announces {announced} bytes of payload, the frame has {actual}")]
    PayloadLength { announced: usize, actual: usize },
    #[error("a payload of {len} bytes; at most {PAYLOAD_LEN_MAX} are taken")]
    TooLarge { len: usize },
    #[error("opcode {opcode:?} is not for this side")]
    Direction { opcode: Opcode },
    #[error("job id {job_id} is out of range")]
    JobId { job_id: u64 },
    #[error("the payload of {opcode:?} is not the JSON it should be: {cause}")]
    Json { opcode: Opcode, cause: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub opcode: Opcode,
    /// 0 for a message that concerns no single job.
    pub job_id: u64,
    pub payload_len: u32,
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = PROTOCOL_VERSION;
        bytes[1] = self.opcode as u8;
        bytes[4..12].copy_from_slice(&self.job_id.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.payload_len.to_be_bytes());
        bytes
    }

    /// The reserved field is ignored: v4 senders leave it zero, later ones may not.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let exact: &[u8; HEADER_LEN] =
            bytes.try_into().map_err(|_| FrameError::HeaderLength { len: bytes.len() })?;
        let [version, opcode, _, _, rest @ ..] = *exact;
        if version != PROTOCOL_VERSION {
            return Err(FrameError::Version { version });
        }
        let opcode = Opcode::from_byte(opcode).ok_or(FrameError::Opcode { opcode })?;
        let [j0, j1, j2, j3, j4, j5, j6, j7, l0, l1, l2, l3] = rest;
        Ok(Self {
            opcode,
            job_id: u64::from_be_bytes([j0, j1, j2, j3, j4, j5, j6, j7]),
            payload_len: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }

    /// Checks the payload frame against the header, the limit first.
    pub fn check_payload(&self, payload: &[u8]) -> Result<(), FrameError> {
        let announced = self.payload_len as usize;
        let len = announced.max(payload.len());
        if len > PAYLOAD_LEN_MAX {
            return Err(FrameError::TooLarge { len });
        }
        if announced != payload.len() {
            return Err(FrameError::PayloadLength { announced, actual: payload.len() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_header_has_the_bytes_of_the_contract() {
        let header =
            Header { opcode: Opcode::Conclude, job_id: 0x0102_0304_0506_0708, payload_len: 258 };
        let golden = [4, 5, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1, 2];
        assert_eq!(header.encode(), golden);
        assert_eq!(Header::decode(&golden), Ok(header));
    }

    #[test]
    fn a_bad_header_is_refused_with_its_reason() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(Header::decode(bytes).unwrap_err().to_string(), expected);
        };
        check(&[4; 15], "the header has 15 bytes; expected 16");
        check(&[3; 16], "protocol version 3; this peer speaks 4");
        check(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "unknown opcode 0");
        check(&[4, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "unknown opcode 7");
    }

    #[test]
    fn the_payload_must_have_the_announced_length_and_a_sane_one() {
        let header = Header { opcode: Opcode::Err, job_id: 0, payload_len: 3 };
        assert_eq!(header.check_payload(b"abc"), Ok(()));
        let short = header.check_payload(b"ab");
        assert_eq!(short, Err(FrameError::PayloadLength { announced: 3, actual: 2 }));
        let huge = Header { payload_len: u32::MAX, ..header };
        assert_eq!(huge.check_payload(b""), Err(FrameError::TooLarge { len: u32::MAX as usize }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused_but_never_panic(bytes: Vec<u8>) {
            if let Ok(header) = Header::decode(&bytes) {
                // Only the reserved bytes may be lost.
                let encoded = header.encode();
                prop_assert_eq!(&encoded[4..], &bytes[4..]);
            }
        }
    }
}
