//! A source root, a catalog and a scout; and short words for what happens to them.

use catalog::report::{FileFilter, FileRow, JobFilter, JobRow};
use catalog::{
    Catalog, ClaimFrom, DesiredPlugin, DesiredRegistry, FailNext, Failure, Lane, OpenMode,
    SentinelEpoch, TopicTarget, WorkerRegistration,
};
use control::Stop;
use control::clock::{Clock, ManualClock, SystemClock};
use control::scout::{HashMode, PassReport, Scout, ScoutError, ScoutSettings, Source};
use protocol::{
    ContentHash, Environment, ErrorClass, Limits, Metrics, PluginDeclaration, PluginLanguage,
    PluginVersion, SourceRootId, TopicOptions, TopicSchema,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

pub struct World {
    pub catalog: Catalog,
    /// An hour ahead of the files, so that none is racy or unsettled, unless a test sets it.
    pub clock: Arc<ManualClock>,
    pub hash: HashMode,
    pub settle: Duration,
    pub ignore: Vec<String>,
    plugins: Mutex<Vec<DesiredPlugin>>,
    epoch: SentinelEpoch,
    temp: TempDir,
}

impl World {
    pub async fn fresh() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join("state")).unwrap();
        fs::create_dir_all(temp.path().join("root")).unwrap();
        let url = temp.path().join("state/catalog.db");
        let catalog = Catalog::open(url.to_str().unwrap(), OpenMode::ReadWrite).await.unwrap();
        let epoch = catalog.take_sentinel_epoch().await.unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now_us()));
        clock.advance(Duration::from_secs(3_600));
        Self {
            catalog,
            clock,
            hash: HashMode::Routed,
            settle: Duration::ZERO,
            ignore: Vec::new(),
            plugins: Mutex::default(),
            epoch,
            temp,
        }
    }

    pub fn temp(&self) -> &Path {
        self.temp.path()
    }

    pub fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    pub fn at(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.root().join(OsStr::from_bytes(path.as_ref()))
    }

    pub fn write(&self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn remove(&self, path: impl AsRef<[u8]>) {
        let path = self.at(path);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    pub fn rename(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    pub fn source(&self) -> Source {
        self.source_at(&self.root())
    }

    pub fn source_at(&self, path: &Path) -> Source {
        let mut source = Source::at(path, &[]).unwrap();
        source.settle = self.settle;
        source.ignore.clone_from(&self.ignore);
        source
    }

    pub fn scout(&self) -> Scout {
        self.scout_of(vec![self.source()])
    }

    pub fn scout_of(&self, sources: Vec<Source>) -> Scout {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Scout::new(self.catalog.clone(), clock, self.settings_of(sources))
    }

    pub fn settings_of(&self, sources: Vec<Source>) -> ScoutSettings {
        ScoutSettings {
            sources,
            own: ["state", "root/lake", "root/sub/own.db"]
                .map(|it| self.temp.path().join(it))
                .to_vec(),
            threads: 2,
            hash: self.hash,
            sweep: Duration::from_secs(3_600),
            watches_max: 0,
            confirm_deletions: false,
        }
    }

    pub async fn pass(&self) -> PassReport {
        self.try_pass().await.unwrap()
    }

    pub async fn try_pass(&self) -> Result<PassReport, ScoutError> {
        self.scout().pass(&Stop::new()).await
    }

    pub async fn scan(&self) -> PassReport {
        self.scout().scan(&Stop::new()).await.unwrap()
    }

    /// Adds a plugin, or replaces its source.
    pub async fn plugin(&self, name: &str, patterns: &[&str]) {
        let plugin = plugin(name, patterns, self.plugins.lock().unwrap().len() as u8);
        self.plugins.lock().unwrap().push(plugin);
        let desired = DesiredRegistry {
            plugins: self.plugins.lock().unwrap().clone(),
            user_rules: Vec::new(),
        };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        tx.sync_registry(&desired, self.clock.now_us()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn root_ids(&self) -> Vec<SourceRootId> {
        let path = self.root().canonicalize().unwrap();
        let id = self.catalog.root_of(path.as_os_str().as_bytes()).await.unwrap();
        id.into_iter().collect()
    }

    /// A worker takes the oldest job and finds that the file is not the version it was told.
    pub async fn fail_as_changed(&self) {
        let now_us = self.clock.now_us();
        let (environment, fresh) = (Environment::default(), format!("s{now_us}").parse().unwrap());
        let registration = WorkerRegistration {
            worker_id: "w",
            environment: &environment,
            slots: 1,
            offered: None,
            fresh: &fresh,
        };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let session = tx.register_worker(&registration, now_us).await.unwrap();
        let claimed =
            tx.claim(&session, 1, ClaimFrom::Lane(Lane::Fresh), now_us).await.unwrap().remove(0);
        let failure = Failure {
            job: claimed.job,
            class: ErrorClass::Changed,
            message: "it changed".to_owned(),
            metrics: Metrics::default(),
            next: FailNext::Changed,
        };
        assert!(tx.fail(&failure, &session, now_us).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// How many jobs the Sentinel queues, now that it looks.
    pub async fn admit(&self) -> u64 {
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let queued = tx.admit(self.clock.now_us()).await.unwrap();
        tx.commit().await.unwrap();
        queued
    }

    /// All that the inventory knows, by path below its root.
    pub async fn files(&self) -> BTreeMap<Vec<u8>, FileRow> {
        let filter = FileFilter { limit: 1_000_000, ..FileFilter::default() };
        let rows = self.catalog.files(&filter).await.unwrap();
        rows.into_iter().map(|row| (row.path.clone(), row)).collect()
    }

    /// Paths of files that are there.
    pub async fn live(&self) -> Vec<String> {
        let files = self.files().await.into_iter().filter(|(_, row)| row.status != "deleted");
        files.map(|(path, _)| path.escape_ascii().to_string()).collect()
    }

    pub async fn file(&self, path: impl AsRef<[u8]>) -> FileRow {
        let path = path.as_ref();
        let file = self.files().await.remove(path);
        file.unwrap_or_else(|| panic!("{} is not in the inventory", path.escape_ascii()))
    }

    /// Sequence and content of a file's current version.
    pub async fn version(&self, path: impl AsRef<[u8]>) -> Option<(u64, ContentHash)> {
        let file = self.file(path).await;
        file.sequence.zip(file.hash)
    }

    /// Plugin and path of every job, oldest first.
    pub async fn jobs(&self) -> Vec<String> {
        let name = |job: &JobRow| format!("{} {}", job.plugin, job.path.escape_ascii());
        self.job_rows().await.iter().map(name).collect()
    }

    pub async fn job_rows(&self) -> Vec<JobRow> {
        let filter = JobFilter { limit: 1_000_000, ..JobFilter::default() };
        let mut jobs = self.catalog.jobs(&filter).await.unwrap();
        jobs.reverse();
        jobs
    }

    /// Everything that lies on disk of the catalog: it differs after any write.
    pub fn catalog_bytes(&self) -> Vec<Vec<u8>> {
        let names = ["catalog.db", "catalog.db-wal"];
        names
            .map(|name| fs::read(self.temp.path().join("state").join(name)).unwrap_or_default())
            .to_vec()
    }

    /// A pass that must not write anything.
    pub async fn idle_pass(&self) -> PassReport {
        let before = self.catalog_bytes();
        let report = self.pass().await;
        assert!(self.catalog_bytes() == before, "a pass with nothing to do wrote: {report:?}");
        report
    }

    /// A scan that must not write anything.
    pub async fn idle_scan(&self) {
        let before = self.catalog_bytes();
        let report = self.scan().await;
        assert!(self.catalog_bytes() == before, "a scan with nothing to do wrote: {report:?}");
    }
}

/// What time it is, for file times.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(SystemClock.now_us().cast_unsigned())
}

pub fn sha256(content: impl AsRef<[u8]>) -> ContentHash {
    ContentHash::new(Sha256::digest(content.as_ref()).into())
}

fn plugin(name: &str, patterns: &[&str], source: u8) -> DesiredPlugin {
    let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    DesiredPlugin {
        name: name.parse().unwrap(),
        version: PluginVersion::new([source; 32]),
        language: PluginLanguage::Python,
        source: format!("# {source}"),
        lock: None,
        origin: "project".to_owned(),
        declaration: Some(PluginDeclaration { patterns, ..PluginDeclaration::default() }),
        error: None,
        topics: vec![TopicTarget {
            topic: "out".parse().unwrap(),
            uri: "parquet://out".parse().unwrap(),
            mode: "append".to_owned(),
            options: TopicOptions::default(),
            declared: TopicSchema::default(),
        }],
        limits: Limits::default(),
        settings: "{}".to_owned(),
    }
}
