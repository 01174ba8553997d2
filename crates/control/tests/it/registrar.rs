//! The registrar against a real catalog: which source of a plugin is in force, what routing follows from it, and when nothing is written.

use catalog::report::JobFilter;
use catalog::{Catalog, NewDirectory, NewLocation, OpenMode, RoutingTable, SentinelEpoch, Tagged};
use control::architect::{
    LimitSettings, PluginSettings, Registrar, RegistrySettings, SqlCheck, StatementError,
    TopicSettings, parse_topic_options, plugin_version,
};
use protocol::{
    AnnouncedPlugin, ContentHash, Environment, FileStat, Identify, PluginLanguage, PluginRefusal,
    PluginVersion, TopicOptions,
};
use std::fs;
use std::path::PathBuf;

const NOW_US: i64 = 1_900_000_000_000_000;

/// A line that begins with SELECT is a statement; one that begins with DROP is none.
const CHECK: SqlCheck = SqlCheck { statements, reader: |_| Ok(()) };

fn statements(source: &str) -> Result<Vec<u32>, StatementError> {
    let lines = || (1..).zip(source.lines());
    if let Some((line, _)) = lines().find(|(_, text)| text.starts_with("DROP")) {
        return Err(StatementError { line, message: "DROP is no query".to_owned() });
    }
    Ok(lines().filter(|(_, text)| text.starts_with("SELECT")).map(|(line, _)| line).collect())
}

struct Project {
    directory: tempfile::TempDir,
    catalog: Catalog,
    epoch: SentinelEpoch,
    registrar: Registrar,
}

