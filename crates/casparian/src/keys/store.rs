//! The directory of keys. A secret one is its owner's alone, or it is not used.

use super::certificate;
use super::need::generate;
use crate::failure::Failure;
use protocol::{KeyPair, PublicKey};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const FILE_LEN_MAX: u64 = 64 << 10;

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    Sentinel,
    Worker,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Worker => "worker",
        }
    }
}

#[derive(Debug, Clone)]
pub struct KeyStore {
    pub directory: PathBuf,
}

impl KeyStore {
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub fn secret_file(&self, role: Role) -> PathBuf {
        self.directory.join(format!("{}.key_secret", role.word()))
    }

    pub fn public_file(&self, role: Role) -> PathBuf {
        self.directory.join(format!("{}.key", role.word()))
    }

    pub fn allowed_file(&self) -> PathBuf {
        self.directory.join("allowed_workers")
    }

    /// Never over one that is there.
    pub fn make(&self, role: Role) -> Result<PublicKey, Failure> {
        let _lock = self.lock()?;
        let (secret, public) = (self.secret_file(role), self.public_file(role));
        if let Some(there) = [&secret, &public].into_iter().find(|path| path.exists()) {
            return Err(Failure::usage(format!("{} is already there", there.display()))
                .hint("to change keys, move the old ones away first; whoever knows the old public key needs the new one"));
        }
        let keys = generate()?;
        write_whole(&secret, &certificate::secret_text(role.word(), &keys), 0o600)?;
        write_whole(&public, &certificate::public_text(role.word(), &keys.public), 0o644)?;
        Ok(keys.public)
    }

    /// None: there is none.
    pub fn pair(&self, role: Role) -> Result<Option<KeyPair>, Failure> {
        let path = self.secret_file(role);
        let Some(text) = read(&path, true)? else { return Ok(None) };
        let keys = certificate::pair_of(&text);
        keys.map(Some).ok_or_else(|| no_key(&path))
    }

    /// Of the secret key, or of a public one that was copied here.
    pub fn public(&self, role: Role) -> Result<Option<PublicKey>, Failure> {
        if let Some(keys) = self.pair(role)? {
            return Ok(Some(keys.public));
        }
        let path = self.public_file(role);
        let Some(text) = read(&path, false)? else { return Ok(None) };
        certificate::public_of(&text).map(Some).ok_or_else(|| no_key(&path))
    }

    /// One command at a time changes what lies here.
    pub(super) fn lock(&self) -> Result<File, Failure> {
        let path = &self.directory;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        let locked = made.and_then(|()| File::open(path)).and_then(|directory| {
            flock(&directory, FlockOperation::LockExclusive)?;
            Ok(directory)
        });
        locked.map_err(|error| cannot("keep keys in", path, &error))
    }
}

/// A key as a person gives it: itself, or a file that has it.
pub fn given(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    let found = read(path, false)?.and_then(|text| certificate::public_of(&text));
    found.ok_or_else(|| {
        Failure::usage(format!("'{text}' is neither a public key nor a file that has one"))
            .hint("`casparian keys` on the worker's machine shows its public key: put it into single quotes")
    })
}

/// All of it or nothing, for good.
pub(super) fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&new);
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(|error| cannot("write", path, &error))
}

fn read(path: &Path, is_secret: bool) -> Result<Option<String>, Failure> {
    // Not waiting: it may be a pipe.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from) {
        Ok(file) => File::from(file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    if is_secret {
        check_private(path, &file)?;
    }
    let mut text = String::new();
    let read = file.take(FILE_LEN_MAX).read_to_string(&mut text);
    read.map_err(|error| cannot("read", path, &error))?;
    Ok(Some(text))
}

fn check_private(path: &Path, file: &File) -> Result<(), Failure> {
    let there = file.metadata().map_err(|error| cannot("read", path, &error))?;
    let shown = path.display();
    if there.mode() & 0o077 != 0 {
        return Err(Failure::usage(format!("others can read the secret key {shown}")).hint(
            format!(
                "chmod 600 {shown}; if somebody may have read it, move it away and make a new one"
            ),
        ));
    }
    if ![0, geteuid().as_raw()].contains(&there.uid()) {
        return Err(Failure::usage(format!("the secret key {shown} is another user's"))
            .hint("make your own: --keys DIR, or `[security] keys`"));
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot {what} {}: {error}", path.display()))
}

fn no_key(path: &Path) -> Failure {
    Failure::usage(format!("{} has no CURVE key in it", path.display()))
        .hint("move it away and make a new one: `casparian keys make`")
}
