//! The other end of a guest's socket, for guests that are this program: what the host sends, and frames to it.

use crate::host::header;
pub use crate::host::{FRAME_LEN_MAX, Kind};
use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde::Serialize;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

const HEADER_LEN: usize = 5;

/// What the host asks for.
#[derive(Debug)]
pub enum Order {
    /// The plugin to load.
    Hello(Vec<u8>),
    /// The job, and its open file.
    Job(Vec<u8>, OwnedFd),
}

#[derive(Debug)]
pub struct GuestChannel {
    socket: UnixStream,
}

impl GuestChannel {
    /// The socket as it was inherited.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket: UnixStream::from(socket) }
    }

    /// None: the host has closed its end, and the guest is to end.
    pub fn receive(&mut self) -> io::Result<Option<Order>> {
        let mut head = [0; HEADER_LEN];
        let mut file = None;
        let mut filled = 0;
        while filled < HEADER_LEN {
            match self.receive_some(&mut head[filled..], &mut file)? {
                0 => return Ok(None),
                len => filled += len,
            }
        }
        let [kind, len @ ..] = head;
        let len = u32::from_be_bytes(len) as usize;
        if len > FRAME_LEN_MAX {
            return Err(unexpected(&format!("a frame of {len} bytes")));
        }
        let mut payload = vec![0; len];
        self.socket.read_exact(&mut payload)?;
        if kind == Kind::Hello as u8 {
            return Ok(Some(Order::Hello(payload)));
        }
        match file {
            Some(file) if kind == Kind::Job as u8 => Ok(Some(Order::Job(payload, file))),
            _ => Err(unexpected(&format!("a frame of kind {kind}"))),
        }
    }

    fn receive_some(&self, buffer: &mut [u8], file: &mut Option<OwnedFd>) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = loop {
            match rustix::net::recvmsg(self.socket.as_fd(), &mut parts, &mut control, flags) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Ok(0),
                received => break received?,
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                *file = files.last().or_else(|| file.take());
            }
        }
        Ok(received.bytes)
    }

    pub fn send_json(&mut self, kind: Kind, message: &impl Serialize) -> io::Result<()> {
        let payload = serde_json::to_vec(message)?;
        self.send(kind, &[&payload])
    }

    /// One frame of several parts, without a copy.
    pub fn send(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
        let len = parts.iter().map(|part| part.len()).sum();
        if len > FRAME_LEN_MAX {
            return Err(unexpected(&format!("a frame of {len} bytes")));
        }
        let head = header(kind, len);
        let mut slices = vec![IoSlice::new(&head)];
        slices.extend(parts.iter().map(|part| IoSlice::new(part)));
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match self.socket.write_vectored(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{what} where none was due"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    use std::fs::File;

    fn pair() -> (UnixStream, GuestChannel) {
        let (host, guest) = UnixStream::pair().unwrap();
        (host, GuestChannel::new(guest.into()))
    }

    #[test]
    fn a_job_comes_with_its_file() {
        let (mut host, mut guest) = pair();
        let file = File::open("Cargo.toml").unwrap();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&files));
        let head = header(Kind::Job, 2);
        let parts = [IoSlice::new(&head)];
        rustix::net::sendmsg(&host, &parts, &mut control, SendFlags::empty()).unwrap();
        host.write_all(b"{}").unwrap();
        let Some(Order::Job(payload, received)) = guest.receive().unwrap() else {
            panic!("no job")
        };
        assert_eq!(payload, b"{}");
        let length = File::from(received).metadata().unwrap().len();
        assert_eq!(length, file.metadata().unwrap().len());
    }

    #[test]
    fn a_job_without_a_file_and_what_is_none_is_refused() {
        for kind in [Kind::Job, Kind::Batch] {
            let (mut host, mut guest) = pair();
            host.write_all(&header(kind, 0)).unwrap();
            assert_eq!(guest.receive().unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn the_end_of_the_host_is_no_error() {
        let (host, mut guest) = pair();
        drop(host);
        assert!(guest.receive().unwrap().is_none());
    }

    #[test]
    fn a_frame_is_sent_whole_in_its_parts() {
        let (mut host, mut guest) = pair();
        guest.send(Kind::Batch, &[&[0, 1], b"t", b"rows"]).unwrap();
        guest.send_json(Kind::Done, &["x"]).unwrap();
        drop(guest);
        let mut sent = Vec::new();
        host.read_to_end(&mut sent).unwrap();
        assert_eq!(
            sent,
            [&header(Kind::Batch, 7)[..], &[0, 1], b"trows", &header(Kind::Done, 5), b"[\"x\"]"]
                .concat()
        );
    }
}
