//! Every file of the corpus, whatever it is: read or refused, and no more than that.

use readers::{Input, Pins, ReadError, Settings, open};
use std::fs::{self, File};
use std::path::Path;

/// Readings that take longer than all others together, for values of gigabytes.
const LARGE: &str = "large_string_map";

fn walk(dir: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, look);
        } else {
            look(&path);
        }
    }
}

#[test]
fn every_file_is_read_or_refused_with_its_reason() {
    let Some(corpus) = crate::corpus::corpus() else {
        return;
    };
    let mut panics = Vec::new();
    let mut files = 0;
    walk(&corpus, &mut |path| {
        if path.to_string_lossy().contains(LARGE) {
            return;
        }
        files += 1;
        let input = Input::new(File::open(path).unwrap()).unwrap();
        let error = match open(&input, &Pins::default(), &Settings::default()) {
            Ok(reading) => reading.filter_map(Result::err).last(),
            Err(error) => Some(error),
        };
        match error {
            // Parquet and the others have known ones, on files made to find them.
            Some(ReadError::Damaged { reason, format })
                if reason.contains("gave up") && format.name() != "parquet" =>
            {
                panics.push(format!("{}: {reason}", path.display()));
            }
            Some(error) => assert!(!error.to_string().is_empty()),
            None => {}
        }
    });
    assert!(files > 7_000, "{files}");
    assert!(panics.is_empty(), "{panics:#?}");
}
