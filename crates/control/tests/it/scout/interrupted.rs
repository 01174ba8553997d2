//! Passes that are killed anywhere, between random changes of the tree: in the end nothing is missing, nothing is made up.

use super::world::{World, now, sha256};
use control::Stop;
use proptest::prelude::*;
use proptest::test_runner::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const PATHS: [&str; 8] =
    ["a.csv", "b.txt", "d/a.csv", "d/b.csv", "d/e/a.csv", "d/e/b", "f/a.csv", "f/g/h/a"];
const DIRECTORIES: [&str; 4] = ["d", "d/e", "f", "f/g"];
const PLUGINS: [(&str, &str); 3] = [("csv", "*.csv"), ("in_d", "/d/**"), ("all", "*")];

#[derive(Debug, Clone)]
enum Step {
    Write {
        path: usize,
        content: u8,
    },
    Touch {
        path: usize,
    },
    Remove {
        path: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    RemoveDirectory {
        directory: usize,
    },
    MoveDirectory {
        from: usize,
        to: usize,
    },
    Ignore {
        line: Option<usize>,
    },
    Plugin {
        plugin: usize,
    },
    Pass,
    /// Dropped after it was polled so often: what was not committed by then is lost.
    Killed {
        polls: u32,
    },
    Scan,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let path = || 0..PATHS.len();
    let directory = || 0..DIRECTORIES.len();
    let step = prop_oneof![
        8 => (path(), 0..4_u8).prop_map(|(path, content)| Step::Write { path, content }),
        1 => path().prop_map(|path| Step::Touch { path }),
        2 => path().prop_map(|path| Step::Remove { path }),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => directory().prop_map(|directory| Step::RemoveDirectory { directory }),
        1 => (directory(), directory()).prop_map(|(from, to)| Step::MoveDirectory { from, to }),
        1 => prop::option::of(path()).prop_map(|line| Step::Ignore { line }),
        1 => (0..PLUGINS.len()).prop_map(|plugin| Step::Plugin { plugin }),
        2 => Just(Step::Pass),
        6 => (0..60_u32).prop_map(|polls| Step::Killed { polls }),
        1 => Just(Step::Scan),
    ];
    prop::collection::vec(step, 1..30)
}

/// A future that is dropped after some polls, wherever it stands then.
struct Mortal<F> {
    inner: Pin<Box<F>>,
    polls: u32,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}

/// Changes that make no sense at the moment are left out.
async fn take(world: &World, plugins: &mut BTreeSet<usize>, step: &Step) {
    match *step {
        Step::Write { path, content } if !world.at(PATHS[path]).is_dir() => {
            let parent = world.at(PATHS[path]).parent().unwrap().to_owned();
            if fs::create_dir_all(parent).is_ok() {
                // Two sizes only, so that stats are often alike.
                world.write(PATHS[path], [b'x', content].repeat(1 + usize::from(content % 2)));
            }
        }
        Step::Touch { path } => {
            let now = now();
            if let Ok(file) = fs::File::options().write(true).open(world.at(PATHS[path])) {
                file.set_modified(now).unwrap();
            }
        }
        Step::Remove { path } => drop(fs::remove_file(world.at(PATHS[path]))),
        Step::Rename { from, to } => drop(fs::rename(world.at(PATHS[from]), world.at(PATHS[to]))),
        Step::RemoveDirectory { directory } => {
            drop(fs::remove_dir_all(world.at(DIRECTORIES[directory])));
        }
        Step::MoveDirectory { from, to } => {
            drop(fs::rename(world.at(DIRECTORIES[from]), world.at(DIRECTORIES[to])));
        }
        Step::Ignore { line } => {
            let line = line.map_or("", |path| PATHS[path]);
            world.write(".casparianignore", format!("/{line}\n/.casparianignore\n"));
        }
        Step::Plugin { plugin } if plugins.insert(plugin) => {
            world.plugin(PLUGINS[plugin].0, &[PLUGINS[plugin].1]).await;
        }
        Step::Pass => drop(world.pass().await),
        Step::Killed { polls } => {
            let mut scout = world.scout();
            let stop = Stop::new();
            let _ = Mortal { inner: Box::pin(scout.pass(&stop)), polls }.await;
        }
        Step::Scan => drop(world.scan().await),
        Step::Write { .. } | Step::Plugin { .. } => {}
    }
    world.clock.advance(Duration::from_secs(5));
}

/// What is on disk and not ignored: the naive model is the disk itself.
fn on_disk(world: &World) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let ignored = fs::read_to_string(world.at(".casparianignore")).unwrap_or_default();
    let is_ignored = |path: &str| {
        let path = format!("/{path}");
        ignored
            .lines()
            .any(|line| line.len() > 1 && (path == line || path.starts_with(&format!("{line}/"))))
    };
    let files = PATHS.iter().filter(|path| !is_ignored(path));
    let read = |path: &&str| Some((path.as_bytes().to_vec(), fs::read(world.at(path)).ok()?));
    let mut files: BTreeMap<_, _> = files.filter_map(read).collect();
    // Directories that moved brought their files along.
    let mut open = vec![world.root()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(world.root()).unwrap().to_str().unwrap().to_owned();
            if is_ignored(&below) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(below.into_bytes(), fs::read(path).unwrap());
            }
        }
    }
    files
}

async fn check(world: &World, plugins: &BTreeSet<usize>) {
    let on_disk = on_disk(world);
    let roots = world.root_ids().await;
    let all = world.catalog.todo(&roots, i64::MAX, None, 1_000).await.unwrap();
    let jobs = world.job_rows().await;
    let mut live = BTreeSet::new();
    for location in all {
        let path = [location.directory.as_slice(), &location.name].join(&b"/"[..]);
        let path = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
        let name = path.escape_ascii().to_string();
        let content = on_disk.get(&path).unwrap_or_else(|| panic!("{name} is not there"));
        let wanted: Vec<_> = plugins.iter().filter(|&&plugin| wants(plugin, &name)).collect();
        if !wanted.is_empty() {
            let version = location.current.unwrap_or_else(|| panic!("{name} has no version"));
            assert_eq!(version.hash, sha256(content), "{name}");
            for plugin in wanted {
                let its = |job: &&catalog::report::JobRow| {
                    job.version == version.id && job.plugin == PLUGINS[*plugin].0
                };
                assert_eq!(jobs.iter().filter(its).count(), 1, "{name} {}", PLUGINS[*plugin].0);
            }
        }
        live.insert(path);
    }
    let expected: BTreeSet<_> = on_disk.into_keys().collect();
    assert_eq!(live, expected);
}

fn wants(plugin: usize, path: &str) -> bool {
    match plugin {
        0 => path.ends_with(".csv"),
        1 => path.starts_with("d/"),
        _ => true,
    }
}

fn run(steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let world = World::fresh().await;
        let mut plugins = BTreeSet::new();
        for step in steps {
            take(&world, &mut plugins, step).await;
        }
        world.pass().await;
        check(&world, &plugins).await;
        world.idle_pass().await;
    });
}

proptest! {
    #![proptest_config(Config { cases: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_the_next_whole_pass_puts_it_right(steps in steps()) {
        run(&steps);
    }
}
