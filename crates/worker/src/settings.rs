//! What a worker is given: nothing is read from the environment or the clock here.

use crate::host::SqlGuest;
use crate::sinks::Logins;
use protocol::{Environment, KeyPair, PublicKey, WorkerId};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Unique among the workers that live.
    pub worker_id: WorkerId,
    /// Of the Sentinel; when one does not answer the next is tried.
    pub endpoints: Vec<String>,
    /// None: messages travel in the clear.
    pub curve: Option<WorkerCurve>,
    /// Jobs that run at once.
    pub slots: u32,
    /// Small jobs share files.
    pub packs: bool,
    pub output_root: PathBuf,
    /// Of databases that sinks lie in.
    pub logins: Logins,
    pub state_dir: PathBuf,
    /// Sources that this worker announces.
    pub plugins_dir: Option<PathBuf>,
    pub python: PathBuf,
    pub sql_guest: SqlGuest,
    /// All of the environment that guests see.
    pub guest_env: Vec<(OsString, OsString)>,
    pub environment: Environment,
    /// Microseconds since 1970 UTC.
    pub wall_clock: fn() -> i64,
}

/// What a worker needs so that messages are encrypted and only the Sentinel it means reads them.
#[derive(Debug, Clone)]
pub struct WorkerCurve {
    pub sentinel: PublicKey,
    pub own: KeyPair,
}

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("a worker needs the address of a Sentinel, for example tcp://127.0.0.1:5555")]
    NoEndpoint,
    #[error("cannot connect to {endpoint}: {cause}")]
    Connect { endpoint: String, cause: zmq::Error },
    #[error("the libzmq of this machine has no CURVE")]
    NoCurve,
    #[error("cannot make a ZeroMQ socket: {0}")]
    Zmq(#[from] zmq::Error),
    #[error("cannot prepare {}: {cause}", path.display())]
    Prepare { path: PathBuf, cause: std::io::Error },
    #[error("cannot start the worker's threads: {0}")]
    Thread(#[from] std::io::Error),
}
