//! A catalog with one plugin, and files that appear in it without a scout.

use catalog::report::JobFilter;
use catalog::{
    Catalog, NewDirectory, NewLocation, NewRequest, OpenMode, RequestReport, SubscribedPlugin,
    Tagged,
};
use control::architect::{Registrar, RegistrySettings, SqlCheck};
use control::clock::{Clock, SystemClock};
use control::sentinel::decide::Timing;
use control::sentinel::{SentinelHandle, SentinelSettings, Tokens};
use protocol::{ContentHash, FileStat, JobAttempt, RequestId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PLUGIN: &str = "# PATTERN: *.csv\n# TOPIC: out\nfrom casparian_flow.sdk import BasePlugin\n\
                      class Handler(BasePlugin):\n    def execute(self, path):\n        pass\n";

pub struct Project {
    directory: TempDir,
    runtime: tokio::runtime::Runtime,
    catalog: Catalog,
}

impl Project {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("plugins")).unwrap();
        std::fs::write(directory.path().join("plugins/p.py"), PLUGIN).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = directory.path().join("catalog.db").to_str().unwrap().to_owned();
        let catalog = runtime.block_on(Catalog::open(&url, OpenMode::ReadWrite)).unwrap();
        Self { directory, runtime, catalog }
    }

    /// Always at the same address, so that workers find a restarted one.
    pub fn sentinel(&self) -> SentinelHandle {
        let path = |name: &str| self.directory.path().join(name).to_str().unwrap().to_owned();
        let plugins = Some(self.directory.path().join("plugins"));
        let check = SqlCheck { statements: |_| Ok(Vec::new()), reader: |_| Ok(()) };
        let settings = SentinelSettings {
            command: "test".to_owned(),
            endpoint: format!("ipc://{}", path("socket")),
            curve: None,
            catalog_url: path("catalog.db"),
            timing: Timing { lease_us: 15_000_000, heartbeat_us: 2_000_000 },
            host: "here".to_owned(),
            clock: Arc::new(SystemClock),
            tokens: Tokens::new(|bytes| getrandom::fill(bytes).unwrap()),
            registrar: Registrar::new(plugins, RegistrySettings::default(), check),
        };
        SentinelHandle::start(settings).unwrap()
    }

    pub fn write(&self, name: &str, content: u8) {
        self.runtime.block_on(self.record(name, content));
    }

    async fn record(&self, name: &str, content: u8) {
        let now_us = SystemClock.now_us();
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let root = tx.register_root(b"/data", now_us).await.unwrap();
        let directory = NewDirectory { path: b"", digest: None };
        let directory = tx.upsert_directories(root, &[directory], now_us).await.unwrap()[0];
        let stat = FileStat { inode: 1, size: 1, mtime_ns: 1, ctime_ns: 1 };
        let location = NewLocation { directory, name: name.as_bytes().to_vec(), stat };
        tx.upsert_locations(&[location], now_us).await.unwrap();
        tx.commit().await.unwrap();

        let table = self.catalog.routing_table().await.unwrap();
        let plugins = table.plugins.iter().collect::<Vec<&SubscribedPlugin>>();
        let todo = self.catalog.todo(&[root], i64::MAX, None, 100).await.unwrap();
        let todo = todo.into_iter().find(|one| one.name == name.as_bytes()).unwrap();
        let tagged = Tagged {
            location: todo.id,
            seen: stat,
            stat,
            hash: Some(ContentHash::new([content; 32])),
            racy: false,
            tags: &["auto_p".to_owned()],
            plugins: &plugins,
        };
        let mut tx = self.catalog.begin_scout().await.unwrap();
        tx.record(&[tagged], table.epoch, now_us).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Left for the Sentinel, which is live or will be.
    pub fn abort(&self, jobs: &[JobAttempt]) -> RequestId {
        let jobs = jobs.iter().map(|job| job.id).collect();
        let request = NewRequest::Abort { jobs };
        let left = self.catalog.leave_request(&request, "anna@here", SystemClock.now_us());
        self.runtime.block_on(left).unwrap()
    }

    /// Waits for the answer.
    pub fn report(&self, request: RequestId) -> RequestReport {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let report = self.runtime.block_on(self.catalog.request_report(request)).unwrap();
            if let Some(report) = report {
                return report;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the Sentinel does not answer the request");
    }

    /// Nobody else can write meanwhile.
    pub fn lock_catalog(&self, time: Duration) {
        self.runtime.block_on(async {
            let tx = self.catalog.begin_scout().await.unwrap();
            tokio::time::sleep(time).await;
            drop(tx);
        });
    }

    pub fn states(&self) -> Vec<String> {
        let filter = JobFilter { limit: 100, ..JobFilter::default() };
        let jobs = self.runtime.block_on(self.catalog.jobs(&filter)).unwrap();
        jobs.iter().map(|job| job.state.to_string()).collect()
    }
}
