//! The one place where a guest process is started: a process group of its own, one inherited descriptor, and nothing of our environment.

use protocol::PluginLanguage;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroI32;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A guest that does not take its job within this is broken.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// How guests are started here.
#[derive(Debug)]
pub struct Launch {
    pub python: PathBuf,
    /// The SDK's `guest.py`.
    pub script: PathBuf,
    pub sql_guest: SqlGuest,
    /// All of the environment that a guest sees.
    pub env: Vec<(OsString, OsString)>,
    /// Each guest gets a directory of its own below it.
    pub scratch: PathBuf,
    pub started: AtomicU64,
}

/// The program that runs SQL plugins: its stdin is the socket over which it speaks the frames of a guest.
#[derive(Debug, Clone)]
pub struct SqlGuest {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

/// The groups of all guests of this process that are not reaped, so that none outlives it.
static LIVE_GROUPS: Mutex<BTreeSet<NonZeroI32>> = Mutex::new(BTreeSet::new());

fn live_groups() -> MutexGuard<'static, BTreeSet<NonZeroI32>> {
    LIVE_GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every guest with all that it started. For a process that is about to end without a word to its workers.
pub fn kill_guests() {
    for group in live_groups().iter().filter_map(|group| Pid::from_raw(group.get())) {
        // One that has ended by itself is no trouble.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

#[derive(Debug)]
pub struct GuestProcess {
    child: Child,
    pid: Pid,
    pub pidfd: OwnedFd,
    pub socket: UnixStream,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    scratch: PathBuf,
    status: Option<ExitStatus>,
}

impl Launch {
    pub fn program(&self, language: PluginLanguage) -> &Path {
        match language {
            PluginLanguage::Python => &self.python,
            PluginLanguage::Sql => &self.sql_guest.program,
        }
    }

    pub fn spawn(&self, language: PluginLanguage) -> io::Result<GuestProcess> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let scratch = self.scratch.join(number.to_string());
        std::fs::create_dir_all(&scratch)?;
        let (socket, guest_end) = UnixStream::pair()?;
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        let mut child = match language {
            PluginLanguage::Python => {
                let mut command = self.command(&self.python, &scratch);
                let guest_fd = guest_end.as_raw_fd();
                command.arg("-B").arg(&self.script).arg(guest_fd.to_string()).stdin(Stdio::null());
                prepare(&mut command, Some(guest_fd));
                command.spawn()?
            }
            PluginLanguage::Sql => {
                let mut command = self.command(&self.sql_guest.program, &scratch);
                // No plugin's code reads there, and the number is known.
                let stdin = guest_end.try_clone()?;
                command.args(&self.sql_guest.arguments).stdin(OwnedFd::from(stdin));
                prepare(&mut command, None);
                command.spawn()?
            }
        };
        drop(guest_end);
        let pid = Pid::from_child(&child);
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        for pipe in [&stdout, &stderr].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        live_groups().insert(pid.as_raw_nonzero());
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        Ok(GuestProcess { child, pid, pidfd, socket, stdout, stderr, scratch, status: None })
    }

    fn command(&self, program: &Path, scratch: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(scratch).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// `guest_fd`: what it inherits beside the three that everybody has.
#[expect(unsafe_code, reason = "what happens between fork and exec can be said in no safe way")]
fn prepare(command: &mut Command, guest_fd: Option<RawFd>) {
    let host = rustix::process::getpid();
    let in_child = move || {
        // The guest dies with the thread that started it, and that thread ends with its guests.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(host) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        // SAFETY: system calls on descriptor numbers; an old kernel without the first one has them closed on exec already.
        unsafe {
            let flags = libc::CLOSE_RANGE_CLOEXEC;
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, flags);
            if let Some(guest_fd) = guest_fd
                && libc::fcntl(guest_fd, libc::F_SETFD, 0) == -1
            {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls only: no allocation, no lock.
    unsafe { command.pre_exec(in_child) };
}

impl GuestProcess {
    pub fn group(&self) -> Pid {
        self.pid
    }

    pub fn has_ended(&self) -> bool {
        self.await_end(Duration::ZERO)
    }

    /// Whether the process has ended by itself, at the latest after this time.
    pub fn await_end(&self, at_most: Duration) -> bool {
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let at_most = Timespec::try_from(at_most).ok();
        !matches!(rustix::event::poll(&mut ended, at_most.as_ref()), Ok(0))
    }

    /// Kills the guest with all that it started, and reaps it. What it ended with counts, if it had ended already.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            // Before it is reaped: until then nobody else can get its number.
            let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
            live_groups().remove(&self.pid.as_raw_nonzero());
            self.status = self.child.wait().ok();
        }
        self.status
    }
}

impl Drop for GuestProcess {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
