//! The Python SDK that guests run on: part of this binary, unpacked once per content.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../python/casparian_flow");
const PACKAGE: &str = "casparian_flow";

/// Gives the path of `guest.py`. `<state_dir>/sdk/<hash>/` appears whole or not at all.
pub fn unpack(state_dir: &Path) -> io::Result<PathBuf> {
    let sdk = state_dir.join("sdk");
    let home = sdk.join(fingerprint());
    if !home.exists() {
        let unfinished = sdk.join(format!(".{}", std::process::id()));
        let package = unfinished.join(PACKAGE);
        std::fs::create_dir_all(&package)?;
        write(&SDK, &package)?;
        // Another process may have been first; its copy is the same.
        if let Err(error) = std::fs::rename(&unfinished, &home) {
            std::fs::remove_dir_all(&unfinished)?;
            if !home.exists() {
                return Err(error);
            }
        }
    }
    Ok(home.join(PACKAGE).join("guest.py"))
}

fn is_ours(path: &Path) -> bool {
    let is_cache = path.components().any(|part| part.as_os_str() == "__pycache__");
    !is_cache && path.extension().is_none_or(|extension| extension != "pyc")
}

fn write(directory: &Dir<'_>, to: &Path) -> io::Result<()> {
    for file in directory.files().filter(|file| is_ours(file.path())) {
        std::fs::write(to.join(file.path()), file.contents())?;
    }
    for child in directory.dirs().filter(|child| is_ours(child.path())) {
        std::fs::create_dir_all(to.join(child.path()))?;
        write(child, to)?;
    }
    Ok(())
}

fn fingerprint() -> String {
    let mut hasher = Sha256::new();
    add(&SDK, &mut hasher);
    let hash = hasher.finalize();
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add(directory: &Dir<'_>, hasher: &mut Sha256) {
    for file in directory.files().filter(|file| is_ours(file.path())) {
        hasher.update(file.path().as_os_str().as_encoded_bytes());
        hasher.update([0]);
        hasher.update(file.contents());
    }
    for child in directory.dirs().filter(|child| is_ours(child.path())) {
        add(child, hasher);
    }
}