impl Project {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("plugins")).unwrap();
        let url = directory.path().join("catalog.db");
        let catalog = Catalog::open(url.to_str().unwrap(), OpenMode::ReadWrite).await.unwrap();
        let epoch = catalog.take_sentinel_epoch().await.unwrap();
        let registrar =
            Registrar::new(Some(directory.path().join("plugins")), Self::settings(), CHECK);
        Self { directory, catalog, epoch, registrar }
    }

    fn settings() -> RegistrySettings {
        RegistrySettings::default()
    }

    fn plugins(&self) -> PathBuf {
        self.directory.path().join("plugins")
    }

    fn write(&self, plugin: &str, header: &str) {
        fs::write(self.plugins().join(format!("{plugin}.py")), source(header)).unwrap();
    }

    fn drop(&self, plugin: &str) {
        fs::remove_file(self.plugins().join(format!("{plugin}.py"))).unwrap();
    }

    /// The Sentinel starts again with these settings.
    async fn restart(&mut self, settings: RegistrySettings) -> bool {
        self.registrar = Registrar::new(Some(self.plugins()), settings, CHECK);
        self.refresh().await
    }

    async fn refresh(&mut self) -> bool {
        self.registrar.refresh(&self.catalog, self.epoch, NOW_US).await.unwrap()
    }

    /// A worker on `host` identifies itself with these plugins.
    async fn announce(&mut self, host: &str, plugins: &[(&str, &str)]) -> Vec<PluginRefusal> {
        let announced = |(name, source): &(&str, &str)| {
            // As the worker's directory has it.
            let language = match name.ends_with(".sql") {
                true => PluginLanguage::Sql,
                false => PluginLanguage::Python,
            };
            let name = name.trim_end_matches(".sql").to_owned();
            AnnouncedPlugin { name, source: (*source).to_owned(), lock: None, language }
        };
        let environment = Environment {
            host: host.to_owned(),
            plugins_dir: "/plugins".to_owned(),
            ..Environment::default()
        };
        let identify = Identify {
            plugins: plugins.iter().map(announced).collect(),
            environment,
            ..Identify::default()
        };
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        let refusals = self.registrar.announce(&mut tx, &identify, NOW_US).await.unwrap();
        tx.commit().await.unwrap();
        refusals
    }

    /// "name STATUS origin", a line for each manifest that counts.
    async fn listed(&self) -> Vec<String> {
        let rows = self.catalog.plugins(false).await.unwrap();
        rows.iter().map(|row| format!("{} {} {}", row.name, row.status, row.origin)).collect()
    }

    async fn status(&self, plugin: &str, source: &str) -> Option<String> {
        let version = plugin_version(source, None);
        let rows = self.catalog.plugins(true).await.unwrap();
        let row = rows.iter().find(|row| row.name == plugin && row.version == version.as_bytes());
        row.map(|row| row.status.to_string())
    }

    async fn error(&self, plugin: &str) -> String {
        let rows = self.catalog.plugins(false).await.unwrap();
        rows.into_iter().find(|row| row.name == plugin).unwrap().error.unwrap_or_default()
    }

    async fn table(&self) -> RoutingTable {
        self.catalog.routing_table().await.unwrap()
    }

    async fn epoch(&self) -> i64 {
        self.table().await.epoch
    }

    /// "pattern tag", sorted.
    async fn rules(&self) -> Vec<String> {
        let rules = self.table().await.rules;
        let mut rules: Vec<String> =
            rules.iter().map(|(pattern, tag)| format!("{pattern} {tag}")).collect();
        rules.sort();
        rules
    }

    /// "plugin topic uri".
    async fn topics(&self) -> Vec<(String, TopicOptions)> {
        let mut topics = Vec::new();
        let mut tx = self.catalog.begin_sentinel(self.epoch).await.unwrap();
        for plugin in self.table().await.plugins {
            for target in tx.manifest_detail(plugin.manifest).await.unwrap().topics {
                topics.push((
                    format!("{} {} {}", plugin.name, target.topic, target.uri),
                    target.options,
                ));
            }
        }
        topics
    }

    async fn uris(&self) -> Vec<String> {
        self.topics().await.into_iter().map(|(topic, _)| topic).collect()
    }

    /// A file is found and hashed, and its jobs are made.
    async fn file(&self, name: &str, content: u8) {
        let stat = FileStat { inode: 1, size: 1, mtime_ns: 1, ctime_ns: 1 };
        let mut tx = self.catalog.begin_scout().await.unwrap();
        let root = tx.register_root(b"/data", NOW_US).await.unwrap();
        let directory = NewDirectory { path: b"", digest: None };
        let directory = tx.upsert_directories(root, &[directory], NOW_US).await.unwrap()[0];
        let location = NewLocation { directory, name: name.as_bytes().to_vec(), stat };
        tx.upsert_locations(&[location], NOW_US).await.unwrap();
        tx.commit().await.unwrap();
        let todo = self.catalog.todo(&[root], i64::MAX, None, 100).await.unwrap();
        let location = todo.iter().find(|one| one.name == name.as_bytes()).unwrap().id;
        let table = self.table().await;
        let plugins: Vec<_> = table.plugins.iter().collect();
        let tagged = Tagged {
            location,
            seen: stat,
            stat,
            hash: Some(ContentHash::new([content; 32])),
            racy: false,
            tags: &[],
            plugins: &plugins,
        };
        let mut tx = self.catalog.begin_scout().await.unwrap();
        tx.record(&[tagged], table.epoch, NOW_US).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// "plugin STATE source", by job.
    async fn jobs(&self) -> Vec<String> {
        let filter = JobFilter { limit: 100, ..JobFilter::default() };
        let jobs = self.catalog.jobs(&filter).await.unwrap();
        let mut shown: Vec<String> = jobs
            .iter()
            .map(|job| {
                let version = PluginVersion::try_from(job.plugin_version.as_slice()).unwrap();
                format!("{} {} {version}", job.plugin, job.state)
            })
            .collect();
        shown.sort();
        shown
    }

    /// All that the catalog's file says: two equal dumps mean that nothing was written.
    fn writes(&self) -> Vec<u8> {
        let wal = self.directory.path().join("catalog.db-wal");
        let mut bytes = fs::read(self.directory.path().join("catalog.db")).unwrap();
        bytes.extend(fs::read(wal).unwrap_or_default());
        bytes
    }
}

fn source(header: &str) -> String {
    format!("{header}\nclass Handler:\n    pass\n")
}

