//! A short run of the checks that the fuzzers in `fuzz/` make, on inputs from a seed: examples with bytes, words and places changed.
//!
//! A failure names its seed; `CASPARIAN_TEST_SEED=n cargo nextest run -p control fuzz` tries that input again.

use crate::mutation::{Rng, mutated};
use checks::{comments, header, patterns, payload};
use protocol::HEADER_LEN;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

#[path = "../../../../fuzz/checks/mod.rs"]
mod checks;

/// Parts of what is fuzzed, to be put anywhere.
const WORDS: [&str; 48] = [
    "*",
    "**",
    "?",
    "/",
    "[",
    "]",
    "{",
    "}",
    ",",
    "!",
    "^",
    "-",
    "\\",
    "[:digit:]",
    "[:x:]",
    "é",
    "\u{10ffff}",
    "a",
    "b",
    ".csv",
    ".",
    "..",
    "#",
    "  #",
    " <--",
    "\t",
    "\n",
    "\r",
    "\u{c}",
    " ",
    "'",
    "\"\"\"",
    "(",
    "\0",
    "# PATTERN: ",
    "# TOPIC: ",
    "# OPTIONS: ",
    "# TAG: ",
    "# TIMEOUT: 5s",
    "# MEMORY: 1GB",
    "# RETRIES: 1",
    "# PRIORITY: 7",
    "parquet://a/b",
    "@a",
    "history=all",
    "class Handler: pass\n",
    "MANIFEST = ",
    "# ///",
];

/// Runs a check over `inputs` mutants of the seeds.
fn fuzz(inputs: u64, seeds: &[Vec<u8>], mutate: fn(&[u8], &mut Rng) -> Vec<u8>, check: fn(&[u8])) {
    let only = std::env::var("CASPARIAN_TEST_SEED").ok().map(|text| text.parse().unwrap());
    for seed in only.map_or(0..inputs, |seed: u64| seed..seed + 1) {
        let mut rng = Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let input = match usize::try_from(seed).ok().and_then(|seed| seeds.get(seed)) {
            Some(example) => example.clone(),
            None => mutate(&seeds[rng.below(seeds.len())], &mut rng),
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            eprintln!("input: {}; again: CASPARIAN_TEST_SEED={seed}", input.escape_ascii());
            resume_unwind(panic);
        }
    }
}

/// One to eight places changed.
fn changed(example: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = example.to_vec();
    for _ in 0..=rng.below(8) {
        let at = rng.below(bytes.len() + 1);
        let end = (at + rng.below(9)).min(bytes.len());
        let word = WORDS[rng.below(WORDS.len())].bytes().collect::<Vec<_>>();
        match rng.below(6) {
            0 => drop(bytes.splice(at..end, [])),
            1 => bytes.extend_from_within(at..end),
            2 if at < bytes.len() => bytes[at] = rng.below(256) as u8,
            3 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            4 => drop(bytes.splice(at..end, word)),
            _ => drop(bytes.splice(at..at, word)),
        }
    }
    bytes
}

/// The JSON behind a header changed as a document; now and then as bytes.
fn changed_message(example: &[u8], rng: &mut Rng) -> Vec<u8> {
    let (header, payload) = example.split_at(HEADER_LEN);
    match serde_json::from_slice(payload) {
        Ok(document) if rng.below(8) > 0 => {
            let payload = serde_json::to_vec(&mutated(&document, rng)).unwrap();
            [header, &payload].concat()
        }
        _ => changed(example, rng),
    }
}

/// The files below `testdata`, in order.
fn examples(folder: &str, is_wanted: fn(&Path) -> bool) -> Vec<Vec<u8>> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder);
    let mut files =
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.retain(|file| is_wanted(file));
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn messages() -> Vec<Vec<u8>> {
    examples("protocol", |file| file.extension().is_some_and(|extension| extension == "bin"))
}

#[test]
fn headers() {
    let seeds = messages().iter().map(|message| message[..HEADER_LEN].to_vec()).collect::<Vec<_>>();
    fuzz(20_000, &seeds, changed, header::check);
}

#[test]
fn payloads() {
    fuzz(20_000, &messages(), changed_message, payload::check);
}

#[test]
fn magic_comments() {
    fuzz(4_000, &examples("fuzz/comments", |_| true), changed, comments::check);
}

#[test]
fn route_patterns() {
    fuzz(10_000, &examples("fuzz/patterns", |_| true), changed, patterns::check);
}
