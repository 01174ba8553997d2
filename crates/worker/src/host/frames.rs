//! The wire between host and guest: one byte of kind, four of length (big-endian), the payload.
//! Reading never blocks, so that the host can watch the guest meanwhile.

use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::RecvFlags;

/// Largest payload that is taken from a guest.
pub const FRAME_LEN_MAX: usize = 64 << 20;
/// Rejected rows come as JSON, which takes several times its length once it is read.
const QUARANTINE_LEN_MAX: usize = 8 << 20;
const HEADER_LEN: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hello = 1,
    Job = 2,
    Batch = 3,
    Log = 4,
    Quarantine = 5,
    Done = 6,
    Error = 7,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Hello,
            2 => Self::Job,
            3 => Self::Batch,
            4 => Self::Log,
            5 => Self::Quarantine,
            6 => Self::Done,
            7 => Self::Error,
            _ => return None,
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the guest sent a frame of unknown kind {0}")]
    Kind(u8),
    #[error(
        "the guest sent a frame of {0} bytes; at most {FRAME_LEN_MAX} are taken, publish smaller batches"
    )]
    TooLarge(usize),
    #[error(
        "the guest sent {0} bytes of rejected rows at once; at most {QUARANTINE_LEN_MAX} are taken"
    )]
    TooManyRejects(usize),
    #[error("the guest's socket failed: {0}")]
    Socket(Errno),
}

#[derive(Debug)]
pub struct Frame {
    pub kind: Kind,
    pub payload: Vec<u8>,
}

#[derive(Debug)]
pub enum Progress {
    Frame(Frame),
    /// Nothing more to read now.
    Pending,
    /// The other end is closed.
    End,
}

pub fn header(kind: Kind, len: usize) -> [u8; HEADER_LEN] {
    let mut bytes = [kind as u8; HEADER_LEN];
    bytes[1..].copy_from_slice(&(len as u32).to_be_bytes());
    bytes
}

/// Keeps what came of a frame until the rest does.
#[derive(Debug, Default)]
pub struct FrameReader {
    header: [u8; HEADER_LEN],
    header_len: usize,
    body: Option<(Kind, Vec<u8>)>,
    body_len: usize,
}

impl FrameReader {
    pub fn read(&mut self, socket: impl AsFd) -> Result<Progress, WireError> {
        let socket = socket.as_fd();
        loop {
            if self.body.is_none() && self.header_len == HEADER_LEN {
                self.begin_body()?;
            }
            if self.is_complete() {
                return Ok(Progress::Frame(self.take()));
            }
            let target = match &mut self.body {
                Some((_, payload)) => &mut payload[self.body_len..],
                None => &mut self.header[self.header_len..],
            };
            match rustix::net::recv(socket, target, RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(Progress::End),
                Ok((_, len)) if self.body.is_some() => self.body_len += len,
                Ok((_, len)) => self.header_len += len,
                Err(Errno::AGAIN) => return Ok(Progress::Pending),
                Err(Errno::INTR) => {}
                Err(cause) => return Err(WireError::Socket(cause)),
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.body.as_ref().is_some_and(|(_, payload)| payload.len() == self.body_len)
    }

    fn begin_body(&mut self) -> Result<(), WireError> {
        let [kind, length @ ..] = self.header;
        let kind = Kind::from_byte(kind).ok_or(WireError::Kind(kind))?;
        let len = u32::from_be_bytes(length) as usize;
        if len > FRAME_LEN_MAX {
            return Err(WireError::TooLarge(len));
        }
        if kind == Kind::Quarantine && len > QUARANTINE_LEN_MAX {
            return Err(WireError::TooManyRejects(len));
        }
        self.body = Some((kind, vec![0; len]));
        self.body_len = 0;
        Ok(())
    }

    fn take(&mut self) -> Frame {
        self.header_len = 0;
        let (kind, payload) = self.body.take().unwrap_or((Kind::Log, Vec::new()));
        Frame { kind, payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn read(bytes: &[u8]) -> Result<Progress, WireError> {
        let (mut guest, host) = UnixStream::pair().unwrap();
        guest.write_all(bytes).unwrap();
        FrameReader::default().read(&host)
    }

    #[test]
    fn a_frame_that_comes_byte_by_byte_is_put_together() {
        let (mut guest, host) = UnixStream::pair().unwrap();
        let mut reader = FrameReader::default();
        let mut bytes = header(Kind::Done, 3).to_vec();
        bytes.extend(b"abc");
        for byte in &bytes[..7] {
            guest.write_all(&[*byte]).unwrap();
            assert!(matches!(reader.read(&host), Ok(Progress::Pending)));
        }
        guest.write_all(&bytes[7..]).unwrap();
        let Ok(Progress::Frame(frame)) = reader.read(&host) else { panic!("no frame") };
        assert_eq!((frame.kind, frame.payload.as_slice()), (Kind::Done, &b"abc"[..]));
        drop(guest);
        assert!(matches!(reader.read(&host), Ok(Progress::End)));
    }

    #[test]
    fn an_empty_frame_is_a_frame() {
        assert!(matches!(read(&[6, 0, 0, 0, 0]), Ok(Progress::Frame(_))));
    }

    #[test]
    fn what_is_no_frame_is_refused_before_it_is_read() {
        assert!(matches!(read(&[9, 0, 0, 0, 0]), Err(WireError::Kind(9))));
        assert!(matches!(read(&[3, 255, 0, 0, 0]), Err(WireError::TooLarge(_))));
        assert!(matches!(read(&[5, 0, 128, 0, 1]), Err(WireError::TooManyRejects(0x0080_0001))));
        assert!(matches!(read(&[5, 0, 128, 0, 0]), Ok(Progress::Pending)), "just so much");
    }
}
