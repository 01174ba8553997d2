//! What a run needs of the machine, and whether it is there.

use super::python::interpreter;
use crate::config::{Environment, Settings};
use protocol::PluginLanguage;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Good,
    /// It works, but somebody should know.
    Doubtful,
    /// A run would fail.
    Bad,
}

impl Health {
    pub fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Doubtful => "!",
            Self::Bad => "✗",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Finding {
    pub subject: &'static str,
    pub health: Health,
    pub text: String,
}

impl Finding {
    pub fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, health: Health::Good, text: text.into() }
    }

    pub fn doubtful(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, health: Health::Doubtful, text: text.into() }
    }

    pub fn bad(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, health: Health::Bad, text: text.into() }
    }
}

pub fn examine_machine(settings: &Settings, environment: &Environment) -> Vec<Finding> {
    let (major, minor, patch) = zmq::version();
    vec![
        python(settings, environment),
        Finding::good("libzmq", format!("{major}.{minor}.{patch}")),
        output(&settings.output.value),
        plugins(&settings.plugins_dir.value),
        watches(),
        open_files(),
    ]
}

/// Asks the interpreter itself: its version, and which packages plugins could use.
fn python(settings: &Settings, environment: &Environment) -> Finding {
    const ASK: &str = "import sys, importlib.metadata as m
found = []
for name in ('pandas', 'polars', 'pyarrow'):
    try: found.append(name + ' ' + m.version(name))
    except m.PackageNotFoundError: pass
print('%d.%d.%d' % sys.version_info[:3], sys.executable, ', '.join(found) or 'none of pandas, polars, pyarrow', sep='\\n')
sys.exit(0 if sys.version_info >= (3, 9) else 3)";
    let Some(path) = interpreter(settings, environment) else {
        let name = &settings.python.value;
        let text = format!("there is no {name}: install it, or set python.interpreter");
        return Finding::bad("python", text);
    };
    let answer = Command::new(&path).args(["-I", "-c", ASK]).stdin(Stdio::null()).output();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Finding::bad("python", format!("{}: {error}", path.display())),
    };
    let text = String::from_utf8_lossy(&answer.stdout);
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or("?").to_owned();
    let text = format!("{} at {} with {}", next(), next(), next());
    match answer.status.code() {
        Some(0) => Finding::good("python", text),
        Some(3) => Finding::bad("python", format!("{text}: plugins need 3.9 or newer")),
        _ => Finding::bad("python", format!("{} does not work", path.display())),
    }
}

/// Nothing is made to find this out: the nearest directory that is there would have to take the rest.
fn output(path: &Path) -> Finding {
    let Some(there) = path.ancestors().find(|path| path.exists()) else {
        return Finding::bad("output", format!("{}: nothing of this path exists", path.display()));
    };
    let kind = file_system(there);
    if !there.is_dir() {
        return Finding::bad("output", format!("{} is not a directory", there.display()));
    }
    match rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
        Err(error) => {
            Finding::bad("output", format!("{} cannot be written: {error}", there.display()))
        }
        Ok(()) if kind.is_network => Finding::doubtful(
            "output",
            format!(
                "{} is on {}: locks and renames are only as good as that",
                path.display(),
                kind.name
            ),
        ),
        Ok(()) => {
            Finding::good("output", format!("{} is writable ({})", path.display(), kind.name))
        }
    }
}

struct FileSystem {
    name: String,
    is_network: bool,
}

#[expect(clippy::unnecessary_cast, reason = "the kernel's types differ between architectures")]
fn file_system(path: &Path) -> FileSystem {
    const KNOWN: [(i64, &str, bool); 11] = [
        (0xef53, "ext4", false),
        (0x5846_5342, "xfs", false),
        (0x9123_683e, "btrfs", false),
        (0x2fc1_2fc1, "zfs", false),
        (0x0102_1994, "tmpfs", false),
        (0x794c_7630, "overlayfs", false),
        (0x6969, "NFS", true),
        (0xff53_4d42, "CIFS", true),
        (0xfe53_4d42, "SMB", true),
        (0x6573_5546, "FUSE", true),
        (0x0102_1997, "9p", true),
    ];
    let magic = rustix::fs::statfs(path).map_or(0, |stat| stat.f_type as i64);
    let known = KNOWN.iter().find(|(number, ..)| *number == magic);
    match known {
        Some((_, name, is_network)) => {
            FileSystem { name: (*name).to_owned(), is_network: *is_network }
        }
        None => FileSystem { name: format!("file system {magic:#x}"), is_network: false },
    }
}

fn is_plugin(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.and_then(PluginLanguage::of_extension).is_some()
}

fn plugins(path: &Path) -> Finding {
    match fs::read_dir(path) {
        Ok(entries) => {
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let count = names.filter(|name| is_plugin(Path::new(name))).count();
            Finding::good("plugins", format!("{count} in {}", path.display()))
        }
        Err(_) if !path.exists() => {
            Finding::doubtful("plugins", format!("{} is not there", path.display()))
        }
        Err(error) => Finding::bad("plugins", format!("{}: {error}", path.display())),
    }
}

/// `serve` watches each directory of its sources.
fn watches() -> Finding {
    let read = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    match read.ok().and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(watches) if watches < 10_000 => Finding::doubtful(
            "events",
            format!(
                "{watches} directories can be watched (fs.inotify.max_user_watches); the sweep sees the rest"
            ),
        ),
        Some(watches) => Finding::good("events", format!("{watches} directories can be watched")),
        None => Finding::doubtful("events", "no inotify here: the sweep alone sees changes"),
    }
}

fn open_files() -> Finding {
    let limit = getrlimit(Resource::Nofile).current;
    match limit {
        Some(limit) if limit < 1024 => {
            Finding::doubtful("open files", format!("{limit} at most: raise it (ulimit -n)"))
        }
        Some(limit) => Finding::good("open files", format!("{limit} at most")),
        None => Finding::good("open files", "no limit"),
    }
}
