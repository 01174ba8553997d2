//! One guest process and the conversation with it.

use super::batch::{BatchError, Batches};
use super::frames::{Frame, FrameReader, Kind, Progress, WireError, header};
use super::log::JobLog;
use super::memory::process_bytes;
use super::pieces::pieces;
use super::process::{GuestProcess, Launch};
use super::rejects::Rejects;
use super::report::{GuestError, Tally};
use super::watch::Watch;
use crate::contract::Reject;
use crate::failure::JobFailure;
use arrow_array::RecordBatch;
use protocol::{ErrorClass, JobId, PluginLanguage, VersionId};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// What a guest is told of its plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Hello {
    pub plugin_name: String,
    pub plugin_version: String,
    pub source_path: String,
    pub topics: Vec<String>,
    pub config: Map<String, Value>,
    /// Of the guest's whole process group; 0: no limit.
    pub memory_bytes: u64,
}

#[derive(Debug, Serialize)]
pub struct GuestJob {
    pub job_id: JobId,
    pub file_version_id: VersionId,
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub metadata: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct LogLine {
    level: String,
    message: String,
}

/// How long a guest that closed its socket may take to end by itself.
const DYING: Duration = Duration::from_millis(500);

/// What a guest sends for a topic.
pub enum Sent<'a> {
    Rows(&'a RecordBatch),
    /// Rows of the input that could not be read.
    Rejects(&'a [Reject]),
}

/// Takes what is sent for a topic as it comes.
pub type Taker<'a> = dyn FnMut(&str, Sent<'_>) -> Result<(), JobFailure> + 'a;

#[derive(Debug)]
pub struct Guest {
    process: GuestProcess,
    reader: FrameReader,
    plugin: String,
    language: PluginLanguage,
    pub jobs_done: u32,
    healthy: bool,
}

impl Guest {
    /// Starts the process and has it load the plugin.
    pub fn start(
        launch: &Launch,
        language: PluginLanguage,
        hello: &Hello,
        watch: &mut Watch<'_>,
        log: &mut JobLog,
    ) -> Result<Self, JobFailure> {
        let process = launch.spawn(language).map_err(|error| {
            let text = format!("cannot start {}: {error}", launch.program(language).display());
            JobFailure { class: ErrorClass::Load, message: text, retryable: Some(true) }
        })?;
        let plugin = hello.plugin_name.clone();
        let (reader, jobs_done, healthy) = (FrameReader::default(), 0, true);
        let mut guest = Self { process, reader, plugin, language, jobs_done, healthy };
        guest.send(Kind::Hello, hello, None)?;
        let frame = guest.next_frame(watch, log)?;
        match frame.kind {
            Kind::Hello => Ok(guest),
            Kind::Error => Err(guest.reported(&frame, log)),
            _ => Err(guest.broken_wire("answered HELLO with something else")),
        }
    }

    /// It can take a further job.
    pub fn is_healthy(&self) -> bool {
        self.healthy && !self.process.has_ended()
    }

    pub fn resident_bytes(&self) -> u64 {
        process_bytes(self.process.group())
    }

    /// Runs one job; whatever it sends goes to `taker`.
    pub fn run(
        &mut self,
        job: &GuestJob,
        file: BorrowedFd<'_>,
        watch: &mut Watch<'_>,
        log: &mut JobLog,
        taker: &mut Taker<'_>,
    ) -> Result<(), JobFailure> {
        // Only the end of a conversation makes the guest fit for the next one.
        self.healthy = false;
        self.jobs_done += 1;
        self.send(Kind::Job, job, Some(file))?;
        let mut tally = Tally::default();
        let result = loop {
            let frame = self.next_frame(watch, log)?;
            match frame.kind {
                Kind::Batch => self.take_batch(frame, watch, &mut tally, taker)?,
                // A Python plugin refuses no rows: it has none but those that it made.
                Kind::Quarantine if self.language == PluginLanguage::Sql => {
                    self.take_rejects(&frame, &mut tally, taker)?;
                }
                Kind::Done => {
                    tally.check(&frame.payload).map_err(|what| self.broken_wire(&what))?;
                    break Ok(());
                }
                Kind::Error => break Err(self.reported(&frame, log)),
                _ => return Err(self.broken_wire("sent a frame that is none of a guest's")),
            }
        };
        self.drain(log);
        self.healthy = true;
        result
    }

    fn take_batch(
        &self,
        frame: Frame,
        watch: &mut Watch<'_>,
        tally: &mut Tally,
        taker: &mut Taker<'_>,
    ) -> Result<(), JobFailure> {
        let corrupt = |error: BatchError| JobFailure::new(ErrorClass::Crash, error.to_string());
        let mut batches = Batches::new(frame.payload).map_err(corrupt)?;
        while let Some(batch) = batches.next().map_err(corrupt)? {
            tally.add_rows(&batches.topic, batch.num_rows() as u64);
            for piece in pieces(batch) {
                watch.check(self.process.group())?;
                taker(&batches.topic, Sent::Rows(&piece))?;
            }
        }
        Ok(())
    }

