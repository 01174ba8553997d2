//! A loaded plugin, ready for jobs.

use super::messages::{GuestError, Hello, Ready};
use super::publisher::Publisher;
use control::architect::reader_line;
use query::plugin::{PluginError, Publish, Published, Runner, SqlPlugin};
use readers::{Input, Pins};
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use worker::guest::{GuestChannel, Kind, Order};

/// Of the engine, where the guest has no limit.
const MEMORY_DEFAULT: u64 = 1 << 30;
/// There is a guest for each core, and the host beside it: one thread reads, another makes columns or runs the statement.
const THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("it is not zero");

pub struct Guest {
    plugin: SqlPlugin,
    pins: Pins,
    runner: Runner,
    publisher: Arc<Mutex<Publisher>>,
}

impl Guest {
    /// None after the host has been told why not.
    pub fn load(mut channel: GuestChannel, hello: &[u8]) -> io::Result<Option<Self>> {
        let hello: Hello = serde_json::from_slice(hello)?;
        match load(&hello) {
            Ok((plugin, pins, runner)) => {
                channel.send_json(Kind::Hello, &Ready { version: env!("CARGO_PKG_VERSION") })?;
                let publisher = Arc::new(Mutex::new(Publisher::new(channel, hello.topics)));
                Ok(Some(Self { plugin, pins, runner, publisher }))
            }
            Err(message) => {
                let message = format!("plugin {}: {message}", hello.plugin_name);
                channel.send_json(Kind::Error, &GuestError { class: "load", message })?;
                Ok(None)
            }
        }
    }

    fn publisher(&self) -> MutexGuard<'_, Publisher> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn receive(&mut self) -> io::Result<Option<Order>> {
        self.publisher().channel.receive()
    }

    /// One job, to its DONE or ERROR.
    pub fn run(&mut self, file: OwnedFd) -> io::Result<()> {
        self.publisher().begin();
        let result = catch_unwind(AssertUnwindSafe(|| self.execute(file)));
        let error = match result {
            Ok(Ok(())) => {
                let mut publisher = self.publisher();
                let done = std::mem::take(&mut publisher.done);
                return publisher.channel.send_json(Kind::Done, &done);
            }
            Ok(Err(PluginError::Output(error))) => return Err(error),
            Ok(Err(error)) => GuestError { class: class_of(&error), message: error.to_string() },
            // The hook has told where; that is in the job's log.
            Err(_) => GuestError {
                class: "plugin",
                message: "the reader of this file failed in a way that is a bug; the job's log says where".to_owned(),
            },
        };
        self.publisher().channel.send_json(Kind::Error, &error)
    }

    fn execute(&self, file: OwnedFd) -> Result<(), PluginError> {
        let input = Input::new(File::from(file)).map_err(readers::ReadError::from)?;
        let publisher = self.publisher.clone();
        let publish = move |statement: usize, published: Published| {
            publisher.lock().unwrap_or_else(PoisonError::into_inner).take(statement, published)
        };
        let publish: Publish = Arc::new(Mutex::new(publish));
        self.runner.run(&self.plugin, &input, &self.pins, &publish)
    }
}

fn load(hello: &Hello) -> Result<(SqlPlugin, Pins, Runner), String> {
    let source = std::fs::read_to_string(&hello.source_path);
    let source = source.map_err(|error| format!("its source cannot be read: {error}"))?;
    let plugin = SqlPlugin::parse(&source).map_err(|error| error.to_string())?;
    if plugin.len() != hello.topics.len() {
        let (statements, topics) = (plugin.len(), hello.topics.len());
        return Err(format!("it has {statements} statements for {topics} topics"));
    }
    let pins = match reader_line(&source) {
        Some(line) => Pins::parse(&line).map_err(|error| format!("READER: {error}"))?,
        None => Pins::default(),
    };
    // The readers and the rows on their way need the rest.
    let limit = Some(hello.memory_bytes).filter(|limit| *limit > 0).map(|limit| limit / 2);
    let memory = usize::try_from(limit.unwrap_or(MEMORY_DEFAULT)).unwrap_or(usize::MAX);
    let runner = Runner::new(memory, Path::new("."), THREADS).map_err(|error| error.to_string())?;
    Ok((plugin, pins, runner))
}

fn class_of(error: &PluginError) -> &'static str {
    match error {
        PluginError::Memory { .. } => "memory",
        _ => "plugin",
    }
}
