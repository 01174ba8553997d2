//! A Sentinel on a thread of its own: how it is started, watched and stopped.

use super::decide::Timing;
use super::driver::Driver;
use super::progress::{Progress, ProgressSnapshot};
use super::socket::{Socket, SocketError};
use super::token::Tokens;
use crate::architect::Registrar;
use crate::clock::Clock;
use catalog::{Catalog, CatalogError, OpenMode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

#[derive(Debug, thiserror::Error)]
pub enum SentinelError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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
    pub catalog_url: String,
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
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), SentinelError>>>,
}

impl SentinelHandle {
    /// Returns when it listens, its plugins are registered and it may be given work.
    pub fn start(settings: SentinelSettings) -> Result<Self, SentinelError> {
        let progress = Arc::new(Progress::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (started, is_started) = std::sync::mpsc::channel();
        let (shown, stop) = (progress.clone(), stopping.clone());
        let body = move || run(settings, shown, stop, &started);
        let thread = std::thread::Builder::new().name("sentinel".to_owned()).spawn(body)?;
        match is_started.recv() {
            Ok(endpoint) => Ok(Self { endpoint, progress, stopping, thread: Some(thread) }),
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

    /// Whether it ended by itself: deposed, or with a catalog that cannot be used.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends after what it is doing; what is in flight stays so in the catalog.
    pub fn stop(mut self) -> Result<(), SentinelError> {
        self.stopping.store(true, Ordering::Release);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(SentinelError::Panicked),
        }
    }
}

impl Drop for SentinelHandle {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
    }
}

fn run(
    settings: SentinelSettings,
    progress: Arc<Progress>,
    stopping: Arc<AtomicBool>,
    started: &std::sync::mpsc::Sender<String>,
) -> Result<(), SentinelError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let catalog = Catalog::open(&settings.catalog_url, OpenMode::ReadWrite).await?;
        let epoch = catalog.take_sentinel_epoch().await?;
        let mut registrar = settings.registrar;
        registrar.refresh(&catalog, epoch, settings.clock.now_us()).await?;
        let (deliver, inbox) = Socket::inbox();
        let socket = Socket::bind(&settings.endpoint, deliver)?;
        // Whoever started it may have lost interest meanwhile; then it is told to stop soon.
        let _ = started.send(socket.endpoint.clone());
        let driver = Driver {
            catalog: catalog.clone(),
            epoch,
            timing: settings.timing,
            host: settings.host,
            clock: settings.clock,
            tokens: settings.tokens,
            registrar,
            inbox,
            outbox: socket.outbox(),
            progress,
            stopping,
        };
        let result = driver.run().await;
        drop(socket);
        catalog.close().await;
        Ok(result?)
    })
}
