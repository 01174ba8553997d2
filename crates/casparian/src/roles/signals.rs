//! Ctrl-C and SIGTERM: the first asks for a clean end, the second ends at once.

use crate::failure::{Ending, Failure};
use control::Stop;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wish to end.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    stop: Stop,
    is_interrupt: Arc<AtomicBool>,
}

impl Signals {
    /// From now on signals are heard.
    pub fn listen() -> Result<Self, Failure> {
        let cannot = |error| Failure::bug(format!("cannot listen to signals: {error}"));
        Self::start().map_err(cannot)
    }

    fn start() -> io::Result<Self> {
        let signals = Self::default();
        let heard = signals.clone();
        let (started, is_started) = channel();
        let body = move || {
            if let Err(error) = heard.wait(&started) {
                // Nobody waits for it when listening had begun.
                let _ = started.send(Err(error));
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(body)?;
        is_started.recv().map_err(io::Error::other)??;
        Ok(signals)
    }

    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Of a role that goes on until it is stopped: SIGTERM is how services are stopped, Ctrl-C is an interruption.
    pub fn ending(&self) -> Ending {
        if self.is_interrupt.load(Ordering::SeqCst) { Ending::Interrupted } else { Ending::Done }
    }

    fn wait(&self, started: &Sender<io::Result<()>>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            // Whoever started this waits for it.
            let _ = started.send(Ok(()));
            let is_interrupt = either(&mut interrupt, &mut terminate).await;
            self.is_interrupt.store(is_interrupt, Ordering::SeqCst);
            self.stop.stop();
            either(&mut interrupt, &mut terminate).await;
            kill()
        })
    }
}

/// Whether it was Ctrl-C.
async fn either(interrupt: &mut Signal, terminate: &mut Signal) -> bool {
    tokio::select! {
        _ = interrupt.recv() => true,
        _ = terminate.recv() => false,
    }
}

/// The locks of files end with the process. A guest would, too, but not what it started.
#[expect(clippy::disallowed_methods, reason = "a second signal means now, whatever is under way")]
fn kill() -> ! {
    worker::kill_guests();
    std::process::exit(130)
}
