//! Messages by direction, and their two frames. What a side cannot receive does not exist for it.

use crate::JobId;
use crate::frame::{FrameError, HEADER_LEN, Header, Opcode, PAYLOAD_LEN_MAX};
use crate::original::{LeaseProbe, OriginalConclude, OriginalDispatch};
use crate::payload::{Abort, Conclude, Dispatch, ErrReport, Heartbeat, HeartbeatAnswer, Identify};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Header and payload, ready for the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    pub header: [u8; HEADER_LEN],
    pub payload: Vec<u8>,
}

/// What a worker sends.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerMessage {
    Identify(Identify),
    Heartbeat(Heartbeat),
    Conclude(JobId, Conclude),
    /// To a Sentinel of the original v4.
    OriginalConclude(JobId, OriginalConclude),
    Err(Option<JobId>, ErrReport),
}

/// What the Sentinel sends.
#[derive(Debug, Clone, PartialEq)]
pub enum SentinelMessage {
    Dispatch(JobId, Dispatch),
    /// Of a Sentinel of the original v4: there is no grant.
    OriginalDispatch(JobId, OriginalDispatch),
    Abort(JobId, Abort),
    Answer(HeartbeatAnswer),
    Err(Option<JobId>, ErrReport),
}

impl WorkerMessage {
    pub fn encode(&self) -> Result<Frames, FrameError> {
        match self {
            Self::Identify(payload) => encode(Opcode::Identify, None, payload),
            Self::Heartbeat(payload) => encode(Opcode::Heartbeat, None, payload),
            Self::Conclude(job, payload) => encode(Opcode::Conclude, Some(*job), payload),
            Self::OriginalConclude(job, payload) => encode(Opcode::Conclude, Some(*job), payload),
            Self::Err(job, payload) => encode(Opcode::Err, *job, payload),
        }
    }

    pub fn decode<F: AsRef<[u8]>>(frames: &[F]) -> Result<Self, FrameError> {
        let (header, payload) = split(frames)?;
        Ok(match header.opcode {
            Opcode::Identify => Self::Identify(json(header, payload)?),
            Opcode::Heartbeat => Self::Heartbeat(json(header, payload)?),
            Opcode::Conclude => Self::Conclude(required_job(header)?, json(header, payload)?),
            Opcode::Err => Self::Err(job(header)?, json(header, payload)?),
            opcode @ (Opcode::Dispatch | Opcode::Abort) => {
                return Err(FrameError::Direction { opcode });
            }
        })
    }
}

impl SentinelMessage {
    pub fn encode(&self) -> Result<Frames, FrameError> {
        match self {
            Self::Dispatch(job, payload) => encode(Opcode::Dispatch, Some(*job), payload),
            Self::OriginalDispatch(job, payload) => encode(Opcode::Dispatch, Some(*job), payload),
            Self::Abort(job, payload) => encode(Opcode::Abort, Some(*job), payload),
            Self::Answer(payload) => encode(Opcode::Heartbeat, None, payload),
            Self::Err(job, payload) => encode(Opcode::Err, *job, payload),
        }
    }

    pub fn decode<F: AsRef<[u8]>>(frames: &[F]) -> Result<Self, FrameError> {
        let (header, payload) = split(frames)?;
        Ok(match header.opcode {
            Opcode::Dispatch => dispatch(header, payload)?,
            Opcode::Abort => {
                // The original sends ABORT with an empty second frame.
                let reason = if payload.is_empty() {
                    Abort { reason: String::new() }
                } else {
                    json(header, payload)?
                };
                Self::Abort(required_job(header)?, reason)
            }
            Opcode::Heartbeat => Self::Answer(json(header, payload)?),
            Opcode::Err => Self::Err(job(header)?, json(header, payload)?),
            opcode @ (Opcode::Identify | Opcode::Conclude) => {
                return Err(FrameError::Direction { opcode });
            }
        })
    }
}

fn dispatch(header: Header, payload: &[u8]) -> Result<SentinelMessage, FrameError> {
    let job = required_job(header)?;
    match json(header, payload) {
        Ok(dispatch) => Ok(SentinelMessage::Dispatch(job, dispatch)),
        Err(error) => match (json::<LeaseProbe>(header, payload), json(header, payload)) {
            (Ok(LeaseProbe { lease_s: None }), Ok(original)) => {
                Ok(SentinelMessage::OriginalDispatch(job, original))
            }
            _ => Err(error),
        },
    }
}

fn encode<T: Serialize>(
    opcode: Opcode,
    job: Option<JobId>,
    payload: &T,
) -> Result<Frames, FrameError> {
    let payload = serde_json::to_vec(payload)
        .map_err(|error| FrameError::Json { opcode, cause: error.to_string() })?;
    if payload.len() > PAYLOAD_LEN_MAX {
        return Err(FrameError::TooLarge { len: payload.len() });
    }
    // In range: an id is positive, and the payload was just measured.
    let job_id = job.map_or(0, |job| job.get().unsigned_abs());
    let header = Header { opcode, job_id, payload_len: payload.len() as u32 };
    Ok(Frames { header: header.encode(), payload })
}

fn split<F: AsRef<[u8]>>(frames: &[F]) -> Result<(Header, &[u8]), FrameError> {
    let [header, payload] = frames else {
        return Err(FrameError::FrameCount { count: frames.len() });
    };
    let header = Header::decode(header.as_ref())?;
    let payload = payload.as_ref();
    header.check_payload(payload)?;
    Ok((header, payload))
}

/// An empty payload reads as `{}`, as the original does. A list is refused here: serde would take it for the fields in order.
fn json<T: DeserializeOwned>(header: Header, payload: &[u8]) -> Result<T, FrameError> {
    let opcode = header.opcode;
    let payload = if payload.is_empty() { b"{}" } else { payload };
    if payload.trim_ascii_start().first() == Some(&b'[') {
        return Err(FrameError::Json { opcode, cause: "a list instead of an object".to_owned() });
    }
    serde_json::from_slice(payload)
        .map_err(|error| FrameError::Json { opcode, cause: error.to_string() })
}

fn job(header: Header) -> Result<Option<JobId>, FrameError> {
    match i64::try_from(header.job_id) {
        Ok(0) => Ok(None),
        Ok(raw) => Ok(Some(JobId::new(raw))),
        Err(_) => Err(FrameError::JobId { job_id: header.job_id }),
    }
}

fn required_job(header: Header) -> Result<JobId, FrameError> {
    job(header)?.ok_or(FrameError::JobId { job_id: 0 })
}
