//! A process that is killed, or paused and overtaken, at any of the named moments: every row is there once, and nothing is left behind.

use super::project::{Project, Running, until};
use super::server::Server;
use protocol::CrashPoint;
use std::sync::Mutex;
use std::time::Duration;

const PLUGIN: &str = r#"# PATTERN: *.csv
# TOPIC: rows
# TOPIC: files
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        self.publish("files", rows[:1])
        self.publish("rows", rows)
"#;
const SETTINGS: &str = "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n[scout]\nsweep = \"1s\"\n[sentinel]\nlease = \"1s\"\n";
const LEASE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);
/// Clusters at once: most of their time is waiting.
const AT_ONCE: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Kill,
    /// For longer than the lease, while others go on.
    Stop,
}

/// Where the catalog is.
enum Place {
    File,
    Server(Server),
}

/// One project with its processes, and the moment that is tried.
struct Trial {
    project: Project,
    point: CrashPoint,
    /// How often the process comes there before it happens.
    time: u32,
    what: What,
}

impl Trial {
    /// Files that were processed, one of them rewritten since; a new source of the plugin, and all files asked for once more by it. For a
    /// compaction files that share their output, without the new source: all that they share would be replaced.
    fn new(place: &Place, point: CrashPoint, time: u32, what: What) -> Self {
        let project = Project::new();
        let address = project.address();
        let catalog = match place {
            Place::File => String::new(),
            Place::Server(server) => format!("catalog = \"{}\"\n", server.fresh()),
        };
        // Jobs come to all moments but these two in packs as well as by themselves.
        let packs = !matches!(point, CrashPoint::StagedBeforeSync | CrashPoint::StagedAfterSync);
        let wires = format!(
            "bind = \"{address}\"\n[worker]\nslots = 1\npacks = {packs}\nconnect = \"{address}\"\n"
        );
        project.write("casparian.toml", catalog + SETTINGS + &wires);
        project.write("plugins/orders.py", PLUGIN);
        let trial = Self { project, point, time, what };
        trial.process("");
        let is_compaction = point.as_str().contains("compacted");
        if is_compaction {
            trial.share_files();
        }
        trial.project.write("data/a.csv", "x\n5\n6\n7\n");
        if !is_compaction {
            trial.project.write("plugins/orders.py", PLUGIN.to_owned() + "# once more\n");
            trial.succeeds(&["backfill", "orders"]);
        }
        trial
    }

    fn process(&self, blanks: &str) {
        self.project.write("data/a.csv", format!("x\n1\n2\n{blanks}"));
        self.project.write("data/b.csv", format!("x\n3\n4\n{blanks}"));
        self.succeeds(&["run"]);
    }

    /// Two jobs that run one right after the other do; on a busy machine they may not.
    fn share_files(&self) {
        let files =
            || self.project.casparian(&["topics", "--json"]).json()["topics"][0]["files"].clone();
        let is_shared = |turn: usize| {
            self.process(&"\n".repeat(turn));
            files() == 1
        };
        assert!((1..20).any(is_shared), "{self}: the jobs never share their files");
    }

    fn succeeds(&self, args: &[&str]) {
        let done = self.project.casparian(args);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }

    fn start(&self, role: &str) -> Running {
        self.project.start(&[role])
    }

    fn start_to_crash(&self, role: &str, point: CrashPoint, time: u32, what: What) -> Running {
        let what = if what == What::Stop { "stop" } else { "kill" };
        let plan = format!("{}:{time}:{what}", point.as_str());
        self.project.start_with(&[role], &[("CASPARIAN_TEST_CRASH", &plan)])
    }

    fn victim(&self, role: &str) -> Running {
        self.start_to_crash(role, self.point, self.time, self.what)
    }

    /// Whether the victim came to the point before all was done.
    fn falls(&self, victim: &Running) -> bool {
        let wanted = if self.what == What::Stop { 'T' } else { 'Z' };
        let mut has_fallen = false;
        until(&format!("{self}: it happens, or all is done"), || {
            has_fallen = victim.state() == wanted;
            has_fallen || (self.time > 1 && self.is_done())
        });
        has_fallen
    }

