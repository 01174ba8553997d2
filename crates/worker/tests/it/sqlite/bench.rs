//! What a load costs beside SQLite's own shell; run by hand: `cargo test --release -p worker -- --ignored --nocapture sqlite_beside_its_shell`.

use super::rig::{Lake, job, staged, topic};
use arrow_array::*;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use worker::sinks::sql::{Load, Loaded};

const ROWS: usize = 5_000_000;
const BATCH: usize = 8_192;

fn rows_from(first: usize) -> RecordBatch {
    let rows = first..(first + BATCH).min(ROWS);
    let mixed = |row: usize| row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64 + 1_000)))),
        (
            "amount",
            Arc::new(Float64Array::from_iter_values(
                rows.clone().map(|row| (mixed(row) % 1_000_000) as f64 / 1_000.0),
            )),
        ),
        (
            "name",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| format!("customer-{}", mixed(row) % 10_000_000)),
            )),
        ),
        (
            "day",
            Arc::new(Date32Array::from_iter_values(
                rows.clone().map(|row| (mixed(row) % 20_000) as i32),
            )),
        ),
        (
            "ok",
            Arc::new(BooleanArray::from_iter(rows.clone().map(|row| Some(mixed(row) % 2 == 0)))),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                rows.map(|row| (mixed(row) * 97 % 1_700_000_000_000_000) as i64),
            )),
        ),
    ];
    staged(job(1, 1), &columns)
}

fn write_parquet(path: &Path) {
    let schema = rows_from(0).schema();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    (0..ROWS).step_by(BATCH).for_each(|first| writer.write(&rows_from(first)).unwrap());
    writer.close().unwrap();
}

/// As SQLite has the values, so that both tables hold the same.
fn write_csv(lake: &Lake, path: &Path) {
    let select = "SELECT id, amount, name, day, ok, at FROM t";
    let mut shell = Command::new("sqlite3");
    let shell = shell.args(["-csv", "-header"]).arg(lake.path()).arg(select);
    assert!(shell.stdout(File::create(path).unwrap()).status().unwrap().success());
}

/// Of this process, the making of the file that is loaded included.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned()
}

#[test]
#[ignore = "measures, and takes a while"]
fn sqlite_beside_its_shell() {
    let lake = Lake::new();
    let (staged, csv) = (lake.0.path().join("staged.parquet"), lake.0.path().join("rows.csv"));
    write_parquet(&staged);
    let started = Instant::now();
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(&staged).unwrap()).unwrap();
    let load = Load {
        topic: &topic(),
        table: &"t".parse().unwrap(),
        job: job(1, 1),
        schema: file.schema().clone(),
        rows: ROWS as u64,
        supersede: &[],
        batches: &mut file.build().unwrap().map(|batch| Ok(batch.unwrap())),
    };
    assert_eq!(lake.sink().load(load).unwrap(), Loaded::Done);
    let ours = started.elapsed();
    let memory = peak_memory();
    write_csv(&lake, &csv);
    let imported = lake.0.path().join("imported.db");
    let started = Instant::now();
    let import = format!(".import --csv --skip 1 {} t", csv.display());
    let create =
        "CREATE TABLE t (id INTEGER, amount REAL, name TEXT, day TEXT, ok BOOLEAN, at TEXT)";
    let shell = Command::new("sqlite3").arg(&imported).arg(create).arg(import).status();
    assert!(shell.unwrap().success());
    let theirs = started.elapsed();
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{ROWS} rows: {ours:.2?}; .import --csv: {theirs:.2?}; ratio {ratio:.2}; {memory}");
    let started = Instant::now();
    let removed = lake.sink().retire(&"t".parse().unwrap(), &[job(1, 1)]).unwrap();
    println!("{removed} rows retired: {:.2?}", started.elapsed());
}
