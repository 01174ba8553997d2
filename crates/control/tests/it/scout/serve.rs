//! Scout on and on, in real time.

use super::world::{World, sha256};
use control::Stop;
use control::clock::SystemClock;
use control::scout::{HashMode, Scout, Source, WatchReport};
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Patient, for the machine may be busy; the promises themselves are asserted where they are made.
const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    world: World,
    settle: Duration,
    sweep: Duration,
    watches_max: usize,
    hash: HashMode,
}

impl Served {
    async fn fresh() -> Self {
        let world = World::fresh().await;
        world.plugin("p", &["*.csv"]).await;
        Self {
            world,
            settle: Duration::ZERO,
            sweep: Duration::from_secs(3_600),
            watches_max: 1_000,
            hash: HashMode::Routed,
        }
    }

    fn scout(&self) -> Scout {
        self.scout_of(self.world.source())
    }

    fn scout_of(&self, mut source: Source) -> Scout {
        source.settle = self.settle;
        let mut settings = self.world.settings_of(vec![source]);
        settings.sweep = self.sweep;
        settings.watches_max = self.watches_max;
        settings.hash = self.hash;
        Scout::new(self.world.catalog.clone(), Arc::new(SystemClock), settings)
    }

    /// Serves while `script` runs.
    async fn during(&self, script: impl AsyncFnOnce(&World, &WatchReport)) {
        self.during_of(self.scout(), script).await;
    }

    async fn during_of(&self, mut scout: Scout, script: impl AsyncFnOnce(&World, &WatchReport)) {
        let (stop, watching) = (Stop::new(), WatchReport::default());
        let (mut first, started) = (true, tokio::sync::Notify::new());
        let serve = scout.serve(&stop, &watching, |_| {
            if std::mem::take(&mut first) {
                started.notify_one();
            }
        });
        let play = async {
            started.notified().await;
            script(&self.world, &watching).await;
            stop.stop();
        };
        let (served, ()) = tokio::join!(serve, play);
        served.unwrap();
    }
}

