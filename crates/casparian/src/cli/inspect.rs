//! `casparian inspect`.

mod document;
mod print;

use super::context::Context;
use super::families;
use crate::failure::{Ending, Failure};
use readers::{Input, Pins, Profile, Settings, profile};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Show what a file is and what is in it: format, columns with types and what proves them, problems; of a directory, its families of files
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file, or a directory
    path: PathBuf,
    /// What is not to be detected, as a READER line says it: `delimiter=; header=2 types=text`
    #[arg(long, value_name = "PINS")]
    reader: Option<String>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let path = &arguments.path;
    let kind = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if kind.is_dir() {
        if arguments.reader.is_some() {
            return Err(Failure::usage("--reader is for one file, and this is a directory"));
        }
        return families::show(path, families::LIMIT, context);
    }
    if !kind.is_file() {
        return Err(Failure::usage(format!(
            "{} is neither a file nor a directory",
            path.display()
        )));
    }
    let pins = Pins::parse(arguments.reader.as_deref().unwrap_or_default())
        .map_err(|error| Failure::usage(format!("--reader: {error}")))?;
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let input = Input::new(file).map_err(|error| unreadable(path, &error))?;
    let inspected = Inspected {
        path,
        bytes: input.len(),
        result: profile(&input, &pins, &Settings::default(), scratch),
    };
    if context.printer.is_json() {
        context.printer.document(&document::document(&inspected))?;
    } else {
        print::print(&inspected, context.printer)?;
    }
    Ok(match &inspected.result {
        Ok(profile) if profile.broken.is_none() => Ending::Done,
        _ => Ending::WithFailures,
    })
}

struct Inspected<'a> {
    path: &'a Path,
    bytes: u64,
    result: Result<Profile, readers::ReadError>,
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}

/// Samples lie in memory, and nowhere for anybody to find.
fn scratch() -> Option<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    rustix::fs::memfd_create("samples", flags).ok().map(File::from)
}
