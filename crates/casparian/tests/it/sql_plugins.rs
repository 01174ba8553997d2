//! Plugins of one or several SELECTs, end to end.

use super::project::Project;
use serde_json::json;

const ORDERS: &str = "-- PATTERN: exports/**/orders_*.csv
-- TOPIC: orders
SELECT order_id, CAST(amount AS DECIMAL(12,2)) AS amount, region FROM file WHERE amount IS NOT NULL
";
const CSV: &str = "order_id,amount,region\n1,10.5,north\n2,,south\n3,7,\"east, far\"\n";

fn project(plugin: &str, file: &str, content: impl AsRef<[u8]>) -> Project {
    let project = Project::new();
    project.write("plugins/p.sql", plugin);
    project.write(&format!("data/{file}"), content);
    project
}

#[test]
fn the_plugin_of_the_first_page_works_as_written() {
    let project = project(ORDERS, "exports/2024/orders_a.csv", CSV);
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["rows"], json!(2));
    assert_eq!(project.column("orders", "order_id"), ["1", "3"]);
    assert_eq!(project.column("orders", "amount"), ["10.50", "7.00"]);
    assert_eq!(project.column("orders", "region"), ["east, far", "north"]);
    let topic = project.json(&["topics", "orders", "--schema"]);
    let columns = topic["topics"][0]["columns"].as_array().unwrap();
    let types = columns.iter().map(|column| column["type"].as_str().unwrap().to_owned());
    assert_eq!(types.collect::<Vec<_>>(), ["int64", "decimal(12, 2)", "text"]);
    let plugin = &project.json(&["plugins"])["plugins"][0];
    assert_eq!((&plugin["name"], &plugin["language"]), (&json!("p"), &json!("sql")));
    assert_eq!(project.json(&["verify"])["clean"], json!(true));
    // P5: nothing is done again.
    assert_eq!(project.json(&["run", "data"])["jobs_completed"], json!(0));
}

#[test]
fn a_changed_file_and_a_changed_plugin_replace_the_rows() {
    let project = project(ORDERS, "exports/orders_a.csv", CSV);
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    project.write("data/exports/orders_a.csv", format!("{CSV}4,1,west\n"));
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(project.column("orders", "order_id"), ["1", "3", "4"]);
    project.write("plugins/p.sql", ORDERS.replace("IS NOT NULL", "> 5"));
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(project.column("orders", "order_id"), ["1", "3", "4"]);
    assert_eq!(project.casparian(&["backfill", "p"]).code, 0);
    assert_eq!(project.casparian(&["run", "data"]).code, 0);
    assert_eq!(project.column("orders", "order_id"), ["1", "3"]);
}

#[test]
fn several_statements_write_to_the_topics_in_their_order() {
    let plugin = "-- PATTERN: *.csv
-- TOPIC: regions
-- TOPIC: rows
SELECT region, count(*) AS n, sum(amount) AS total FROM file GROUP BY region ORDER BY region;
SELECT *, _row, _offset FROM file;
";
    let csv = "region,amount\nnorth,1\nsouth,2\nnorth,3\n";
    let project = project(plugin, "a.csv", csv);
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(project.column("regions", "region"), ["north", "south"]);
    assert_eq!(project.column("regions", "n"), ["1", "2"]);
    assert_eq!(project.column("regions", "total"), ["2", "4"]);
    assert_eq!(project.column("rows", "region"), ["north", "north", "south"]);
    assert_eq!(project.column("rows", "_row"), ["1", "2", "3"]);
    let offsets = project.column("rows", "_offset");
    let expected = ["14", "22", "30"];
    assert_eq!(offsets, expected);
    for (offset, line) in offsets.iter().zip(["north,1", "south,2", "north,3"]) {
        assert!(csv[offset.parse().unwrap()..].starts_with(line));
    }
}