/// How long it took until the file had a version of this content.
async fn versioned(world: &World, path: &str, content: impl AsRef<[u8]>) -> Duration {
    let began = Instant::now();
    let hash = sha256(content);
    while began.elapsed() < PATIENCE {
        let files = world.files().await;
        if files.get(path.as_bytes()).is_some_and(|file| file.hash == Some(hash)) {
            return began.elapsed();
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} has no version of that content after {PATIENCE:?}");
}

#[tokio::test]
async fn a_file_that_is_dropped_in_is_versioned_at_once() {
    let served = Served::fresh().await;
    served.world.write("there/a.csv", "0");
    served
        .during(async |world, watching| {
            world.write("there/a.csv", "1");
            versioned(world, "there/a.csv", "1").await;
            world.write("there/b.csv", "2");
            versioned(world, "there/b.csv", "2").await;
            // In directories that did not exist either.
            world.write("new/er/est/c.csv", "3");
            versioned(world, "new/er/est/c.csv", "3").await;
            world.write("new/er/est/c.csv", "4");
            versioned(world, "new/er/est/c.csv", "4").await;
            world.rename("new/er", "moved");
            versioned(world, "moved/est/c.csv", "4").await;
            world.write("moved/est/c.csv", "5");
            versioned(world, "moved/est/c.csv", "5").await;
            world.remove("there");
            let gone = async || !world.live().await.contains(&"there/a.csv".to_owned());
            while !gone().await {
                sleep(Duration::from_millis(20)).await;
            }
            let status = watching.status();
            assert_eq!(status.trouble, None);
            assert!(status.watched > 0);
        })
        .await;
}

#[tokio::test]
async fn a_file_is_versioned_when_it_is_settled_and_not_before() {
    let mut served = Served::fresh().await;
    served.settle = Duration::from_millis(1_500);
    served
        .during(async |world, _| {
            let mut file = fs::File::create(world.at("a.csv")).unwrap();
            let mut content = Vec::new();
            for _ in 0..8 {
                file.write_all(b"line\n").unwrap();
                content.extend_from_slice(b"line\n");
                sleep(Duration::from_millis(500)).await;
                assert!(
                    world.files().await.get(b"a.csv".as_slice()).is_none_or(|f| f.hash.is_none())
                );
            }
            drop(file);
            let took = versioned(world, "a.csv", content).await;
            assert!(took < served.settle + Duration::from_secs(3), "{took:?}");
        })
        .await;
    assert_eq!(served.world.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_new_plugin_is_noticed_without_any_event() {
    let served = Served::fresh().await;
    served.world.write("a.txt", "1");
    served
        .during(async |world, _| {
            world.plugin("late", &["*.txt"]).await;
            versioned(world, "a.txt", "1").await;
        })
        .await;
}

#[tokio::test]
async fn without_events_the_sweep_finds_it_and_the_status_says_so() {
    let mut served = Served::fresh().await;
    served.watches_max = 2;
    served.sweep = Duration::from_millis(300);
    for i in 0..10 {
        served.world.write(format!("d{i}/x.csv"), "0");
    }
    served
        .during(async |world, watching| {
            for i in 0..10 {
                world.write(format!("d{i}/x.csv"), "1");
                versioned(world, &format!("d{i}/x.csv"), "1").await;
            }
            let trouble = watching.status().trouble.unwrap();
            assert_eq!(trouble, "there are more than 2 directories to watch");
        })
        .await;
}

#[tokio::test]
async fn what_no_plugin_wants_is_hashed_in_the_background() {
    let mut served = Served::fresh().await;
    served.hash = HashMode::All;
    served.world.write("a.txt", "1");
    served
        .during(async |world, _| {
            versioned(world, "a.txt", "1").await;
            world.write("b.txt", "2");
            versioned(world, "b.txt", "2").await;
        })
        .await;
    assert!(served.world.jobs().await.is_empty());
}

#[tokio::test]
async fn a_root_that_is_away_for_a_while_is_no_end() {
    let mut served = Served::fresh().await;
    served.sweep = Duration::from_millis(200);
    served.world.write("a.csv", "1");
    served
        .during(async |world, _| {
            let away = world.temp().join("away");
            fs::rename(world.root(), &away).unwrap();
            sleep(Duration::from_millis(500)).await;
            fs::write(away.join("b.csv"), "2").unwrap();
            fs::rename(&away, world.root()).unwrap();
            versioned(world, "b.csv", "2").await;
            assert_eq!(world.live().await, ["a.csv", "b.csv"]);
        })
        .await;
}

#[tokio::test]
async fn a_root_that_is_not_there_yet_is_taken_up_when_it_comes() {
    let served = Served::fresh().await;
    let root = served.world.root();
    fs::remove_dir(&root).unwrap();
    let script = async |world: &World, _: &WatchReport| {
        world.write("d/a.csv", "1");
        versioned(world, "d/a.csv", "1").await;
        // It is watched as any other from then on.
        world.write("d/b.csv", "2");
        versioned(world, "d/b.csv", "2").await;
    };
    served.during_of(served.scout_of(Source::awaited(root)), script).await;
}

#[tokio::test]
async fn a_root_that_goes_and_comes_back_is_looked_at_without_any_sweep() {
    let served = Served::fresh().await;
    served.world.write("d/a.csv", "1");
    served
        .during(async |world, _| {
            let away = world.temp().join("away");
            fs::rename(world.root(), &away).unwrap();
            fs::create_dir(world.root()).unwrap();
            let began = Instant::now();
            while world.catalog.doubted_roots().await.unwrap().is_empty() {
                assert!(began.elapsed() < PATIENCE, "nobody saw that the root is another one");
                sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(world.live().await, ["d/a.csv"]);
            fs::write(away.join("d/b.csv"), "2").unwrap();
            fs::remove_dir(world.root()).unwrap();
            fs::rename(&away, world.root()).unwrap();
            versioned(world, "d/b.csv", "2").await;
            assert_eq!(world.live().await, ["d/a.csv", "d/b.csv"]);
        })
        .await;
}
