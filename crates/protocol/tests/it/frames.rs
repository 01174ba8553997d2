//! Frames that are no message: each is refused with its reason, and none panics.

use crate::golden::{all, golden};
use proptest::prelude::*;
use protocol::{
    ErrReport, FrameError, HEADER_LEN, Opcode, PAYLOAD_LEN_MAX, SentinelMessage, WorkerMessage,
};

#[test]
fn a_message_has_exactly_two_frames() {
    let [header, payload] = golden("heartbeat");
    let none: [Vec<u8>; 0] = [];
    assert_eq!(WorkerMessage::decode(&none), Err(FrameError::FrameCount { count: 0 }));
    let one = [header.clone()];
    assert_eq!(WorkerMessage::decode(&one), Err(FrameError::FrameCount { count: 1 }));
    let three = [header, payload.clone(), payload];
    assert_eq!(WorkerMessage::decode(&three), Err(FrameError::FrameCount { count: 3 }));
}

#[test]
fn a_payload_of_another_length_than_announced_is_refused() {
    let [header, mut payload] = golden("heartbeat");
    let announced = payload.len();
    payload.push(b' ');
    let actual = payload.len();
    let refused = WorkerMessage::decode(&[header, payload]);
    assert_eq!(refused, Err(FrameError::PayloadLength { announced, actual }));
}

#[test]
fn a_payload_above_the_limit_is_neither_sent_nor_taken() {
    let message = "x".repeat(PAYLOAD_LEN_MAX);
    let report = ErrReport { message, ..ErrReport::default() };
    let sent = WorkerMessage::Err(None, report).encode();
    assert!(matches!(sent, Err(FrameError::TooLarge { .. })), "{:?}", sent.map(|it| it.header));
    let mut header = [4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header[12..].copy_from_slice(&(PAYLOAD_LEN_MAX as u32 + 1).to_be_bytes());
    let payload = vec![b' '; PAYLOAD_LEN_MAX + 1];
    let taken = WorkerMessage::decode(&[header.as_slice(), &payload]);
    assert_eq!(taken, Err(FrameError::TooLarge { len: PAYLOAD_LEN_MAX + 1 }));
}

#[test]
fn a_job_message_without_a_job_or_with_an_absurd_one_is_refused() {
    let [mut header, payload] = golden("conclude");
    header[4..12].fill(0);
    let refused = WorkerMessage::decode(&[header.clone(), payload.clone()]);
    assert_eq!(refused, Err(FrameError::JobId { job_id: 0 }));
    header[4..12].fill(0xff);
    let refused = WorkerMessage::decode(&[header, payload]);
    assert_eq!(refused, Err(FrameError::JobId { job_id: u64::MAX }));
}

#[test]
fn bad_json_is_refused_with_its_opcode() {
    for payload in ["{", " []", "7", "\u{0}", "{\"status\": \"BUSY\", \"jobs\": 7}"] {
        let mut header = vec![4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, payload.len() as u8];
        header.truncate(HEADER_LEN);
        let refused = WorkerMessage::decode(&[header, payload.as_bytes().to_vec()]);
        let Err(FrameError::Json { opcode, .. }) = refused else {
            panic!("{payload}: {refused:?}")
        };
        assert_eq!(opcode, Opcode::Heartbeat);
    }
}

proptest! {
    #[test]
    fn any_two_frames_are_decoded_or_refused_but_never_panic(
        opcode in 0_u8..8,
        job: u64,
        payload: Vec<u8>,
        honest: bool,
        announced: u32,
    ) {
        let announced = if honest { payload.len() as u32 } else { announced };
        let mut header = vec![4, opcode, 0, 0];
        header.extend(job.to_be_bytes());
        header.extend(announced.to_be_bytes());
        let frames = [header, payload];
        let _ = WorkerMessage::decode(&frames);
        let _ = SentinelMessage::decode(&frames);
    }

    /// A golden payload with one byte changed is the nearest thing to a bug on the other side.
    #[test]
    fn a_damaged_golden_payload_never_panics(which in 0_usize..11, at: prop::sample::Index, byte: u8) {
        let (_, frames) = all().swap_remove(which);
        let mut payload = frames.payload;
        let at = at.index(payload.len());
        payload[at] = byte;
        let frames = [frames.header.to_vec(), payload];
        let _ = WorkerMessage::decode(&frames);
        let _ = SentinelMessage::decode(&frames);
    }
}
