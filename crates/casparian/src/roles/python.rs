//! Which Python the plugins run on.

use crate::config::{Environment, Origin, Settings};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A name is looked for as a shell would; a path in casparian.toml is relative to the project. None: it is not there.
pub fn interpreter(settings: &Settings, environment: &Environment) -> Option<PathBuf> {
    let name = &settings.python.value;
    if name.contains('/') {
        let path = match settings.python.origin {
            Origin::File { .. } => settings.project.root.join(name),
            _ => std::path::absolute(name).ok()?,
        };
        return Some(path).filter(|path| is_program(path));
    }
    let mut candidates =
        environment.search_path().into_iter().map(|directory| directory.join(name));
    candidates.find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    let metadata = std::fs::metadata(path);
    metadata.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}
