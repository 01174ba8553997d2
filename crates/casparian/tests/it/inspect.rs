//! What files are, before anybody writes a plugin for them.

use super::project::Project;
use serde_json::json;

const DATES: &str = "day;amount;zip\n31/05/24;1,5;00501\n01/06/24;2,25;10001\n";

#[test]
fn a_file_is_shown_with_what_proves_its_types() {
    let project = Project::new();
    project.write("data/a.txt", DATES);
    let shown = project.json(&["inspect", "data/a.txt"]);
    assert_eq!((&shown["format"], &shown["encoding"]), (&json!("csv"), &json!("utf-8")), "{shown}");
    let columns = shown["columns"].as_array().unwrap();
    let types = columns.iter().map(|column| column["type"].as_str().unwrap());
    assert_eq!(types.collect::<Vec<_>>(), ["date(%d/%m/%y)", "float64(1234,5)", "text"]);
    assert!(columns[0]["evidence"].as_str().unwrap().contains("31/05/24"), "{shown}");
}

#[test]
fn the_reader_line_that_is_printed_pins_what_was_decided() {
    let project = Project::new();
    project.write("data/a.txt", DATES);
    let shown = project.casparian(&["inspect", "data/a.txt"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let pins = shown.stdout.lines().find_map(|line| line.strip_prefix("READER: ")).unwrap();
    let pinned = project.casparian(&["inspect", "data/a.txt", "--reader", pins]);
    assert_eq!(pinned.code, 0, "{}", pinned.stderr);
    let again = pinned.stdout.lines().find_map(|line| line.strip_prefix("READER: ")).unwrap();
    assert_eq!(again, pins);
}

#[test]
fn files_of_a_directory_are_grouped_by_what_they_are() {
    let project = Project::new();
    for n in 0..3 {
        project.write(&format!("data/orders_{n}.csv"), "id,amount\n1,2\n");
    }
    project.write("data/events.log", "{\"a\": 1}\n{\"a\": 2}\n");
    let grouped = project.json(&["families", "data"]);
    let families = grouped["families"].as_array().unwrap();
    let shapes =
        families.iter().map(|family| (family["format"].as_str(), family["files"].as_u64()));
    assert_eq!(shapes.collect::<Vec<_>>(), [(Some("csv"), Some(3)), (Some("ndjson"), Some(1))]);
}

#[test]
fn what_cannot_be_inspected_is_said_by_name() {
    let project = Project::new();
    let missing = project.casparian(&["inspect", "nowhere.csv"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("cannot read nowhere.csv"), "{}", missing.stderr);
    project.write("data/x.bin", b"\x7fELF\x02\x01\x01\0\0\0\0");
    let program = project.casparian(&["inspect", "data/x.bin"]);
    assert_eq!(program.code, 3);
    assert!(program.stdout.contains("executable"), "{}", program.stdout);
    let wrong = project.casparian(&["inspect", "data/x.bin", "--reader", "delimeter=;"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("'delimeter' is not known"), "{}", wrong.stderr);
}
