//! What is scouted: the paths that were named, else the sources of casparian.toml.

use crate::config::{HashMode, Settings, Settle, Text};
use crate::failure::{Failure, Kind};
use catalog::Catalog;
use control::clock::SystemClock;
use control::scout::{Scout, ScoutError, ScoutSettings, Source};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Other programs watch, too: this many of a user's watches are left to them.
const WATCHES_LEFT: usize = 4_096;

/// What a command asks of scout.
#[derive(Debug, Clone)]
pub struct Scouting {
    /// None: the configured sources.
    pub paths: Vec<PathBuf>,
    /// Hash what no plugin wants, too.
    pub all: bool,
    /// For sources that say nothing about it.
    pub settle: Duration,
    /// What is not there is waited for.
    pub awaits: bool,
    /// What is missing in a source that is in doubt is deleted.
    pub confirm_deletions: bool,
}

pub async fn scout(
    settings: &Settings,
    catalog: &Catalog,
    scouting: &Scouting,
) -> Result<Scout, Failure> {
    let sources = if scouting.paths.is_empty() {
        configured(settings, scouting.settle, scouting.awaits)?
    } else {
        named(settings, catalog, scouting).await?
    };
    let hash = match settings.hash.value {
        HashMode::Routed if !scouting.all => control::scout::HashMode::Routed,
        _ => control::scout::HashMode::All,
    };
    let settings = ScoutSettings {
        sources,
        own: own_places(settings),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        hash,
        sweep: settings.sweep.value.get(),
        watches_max: watches_max(),
        confirm_deletions: scouting.confirm_deletions,
    };
    Ok(Scout::new(catalog.clone(), Arc::new(SystemClock), settings))
}

/// One that is not there does not keep the others from being scouted: each pass reports it.
fn configured(settings: &Settings, settle: Duration, awaits: bool) -> Result<Vec<Source>, Failure> {
    let entries = &settings.file.sources;
    let awaits = awaits || entries.len() > 1;
    let mut sources = Vec::new();
    for entry in entries {
        let path = path_of(settings, &entry.path);
        let mut source = at(&path, &[], awaits)?;
        source.ignore.clone_from(&entry.ignore);
        source.settle = entry.settle.map_or(settle, Settle::get);
        add(&mut sources, source);
    }
    if sources.is_empty() {
        return Err(Failure::usage("no sources: there is nothing to look at")
            .hint("name a PATH, or add to casparian.toml:  [[sources]]  path = \"data\""));
    }
    Ok(sources)
}

fn at(path: &Path, known: &[PathBuf], awaits: bool) -> Result<Source, Failure> {
    match Source::at(path, known) {
        Err(ScoutError::SourceUnreadable { .. }) if awaits => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Ok(Source::awaited(path))
        }
        found => Ok(found?),
    }
}

/// A path that casparian.toml names keeps what is said of it there.
async fn named(
    settings: &Settings,
    catalog: &Catalog,
    scouting: &Scouting,
) -> Result<Vec<Source>, Failure> {
    let configured = configured(settings, scouting.settle, true).unwrap_or_default();
    let mut sources = Vec::new();
    for path in &scouting.paths {
        let known = known_around(catalog, &configured, path).await?;
        let mut source = at(path, &known, scouting.awaits)?;
        source.settle = scouting.settle;
        if let Some(entry) = configured.iter().find(|entry| entry.path() == source.path()) {
            source.ignore.clone_from(&entry.ignore);
            source.settle = entry.settle;
        }
        add(&mut sources, source);
    }
    Ok(sources)
}

/// Sources that a file may lie in: the configured ones and those that the catalog knows.
async fn known_around(
    catalog: &Catalog,
    configured: &[Source],
    path: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut known = configured.iter().map(|it| it.path().to_owned()).collect::<Vec<_>>();
    let Ok(real) = std::fs::canonicalize(path) else { return Ok(known) };
    for directory in real.ancestors().skip(1) {
        if catalog.root_of(directory.as_os_str().as_bytes()).await?.is_some() {
            known.push(directory.to_owned());
        }
    }
    Ok(known)
}

/// The sources that a path lies in, the innermost first, as a scan would take them.
pub async fn sources_around(
    settings: &Settings,
    catalog: &Catalog,
    path: &Path,
) -> Result<Vec<Source>, Failure> {
    let configured = configured(settings, Duration::ZERO, true).unwrap_or_default();
    let mut sources = Vec::new();
    for directory in path.ancestors() {
        if let Some(source) = configured.iter().find(|source| source.path() == directory) {
            add(&mut sources, source.clone());
        } else if catalog.root_of(directory.as_os_str().as_bytes()).await?.is_some()
            && let Ok(source) = Source::at(directory, &[])
        {
            add(&mut sources, source);
        }
    }
    Ok(sources)
}

/// Configured sources that cannot be read at this moment, and why.
pub fn away(settings: &Settings) -> Vec<(PathBuf, String)> {
    let paths = settings.file.sources.iter().map(|entry| path_of(settings, &entry.path));
    paths
        .filter_map(|path| Some((std::fs::read_dir(&path).err()?, path)))
        .filter_map(|(error, path)| {
            let is_file = error.kind() == std::io::ErrorKind::NotADirectory && path.is_file();
            (!is_file).then(|| (path, error.to_string()))
        })
        .collect()
}

fn add(sources: &mut Vec<Source>, source: Source) {
    if !sources.contains(&source) {
        sources.push(source);
    }
}

fn path_of(settings: &Settings, path: &Text) -> PathBuf {
    settings.project.root.join(path.get_ref())
}

/// State and output are never an input.
pub fn own_places(settings: &Settings) -> Vec<PathBuf> {
    let catalog = settings.catalog.value.file();
    let files = catalog.into_iter().flat_map(|catalog| {
        ["", "-wal", "-shm"].map(|end| {
            let mut name = catalog.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        })
    });
    let places = [settings.project.state(), settings.output.value.clone()];
    places.into_iter().chain(files).collect()
}

fn watches_max() -> usize {
    let allowed = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let allowed = allowed.ok().and_then(|text| text.trim().parse::<usize>().ok());
    allowed.unwrap_or(0).saturating_sub(WATCHES_LEFT)
}

impl From<ScoutError> for Failure {
    fn from(error: ScoutError) -> Self {
        match error {
            ScoutError::Catalog(error) => error.into(),
            ScoutError::SourceUnreadable { .. }
            | ScoutError::SourceSpecial { .. }
            | ScoutError::SourceIsOurs { .. }
            | ScoutError::Route(_)
            | ScoutError::Ignore(_) => Self::usage(error.to_string()),
            ScoutError::Thread(_) => Self::new(Kind::Unreachable, error.to_string()),
        }
    }
}
