//! A worker process, or one in this process: its threads from start to end.

use crate::committer::Committers;
use crate::compactor::Compactor;
use crate::event::Event;
use crate::held::{HeldJobs, Phase};
use crate::host::{Launch, MemoryScan};
use crate::job::Workshop;
use crate::link::Link;
use crate::packing::{Budget, Packer};
use crate::packs::{Packs, files_of};
use crate::plugins::{PluginStore, announced};
use crate::queue::JobQueue;
use crate::sdk;
use crate::session::{STOPPING, Session};
use crate::settings::{WorkerError, WorkerSettings};
use crate::sinks::Sinks;
use crate::slot;
use crate::syncer::Syncers;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use protocol::{AnnouncedPlugin, Identify};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long running jobs may go on after `stop`.
const GRACE: Duration = Duration::from_secs(3);
/// How long the Sentinel may then take to answer the last CONCLUDEs.
const FAREWELL: Duration = Duration::from_secs(3);
/// Events that are looked at before anything is said.
const ROUND_MAX: usize = 1_000;

#[derive(Debug)]
pub struct Worker;

/// Dropped, it kills the worker.
#[derive(Debug)]
pub struct WorkerHandle {
    events: Sender<Event>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(settings: WorkerSettings) -> Result<WorkerHandle, WorkerError> {
        let settings = with_absolute_paths(settings)?;
        let (events, inbox) = crossbeam_channel::unbounded();
        let plugins = own_plugins(&settings)?;
        let workshop = Arc::new(workshop(&settings));
        for plugin in &plugins {
            let added = workshop.plugins.add(plugin);
            added.map_err(|cause| prepare(&settings.state_dir, cause))?;
        }
        let launch = Arc::new(launch(&settings)?);
        let link =
            Link::connect(settings.endpoints.clone(), settings.curve.clone(), events.clone())?;
        let queue = Arc::new(JobQueue::default());
        let (committers, mut threads) = Committers::start(&workshop, &events)?;
        let (syncers, sync_threads) = Syncers::start(&workshop, &events)?;
        threads.extend(sync_threads);
        queue.set_slots(settings.slots.max(1) as usize);
        let (packer, thread) = Packer::start(
            workshop.clone(),
            &settings.worker_id,
            queue.clone(),
            syncers.clone(),
            events.clone(),
        )?;
        threads.push(thread);
        let (compactor, thread) = Compactor::start(workshop.clone(), events.clone())?;
        threads.push(thread);
        for number in 0..settings.slots.max(1) {
            let (workshop, launch) = (workshop.clone(), launch.clone());
            threads.push({
                let (queue, syncers, packer) = (queue.clone(), syncers.clone(), packer.clone());
                slot::start(number, workshop, launch, queue, syncers, packer)?
            });
        }
        let identify = identify(&settings, plugins);
        let session = Session::new(link, queue, committers, packer, compactor, &workshop, identify);
        let builder = std::thread::Builder::new().name("worker".to_owned());
        let thread = builder.spawn(move || run(session, &inbox, threads))?;
        Ok(WorkerHandle { events, thread: Some(thread) })
    }
}

impl WorkerHandle {
    /// No new jobs; what runs may finish within a few seconds.
    pub fn stop(&self) {
        // A worker that has ended needs no stop.
        let _ = self.events.send(Event::Stop);
    }

    /// Ends at once, as a crash would, with all guests.
    pub fn kill(&self) {
        let _ = self.events.send(Event::Kill);
    }

    /// Until the worker has ended.
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the worker's main thread failed");
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.kill();
        self.join();
    }
}

fn run(mut session: Session, inbox: &Receiver<Event>, threads: Vec<JoinHandle<()>>) {
    converse(&mut session, inbox);
    if session.stopping {
        session.farewell();
    }
    session.queue.close();
    session.abort_running(STOPPING);
    let Session { link, committers, held, packs, packer, compactor, sinks, stopping, .. } = session;
    drop((committers, packer, compactor));
    for thread in threads {
        // A thread that failed has said so.
        let _ = thread.join();
    }
    drop(link);
    if stopping {
        discard_unannounced(&sinks, held, packs, inbox);
    }
}

