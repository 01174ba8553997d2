//! A whole message, to a Sentinel and to a worker.

use protocol::{Frames, HEADER_LEN, SentinelMessage, WorkerMessage};

/// Bytes of a text that describes a worker.
const WORD_LEN_MAX: usize = 200;

/// Header and payload one after the other. The header's version and length are put right: that they are looked at is `header`'s check.
pub fn check(data: &[u8]) {
    let Some((header, payload)) = data.split_at_checked(HEADER_LEN) else { return };
    let mut header = header.to_vec();
    header[0] = protocol::PROTOCOL_VERSION;
    header[12..].copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    to_sentinel(&[&header, payload]);
    to_worker(&[&header, payload]);
}

fn to_sentinel(frames: &[&[u8]; 2]) {
    let Ok(message) = WorkerMessage::decode(frames) else { return };
    let again = message.encode().map(|frames| WorkerMessage::decode(&parts(&frames)));
    assert_eq!(again, Ok(Ok(message.clone())));
    match message {
        WorkerMessage::Identify(identify) => {
            let bounded = identify.bounded();
            assert_eq!(bounded.clone().bounded(), bounded);
            let protocol::Environment { host, user, plugins_dir, git_hash, os, versions, .. } =
                &bounded.environment;
            for word in [host, user, plugins_dir, git_hash, os].into_iter().chain(versions.values())
            {
                assert!(word.len() <= WORD_LEN_MAX, "{} bytes", word.len());
            }
            assert!(bounded.slots <= 1_024 && versions.len() <= 16);
        }
        WorkerMessage::Conclude(_, conclude) => {
            let bounded = conclude.bounded();
            assert_eq!(bounded.clone().bounded(), bounded);
            let sum = [bounded.metrics.rows, bounded.metrics.size_bytes, bounded.metrics.bytes_in]
                .into_iter()
                .try_fold(0_i64, |sum, count| sum.checked_add(i64::try_from(count).ok()?));
            assert!(sum.is_some(), "numbers that no sum takes");
        }
        WorkerMessage::Heartbeat(heartbeat) => {
            for job in heartbeat.ready.iter().filter(|job| job.fault().is_none()) {
                for output in &job.outputs {
                    let names = [&output.staged, &output.final_name];
                    assert!(names.iter().all(|name| stays_below(name)), "{names:?}");
                }
            }
        }
        WorkerMessage::OriginalConclude(..) | WorkerMessage::Err(..) => {}
    }
}

fn to_worker(frames: &[&[u8]; 2]) {
    let Ok(message) = SentinelMessage::decode(frames) else { return };
    let again = message.encode().map(|frames| SentinelMessage::decode(&parts(&frames)));
    assert_eq!(again, Ok(Ok(message)));
}

fn parts(frames: &Frames) -> [&[u8]; 2] {
    [&frames.header, &frames.payload]
}

/// A relative name whose parts are names.
fn stays_below(name: &str) -> bool {
    name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
