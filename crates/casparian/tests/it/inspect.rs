//! `inspect` and `families`.

use super::project::Project;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

const ORDERS: &str =
    "id;on;amount;region\n1;31/05/24;1.234,50;north\n2;01/06/24;7,25;\n3;02/06/24;9,00;south\n";

#[test]
fn a_file_is_told_with_what_proves_it_and_how_to_pin_it() {
    let project = Project::new();
    project.write("orders.csv", ORDERS);
    let document = project.json(&["inspect", "orders.csv"]);
    assert_eq!(document["format"], "csv");
    assert_eq!(document["encoding"], "utf-8");
    assert_eq!(document["layout"]["delimiter"], ";");
    assert_eq!((&document["rows"], &document["rows_are"]), (&json!(3), &json!("exact")));
    assert_eq!(document["rows_sampled"], Value::Null);
    assert_eq!((&document["problem_count"], &document["broken"]), (&json!(0), &Value::Null));
    let columns = document["columns"].as_array().unwrap();
    let types = columns.iter().map(|column| column["type"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(types[..2], ["int64", "date(%d/%m/%y)"]);
    assert!(columns[1]["evidence"].as_str().unwrap().contains("31/05/24"), "{}", columns[1]);
    assert_eq!(columns[1]["min"], "2024-05-31");
    assert_eq!(columns[1]["max"], "2024-06-02");
    assert_eq!(
        (&columns[3]["nulls"], &columns[3]["samples"]),
        (&json!(1), &json!(["north", "south"]))
    );
    let pins = document["reader"].as_str().unwrap();
    let again = project.json(&["inspect", "orders.csv", "--reader", pins]);
    assert_eq!(again["reader"], document["reader"]);
    let text = project.casparian(&["inspect", "orders.csv"]).stdout;
    assert!(
        text.contains("format    csv\n") && text.contains(&format!("READER: {pins}\n")),
        "{text}"
    );
}

#[test]
fn rows_that_cannot_be_read_are_shown_with_line_and_offset() {
    let project = Project::new();
    let rows: String = (0..50).map(|row| format!("{row},x\n")).collect();
    project.write("bad.csv", format!("a,b\n{rows}1,2,3\n50,y\n"));
    let document = project.json(&["inspect", "bad.csv"]);
    assert_eq!(document["problem_count"], 1);
    let problem = &document["problems"][0];
    assert_eq!((&problem["line"], &problem["record"]), (&json!(52), &json!("1,2,3")));
    assert_eq!(problem["offset"], 4 + rows.len());
    let text = project.casparian(&["inspect", "bad.csv"]).stdout;
    assert!(text.contains("1 row cannot be read and would go to quarantine:"), "{text}");
}

#[test]
fn what_is_not_read_says_what_it_is_and_ends_with_3() {
    let project = Project::new();
    project.write("a.pdf", "%PDF-1.7\n");
    let outcome = project.casparian(&["inspect", "a.pdf", "--json"]);
    assert_eq!(outcome.code, 3);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let error = document["error"].as_str().unwrap();
    assert!(error.starts_with("this is a PDF document, which is not read as a table: "), "{error}");
    let outcome = project.casparian(&["inspect", "none.csv"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("cannot read none.csv: No such file or directory"),
        "{}",
        outcome.stderr
    );
    project.write("b.csv", "a\n1\n");
    let outcome = project.casparian(&["inspect", "b.csv", "--reader", "delimeter=;"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("--reader: 'delimeter' is not known; known keys: "),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_large_file_is_sampled_and_says_so() {
    let project = Project::new();
    let rows: String = (0..20_000)
        .map(|row| format!("{row},word {},2024-01-{:02}\n", row % 7, row % 28 + 1))
        .collect();
    let mut file = fs::File::create(project.path("large.csv")).unwrap();
    std::io::Write::write_all(&mut file, b"id,word,on\n").unwrap();
    for _ in 0..150 {
        std::io::Write::write_all(&mut file, rows.as_bytes()).unwrap();
    }
    drop(file);
    let began = Instant::now();
    let document = project.json(&["inspect", "large.csv"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(document["rows_are"], "estimate");
    let rows = document["rows"].as_f64().unwrap();
    assert!((rows / 3_000_000.0 - 1.0).abs() < 0.1, "{rows}");
    assert!(document["rows_sampled"].as_u64().unwrap() < 3_000_000);
    let text = project.casparian(&["inspect", "large.csv"]).stdout;
    assert!(text.contains("; what follows is told by "), "{text}");
}

#[test]
fn files_of_one_shape_are_one_family() {
    let project = Project::new();
    for day in 1..=9 {
        project.write(
            &format!("in/2024/orders_2024-01-0{day}.csv"),
            format!("id,amount\n{day},1.5\n"),
        );
    }
    project.write("in/orders_2024-02-01.csv", "id,amount,region\n1,1.5,north\n");
    project.write("in/events.ndjson", "{\"at\": 1}\n{\"at\": 2}\n");
    project.write("in/a.pdf", "%PDF-1.7\n");
    project.write("in/.git/config", "x");
    let document = project.json(&["families", "in"]);
    assert_eq!((&document["files"], &document["family_count"]), (&json!(12), &json!(4)));
    let family = &document["families"][0];
    assert_eq!((&family["files"], &family["name"]), (&json!(9), &json!("orders_#-#-#.csv")));
    assert_eq!((&family["format"], &family["columns"]), (&json!("csv"), &json!(["id", "amount"])));
    assert_eq!(family["sample"]["path"], "in/2024/orders_2024-01-01.csv");
    let unread = document["families"]
        .as_array()
        .unwrap()
        .iter()
        .find(|family| family["is_read"] == false)
        .unwrap();
    assert_eq!(unread["format"], "a PDF document");
    let one = project.json(&["families", "in", "--limit", "1"]);
    assert_eq!((one["families"].as_array().unwrap().len(), &one["family_count"]), (1, &json!(4)));
    assert_eq!(project.json(&["inspect", "in"]), document);
}

#[test]
fn names_reach_the_terminal_cleaned() {
    let project = Project::new();
    let name = std::ffi::OsStr::from_bytes(b"in/a\x1b[31m\xff.csv");
    fs::create_dir(project.path("in")).unwrap();
    fs::write(project.path("").join(Path::new(name)), "a\x1b[2J,b\n1,2\n").unwrap();
    for arguments in [["families", "in"], ["inspect", "in"]] {
        let text = project.casparian(&arguments).stdout;
        assert!(text.contains(r"a\x1b[31m\xff.csv") && !text.contains('\x1b'), "{text}");
    }
}