#[test]
fn what_cannot_be_read_is_in_quarantine_with_its_place() {
    let plugin = "-- PATTERN: *.csv
-- TOPIC: measured
-- READER: delimiter=; types=value:int64
SELECT * FROM file
";
    let good = (0..20).map(|n| format!("s{n};{n}\n")).collect::<String>();
    let csv = format!("sensor;value\n{good}broken;1;2\ns21;many\ns22;22\n");
    let project = project(plugin, "a.csv", &csv);
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let run = run.json();
    assert_eq!((&run["rows"], &run["rows_quarantined"]), (&json!(21), &json!(2)));
    let rows = project.json(&["quarantine", "--rows"]);
    let rows = rows["rows"].as_array().unwrap();
    let at = |text: &str| csv.find(text).unwrap();
    let places =
        rows.iter().map(|row| (row["row"].as_u64(), row["line"].as_u64(), row["offset"].as_u64()));
    let expected = [
        (Some(21), Some(22), Some(at("broken") as u64)),
        (Some(22), Some(23), Some(at("s21") as u64)),
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
    assert_eq!(rows[1]["column"], json!("value"));
    assert!(rows[1]["reason"].as_str().unwrap().contains("'many' is no int64"), "{rows:?}");
    assert!(rows[0]["record"].as_str().unwrap().contains("broken;1;2"), "{rows:?}");
    assert_eq!(project.json(&["verify"])["clean"], json!(true));
}

#[test]
fn what_is_wrong_with_a_plugin_is_said_with_its_line() {
    for (plugin, expected) in [
        (
            "-- PATTERN: *.csv\n-- TOPIC: t\nDROP TABLE file\n",
            "plugins/p.sql:3: only SELECT is for plugins",
        ),
        ("-- PATTERN: *.csv\n-- TOPIC: t\nSELECT a FROM\n", "plugins/p.sql:3:"),
        ("-- PATTERN: *.csv\n-- TOPIC: t\nSELECT 1; SELECT 2\n", "2 statements"),
        (
            "-- PATTERN: *.csv\n-- TOPIC: t\n-- READER: delimeter=;\nSELECT * FROM file\n",
            "plugins/p.sql:3:",
        ),
        ("-- PATTERN: *.csv\n-- TOPIC: t\n", "there is no statement"),
    ] {
        let project = project(plugin, "a.csv", CSV);
        project.casparian(&["run", "data"]);
        let listed = project.json(&["plugins"]);
        let listed = &listed["plugins"][0];
        assert_eq!(listed["status"], json!("REJECTED"), "{listed}");
        let error = listed["error"].as_str().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_statement_that_does_not_go_with_the_file_fails_its_job_by_name() {
    let project =
        project("-- PATTERN: *.csv\n-- TOPIC: t\nSELECT amuont FROM file\n", "a.csv", CSV);
    project.write("data/empty.csv", "");
    let run = project.casparian(&["run", "data", "--json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["jobs_completed"], json!(1));
    let jobs = project.json(&["jobs", "list", "--status", "FAILED"]);
    let error = jobs["jobs"][0]["error"].as_str().unwrap();
    assert!(error.contains("statement 1") && error.contains("amuont"), "{error}");
}

#[test]
fn names_are_found_as_people_write_them() {
    let plugin = "-- PATTERN: *.csv
-- TOPIC: t
SELECT OrderID, f.\"Unit Price\" AS UnitPrice FROM file f WHERE orderid > 1 ORDER BY unitprice
";
    let project = project(plugin, "a.csv", "OrderID,Unit Price\n1,2.5\n2,3.5\n");
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(project.column("t", "OrderID"), ["2"]);
    assert_eq!(project.column("t", "UnitPrice"), ["3.5"]);
}

#[test]
fn other_formats_and_packed_files_are_read_by_their_content() {
    let plugin = "-- PATTERN: **\n-- TOPIC: t\nSELECT id, name FROM file\n";
    let project =
        project(plugin, "a.txt", "{\"id\": 1, \"name\": \"a\"}\n{\"id\": 2, \"name\": \"b\"}\n");
    project.write("data/b.dat", "[{\"id\": 3, \"name\": \"c\"}, {\"id\": 4, \"name\": \"d\"}]");
    project.write("data/c.bin", "id;name\n5;e\n6;f\n");
    let run = project.casparian(&["run", "data"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(project.column("t", "id"), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(project.column("t", "name"), ["a", "b", "c", "d", "e", "f"]);
}
