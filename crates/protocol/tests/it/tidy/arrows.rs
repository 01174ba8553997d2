//! Which crate may use which: DESIGN's arrows, and the libraries that belong to one crate alone.

use super::project::{self, SourceFile};
use toml::{Table, Value};

/// Our crates, and those of ours that each may use. A new crate is added here on purpose.
const ARROWS: [(&str, &[&str]); 7] = [
    ("casparian", &["catalog", "control", "protocol", "query", "readers", "worker"]),
    ("catalog", &["protocol"]),
    ("control", &["catalog", "protocol"]),
    ("protocol", &[]),
    ("query", &["readers"]),
    ("readers", &[]),
    ("worker", &["protocol"]),
];

/// Libraries with one user.
const SOLE_USERS: [(&str, &str); 4] = [
    ("rusqlite", "worker"),
    ("datafusion", "query"),
    ("clap", "casparian"),
    ("indicatif", "casparian"),
];

fn wrong_arrows(manifests: &[SourceFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for manifest in manifests {
        let table: Table = manifest.text.parse().expect(&manifest.path);
        let package = manifest.crate_name().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package) else {
            findings.push(format!("{}: crate '{package}' has no arrows yet", manifest.path));
            continue;
        };
        for used in dependencies(&table) {
            let ours = ARROWS.iter().any(|(name, _)| *name == used);
            if ours && !allowed.contains(&used.as_str()) {
                findings.push(format!("{}: {package} -> {used} is no arrow", manifest.path));
            }
            let owner = SOLE_USERS.iter().find(|(library, _)| *library == used);
            if let Some((_, owner)) = owner.filter(|(_, owner)| *owner != package) {
                findings.push(format!("{}: only {owner} may use {used}", manifest.path));
            }
        }
    }
    findings
}

/// The packages that a manifest names, in every kind of dependency table.
fn dependencies(manifest: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                found.extend(table.iter().map(|(name, spec)| package(name, spec)));
            }
            "target" => {
                found.extend(table.values().filter_map(Value::as_table).flat_map(dependencies));
            }
            _ => {}
        }
    }
    found
}

fn package(name: &str, spec: &Value) -> String {
    spec.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[test]
fn an_arrow_that_the_design_lacks_is_found_in_every_kind_of_table() {
    let check = |path: &str, text: &str, expected: &str| {
        let findings = wrong_arrows(&[SourceFile::new(path, text)]);
        assert_eq!(findings, [format!("{path}: {expected}")]);
    };
    let worker = "crates/worker/Cargo.toml";
    check(worker, "[dependencies]\ncatalog.workspace = true", "worker -> catalog is no arrow");
    check(worker, "[dev-dependencies]\ncontrol.workspace = true", "worker -> control is no arrow");
    check(
        worker,
        "[target.'cfg(unix)'.dependencies]\nx = { package = 'query', path = '../query' }",
        "worker -> query is no arrow",
    );
    check(worker, "[dependencies]\nclap = '1'", "only casparian may use clap");
    check("crates/util/Cargo.toml", "", "crate 'util' has no arrows yet");
}

#[test]
fn an_arrow_of_the_design_passes() {
    let text = "[dependencies]\ncatalog.workspace = true\nserde = '1'";
    assert!(wrong_arrows(&[SourceFile::new("crates/control/Cargo.toml", text)]).is_empty());
}

#[test]
fn the_crates_of_the_project_use_only_whom_they_may() {
    let manifests = project::files("crates", "Cargo.toml");
    assert!(manifests.len() >= 5, "found {} manifests", manifests.len());
    project::expect_none(&wrong_arrows(&manifests));
}
