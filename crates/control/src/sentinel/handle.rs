//! A Sentinel on a thread of its own: how it is started, watched and stopped.

use super::decide::Timing;
use super::door::SentinelCurve;
use super::driver::Driver;
use super::progress::{Progress, ProgressSnapshot};
use super::refusals::{Refusals, Refused};
use super::socket::{Socket, SocketError};
use super::token::Tokens;
use crate::architect::Registrar;
use crate::clock::Clock;
use crate::stop::Stop;
use catalog::{Catalog, CatalogError, OpenMode, Seat, SentinelEpoch};
use serde_json::{Value, json};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the catalog is looked at when nothing is said.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Where writers tell what they wrote, only time itself has to be looked at.
const LOOK_EVERY_TOLD: Duration = Duration::from_millis(250);
const TAKE_EVERY: Duration = Duration::from_millis(500);
/// A server that answers so late is asked again over another connection.
const TAKE_WITHIN: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum SentinelError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("this catalog has an active Sentinel")]
    Taken,
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("cannot start the Sentinel's thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the Sentinel's thread panicked; this is a bug")]
    Panicked,
}

#[derive(Debug)]
pub struct SentinelSettings {
    /// Where workers connect; the port may be `*`.
    pub endpoint: String,
    /// None: messages travel in the clear, and whoever can connect may.
    pub curve: Option<SentinelCurve>,
    pub catalog_url: String,
    /// The command that started it, for those that look who is active.
    pub command: String,
    pub timing: Timing,
    /// This host's name, to know sessions of processes that are gone.
    pub host: String,
    pub clock: Arc<dyn Clock>,
    pub tokens: Tokens,
    pub registrar: Registrar,
}

#[derive(Debug)]
pub struct SentinelHandle {
    endpoint: String,
    progress: Arc<Progress>,
    refusals: Arc<Refusals>,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), SentinelError>>>,
}

impl SentinelHandle {
    /// Returns when it listens, its plugins are registered and it may be given work.
    pub fn start(settings: SentinelSettings) -> Result<Self, SentinelError> {
        let progress = Arc::new(Progress::default());
        let refusals = Arc::new(Refusals::default());
        let stop = Stop::new();
        let (started, is_started) = std::sync::mpsc::channel();
        let watched =
            Watched { progress: progress.clone(), refusals: refusals.clone(), stop: stop.clone() };
        let body = move || run(settings, watched, &started);
        let thread = std::thread::Builder::new().name("sentinel".to_owned()).spawn(body)?;
        match is_started.recv() {
            Ok(endpoint) => Ok(Self { endpoint, progress, refusals, stop, thread: Some(thread) }),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err(SentinelError::Panicked),
            },
        }
    }

    /// The address that workers connect to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub fn progress(&self) -> ProgressSnapshot {
        self.progress.snapshot()
    }

    /// What was refused since it was started.
    pub fn refused(&self) -> Refused {
        self.refusals.snapshot()
    }

    /// Whether it ended by itself: deposed, or with a catalog that cannot be used.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends after what it is doing; what is in flight stays so in the catalog.
    pub fn stop(mut self) -> Result<(), SentinelError> {
        self.stop.stop();
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(SentinelError::Panicked),
        }
    }
}

