//! `casparian init`.

use super::context::Context;
use crate::config::CONFIG_FILE;
use crate::failure::{Ending, Failure};
use serde_json::json;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const TEMPLATE: &str = include_str!("templates/casparian.toml");
const PLUGINS_README: &str = include_str!("templates/plugins.md");

/// Start a project: a casparian.toml with every setting explained, and a directory for plugins
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The directory; made where there is none [default: the current directory]
    dir: Option<PathBuf>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let given = arguments.dir.clone().or_else(|| context.flags.project.clone());
    let given = given.or_else(|| context.environment.project());
    let dir = given.unwrap_or_else(|| PathBuf::from("."));
    let plugins = context.flags.plugins_dir.clone().unwrap_or_else(|| dir.join("plugins"));
    make_directory(&dir)?;
    write_new(&dir.join(CONFIG_FILE), TEMPLATE)?;
    make_directory(&plugins)?;
    let readme = plugins.join("README.md");
    if !readme.exists() {
        write_new(&readme, PLUGINS_README)?;
    }
    let printer = context.printer;
    if printer.is_json() {
        let dir = fs::canonicalize(&dir).unwrap_or(dir);
        printer.document(&json!({ "project": dir.to_string_lossy() }))?;
    } else {
        printer.note(&format!(
            "{} is a project now. Put a plugin into {} (its README.md shows one), then: casparian run PATH",
            dir.display(),
            plugins.display(),
        ));
    }
    Ok(Ending::Done)
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path)
        .map_err(|error| Failure::usage(format!("cannot make {}: {error}", path.display())))
}

/// Nothing that is there is ever written over.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = fs::File::options().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::usage(format!("{} is already there", path.display()))
                .hint("this is a project already: `casparian doctor` shows its settings"))
        }
        Err(error) => Err(Failure::usage(format!("cannot write {}: {error}", path.display()))),
    }
}
