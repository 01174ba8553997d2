//! The worker's role: it needs no catalog, only a Sentinel, an interpreter and a place for output.

use super::identity;
use super::python::interpreter;
use crate::config::{Environment, Sandbox, Settings};
use crate::failure::{Failure, Kind};
use crate::sql_guest::ARGUMENT;
use control::clock::{Clock, SystemClock};
use protocol::WorkerId;
use rustix::process::{Pid, test_kill_process};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use worker::{SqlGuest, Worker, WorkerCurve, WorkerError, WorkerHandle, WorkerSettings};

/// Where the worker's plugins come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugins {
    /// The Sentinel reads the directory itself.
    OfTheSentinel,
    /// The worker announces those of its own directory.
    Announced,
}

/// Where the worker's Sentinels are, and how it is known to them.
#[derive(Debug)]
pub struct Sentinels {
    pub endpoints: Vec<String>,
    pub curve: Option<WorkerCurve>,
}

pub fn start(
    settings: &Settings,
    environment: &Environment,
    sentinels: Sentinels,
    plugins: Plugins,
) -> Result<WorkerHandle, Failure> {
    refuse_false_safety(settings)?;
    let state_dir = settings.project.state();
    sweep_scratch(&state_dir);
    let own = Some(settings.plugins_dir.value.clone());
    let own = own.filter(|path| plugins == Plugins::Announced && path.is_dir());
    let worker = Worker::start(WorkerSettings {
        worker_id: worker_id()?,
        endpoints: sentinels.endpoints,
        curve: sentinels.curve,
        slots: settings.slots.value.get(),
        packs: settings.packs.value,
        output_root: settings.output.value.clone(),
        logins: settings.logins(environment)?,
        state_dir,
        plugins_dir: own,
        python: python(settings, environment, plugins)?,
        sql_guest: sql_guest(),
        guest_env: guest_environment(environment),
        environment: identity::environment(settings, environment),
        wall_clock: || SystemClock.now_us(),
    })?;
    Ok(worker)
}

/// Who asks for a wall that is not there yet is not given a worker without it.
fn refuse_false_safety(settings: &Settings) -> Result<(), Failure> {
    let refused = |what: &str, cure: &str| {
        let text = format!("{what}, and this version has no such thing yet: no plugin is run");
        Err(Failure::usage(text).hint(cure))
    };
    if settings.require_signature.value {
        return refused(
            "security.require_signature wants signatures checked",
            "set it to false and read your plugins yourself",
        );
    }
    if settings.sandbox.value == Sandbox::Strict {
        return refused(
            "security.sandbox = \"strict\" wants a sandbox",
            "set it to \"default\" and run only plugins you trust",
        );
    }
    Ok(())
}

/// Without an interpreter every job would fail, one after the other; without plugins there are no jobs.
fn python(
    settings: &Settings,
    environment: &Environment,
    plugins: Plugins,
) -> Result<PathBuf, Failure> {
    let name = &settings.python.value;
    match interpreter(settings, environment) {
        Some(path) => Ok(path),
        None if plugins == Plugins::OfTheSentinel && !has_sources(&settings.plugins_dir.value) => {
            Ok(PathBuf::from(name))
        }
        None => Err(Failure::usage(format!("there is no {name} to run plugins on"))
            .hint("install Python 3.9 or newer, or name one: `[python] interpreter` or CASPARIAN_PYTHON_INTERPRETER")),
    }
}

/// This very program, also when another has been put in its place since it was started.
fn sql_guest() -> SqlGuest {
    SqlGuest { program: PathBuf::from("/proc/self/exe"), arguments: vec![ARGUMENT.into()] }
}

fn has_sources(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| Path::new(&name).extension().is_some_and(|extension| extension == "py"))
}

/// Host and process make it readable, the rest unique.
fn worker_id() -> Result<WorkerId, Failure> {
    let mut random = [0; 16];
    identity::random(&mut random);
    let random = u32::from_ne_bytes([random[0], random[1], random[2], random[3]]);
    let id = format!("{}{}-{random:08x}", own_prefix(), std::process::id());
    id.parse().map_err(|error| Failure::bug(format!("a worker's name: {error}")))
}

fn own_prefix() -> String {
    let host = identity::host();
    let legal = host.bytes().filter(u8::is_ascii_alphanumeric).take(40);
    format!("w{}-", legal.map(char::from).collect::<String>())
}

/// What guests of killed workers of this host left behind.
fn sweep_scratch(state_dir: &Path) {
    let Ok(entries) = fs::read_dir(state_dir.join("scratch")) else { return };
    let prefix = own_prefix();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        let pid =
            rest.and_then(|rest| rest.split('-').next()?.parse().ok()).and_then(Pid::from_raw);
        let is_gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
        if pid.is_some_and(is_gone) {
            // What cannot go now goes another time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// All that a guest sees of the environment: enough to find programs, libraries and its language, and no secret. There is a guest for each
/// core: libraries that start a thread for each core, too, are told to use one, where nobody said otherwise.
fn guest_environment(environment: &Environment) -> Vec<(OsString, OsString)> {
    const PASSED: [&str; 13] = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "POLARS_MAX_THREADS",
    ];
    const THREADS: [&str; 3] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];
    let is_passed =
        |name: &str| PASSED.contains(&name) || THREADS.contains(&name) || name.starts_with("LC_");
    let mut passed = environment.only(is_passed);
    for name in THREADS {
        if passed.iter().all(|(known, _)| known != name) {
            passed.push((name.into(), "1".into()));
        }
    }
    passed
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        let kind = match &error {
            WorkerError::Connect { .. } | WorkerError::NoCurve => Kind::Usage,
            WorkerError::Prepare { .. } => Kind::Unreachable,
            WorkerError::NoEndpoint | WorkerError::Zmq(_) | WorkerError::Thread(_) => Kind::Bug,
        };
        Self::new(kind, error.to_string())
    }
}