#[tokio::test]
async fn a_plugin_in_the_projects_directory_is_in_force() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TAG: finance\n# TOPIC: t");
    assert!(project.refresh().await);
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
    assert_eq!(project.rules().await, ["*.csv auto_a"]);
    assert_eq!(project.table().await.plugins[0].tags, ["auto_a", "finance"]);
    assert_eq!(project.uris().await, ["a t parquet://t"]);
}

#[tokio::test]
async fn registering_the_same_again_writes_nothing() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t");
    project.write("broken", "# PATTERN: [a");
    let announced = source("# PATTERN: *.tsv");
    project.refresh().await;
    project.announce("h", &[("w", &announced)]).await;
    let before = (project.epoch().await, project.writes());
    assert!(!project.restart(Project::settings()).await);
    assert!(!project.refresh().await);
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t");
    assert!(!project.refresh().await);
    project.announce("h", &[("w", &announced)]).await;
    assert!((project.epoch().await, project.writes()) == before);
}

#[tokio::test]
async fn f09_two_plugins_with_the_same_pattern_both_get_the_files() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv");
    project.write("b", "# PATTERN: *.csv");
    project.refresh().await;
    assert_eq!(project.rules().await, ["*.csv auto_a", "*.csv auto_b"]);
    project.file("x.csv", 1).await;
    assert_eq!(project.jobs().await.len(), 2);
}

#[tokio::test]
async fn f10_a_plugin_added_later_moves_the_epoch_so_that_known_files_are_routed_again() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv");
    project.refresh().await;
    let before = project.epoch().await;
    project.write("b", "# PATTERN: *.csv");
    assert!(project.refresh().await);
    assert_eq!(project.epoch().await, before + 1);
}

#[tokio::test]
async fn f11_a_uri_edited_in_the_code_takes_effect() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t");
    project.refresh().await;
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t parquet://elsewhere\n# TOPIC: u");
    project.refresh().await;
    assert_eq!(project.uris().await, ["a t parquet://elsewhere", "a u parquet://u"]);
}

#[tokio::test]
async fn f05_a_sink_registered_after_the_start_is_used() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t @warehouse\n# TOPIC: u @warehouse");
    project.refresh().await;
    assert_eq!(project.listed().await, ["a REJECTED project"]);
    assert_eq!(
        project.error("a").await,
        "plugins/a.py: topic t goes to @warehouse, but casparian.toml has no [sinks.warehouse]"
    );
    let sinks = [("warehouse".to_owned(), "parquet://big/house".parse().unwrap())].into();
    let settings = RegistrySettings { sinks, ..Project::settings() };
    assert!(project.restart(settings).await);
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
    assert_eq!(project.uris().await, ["a t parquet://big/house/t", "a u parquet://big/house/u"]);
}

#[tokio::test]
async fn settings_go_before_the_source_without_moving_the_epoch() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TOPIC: t\n# OPTIONS: t: dedup=off\n# PRIORITY: 1");
    project.refresh().await;
    let before = project.epoch().await;
    let topic = TopicSettings {
        uri: Some("parquet://mine".parse().unwrap()),
        options: Some(parse_topic_options("history=all dedup=off").unwrap()),
    };
    let plugin = PluginSettings {
        limits: LimitSettings { priority: Some(7), ..LimitSettings::default() },
        ..PluginSettings::default()
    };
    let settings = RegistrySettings {
        topics: [("t".to_owned(), topic)].into(),
        plugins: [("a".to_owned(), plugin)].into(),
        ..Project::settings()
    };
    assert!(!project.restart(settings).await);
    let options = TopicOptions { history_all: true, dedup: false, ..TopicOptions::default() };
    assert_eq!(project.topics().await, [("a t parquet://mine".to_owned(), options)]);
    let table = project.table().await;
    assert_eq!((table.epoch, table.plugins[0].priority), (before, 7));
}

#[tokio::test]
async fn two_topics_that_settings_send_to_one_place_are_refused() {
    let mut project = Project::new().await;
    project.write("a", "# TOPIC: t\n# TOPIC: u");
    let topic = TopicSettings { uri: Some("parquet://u".parse().unwrap()), options: None };
    let settings =
        RegistrySettings { topics: [("t".to_owned(), topic)].into(), ..Project::settings() };
    project.restart(settings).await;
    assert_eq!(
        project.error("a").await,
        "plugins/a.py: t and u both go to parquet://u: give each topic a place of its own"
    );
}