    fn is_done(&self) -> bool {
        if self.project.column("rows", "x") != ["3", "4", "5", "6", "7"] {
            return false;
        }
        // Asking costs more than waiting a little.
        std::thread::sleep(LEASE / 5);
        let status = self.project.casparian(&["status", "--json"]);
        let waits = |status: &serde_json::Value| {
            let waiting = status["waiting"].as_object().unwrap();
            waiting.values().any(|count| count != 0)
        };
        status.code == 0 && !waits(&status.json())
    }

    fn is_done_in_the_end(&self) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !self.is_done() {
            assert!(std::time::Instant::now() < deadline, "{self}: {}", self.story());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// For whoever has to find out why.
    fn story(&self) -> String {
        let rows = self.project.column("rows", "x");
        let tell = |args: &[&str]| self.project.casparian(args).stdout;
        let (status, jobs) = (tell(&["status"]), tell(&["jobs", "list", "--json"]));
        let (workers, proof) = (tell(&["doctor"]), tell(&["verify"]));
        format!(
            "not every row is there once, or something waits: {rows:?}\n{status}\n{jobs}\n{proof}\n{workers}"
        )
    }

    /// Nothing runs any more.
    fn is_clean(&self) {
        assert_eq!(self.project.column("rows", "x"), ["3", "4", "5", "6", "7"], "{self}");
        assert_eq!(self.project.column("files", "x"), ["3", "5"], "{self}");
        let proof = self.project.casparian(&["verify"]);
        assert_eq!(proof.code, 0, "{self}: {}{}", proof.stdout, proof.stderr);
    }
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}, time {}", self.what, self.point.as_str(), self.time)
    }
}

fn end(roles: Vec<Running>) {
    roles.iter().for_each(|role| role.signal("TERM"));
    roles.into_iter().for_each(|role| assert!(role.wait().is_some(), "it ends in order"));
}

/// Kill: somebody else follows. Stop: somebody else goes on beside it, and then it wakes.
fn go_on(trial: &Trial, victim: Running, others: &[&str]) -> Vec<Running> {
    let mut roles = others.iter().map(|role| trial.start(role)).collect::<Vec<_>>();
    if trial.what == What::Stop {
        if trial.point == CrashPoint::ScoutBeforeCommit {
            // It holds SQLite's one write lock, so nobody gets on before it wakes.
            std::thread::sleep(LEASE * 3 / 2);
        } else {
            trial.is_done_in_the_end();
        }
        victim.signal("CONT");
        std::thread::sleep(LEASE / 2);
        roles.push(victim);
    }
    trial.is_done_in_the_end();
    roles
}

fn try_worker(place: &Place, point: CrashPoint, what: What) {
    let trial = Trial::new(place, point, 1, what);
    let mut roles = vec![trial.start("sentinel"), trial.start("scout")];
    let victim = trial.victim("worker");
    assert!(trial.falls(&victim));
    roles.extend(go_on(&trial, victim, &["worker"]));
    end(roles);
    trial.is_clean();
}

/// What the worker before left behind, so that its recoverer comes to the point.
fn left_at(point: CrashPoint) -> CrashPoint {
    match point {
        CrashPoint::RecoverBeforeTake | CrashPoint::RecoverBeforeSync => CrashPoint::AfterRenames,
        CrashPoint::RecoverFound => CrashPoint::BetweenRenames,
        _ => CrashPoint::BeforeRename,
    }
}

/// A worker dies with a grant; where the point needs it, one of its files is gone then.
fn orphan(trial: &Trial) {
    let before = left_at(trial.point);
    let lost = trial.start_to_crash("worker", before, 1, What::Kill);
    until(&format!("{trial}: the first worker is killed"), || lost.state() == 'Z');
    if trial.point.as_str().contains("lost") {
        let staged = trial.project.staged("files");
        assert!(!staged.is_empty(), "{trial}");
        staged.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    }
}

fn try_recoverer(place: &Place, point: CrashPoint, what: What) {
    let trial = Trial::new(place, point, 1, what);
    let mut roles = vec![trial.start("sentinel"), trial.start("scout")];
    orphan(&trial);
    let victim = trial.victim("worker");
    assert!(trial.falls(&victim));
    roles.extend(go_on(&trial, victim, &["worker"]));
    end(roles);
    trial.is_clean();
}

