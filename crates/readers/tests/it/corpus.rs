//! Real files with known readings, where CASPARIAN_TEST_CORPUS says they are; see the README there.

use readers::{Input, Pins, ReadError, Reading, Settings, open};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::reading::{Table, table};

#[expect(
    clippy::disallowed_methods,
    reason = "where the corpus is differs from machine to machine"
)]
pub fn corpus() -> Option<PathBuf> {
    std::env::var_os("CASPARIAN_TEST_CORPUS").map(PathBuf::from)
}

struct Truth<'t> {
    columns: Vec<&'t str>,
}

impl<'t> Truth<'t> {
    fn get(&self, names: &[&str], name: &str) -> &'t str {
        self.columns[names.iter().position(|known| *known == name).unwrap()]
    }
}

fn opened(path: &Path, pins: &str) -> Result<Reading, ReadError> {
    let input = Input::new(File::open(path).unwrap()).unwrap();
    open(&input, &Pins::parse(pins).unwrap(), &Settings::default())
}

fn digest(table: &Table) -> String {
    let rows = table.rows.iter().map(|row| row.join("\u{1f}").replace('∅', "") + "\u{1e}");
    let rows: String = rows.collect();
    let hash = Sha256::digest(rows);
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with the reading of a file whose records, width and cells are certain.
fn certain(path: &Path, truth: &Truth<'_>, names: &[&str]) -> Option<String> {
    let table = match opened(path, "types=text header=none") {
        Ok(reading) => table(reading),
        Err(error) => return Some(format!("error {error}")),
    };
    let found = (table.rows.len().to_string(), table.rows.first().map_or(0, Vec::len).to_string());
    let wanted = (truth.get(names, "records"), truth.get(names, "cols"));
    let Some(dialect) = table.decision.layout.clone() else {
        return Some(format!("taken for {}", table.decision.format));
    };
    if (found.0.as_str(), found.1.as_str()) != wanted {
        return Some(format!("{found:?} for {wanted:?} {dialect:?} {:?}", table.refused().first()));
    }
    let sure = !truth.get(names, "note").contains("cells digest not");
    (sure && digest(&table) != truth.get(names, "cells_sha256"))
        .then(|| format!("cells differ, {dialect:?}"))
}

/// Each record is a row or a reject.
fn nothing_lost(path: &Path) -> Option<String> {
    match opened(path, "") {
        Err(_) => None,
        Ok(reading) => {
            let table = table(reading);
            let last = table
                .rejects
                .iter()
                .map(|reject| reject.row)
                .chain(table.numbers.iter().copied())
                .max();
            if table.decision.proven_by_all
                && let Some(reject) = table.rejects.iter().find(|reject| reject.column.is_some())
            {
                return Some(format!("proven, and yet {}", reject.reason));
            }
            let count = (table.rows.len() + table.rejects.len()) as u64;
            (last.unwrap_or(0) != count).then(|| format!("{count} of {last:?} rows"))
        }
    }
}

#[test]
fn files_of_the_corpus_are_read_as_they_are() {
    let Some(corpus) = corpus() else {
        return;
    };
    let truth = fs::read_to_string(corpus.join("csv_truth.tsv")).unwrap();
    let mut lines = truth.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let (mut wrong, mut count, mut arguable) = (Vec::new(), 0, 0);
    for line in lines {
        let truth = Truth { columns: line.split('\t').collect() };
        let file = truth.columns[0];
        let path = corpus.join("csv").join(file);
        if !path.exists() || file.ends_with(".zip") {
            continue;
        }
        let grade = truth.get(&names, "grade");
        let fault = nothing_lost(&path).or_else(|| match grade {
            "A" => certain(&path, &truth, &names),
            _ => None,
        });
        if grade == "B" && certain(&path, &truth, &names).is_some() {
            arguable += 1;
        }
        count += usize::from(grade == "A");
        wrong.extend(fault.map(|fault| format!("{grade} {file}: {fault}")));
    }
    println!("{}", wrong.join("\n"));
    println!(
        "{} wrong of {count} certain ones; {arguable} arguable ones read otherwise",
        wrong.len()
    );
    assert!(wrong.len() * 50 <= count, "{} of {count} are read wrong", wrong.len());
}