#[tokio::test]
async fn user_rules_give_tags_that_plugins_subscribe_to() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv\n# TAG: finance");
    let rules = vec![
        ("finance/".to_owned(), "finance".to_owned()),
        ("*.csv".to_owned(), "auto_a".to_owned()),
    ];
    let settings = RegistrySettings { rules, ..Project::settings() };
    assert!(project.restart(settings.clone()).await);
    assert_eq!(project.rules().await, ["*.csv auto_a", "finance/ finance"]);
    assert!(!project.restart(settings).await);
    assert!(project.restart(Project::settings()).await);
    assert_eq!(project.rules().await, ["*.csv auto_a"]);
}

#[tokio::test]
async fn an_edit_replaces_and_going_back_brings_the_earlier_source_into_force_again() {
    let mut project = Project::new().await;
    let (first, second) = ("# PATTERN: *.csv", "# PATTERN: *.csv\n# TOPIC: t");
    project.write("a", first);
    project.refresh().await;
    project.write("a", second);
    project.refresh().await;
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
    assert_eq!(project.status("a", &source(first)).await.unwrap(), "RETIRED");
    project.write("a", first);
    assert!(project.refresh().await);
    assert_eq!(project.status("a", &source(first)).await.unwrap(), "ACTIVE");
    assert_eq!(project.status("a", &source(second)).await.unwrap(), "RETIRED");
    assert!(project.uris().await.is_empty());
}

#[tokio::test]
async fn a_broken_edit_stops_the_plugin_and_its_jobs_wait_for_the_repair() {
    let mut project = Project::new().await;
    let good = "# PATTERN: *.csv";
    project.write("a", good);
    project.write("b", good);
    project.refresh().await;
    project.file("x.csv", 1).await;
    project.write("a", "# PATTERN: *.csv\n# TIMEOUT: soon");
    assert!(project.refresh().await);
    assert_eq!(project.listed().await, ["a REJECTED project", "b ACTIVE project"]);
    assert_eq!(
        project.error("a").await,
        "plugins/a.py:2: TIMEOUT 'soon' is not a duration: write e.g. 30s, 10m, 1h"
    );
    assert_eq!(project.status("a", &source(good)).await.unwrap(), "RETIRED");
    assert_eq!(project.rules().await, ["*.csv auto_a", "*.csv auto_b"]);
    let waiting = project.catalog.waiting().await.unwrap();
    assert_eq!((waiting.queued, waiting.without_plugin), (1, 1));

    let repaired = "# PATTERN: *.csv\n# TIMEOUT: 5s";
    project.write("a", repaired);
    assert!(project.refresh().await);
    let waiting = project.catalog.waiting().await.unwrap();
    assert_eq!((waiting.queued, waiting.without_plugin), (2, 0));
    let version = plugin_version(&source(repaired), None);
    assert!(project.jobs().await.contains(&format!("a QUEUED {version}")));
}

