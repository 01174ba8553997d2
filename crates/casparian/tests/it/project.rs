//! A project in a directory of its own, and the binary run in it.

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Reads CSV with what every Python has.
pub const ORDERS: &str = r#"# PATTERN: *.csv
# TOPIC: orders
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
"#;

pub struct Project {
    dir: TempDir,
}

pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With the plugin that reads CSV and one source directory.
    pub fn with_orders() -> Self {
        let project = Self::new();
        project.write("plugins/orders.py", ORDERS);
        fs::create_dir(project.path("data")).unwrap();
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where a Sentinel of this project can listen: nobody else takes it meanwhile, as it may happen to a port.
    pub fn address(&self) -> String {
        format!("ipc://{}", self.path("socket").display())
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// In the project's directory, in an environment that holds nothing else of ours.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casparian"));
        command.args(arguments).current_dir(self.dir.path()).env_clear();
        command.env("PATH", variable("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path().join("home"));
        command.env("CASPARIAN_PYTHON_INTERPRETER", python());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn casparian(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments))
    }

    /// Must be done without a failure; the document on stdout.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.casparian(&[arguments, &["--json"]].concat());
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.json()
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, &[])
    }

    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let log = self.path(&format!("{}.log", arguments[0]));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.command(arguments);
        let child = command.envs(variables.iter().copied()).stderr(log).spawn().unwrap();
        Running { child }
    }

    /// The files of a topic that a reader's glob finds.
    pub fn parts(&self, topic: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("lake").join(topic)) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut parts: Vec<_> = paths.filter(|path| path.is_file()).collect();
        parts.sort();
        parts
    }

    /// Files of a topic that are not published.
    pub fn staged(&self, topic: &str) -> Vec<PathBuf> {
        let Ok(workers) = fs::read_dir(self.path("lake").join(topic).join("_staging")) else {
            return Vec::new();
        };
        let files = workers.flat_map(|worker| fs::read_dir(worker.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    /// The values of a column in all current files, sorted. A file that is moved away meanwhile has it looked at once more.
    pub fn column(&self, topic: &str, column: &str) -> Vec<String> {
        loop {
            let opened = self.parts(topic).iter().map(File::open).collect::<Result<Vec<_>, _>>();
            match opened {
                Ok(files) => {
                    let mut values =
                        files.into_iter().flat_map(|file| read(file, column)).collect::<Vec<_>>();
                    values.sort();
                    return values;
                }
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
            }
        }
    }
}

fn read(file: File, column: &str) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut values = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let array = batch.column_by_name(column).unwrap();
        let formatter = arrow_cast::display::ArrayFormatter::try_new(array, &Default::default());
        let formatter = formatter.unwrap();
        values.extend((0..array.len()).map(|row| formatter.value(row).to_string()));
    }
    values
}

pub fn python() -> String {
    variable("CASPARIAN_TEST_PYTHON").unwrap_or_else(|| "python3".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "tests are told their surroundings")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Outcome {
    pub fn of(mut command: Command) -> Self {
        Self::from(command.output().unwrap())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is no document: {error}\n{}\n{}", self.stdout, self.stderr)
        })
    }
}

impl From<std::process::Output> for Outcome {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A process that goes on until it is told otherwise.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// As the kernel has it: `T` is stopped, `Z` has ended.
    pub fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }

    pub fn wait(mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        status.code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fails with what is waited for, when it does not come true soon.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "never so: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
