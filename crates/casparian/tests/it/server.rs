//! A PostgreSQL server, where the tests may have one.

use super::project::variable;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A server for one test alone: it may be made to crash.
pub struct Server {
    process: Child,
    url: String,
    /// The program `psql`.
    psql: PathBuf,
    schemas: AtomicU32,
}

impl Server {
    /// None: nobody said that there may be one. In CI that is a failure.
    pub fn start() -> Option<Self> {
        if variable("CASPARIAN_TEST_POSTGRES").is_none() {
            let said = "CASPARIAN_TEST_POSTGRES names no server: this test is skipped (`make test` starts one)";
            assert!(variable("CI").is_none(), "{said}");
            // Not captured, so that it is seen.
            let _ = writeln!(std::io::stderr(), "{said}");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/with-postgres");
        let mut command = Command::new("bash");
        let says = "echo \"$CASPARIAN_TEST_POSTGRES\"; echo \"$CASPARIAN_TEST_POSTGRES_BIN/psql\"; exec cat";
        command.args([script, "sh", "-c", says]);
        command.env_remove("CASPARIAN_TEST_POSTGRES");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = said.next().expect("a server is started").unwrap();
        let psql = PathBuf::from(said.next().unwrap().unwrap());
        Some(Self { process, url, psql, schemas: AtomicU32::new(0) })
    }

    /// A URL with a schema in which there is nothing.
    pub fn fresh(&self) -> String {
        let schema = format!("s{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        let mut psql = Command::new(&self.psql);
        psql.arg(&self.url).args(["-qc", &format!("CREATE SCHEMA {schema}")]);
        assert!(psql.status().unwrap().success());
        format!("{}&options[search_path]={schema}", self.url)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lines that its own shell prints.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        let mut psql = Command::new(&self.psql);
        psql.args([&self.url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Crashes, and comes back.
    pub fn restart(&self) {
        let place = PathBuf::from(self.url.rsplit_once("host=").unwrap().1);
        assert!(Command::new(place.join("restart")).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