/// What was staged so late that the Sentinel was never told of it: nobody else would clear it before the next worker starts.
fn discard_unannounced(sinks: &Sinks, held: HeldJobs, packs: Packs, inbox: &Receiver<Event>) {
    let late = inbox.try_iter().filter_map(|event| match event {
        Event::Ran(_, Ok(sealed)) => Some(sealed.outputs),
        Event::PackStaged(_, jobs) => Some(files_of(&jobs)),
        _ => None,
    });
    let staged = held.0.into_values().filter_map(|held| match held.phase {
        Phase::Staged { outputs, announced: false, .. } => Some(outputs),
        _ => None,
    });
    for outputs in late.chain(staged).chain(packs.into_unannounced()) {
        if let Err(error) = sinks.discard(&outputs) {
            tracing::warn!(%error, "what was staged stays there until a worker starts");
        }
    }
}

fn converse(session: &mut Session, inbox: &Receiver<Event>) {
    let mut stopped_at = None;
    loop {
        session.speak();
        if let Some(stopped_at) = stopped_at
            && is_over(session, stopped_at)
        {
            return;
        }
        let until = stopped_at.map_or(session.next_beat(), |stopped: Instant| {
            session.next_beat().min(stopped + GRACE).max(Instant::now() + Duration::from_millis(20))
        });
        let first = match inbox.recv_deadline(until) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for event in std::iter::once(first).chain(inbox.try_iter().take(ROUND_MAX)) {
            match event {
                Event::Kill => return,
                Event::Stop => {
                    session.stop();
                    stopped_at = stopped_at.or(Some(Instant::now()));
                }
                event => session.handle(event),
            }
        }
    }
}

/// Whether everything is said and answered, or there was time enough for it.
fn is_over(session: &Session, stopped_at: Instant) -> bool {
    let since = stopped_at.elapsed();
    if since >= GRACE {
        session.abort_running(STOPPING);
    }
    let has_listener = session.token().is_some() || session.held.has_original();
    session.held.0.is_empty() || since >= GRACE + FAREWELL || !has_listener
}

/// Guests work in directories of their own.
fn with_absolute_paths(settings: WorkerSettings) -> Result<WorkerSettings, WorkerError> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|cause| prepare(path, cause));
    let is_command = settings.python.components().count() == 1;
    Ok(WorkerSettings {
        output_root: absolute(&settings.output_root)?,
        state_dir: absolute(&settings.state_dir)?,
        python: if is_command { settings.python } else { absolute(&settings.python)? },
        ..settings
    })
}

fn own_plugins(settings: &WorkerSettings) -> Result<Vec<AnnouncedPlugin>, WorkerError> {
    let Some(directory) = &settings.plugins_dir else { return Ok(Vec::new()) };
    announced(directory).map_err(|cause| prepare(directory, cause))
}

fn workshop(settings: &WorkerSettings) -> Workshop {
    Workshop {
        sinks: Sinks::with_logins(
            settings.output_root.clone(),
            settings.worker_id.clone(),
            settings.logins.clone(),
        ),
        plugins: PluginStore::new(&settings.state_dir),
        memory: MemoryScan::default(),
        budget: settings.packs.then(Budget::default),
        state_dir: settings.state_dir.clone(),
        wall_clock: settings.wall_clock,
    }
}

fn launch(settings: &WorkerSettings) -> Result<Launch, WorkerError> {
    let script = sdk::unpack(&settings.state_dir);
    let script = script.map_err(|cause| prepare(&settings.state_dir, cause))?;
    let scratch = settings.state_dir.join("scratch").join(settings.worker_id.as_str());
    clear_directory(&scratch).map_err(|cause| prepare(&scratch, cause))?;
    Ok(Launch {
        python: settings.python.clone(),
        script,
        sql_guest: settings.sql_guest.clone(),
        env: settings.guest_env.clone(),
        scratch,
        started: AtomicU64::new(0),
    })
}

/// What guests of an earlier process of this name left behind goes.
fn clear_directory(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(path),
    }
}

fn prepare(path: &Path, cause: io::Error) -> WorkerError {
    WorkerError::Prepare { path: path.to_owned(), cause }
}

fn identify(settings: &WorkerSettings, plugins: Vec<AnnouncedPlugin>) -> Identify {
    Identify {
        worker_id: Some(settings.worker_id.clone()),
        capabilities: plugins.iter().map(|plugin| plugin.name.clone()).collect(),
        plugins,
        slots: settings.slots.max(1),
        environment: settings.environment.clone(),
        token: None,
    }
}