    fn take_rejects(
        &mut self,
        frame: &Frame,
        tally: &mut Tally,
        taker: &mut Taker<'_>,
    ) -> Result<(), JobFailure> {
        let rejects = Rejects::parse(&frame.payload).map_err(|what| self.broken_wire(&what))?;
        tally.add_rejects(&rejects.topic, rejects.rows.len() as u64);
        taker(&rejects.topic, Sent::Rejects(&rejects.rows))
    }

    /// The next frame that is no log line. The guest's prints are taken, and its limits looked at, while it is awaited.
    fn next_frame(&mut self, watch: &mut Watch<'_>, log: &mut JobLog) -> Result<Frame, JobFailure> {
        let mut ended = false;
        loop {
            watch.check(self.process.group())?;
            match self.reader.read(&self.process.socket) {
                Ok(Progress::Frame(frame)) if frame.kind == Kind::Log => log_line(&frame, log),
                Ok(Progress::Frame(frame)) => return Ok(frame),
                Ok(Progress::Pending) if !ended => ended = self.wait(watch, log)?,
                Ok(Progress::Pending) => return Err(self.death(log)),
                Ok(Progress::End) => {
                    // Its descriptors close a moment before its status can be had.
                    self.process.await_end(DYING);
                    return Err(self.death(log));
                }
                Err(error @ WireError::TooLarge(_)) => {
                    return Err(JobFailure::new(ErrorClass::Plugin, error.to_string()));
                }
                Err(error) => return Err(JobFailure::new(ErrorClass::Crash, error.to_string())),
            }
        }
    }

    /// Until something comes or the next look is due; true when the process has ended. A child of it may hold the socket still.
    fn wait(&mut self, watch: &Watch<'_>, log: &mut JobLog) -> Result<bool, JobFailure> {
        let pause = Timespec::try_from(watch.pause()).ok();
        let process = &mut self.process;
        let mut fds = vec![
            PollFd::new(&process.socket, PollFlags::IN),
            PollFd::new(&process.pidfd, PollFlags::IN),
        ];
        let pipes = [&process.stdout, &process.stderr];
        fds.extend(pipes.into_iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match rustix::event::poll(&mut fds, pause.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(JobFailure::new(ErrorClass::Crash, error.to_string())),
        }
        let ended = !fds[1].revents().is_empty();
        let printed = fds[2..].iter().any(|fd| !fd.revents().is_empty());
        if printed {
            self.drain(log);
        }
        Ok(ended)
    }

    fn drain(&mut self, log: &mut JobLog) {
        for pipe in [&mut self.process.stdout, &mut self.process.stderr] {
            if pipe.as_ref().is_some_and(|open| !log.drain(open)) {
                *pipe = None;
            }
        }
    }

    fn death(&mut self, log: &mut JobLog) -> JobFailure {
        self.healthy = false;
        let status = self.process.kill();
        self.drain(log);
        let how = match status {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with exit status {code}"),
                (_, Some(signal)) => format!("was killed by signal {signal}"),
                _ => "ended".to_owned(),
            },
            None => "ended".to_owned(),
        };
        let text = format!("the process of plugin {} {how}", self.plugin);
        JobFailure::new(ErrorClass::Crash, text)
    }

    fn reported(&mut self, frame: &Frame, log: &mut JobLog) -> JobFailure {
        self.drain(log);
        let Ok(error) = serde_json::from_slice::<GuestError>(&frame.payload) else {
            return self.broken_wire("sent an error that cannot be read");
        };
        if !error.traceback.is_empty() {
            log.line("error", error.traceback.trim_end());
        }
        error.failure()
    }

    /// It is not asked for anything any more, and ends when it is dropped.
    fn broken_wire(&mut self, what: &str) -> JobFailure {
        self.healthy = false;
        let text = format!("the process of plugin {} {what}", self.plugin);
        JobFailure::new(ErrorClass::Crash, text)
    }

    /// A descriptor travels on the first bytes.
    fn send(
        &mut self,
        kind: Kind,
        payload: &impl Serialize,
        fd: Option<BorrowedFd<'_>>,
    ) -> Result<(), JobFailure> {
        let sent = serde_json::to_vec(payload).map_err(Into::into).and_then(|payload| {
            let head = header(kind, payload.len());
            let sent = send_with_fd(self.process.socket.as_fd(), &head, fd)?;
            self.process.socket.write_all(&head[sent..])?;
            self.process.socket.write_all(&payload)
        });
        match sent {
            // A guest that is gone is seen by the read that follows, with how it ended.
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                let text = format!("the process of plugin {} takes no job: {error}", self.plugin);
                Err(JobFailure::new(ErrorClass::Crash, text))
            }
        }
    }
}

fn send_with_fd(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fd: Option<BorrowedFd<'_>>,
) -> std::io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = fd.as_slice();
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    let parts = [IoSlice::new(bytes)];
    Ok(rustix::net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL)?)
}

fn log_line(frame: &Frame, log: &mut JobLog) {
    if let Ok(line) = serde_json::from_slice::<LogLine>(&frame.payload) {
        log.line(&line.level, &line.message);
    }
}
