//! `casparian explain`: what is known of a path, and why it was or was not processed.

mod directory;
mod facts;
mod job;
mod obstacle;
mod print;
mod verdict;

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::shown;
use crate::roles::sources_around;
use facts::Facts;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Explain a path: whether and when it was seen, its versions, rules, jobs and rows, and why it was or was not processed
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file, be it there or not; a directory gives a summary
    path: PathBuf,
    /// Versions and jobs that are shown, the newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let path = without_links_above(&arguments.path)?;
    let project = settings.project.root.clone();
    let printer = context.printer;
    context.read(&settings, async |catalog| {
        let sources = sources_around(&settings, catalog, &path).await?;
        let Some(source) = sources.first() else {
            return verdict::outside(printer, &path, &shown(path.as_os_str().as_bytes(), &project));
        };
        let facts = Facts::gather(&settings, catalog, source, &path, arguments.limit).await?;
        if facts.is_directory {
            return directory::print(printer, catalog, &facts, &project).await;
        }
        print::print(printer, &facts, &project)
    })?;
    Ok(Ending::Done)
}

/// Absolute, and without links in what is above it. The path itself may be one, or nothing.
fn without_links_above(path: &Path) -> Result<PathBuf, Failure> {
    let current = std::env::current_dir();
    let current = current.map_err(|error| {
        Failure::usage(format!("the current directory cannot be read: {error}"))
    })?;
    let absolute = current.join(path);
    let Some(name) = absolute.file_name() else {
        let real = std::fs::canonicalize(&absolute);
        return real.map_err(|error| Failure::usage(format!("{}: {error}", absolute.display())));
    };
    let mut rest = vec![OsString::from(name)];
    let mut above = absolute.parent().unwrap_or(Path::new("/"));
    loop {
        if let Ok(real) = std::fs::canonicalize(above) {
            return Ok(rest.iter().rev().fold(real, |path, part| path.join(part)));
        }
        match (above.file_name(), above.parent()) {
            (Some(name), Some(parent)) => {
                rest.push(name.to_owned());
                above = parent;
            }
            _ => return Ok(absolute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_above_a_path_are_followed_and_the_path_itself_may_be_anything() {
        let directory = tempfile::tempdir().unwrap();
        let real = std::fs::canonicalize(directory.path()).unwrap();
        std::fs::create_dir(real.join("a")).unwrap();
        std::os::unix::fs::symlink("a", real.join("b")).unwrap();
        let check = |path: &str, expected: &str| {
            assert_eq!(
                without_links_above(&real.join(path)).unwrap(),
                real.join(expected),
                "{path}"
            );
        };
        check("b/x.csv", "a/x.csv");
        check("b", "b");
        check("b/no/such/x.csv", "a/no/such/x.csv");
        check("a/../b/x.csv", "a/x.csv");
    }
}
