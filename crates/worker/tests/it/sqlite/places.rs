//! Files that are not there, not ours, not writable, no files, or out of room.

use super::rig::{FILE, Lake, PATIENCE, ints, job, load_into, shell, staged, topic};
use protocol::{Column, ErrorClass, TopicSchema};
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use worker::sinks::SinkError;
use worker::sinks::sqlite::{SqliteReader, SqliteSink};

fn open(root: &Path, file: &str) -> Result<SqliteSink, SinkError> {
    SqliteSink::open(root, file, PATIENCE)
}

fn refused(root: &Path, file: &str) -> SinkError {
    open(root, file).err().expect("it was opened")
}

fn load(sink: &mut SqliteSink) {
    let rows = [staged(job(1, 1), &[("a", ints(&[1]))])];
    load_into(sink, "t", job(1, 1), &rows, &[]).unwrap();
}

#[test]
fn a_new_file_is_one_file_without_companions() {
    let lake = TempDir::new().unwrap();
    load(&mut open(lake.path(), "a/b/x.db").unwrap());
    let names = std::fs::read_dir(lake.path().join("a/b")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["x.db"]);
    assert_eq!(shell(&lake.path().join("a/b/x.db"), "PRAGMA journal_mode"), ["delete"]);
    assert_eq!(shell(&lake.path().join("a/b/x.db"), "PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn a_file_with_another_journal_keeps_it() {
    let lake = Lake::new();
    lake.shell("PRAGMA journal_mode = WAL");
    let mut sink = lake.sink();
    load(&mut sink);
    assert_eq!(lake.shell("PRAGMA journal_mode"), ["wal"]);
    assert_eq!(lake.counts("t"), [(1, 1)]);
}

#[test]
fn links_are_followed_to_the_output_root_and_no_further() {
    let (place, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    std::fs::create_dir(place.path().join("real")).unwrap();
    let root = place.path().join("root");
    symlink(place.path().join("real"), &root).unwrap();
    load(&mut open(&root, FILE).unwrap());
    assert_eq!(shell(&place.path().join("real/x.db"), "SELECT a FROM t"), ["1"]);
    symlink(outside.path(), root.join("out")).unwrap();
    let error = refused(&root, "out/x.db").to_string();
    assert!(error.contains("is a symbolic link or no directory"), "{error}");
    symlink(outside.path().join("target.db"), root.join("link.db")).unwrap();
    symlink("x.db", root.join("inside.db")).unwrap();
    std::fs::create_dir(root.join("directory.db")).unwrap();
    for file in ["link.db", "inside.db", "directory.db"] {
        let error = refused(&root, file).to_string();
        assert!(error.ends_with("is a symbolic link or no file; name the file itself"), "{error}");
        assert!(SqliteReader::open(&root, file, PATIENCE).is_err());
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn an_absolute_file_may_lie_below_a_link_and_its_directory_has_to_be_there() {
    let (root, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    std::fs::create_dir(other.path().join("real")).unwrap();
    symlink("real", other.path().join("link")).unwrap();
    let file = other.path().join("link/x.db").to_str().unwrap().to_owned();
    load(&mut open(root.path(), &file).unwrap());
    assert_eq!(shell(&other.path().join("real/x.db"), "SELECT a FROM t"), ["1"]);
    assert!(SqliteReader::open(root.path(), &file, PATIENCE).unwrap().is_some());
    let missing = other.path().join("missing/x.db").to_str().unwrap().to_owned();
    let error = refused(root.path(), &missing).to_string();
    assert!(error.starts_with(&format!("the directory of {missing} is not there")), "{error}");
    assert!(SqliteReader::open(root.path(), &missing, PATIENCE).unwrap().is_none());
}

#[test]
fn a_table_or_view_of_others_is_refused_by_name() {
    for made in ["CREATE TABLE T (a)", "CREATE VIEW t AS SELECT 1 AS a"] {
        let lake = Lake::new();
        lake.shell(made);
        let error = lake.refused(job(1, 1), &[("a", ints(&[1]))]);
        let expected = format!(
            "{}: table 't' was not made by this sink; drop or rename it, or name another table in the sink's address",
            lake.path().display()
        );
        assert_eq!(error, expected);
        // Tables of others in the same file are no trouble.
        lake.done_in("other", job(1, 1));
    }
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    let lake = Lake::new();
    let text = "this is a letter, not a database\n".repeat(100);
    std::fs::write(lake.path(), &text).unwrap();
    let error = refused(lake.0.path(), FILE);
    assert_eq!(error.class(), ErrorClass::Sink);
    assert_eq!(
        error.to_string(),
        format!(
            "{} is no SQLite database; move it away, or name another file in the sink's address",
            lake.path().display()
        )
    );
    assert_eq!(std::fs::read_to_string(lake.path()).unwrap(), text);
}

#[test]
fn a_damaged_file_is_named_with_what_may_help() {
    let lake = Lake::new();
    let many: Vec<i64> = (0..5_000).collect();
    lake.done(job(1, 1), &[("a", ints(&many))]);
    let mut bytes = std::fs::read(lake.path()).unwrap();
    let len = bytes.len();
    bytes[4_096 * 3..len].fill(0xff);
    std::fs::write(lake.path(), bytes).unwrap();
    let error = lake.refused(job(2, 1), &[("a", ints(&[1]))]);
    assert!(error.contains("is damaged") && error.contains(".recover"), "{error}");
}

#[test]
fn a_file_that_is_removed_or_replaced_while_it_is_open_is_opened_anew() {
    let lake = TempDir::new().unwrap();
    let place = lake.path().join("a");
    let mut sink = open(lake.path(), "a/x.db").unwrap();
    load(&mut sink);
    std::fs::remove_file(place.join("x.db")).unwrap();
    load(&mut sink);
    assert_eq!(shell(&place.join("x.db"), "SELECT count(*) FROM t"), ["1"]);
    std::fs::rename(&place, lake.path().join("b")).unwrap();
    load(&mut sink);
    assert_eq!(shell(&place.join("x.db"), "SELECT count(*) FROM t"), ["1"]);
    std::fs::copy(place.join("x.db"), place.join("copy.db")).unwrap();
    std::fs::rename(place.join("copy.db"), place.join("x.db")).unwrap();
    let rows = [staged(job(2, 1), &[("a", ints(&[2]))])];
    load_into(&mut sink, "t", job(2, 1), &rows, &[]).unwrap();
    assert_eq!(shell(&place.join("x.db"), "SELECT count(*) FROM t"), ["2"]);
}

#[test]
fn what_a_table_will_not_take_is_known_before_anything_is_loaded() {
    let lake = Lake::new();
    lake.done(job(1, 1), &[("a", ints(&[1]))]);
    lake.shell("CREATE TABLE theirs (a)");
    let check = |table: &str, columns: &[(&str, &str)]| {
        let column = |(name, text): &(&str, &str)| Column::new(*name, text.parse().unwrap());
        let schema = TopicSchema { columns: columns.iter().map(column).collect() };
        let checked = lake.reader().check(&table.parse().unwrap(), &topic(), &schema);
        checked.map_err(|error| error.to_string())
    };
    assert_eq!(check("t", &[("b", "text"), ("a", "decimal(30, 2)"), ("n", "null")]), Ok(()));
    assert_eq!(check("new", &[("b", "text")]), Ok(()));
    for (table, column, expected) in [
        ("theirs", ("a", "int64"), "was not made by this sink"),
        ("t", ("a", "text"), "is int64 and cannot also hold text"),
        ("t", ("a\0", "text"), "holds a NUL character"),
    ] {
        let error = check(table, &[column]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let names: Vec<String> = (0..1_999).map(|at| format!("c{at}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "text")).collect();
    assert!(check("new", &many).unwrap_err().contains("2001 columns with those of the lineage"));
    assert_eq!(lake.shell("SELECT count(*) FROM sqlite_schema WHERE name = 'new'"), ["0"]);
}
