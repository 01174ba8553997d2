//! Who needs which key. Beyond this machine nothing travels in the clear; on it, keys are used when they are there.

use super::store::{KeyStore, Role};
use crate::config::Settings;
use crate::failure::Failure;
use control::sentinel::SentinelCurve;
use protocol::{KeyPair, PublicKey, SecretKey};
use std::net::IpAddr;
use worker::WorkerCurve;

/// A name that is not an address of this machine's own loopback may be anything.
pub fn is_beyond_loopback(endpoint: &str) -> bool {
    if endpoint.starts_with("ipc://") {
        return false;
    }
    let address = endpoint.strip_prefix("tcp://").and_then(|address| address.rsplit_once(':'));
    let Some((host, _)) = address else { return true };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    host != "localhost" && !is_loopback
}

/// `own_workers` are of this process.
pub fn of_sentinel(
    settings: &Settings,
    endpoint: &str,
    own_workers: Vec<PublicKey>,
) -> Result<Option<SentinelCurve>, Failure> {
    let store = KeyStore::new(&settings.keys.value);
    if let Some(keys) = store.pair(Role::Sentinel)? {
        let allowed_workers = store.allowed_file();
        return Ok(Some(SentinelCurve { secret: keys.secret, allowed_workers, own_workers }));
    }
    if !is_beyond_loopback(endpoint) {
        return Ok(None);
    }
    Err(Failure::usage(format!(
        "{endpoint} is beyond this machine, and the Sentinel has no key in {}: messages would travel in the clear",
        store.directory.display()
    ))
    .hint("make one: casparian keys make sentinel; or bind to tcp://127.0.0.1:PORT"))
}

/// For a worker in the Sentinel's own process: a key that lives as long as it does.
pub fn of_inner_worker(settings: &Settings) -> Result<Option<WorkerCurve>, Failure> {
    let keys = KeyStore::new(&settings.keys.value).pair(Role::Sentinel)?;
    keys.map(|keys| Ok(WorkerCurve { sentinel: keys.public, own: generate()? })).transpose()
}

pub fn of_worker(
    settings: &Settings,
    endpoints: &[String],
) -> Result<Option<WorkerCurve>, Failure> {
    let store = KeyStore::new(&settings.keys.value);
    let sentinel = match settings.sentinel_key.value.get() {
        Some(key) => Some(key),
        None => store.public(Role::Sentinel)?,
    };
    let beyond = endpoints.iter().find(|endpoint| is_beyond_loopback(endpoint));
    let Some(sentinel) = sentinel else {
        let Some(beyond) = beyond else { return Ok(None) };
        return Err(Failure::usage(format!(
            "{beyond} is beyond this machine, and the public key of its Sentinel is not known: messages would travel in the clear"
        ))
        .hint("`casparian keys` on the Sentinel's machine shows it: --sentinel-key 'KEY', or `[worker] sentinel_key`"));
    };
    let Some(own) = store.pair(Role::Worker)? else {
        return Err(Failure::usage(format!(
            "the Sentinel is to be met with CURVE, and this worker has no key in {}",
            store.directory.display()
        ))
        .hint("make one: casparian keys make worker; then, on the Sentinel's machine: casparian keys allow 'KEY'"));
    };
    Ok(Some(WorkerCurve { sentinel, own }))
}

pub(super) fn generate() -> Result<KeyPair, Failure> {
    let made = zmq::CurveKeyPair::new();
    let made = made.map_err(|error| {
        Failure::usage(format!("cannot make a key: {error}"))
            .hint("the libzmq of this machine has no CURVE: install one that has it")
    })?;
    Ok(KeyPair { public: PublicKey::new(made.public_key), secret: SecretKey::new(made.secret_key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_surely_this_machine_is_beyond_it() {
        for endpoint in [
            "tcp://127.0.0.1:1",
            "tcp://127.9.9.9:*",
            "tcp://[::1]:1",
            "tcp://localhost:1",
            "ipc:///x",
        ] {
            assert!(!is_beyond_loopback(endpoint), "{endpoint}");
        }
        for endpoint in [
            "tcp://*:1",
            "tcp://0.0.0.0:1",
            "tcp://[::]:1",
            "tcp://eth0:1",
            "tcp://lo:1",
            "tcp://10.0.0.1:1",
            "tcp://host.example:1",
            "tcp://localhost.example:1",
            "tcp://127.0.0.1:1;10.0.0.1:2",
        ] {
            assert!(is_beyond_loopback(endpoint), "{endpoint}");
        }
    }
}
