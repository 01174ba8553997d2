//! The Sentinel's role: at most one for a catalog, known by its lock.

use super::descriptors::raise_limit;
use super::identity;
use super::presence::{Presence, sentinel_lock};
use crate::cli::catalog_url;
use crate::config::Settings;
use crate::failure::{Failure, Kind};
use crate::sql_plugins;
use catalog::{Catalog, CatalogError};
use control::architect::Registrar;
use control::clock::SystemClock;
use control::sentinel::decide::Timing;
use control::sentinel::{
    Refused, SentinelCurve, SentinelError, SentinelHandle, SentinelSettings, SocketError, Tokens,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The lock first, so that there are never two: it ends after the Sentinel does. Where the catalog is on a server the Sentinel itself takes a
/// seat there.
#[derive(Debug)]
pub struct Sentinel {
    handle: SentinelHandle,
    /// None: the seat says who sits there.
    presence: Option<Presence>,
    /// What the presence says.
    command: String,
    refused: Refused,
}

impl Sentinel {
    /// None: this catalog has a live one.
    pub fn start(
        settings: &Settings,
        endpoint: &str,
        curve: Option<SentinelCurve>,
        command: &str,
    ) -> Result<Option<Self>, Failure> {
        prepare(settings)?;
        raise_limit();
        let refused = Refused::default();
        let command_name = command.to_owned();
        let Some(path) = settings.catalog.value.file().map(sentinel_lock) else {
            let handle = listen(settings, endpoint, curve, command)?;
            let made = |handle| Self { handle, presence: None, command: command_name, refused };
            return Ok(handle.map(made));
        };
        let taken = Presence::take(&path, &says(command, endpoint, refused));
        let taken = taken.map_err(|error| not_locked(&path, &error))?;
        let Some(mut presence) = taken else { return Ok(None) };
        let Some(handle) = listen(settings, endpoint, curve, command)? else { return Ok(None) };
        // The port may have been left to the system.
        let said = presence.say(&says(command, handle.endpoint(), refused));
        said.map_err(|error| not_locked(&path, &error))?;
        Ok(Some(Self { handle, presence: Some(presence), command: command_name, refused }))
    }

    pub fn handle(&self) -> &SentinelHandle {
        &self.handle
    }

    /// Tells `status` what was refused since the last time.
    pub fn tell(&mut self) {
        let refused = self.handle.refused();
        if refused != self.refused {
            self.refused = refused;
            // Only `status` would have liked to know.
            if let Some(presence) = &mut self.presence {
                let _ = presence.say(&says(&self.command, self.handle.endpoint(), refused));
            }
        }
    }

    /// Whether it ended by itself.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    pub fn stop(self) -> Result<(), Failure> {
        Ok(self.handle.stop()?)
    }

    /// Stops it; or says that another one had taken its place before.
    pub fn end(self) -> Result<Ended, Failure> {
        match self.handle.stop() {
            Ok(()) => Ok(Ended::Stopped),
            Err(SentinelError::Catalog(CatalogError::Deposed)) => Ok(Ended::Deposed),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Stopped,
    Deposed,
}

/// The directory of the catalog, which the lock lies in too.
pub fn prepare(settings: &Settings) -> Result<(), Failure> {
    let Some(directory) = settings.catalog.value.file().and_then(Path::parent) else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::unreachable(format!("cannot make {}: {error}", directory.display()))
    })
}

fn says(command: &str, endpoint: &str, refused: Refused) -> Value {
    json!({
        "command": command, "pid": std::process::id(), "host": identity::host(), "endpoint": endpoint,
        "refused": refused,
    })
}

fn not_locked(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unreachable(format!("cannot lock {}: {error}", path.display()))
}

impl From<SentinelError> for Failure {
    fn from(error: SentinelError) -> Self {
        match error {
            SentinelError::Catalog(error) => error.into(),
            SentinelError::Socket(SocketError::Bind { .. }) => Self::usage(error.to_string())
                .hint("choose another address: --bind tcp://127.0.0.1:PORT, or `[sentinel] bind`"),
            SentinelError::Taken => Self::usage(error.to_string()),
            SentinelError::Socket(SocketError::AllowList(_) | SocketError::NoCurve) => {
                Self::usage(error.to_string())
            }
            SentinelError::Socket(_) | SentinelError::Thread(_) | SentinelError::Panicked => {
                Self::new(Kind::Bug, error.to_string())
            }
        }
    }
}

pub fn registrar(settings: &Settings) -> Result<Registrar, Failure> {
    let directory = Some(settings.plugins_dir.value.clone());
    Ok(Registrar::new(directory, settings.file.registry()?, sql_plugins::CHECK))
}

/// None: another process has the seat.
fn listen(
    settings: &Settings,
    endpoint: &str,
    curve: Option<SentinelCurve>,
    command: &str,
) -> Result<Option<SentinelHandle>, Failure> {
    let started = SentinelHandle::start(SentinelSettings {
        endpoint: endpoint.to_owned(),
        curve,
        catalog_url: catalog_url(&settings.catalog.value)?,
        command: command.to_owned(),
        timing: Timing {
            lease_us: settings.lease.value.as_us(),
            heartbeat_us: settings.heartbeat.value.as_us(),
        },
        host: identity::host(),
        clock: Arc::new(SystemClock),
        tokens: Tokens::new(identity::random),
        registrar: registrar(settings)?,
    });
    match started {
        Ok(handle) => Ok(Some(handle)),
        Err(SentinelError::Taken) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the live Sentinel of a catalog says of itself; None: there is none.
pub async fn active_sentinel(settings: &Settings, catalog: &Catalog) -> Option<Value> {
    match settings.catalog.value.file() {
        Some(path) => Presence::look(&sentinel_lock(path)),
        None => {
            let says = catalog.seated().await.ok().flatten()?;
            Some(serde_json::from_str(&says).unwrap_or_else(|_| json!({})))
        }
    }
}
