//! Every module of the Python package is imported by another one, or is a door: what the host starts, or what authors import.

use super::project::{self, SourceFile};

const PACKAGE: &str = "casparian_flow";
const DOORS: [&str; 3] = ["guest", "sdk", "__init__"];

fn strays(files: &[SourceFile]) -> Vec<String> {
    let stray = |file: &&SourceFile| {
        let name = module(file);
        !DOORS.contains(&name.as_str()) && !files.iter().any(|other| imports(other, &name))
    };
    files.iter().filter(stray).map(|file| format!("{}: nobody imports this", file.path)).collect()
}

/// `x` for `python/casparian_flow/x.py`, `a.x` one folder deeper; a package is its `__init__`.
fn module(file: &SourceFile) -> String {
    let (_, inside) = file.path.split_once(&format!("{PACKAGE}/")).unwrap_or(("", &file.path));
    let dotted = inside.trim_end_matches(".py").replace('/', ".");
    dotted.strip_suffix(".__init__").map_or(dotted.clone(), str::to_owned)
}

fn imports(file: &SourceFile, wanted: &str) -> bool {
    module(file) != wanted && file.text.lines().any(|line| line_imports(line.trim(), wanted))
}

/// Both `from <package>[.a] import x` and `import <package>.a.x`; relative imports are read as absolute ones.
fn line_imports(line: &str, wanted: &str) -> bool {
    let (from, names) = match line.strip_prefix("from ").and_then(|it| it.split_once(" import ")) {
        Some((from, names)) => (from.trim(), names),
        None => (line.strip_prefix("import ").unwrap_or_default(), ""),
    };
    let from = from.split([' ', ',']).next().unwrap_or_default();
    let inside = from.strip_prefix(PACKAGE).or(from.starts_with('.').then_some(from));
    let Some(inside) = inside.map(|it| it.trim_matches('.')) else { return false };
    let listed = names.split([',', '(', ')', ' ']).filter(|name| !name.is_empty());
    let full =
        |name: &str| if inside.is_empty() { name.to_owned() } else { format!("{inside}.{name}") };
    inside == wanted || listed.map(full).any(|name| name == wanted)
}

#[test]
fn a_module_that_nobody_imports_is_found() {
    let file =
        |name: &str, text: &str| SourceFile::new(&format!("python/{PACKAGE}/{name}.py"), text);
    let files = [
        file("__init__", "from casparian_flow.sdk import BasePlugin\n"),
        file("guest", "from casparian_flow import frames, arrow as a\nimport casparian_flow.log\n"),
        file("sdk", "from .convert import to_arrow\n# from casparian_flow import stray\n"),
        file("frames", ""),
        file("arrow", ""),
        file("log", ""),
        file("convert", ""),
        file("stray", "from casparian_flow.stray import itself\n"),
    ];
    assert_eq!(strays(&files), ["python/casparian_flow/stray.py: nobody imports this"]);
}

#[test]
fn every_module_of_the_sdk_is_used() {
    let files = project::files(&format!("python/{PACKAGE}"), ".py");
    assert!(files.iter().any(|file| file.name() == "guest.py"), "the host starts guest.py");
    project::expect_none(&strays(&files));
}