fn try_sentinel(place: &Place, point: CrashPoint, what: What) {
    let trial = Trial::new(place, point, 1, what);
    let victim = trial.victim("sentinel");
    let mut roles = vec![trial.start("scout")];
    if point.as_str().contains("recovery") || point.as_str().contains("lost") {
        orphan(&trial);
    }
    roles.push(trial.start("worker"));
    assert!(trial.falls(&victim));
    if what == What::Kill {
        drop(victim);
        roles.push(trial.start("sentinel"));
    } else {
        // It holds the lock of the catalog, so no other one can take its place.
        std::thread::sleep(LEASE * 3 / 2);
        victim.signal("CONT");
        roles.push(victim);
    }
    trial.is_done_in_the_end();
    end(roles);
    trial.is_clean();
}

/// At its first commit, its second, and so on: until it has come to the end without one more.
fn try_scout(place: &Place, point: CrashPoint, what: What) {
    for time in 1.. {
        let trial = Trial::new(place, point, time, what);
        let mut roles = vec![trial.start("sentinel"), trial.start("worker")];
        let victim = trial.victim("scout");
        if !trial.falls(&victim) {
            assert!(time > 2, "{trial}");
            return;
        }
        roles.extend(go_on(&trial, victim, &["scout"]));
        end(roles);
        trial.is_clean();
    }
}

/// Each point of the role, as often at once as there may be.
fn try_all(place: &Place, role: &str, what: What, one: fn(&Place, CrashPoint, What)) {
    let points = CrashPoint::ALL.iter().filter(|point| point.as_str().starts_with(role));
    let points = Mutex::new(points);
    let next = || points.lock().unwrap().next().copied();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(point) = next() {
                    one(place, point, what);
                }
            });
        }
    });
}

#[test]
fn a_worker_may_be_killed_at_any_moment() {
    try_all(&Place::File, "worker-", What::Kill, try_worker);
}

#[test]
fn a_worker_may_sleep_at_any_moment_while_another_takes_over() {
    try_all(&Place::File, "worker-", What::Stop, try_worker);
}

#[test]
fn a_recoverer_may_be_killed_at_any_moment() {
    try_all(&Place::File, "recoverer-", What::Kill, try_recoverer);
}

#[test]
fn a_recoverer_may_sleep_at_any_moment_while_another_takes_over() {
    try_all(&Place::File, "recoverer-", What::Stop, try_recoverer);
}

#[test]
fn a_sentinel_may_be_killed_at_any_moment() {
    try_all(&Place::File, "sentinel-", What::Kill, try_sentinel);
}

#[test]
#[ignore = "`make chaos` has the time"]
fn a_sentinel_may_sleep_at_any_moment() {
    try_all(&Place::File, "sentinel-", What::Stop, try_sentinel);
}

#[test]
fn a_scout_may_be_killed_at_any_moment() {
    try_all(&Place::File, "scout-", What::Kill, try_scout);
}

#[test]
#[ignore = "`make chaos` has the time"]
fn a_scout_may_sleep_at_any_moment_while_another_takes_over() {
    try_all(&Place::File, "scout-", What::Stop, try_scout);
}

fn on_a_server(role: &str, what: What, one: fn(&Place, CrashPoint, What)) {
    if let Some(server) = Server::start() {
        try_all(&Place::Server(server), role, what, one);
    }
}

#[test]
fn a_sentinel_of_a_server_may_be_killed_at_any_moment() {
    on_a_server("sentinel-", What::Kill, try_sentinel);
}

#[test]
fn a_scout_of_a_server_may_be_killed_at_any_moment() {
    on_a_server("scout-", What::Kill, try_scout);
}

#[test]
#[ignore = "`make chaos` has the time"]
fn a_sentinel_of_a_server_may_sleep_at_any_moment() {
    on_a_server("sentinel-", What::Stop, try_sentinel);
}

#[test]
#[ignore = "`make chaos` has the time"]
fn a_scout_of_a_server_may_sleep_at_any_moment_while_another_takes_over() {
    on_a_server("scout-", What::Stop, try_scout);
}
