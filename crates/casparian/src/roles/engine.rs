//! Sentinel and worker of one process, over an address that nobody else can reach; or a live Sentinel that does the work.

use super::private_dir::PrivateDir;
use super::sentinel::Sentinel;
use super::worker::{self, Plugins, Sentinels};
use crate::config::{Environment, Settings};
use crate::failure::{Failure, Kind};
use ::worker::WorkerHandle;
use control::sentinel::ProgressSnapshot;

/// In this order they end: first who asks for work, then who gives it, then their meeting place.
#[derive(Debug)]
pub struct Engine {
    worker: WorkerHandle,
    sentinel: Sentinel,
    _place: PrivateDir,
}

impl Engine {
    /// None: the catalog has a live Sentinel already.
    pub fn start(
        settings: &Settings,
        environment: &Environment,
        command: &str,
    ) -> Result<Option<Self>, Failure> {
        let place = PrivateDir::make(&environment.temporary()).map_err(|error| {
            Failure::new(
                Kind::Unreachable,
                format!("cannot make a directory for a socket: {error}"),
            )
        })?;
        let Some(sentinel) = Sentinel::start(settings, &place.endpoint(), None, command)? else {
            return Ok(None);
        };
        let endpoints = vec![sentinel.handle().endpoint().to_owned()];
        let sentinels = Sentinels { endpoints, curve: None };
        let worker = worker::start(settings, environment, sentinels, Plugins::OfTheSentinel)?;
        Ok(Some(Self { worker, sentinel, _place: place }))
    }

    pub fn progress(&self) -> ProgressSnapshot {
        self.sentinel.handle().progress()
    }

    pub fn is_finished(&self) -> bool {
        self.sentinel.is_finished()
    }

    /// Running jobs may finish within a few seconds; what does not is run another time.
    pub fn stop(self) -> Result<(), Failure> {
        self.worker.stop();
        self.worker.wait();
        self.sentinel.stop()
    }
}