impl Drop for SentinelHandle {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// What the handle and the Sentinel's thread share.
struct Watched {
    progress: Arc<Progress>,
    refusals: Arc<Refusals>,
    stop: Stop,
}

fn run(
    settings: SentinelSettings,
    watched: Watched,
    started: &std::sync::mpsc::Sender<String>,
) -> Result<(), SentinelError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let catalog = Catalog::open(&settings.catalog_url, OpenMode::ReadWrite).await?;
        let Some(seat) = catalog.take_seat().await? else { return Err(SentinelError::Taken) };
        let epoch = catalog.take_sentinel_epoch().await?;
        let mut registrar = settings.registrar;
        registrar.refresh(&catalog, epoch, settings.clock.now_us()).await?;
        resume_compactions(&catalog, epoch).await?;
        let (deliver, inbox) = Socket::inbox();
        let socket =
            Socket::bind(&settings.endpoint, settings.curve, deliver, watched.refusals.clone())?;
        let says = json!({
            "command": settings.command, "pid": std::process::id(), "host": settings.host, "endpoint": socket.endpoint,
        });
        // Whoever started it may have lost interest meanwhile; then it is told to stop soon.
        let _ = started.send(socket.endpoint.clone());
        let driver = Driver {
            catalog,
            epoch,
            timing: settings.timing,
            host: settings.host,
            clock: settings.clock,
            tokens: settings.tokens,
            registrar,
            inbox,
            outbox: socket.outbox(),
            progress: watched.progress,
            refusals: watched.refusals,
            stop: watched.stop,
            woken: seat.woken(),
            look_every: look_every(&seat),
        };
        let (catalog, result) = hold(driver, seat, &says).await;
        drop(socket);
        catalog.close().await;
        Ok(result?)
    })
}

/// Before anybody looks whether there is something to do.
async fn resume_compactions(catalog: &Catalog, epoch: SentinelEpoch) -> Result<(), CatalogError> {
    if catalog.waiting().await?.compactions_put_off == 0 {
        return Ok(());
    }
    let mut tx = catalog.begin_sentinel(epoch).await?;
    tx.resume_compactions().await?;
    tx.commit().await
}

fn look_every(seat: &Seat) -> Duration {
    if seat.is_told() { LOOK_EVERY_TOLD } else { LOOK_EVERY }
}

/// Until it is stopped or deposed; with the catalog that it had last.
async fn hold(mut driver: Driver, seat: Seat, says: &Value) -> (Catalog, Result<(), CatalogError>) {
    let result = hold_on(&mut driver, seat, says).await;
    (driver.catalog, result)
}

/// A Sentinel that loses its seat is not active any more, at once. Where nobody else took it, it takes it again, as after a restart.
async fn hold_on(driver: &mut Driver, mut seat: Seat, says: &Value) -> Result<(), CatalogError> {
    loop {
        let result = tokio::select! {
            result = driver.run(says) => Some(result),
            () = seat.lost() => None,
        };
        if let Some(result) = result {
            return result;
        }
        tracing::warn!("the Sentinel lost its connection to the catalog; waiting to go on");
        drop(seat);
        let Some(again) = take_again(driver).await? else { return Ok(()) };
        seat = again;
        driver.woken = seat.woken();
    }
}

/// None: it was stopped meanwhile.
async fn take_again(driver: &mut Driver) -> Result<Option<Seat>, CatalogError> {
    while !driver.stop.is_wanted() {
        match tokio::time::timeout(TAKE_WITHIN, try_again(driver)).await {
            Ok(Ok(Some(seat))) => return Ok(Some(seat)),
            Ok(Err(error)) if !error.is_retryable() => return Err(error),
            _ => tokio::time::sleep(TAKE_EVERY).await,
        }
    }
    Ok(None)
}

/// Over new connections: of the old ones nobody knows whether they still lead anywhere. The server may not have noticed yet that ours is
/// gone; but a newer epoch is somebody else's.
async fn try_again(driver: &mut Driver) -> Result<Option<Seat>, CatalogError> {
    let url = driver.catalog.url().clone();
    let catalog = Catalog::open(url.secret_text(), OpenMode::ReadWrite).await?;
    if !catalog.is_latest(driver.epoch).await? {
        return Err(CatalogError::Deposed);
    }
    let Some(seat) = catalog.take_seat().await? else {
        catalog.close().await;
        return Ok(None);
    };
    driver.epoch = catalog.take_sentinel_epoch().await?;
    driver.catalog = catalog;
    Ok(Some(seat))
}
