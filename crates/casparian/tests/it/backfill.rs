//! `backfill`: what is there once more, by the plugin's present version.

use super::project::{ORDERS, Project};

/// Adds a column that tells which source made a row.
fn by(source: u32) -> String {
    let column = format!("return [dict(row, by={source}) for row in csv.DictReader(file)]");
    ORDERS.replace("return list(csv.DictReader(file))", &column)
}

fn with_three_files() -> Project {
    let project = Project::with_orders();
    project.write("plugins/orders.py", by(1));
    for name in ["2024/a", "2025/b", "2025/c"] {
        project.write(&format!("data/{name}.csv"), format!("x\n{name}\n"));
    }
    project.json(&["run", "data"]);
    project
}

#[test]
fn a_new_version_of_a_plugin_takes_up_the_files_that_are_chosen() {
    let project = with_three_files();
    let nothing = project.json(&["backfill", "orders"]);
    assert_eq!((&nothing["jobs"], &nothing["done"]), (&0.into(), &3.into()));
    project.write("plugins/orders.py", by(2));
    let chosen = ["backfill", "orders", "--where", "path='2025/**' and since=1d"];
    let dry = project.json(&[&chosen[..], &["--dry-run"]].concat());
    assert_eq!(
        (&dry["files"], &dry["jobs"], &dry["dry_run"]),
        (&2.into(), &2.into(), &true.into())
    );
    assert_eq!(project.json(&["run", "data"])["jobs_completed"], 0, "nothing was asked for");
    project.json(&chosen);
    assert_eq!(project.json(&["run", "data"])["jobs_completed"], 2);
    assert_eq!(project.column("orders", "by"), ["1", "2", "2"]);
    let text = project.casparian(&["backfill", "orders", "--dry-run"]).stdout;
    assert!(text.contains("to do  1 by the plugin's present version\n"), "{text}");
    assert!(text.contains("done   2 by the plugin's present version already\n"), "{text}");
}

#[test]
fn what_cannot_be_made_anew_is_counted_and_named() {
    let project = with_three_files();
    std::fs::remove_file(project.path("data/2024/a.csv")).unwrap();
    project.json(&["run", "data"]);
    project.write("plugins/orders.py", by(2));
    let document = project.json(&["backfill", "orders"]);
    assert_eq!((&document["files"], &document["gone"]), (&2.into(), &1.into()));
    assert!(document["gone_examples"][0]["path"].as_str().unwrap().ends_with("data/2024/a.csv"));
    project.json(&["run", "data"]);
    assert_eq!(project.column("orders", "by"), ["1", "2", "2"], "rows of a deleted file stay");
    let text = project.casparian(&["backfill", "orders"]).stdout;
    assert!(text.contains("gone: data/2024/a.csv (job "), "{text}");
}

#[test]
fn what_was_asked_for_wrongly_is_named() {
    let project = with_three_files();
    for (arguments, error) in [
        (&["backfill", "nobody"][..], "plugin nobody has no ACTIVE version"),
        (
            &["backfill", "orders", "--where", "colour=red"],
            "--where: 'colour' is nothing to choose files by",
        ),
        (&["backfill", "orders", "--where", "since=soon"], "--where: since: 'soon' does not fit"),
    ] {
        let outcome = project.casparian(arguments);
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert!(outcome.stderr.contains(error), "{}", outcome.stderr);
    }
}