#[tokio::test]
async fn a_plugin_that_is_removed_retires_with_its_rules() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv");
    project.refresh().await;
    project.drop("a");
    assert!(project.refresh().await);
    assert_eq!(project.listed().await, ["a RETIRED project"]);
    assert!(project.rules().await.is_empty());
    assert!(project.table().await.plugins.is_empty());
    project.write("a", "# PATTERN: *.csv");
    assert!(project.refresh().await);
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_drops_nothing() {
    let mut project = Project::new().await;
    project.write("a", "# PATTERN: *.csv");
    project.refresh().await;
    fs::rename(project.plugins(), project.directory.path().join("away")).unwrap();
    fs::write(project.plugins(), "a file").unwrap();
    assert!(!project.refresh().await);
    assert!(!project.restart(Project::settings()).await);
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
    fs::remove_file(project.plugins()).unwrap();
    fs::rename(project.directory.path().join("away"), project.plugins()).unwrap();
    assert!(!project.refresh().await);
    assert_eq!(project.listed().await, ["a ACTIVE project"]);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_rejected_by_name() {
    let mut project = Project::new().await;
    project.write("good", "# PATTERN: *.csv");
    fs::write(project.plugins().join("latin.py"), b"# \xe9").unwrap();
    fs::write(project.plugins().join("query.sql"), "-- PATTERN: *.csv\n-- TOPIC: t\nDROP TABLE t")
        .unwrap();
    fs::write(project.plugins().join("no name.py"), source("")).unwrap();
    project.refresh().await;
    assert_eq!(
        project.listed().await,
        ["good ACTIVE project", "latin REJECTED project", "query REJECTED project"]
    );
    assert_eq!(project.error("latin").await, "plugins/latin.py: is not UTF-8: save it as UTF-8");
    assert_eq!(project.error("query").await, "plugins/query.sql:3: DROP is no query");
}

const QUERY: &str = "-- PATTERN: *.csv\n-- TOPIC: a\n-- TOPIC: b\n-- READER: header=1\nSELECT 1 FROM file;\nSELECT 2 FROM file";

#[tokio::test]
async fn a_sql_plugin_of_the_directory_is_registered_as_what_it_is() {
    let mut project = Project::new().await;
    fs::write(project.plugins().join("query.sql"), QUERY).unwrap();
    project.write("table", "# PATTERN: *.tsv");
    project.refresh().await;
    assert_eq!(project.listed().await, ["query ACTIVE project", "table ACTIVE project"]);
    let rows = project.catalog.plugins(false).await.unwrap();
    let languages = rows.iter().map(|row| row.language).collect::<Vec<_>>();
    assert_eq!(languages, [PluginLanguage::Sql, PluginLanguage::Python]);
    let declaration = rows[0].declaration.clone().unwrap();
    assert_eq!(declaration.reader.as_deref(), Some("header=1"));
    assert_eq!(project.rules().await, ["*.csv auto_query", "*.tsv auto_table"]);
    assert_eq!(project.status("query", QUERY).await.as_deref(), Some("ACTIVE"));
    let surplus = QUERY.replace("-- TOPIC: b\n", "");
    fs::write(project.plugins().join("query.sql"), surplus).unwrap();
    project.refresh().await;
    assert_eq!(
        project.error("query").await,
        "plugins/query.sql:5: statement 2 has no TOPIC: there are 2 statements for 1 topic, and the n-th statement gives the n-th topic its rows"
    );
}

#[tokio::test]
async fn a_sql_plugin_that_a_worker_announced_is_read_again_as_sql() {
    let mut project = Project::new().await;
    assert_eq!(project.announce("h", &[("query.sql", QUERY)]).await, []);
    assert_eq!(project.listed().await, ["query ACTIVE h:/plugins"]);
    // From the catalog, as after a restart of the Sentinel.
    project.restart(RegistrySettings::default()).await;
    assert_eq!(project.listed().await, ["query ACTIVE h:/plugins"]);
    let refusals = project.announce("h", &[("query.sql", "-- TOPIC: t\nDROP TABLE t")]).await;
    assert_eq!(refusals[0].reason, "query.sql:2: DROP is no query");
}

/// As where somebody saved a query as `p.py`, and then gave the file its name.
#[tokio::test]
async fn an_announced_source_that_changes_its_language_is_read_anew() {
    let mut project = Project::new().await;
    let refusals = project.announce("h", &[("query", QUERY)]).await;
    assert!(refusals[0].reason.starts_with("query.py:1: not valid Python"), "{refusals:?}");
    assert_eq!(project.announce("h", &[]).await, []);
    assert_eq!(project.announce("h", &[("query.sql", QUERY)]).await, []);
    assert_eq!(project.listed().await, ["query ACTIVE h:/plugins"]);
}

#[tokio::test]
async fn of_two_announced_files_of_one_name_neither_is_registered() {
    let mut project = Project::new().await;
    let python = source("# PATTERN: *.csv");
    let refusals = project.announce("h", &[("p", &python), ("p.sql", QUERY)]).await;
    let reasons = refusals.iter().map(|refusal| refusal.reason.as_str()).collect::<Vec<_>>();
    let expected = [
        "p.py: 'p.sql' is a plugin of the same name: rename one of the two",
        "p.sql: 'p.py' is a plugin of the same name: rename one of the two",
    ];
    assert_eq!(reasons, expected);
    assert!(project.listed().await.is_empty());
}

#[tokio::test]
async fn the_latest_change_that_was_announced_is_in_force() {
    let mut project = Project::new().await;
    let (one, two) = (source("# PATTERN: *.one"), source("# PATTERN: *.two"));
    project.announce("h1", &[("p", &one)]).await;
    assert_eq!(project.listed().await, ["p ACTIVE h1:/plugins"]);
    project.announce("h2", &[("p", &two)]).await;
    assert_eq!(project.rules().await, ["*.two auto_p"]);
    // Saying the same again changes nothing.
    let before = project.epoch().await;
    project.announce("h1", &[("p", &one)]).await;
    assert_eq!(
        (project.rules().await, project.epoch().await),
        (vec!["*.two auto_p".into()], before)
    );
    // A change does, also back to an earlier text.
    project.announce("h1", &[("p", &two)]).await;
    project.announce("h1", &[("p", &one)]).await;
    assert_eq!(project.rules().await, ["*.one auto_p"]);
    assert_eq!(project.listed().await, ["p ACTIVE h1:/plugins"]);
    // What its directory drops gives way to what another one holds.
    project.announce("h1", &[]).await;
    assert_eq!(project.rules().await, ["*.two auto_p"]);
    project.announce("h2", &[]).await;
    assert_eq!(project.listed().await, ["p RETIRED h2:/plugins"]);
}

#[tokio::test]
async fn the_projects_own_directory_goes_before_what_is_announced() {
    let mut project = Project::new().await;
    let theirs = source("# PATTERN: *.theirs");
    project.announce("h", &[("p", &theirs)]).await;
    project.write("p", "# PATTERN: *.ours");
    project.refresh().await;
    assert_eq!(project.rules().await, ["*.ours auto_p"]);
    let newer = source("# PATTERN: *.newer");
    project.announce("h", &[("p", &newer)]).await;
    assert_eq!(project.rules().await, ["*.ours auto_p"]);
    assert_eq!(project.status("p", &newer).await.unwrap(), "PENDING");
    // A broken one of the project does not let the other in.
    project.write("p", "# PATTERN: [a");
    project.refresh().await;
    assert!(project.table().await.plugins.is_empty());
    project.drop("p");
    project.refresh().await;
    assert_eq!(project.rules().await, ["*.newer auto_p"]);
    assert_eq!(project.listed().await, ["p ACTIVE h:/plugins"]);
}

#[tokio::test]
async fn what_is_wrong_with_an_announced_source_is_said_back() {
    let mut project = Project::new().await;
    let (good, bad) = (source("# PATTERN: *.csv"), source("# PATTERN: [a"));
    let large = "#".repeat((1 << 20) + 1);
    let announced = [("good", good.as_str()), ("bad", &bad), ("../evil", &good), ("large", &large)];
    for _ in 0..2 {
        let refusals = project.announce("h", &announced).await;
        let names: Vec<&str> = refusals.iter().map(|refusal| refusal.name.as_str()).collect();
        assert_eq!(names, ["bad", "../evil", "large"]);
        assert!(refusals[0].reason.starts_with("bad.py:1: PATTERN '[a': a '[' has no ']'"));
        assert!(refusals[1].reason.starts_with("../evil.py: '../evil' is not a plugin name"));
        assert!(refusals[2].reason.starts_with("large.py: is larger than 1024 KiB"));
    }
    let listed = project.listed().await;
    assert_eq!(
        listed,
        ["bad REJECTED h:/plugins", "good ACTIVE h:/plugins", "large REJECTED h:/plugins"]
    );
}

#[tokio::test]
async fn announced_plugins_outlive_a_restart_of_the_sentinel() {
    let mut project = Project::new().await;
    project.announce("h", &[("p", &source("# PATTERN: *.csv"))]).await;
    let before = project.epoch().await;
    assert!(!project.restart(Project::settings()).await);
    assert_eq!(project.listed().await, ["p ACTIVE h:/plugins"]);
    assert_eq!(project.epoch().await, before);
}
