//! Golden bytes for every opcode: `testdata/protocol/<name>.bin` is header and payload as they travel, `<name>.json` the same
//! payload for the eye. They change only when the wire is changed on purpose.

use crate::messages::{from_sentinel, from_worker};
use protocol::{Frames, HEADER_LEN, SentinelMessage, WorkerMessage};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

pub fn all() -> Vec<(&'static str, Frames)> {
    let worker = from_worker().into_iter().map(|(name, message)| (name, message.encode()));
    let sentinel = from_sentinel().into_iter().map(|(name, message)| (name, message.encode()));
    worker.chain(sentinel).map(|(name, frames)| (name, frames.expect(name))).collect()
}

fn path(name: &str, suffix: &str) -> PathBuf {
    let crate_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crate_dir.join("../../testdata/protocol").join(format!("{name}.{suffix}"))
}

pub fn golden(name: &str) -> [Vec<u8>; 2] {
    let mut header = fs::read(path(name, "bin")).expect(name);
    let payload = header.split_off(HEADER_LEN);
    [header, payload]
}

#[test]
fn every_message_is_encoded_to_its_golden_bytes() {
    for (name, frames) in all() {
        let [header, payload] = golden(name);
        let text = String::from_utf8_lossy;
        assert_eq!(text(&frames.payload), text(&payload), "payload of {name}");
        assert_eq!(frames.header.as_slice(), header, "header of {name}");
    }
}

#[test]
fn golden_bytes_are_decoded_to_their_message() {
    for (name, message) in from_worker() {
        assert_eq!(WorkerMessage::decode(&golden(name)), Ok(message), "{name}");
    }
    for (name, message) in from_sentinel() {
        assert_eq!(SentinelMessage::decode(&golden(name)), Ok(message), "{name}");
    }
}

#[test]
fn the_readable_form_beside_the_bytes_says_the_same() {
    for (name, frames) in all() {
        let readable = fs::read(path(name, "json")).expect(name);
        let readable: Value = serde_json::from_slice(&readable).expect(name);
        let payload: Value = serde_json::from_slice(&frames.payload).expect(name);
        assert_eq!(readable, payload, "{name}");
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let folder = path("x", "bin");
    let entries = fs::read_dir(folder.parent().expect("a folder")).expect("testdata/protocol");
    let names: Vec<&str> = all().iter().map(|(name, _)| *name).collect();
    for entry in entries {
        let file = entry.expect("an entry").path();
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        assert!(names.contains(&stem.as_str()), "{} belongs to no message", file.display());
    }
}

#[test]
fn the_page_on_the_protocol_names_every_field() {
    const PAGE: &str = include_str!("../../../../docs/protocol.md");
    // What is below these has keys of its own choice.
    const OPEN: [&str; 4] = ["config", "versions", "ms", "options"];
    fn check(name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    assert!(PAGE.contains(&format!("`{key}`")), "{name}: {key} is not on the page");
                    if !OPEN.contains(&key.as_str()) {
                        check(name, value);
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| check(name, value)),
            _ => {}
        }
    }
    for (name, frames) in all() {
        check(name, &serde_json::from_slice(&frames.payload).expect(name));
    }
}

#[test]
#[ignore = "writes testdata/protocol; run it by name after changing the wire on purpose, and read the diff"]
fn write_the_golden_files() {
    for (name, frames) in all() {
        let bytes = [frames.header.as_slice(), &frames.payload].concat();
        fs::write(path(name, "bin"), bytes).expect(name);
        let payload: Value = serde_json::from_slice(&frames.payload).expect(name);
        let readable = serde_json::to_string_pretty(&payload).expect(name) + "\n";
        fs::write(path(name, "json"), readable).expect(name);
    }
}
