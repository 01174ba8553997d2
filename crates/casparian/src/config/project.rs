//! The project: a directory with casparian.toml (or without), `plugins/`, `.casparian/` (state) and `lake/` (output).

use super::environment::{Environment, PROJECT};
use super::error::ConfigError;
use super::setting::Origin;
use rustix::process::geteuid;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub const CONFIG_FILE: &str = "casparian.toml";
/// State that can be thrown away only together with the output.
pub const STATE: &str = ".casparian";

#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute, without links.
    pub root: PathBuf,
    pub origin: Origin,
}

impl Project {
    /// By flag, by variable, else the current directory or the nearest one above it that is a project.
    pub fn find(flag: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        if let Some(path) = flag {
            return Self::at(path, Origin::Flag("--project"));
        }
        if let Some(path) = environment.project() {
            return Self::at(&path, Origin::Variable(PROJECT));
        }
        let current = std::env::current_dir();
        let current = current.map_err(|cause| ConfigError::NoCurrentDirectory { cause })?;
        let nearest = current.ancestors().find(|directory| is_project(directory));
        Self::at(nearest.unwrap_or(&current), Origin::Default)
    }

    fn at(path: &Path, origin: Origin) -> Result<Self, ConfigError> {
        let root = std::fs::canonicalize(path)
            .map_err(|_| ConfigError::NoProject { path: path.to_owned() })?;
        if !root.is_dir() {
            return Err(ConfigError::NotADirectory { path: path.to_owned() });
        }
        Ok(Self { root, origin })
    }

    pub fn config_file(&self) -> PathBuf {
        self.root.join(CONFIG_FILE)
    }

    pub fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }
}

/// A project of somebody else is not picked up by standing below it: its plugins would run as this user.
fn is_project(directory: &Path) -> bool {
    [CONFIG_FILE, STATE].iter().any(|name| {
        let found = std::fs::symlink_metadata(directory.join(name));
        found.is_ok_and(|metadata| [0, geteuid().as_raw()].contains(&metadata.uid()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_project_by_its_file_or_its_state() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_project(directory.path()));
        std::fs::create_dir(directory.path().join(STATE)).unwrap();
        assert!(is_project(directory.path()));
    }

    #[test]
    fn a_project_that_does_not_exist_is_named_with_the_cure() {
        let error = Project::find(Some(Path::new("/nowhere/at/all")), &Environment::default());
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "the project /nowhere/at/all does not exist");
        assert_eq!(error.hint().unwrap(), "make it with: casparian init /nowhere/at/all");
    }
}
