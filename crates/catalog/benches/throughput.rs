//! Rows and jobs per second of the catalog, for `make bench`. `cargo bench -p catalog [-- LOCATIONS JOBS [URL]]`: in a file of its own, or in an
//! empty database.

use catalog::{
    Catalog, ClaimFrom, DesiredPlugin, DesiredRegistry, Lane, NewDirectory, NewLocation, OpenMode,
    Receipt, SentinelEpoch, SubscribedPlugin, Tagged, TopicTarget, WorkerRegistration,
};
use protocol::{
    CommitId, ContentHash, Environment, FileStat, JobAttempt, Limits, LocationId, Metrics,
    PluginDeclaration, PluginLanguage, PluginVersion, ReadyJob, SessionToken, StagedOutput,
    TopicOptions, TopicSchema, final_name, staged_name,
};
use std::error::Error;
use std::io::Write;
use std::time::Instant;

/// As the scout does.
const LOCATIONS_IN_BATCH: usize = 4_000;
const TAGGED_IN_BATCH: usize = 1_000;
const JOBS_IN_BATCH: usize = 500;
const NOW_US: i64 = 1_800_000_000_000_000;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let url = std::env::args().skip(1).find(|arg| arg.contains("://"));
    let mut sizes = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let locations = sizes.next().unwrap_or(200_000);
    let jobs = sizes.next().unwrap_or(100_000).min(locations);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("catalog.db");
    let place = url.as_deref().unwrap_or(path.to_str().ok_or("the path is no text")?);
    let catalog = Catalog::open(place, OpenMode::ReadWrite).await?;
    let epoch = catalog.take_sentinel_epoch().await?;
    register(&catalog, epoch).await?;
    inventory(&catalog, locations).await?;
    tag(&catalog, jobs).await?;
    process(&catalog, epoch, jobs).await?;
    match url {
        None => report("bytes in the catalog", std::fs::metadata(&path)?.len() as usize, None),
        Some(_) => Ok(()),
    }
}

/// When a phase began, by the clock on the wall and by what the process had used of the processors.
struct Start {
    wall: Instant,
    cpu_s: f64,
}

impl Start {
    fn now() -> Self {
        Self { wall: Instant::now(), cpu_s: cpu_s() }
    }
}

/// Of all threads; the rate by it does not depend on what else the machine does.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn report(what: &str, count: usize, since: Option<Start>) -> Outcome {
    let mut out = std::io::stdout().lock();
    match since {
        None => writeln!(out, "{what:<32} {count:>10}")?,
        Some(since) => {
            let rate = count as f64 / since.wall.elapsed().as_secs_f64();
            let cpu = (cpu_s() - since.cpu_s) / count as f64 * 1e6;
            writeln!(out, "{what:<32} {count:>10} {rate:>10.0}/s {cpu:>8.1} cpu us each")?;
        }
    }
    Ok(())
}

async fn register(catalog: &Catalog, epoch: SentinelEpoch) -> Outcome {
    let topic = TopicTarget {
        topic: "rows".parse()?,
        uri: "parquet://rows".parse()?,
        mode: "append".to_owned(),
        options: TopicOptions::default(),
        declared: TopicSchema::default(),
    };
    let declaration =
        PluginDeclaration { patterns: vec!["*".to_owned()], ..PluginDeclaration::default() };
    let plugin = DesiredPlugin {
        name: "bench".parse()?,
        version: PluginVersion::new([7; 32]),
        language: PluginLanguage::Python,
        source: "# nothing".to_owned(),
        lock: None,
        origin: "project".to_owned(),
        declaration: Some(declaration),
        error: None,
        topics: vec![topic],
        limits: Limits::default(),
        settings: "{}".to_owned(),
    };
    let mut tx = catalog.begin_sentinel(epoch).await?;
    let desired = DesiredRegistry { plugins: vec![plugin], user_rules: Vec::new() };
    tx.sync_registry(&desired, NOW_US).await?;
    Ok(tx.commit().await?)
}

fn stat(n: usize) -> FileStat {
    FileStat { inode: n as u64, size: 1_000, mtime_ns: n as i64, ctime_ns: n as i64 }
}

async fn inventory(catalog: &Catalog, count: usize) -> Outcome {
    for what in ["locations inserted", "locations changed"] {
        let since = Start::now();
        for first in (0..count).step_by(LOCATIONS_IN_BATCH) {
            let mut tx = catalog.begin_scout().await?;
            let root = tx.register_root(b"/data", NOW_US).await?;
            let path = format!("directory/number/{first}");
            let directory = NewDirectory { path: path.as_bytes(), digest: Some(b"digest") };
            let directory = tx.upsert_directories(root, &[directory], NOW_US).await?[0];
            let locations = (first..count.min(first + LOCATIONS_IN_BATCH)).map(|n| NewLocation {
                directory,
                name: format!("file_{n:08}.csv").into_bytes(),
                stat: stat(n),
            });
            tx.upsert_locations(&locations.collect::<Vec<_>>(), NOW_US).await?;
            tx.commit().await?;
        }
        report(what, count, Some(since))?;
    }
    Ok(())
}

fn content(location: LocationId) -> ContentHash {
    let mut hash = [0; 32];
    for (n, part) in hash.chunks_exact_mut(8).enumerate() {
        let mixed = location.get().wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        part.copy_from_slice(&mixed.rotate_left(n as u32 * 7).to_be_bytes());
    }
    ContentHash::new(hash)
}

async fn tag(catalog: &Catalog, count: usize) -> Outcome {
    let table = catalog.routing_table().await?;
    let root = catalog.root_of(b"/data").await?.ok_or("the root is gone")?;
    let plugins = table.plugins.iter().collect::<Vec<&SubscribedPlugin>>();
    let tags = ["auto_bench".to_owned()];
    let since = Start::now();
    let mut last = None;
    let mut done = 0;
    while done < count {
        let page = catalog.todo(&[root], table.epoch, last.as_ref(), TAGGED_IN_BATCH).await?;
        last = page.last().cloned();
        if last.is_none() {
            break;
        }
        let tagged = page.iter().map(|todo| Tagged {
            location: todo.id,
            seen: todo.stat,
            stat: todo.stat,
            hash: Some(content(todo.id)),
            racy: false,
            tags: &tags,
            plugins: &plugins,
        });
        let mut tx = catalog.begin_scout().await?;
        tx.record(&tagged.collect::<Vec<_>>(), table.epoch, NOW_US).await?;
        tx.commit().await?;
        done += page.len();
    }
    report("versions, tags and jobs", done, Some(since))
}

async fn process(catalog: &Catalog, epoch: SentinelEpoch, count: usize) -> Outcome {
    let session: SessionToken = "a_session_token_0123456789abcdef".parse()?;
    let mut tx = catalog.begin_sentinel(epoch).await?;
    let environment = Environment::default();
    let worker = WorkerRegistration {
        worker_id: "bench",
        environment: &environment,
        slots: 1,
        offered: None,
        fresh: &session,
    };
    tx.register_worker(&worker, NOW_US).await?;
    tx.commit().await?;
    let (start, mut done, mut spent) = (Start::now(), 0, [0.0; 3]);
    loop {
        let mut at = cpu_s();
        let mut lap = |phase: usize| {
            let now = cpu_s();
            spent[phase] += now - at;
            at = now;
        };
        // The Sentinel does so each second.
        if done % (10 * JOBS_IN_BATCH) == 0 {
            catalog.freshen_statistics().await?;
        }
        let mut tx = catalog.begin_sentinel(epoch).await?;
        let claimed =
            tx.claim(&session, JOBS_IN_BATCH, ClaimFrom::Lane(Lane::Fresh), NOW_US).await?;
        tx.commit().await?;
        lap(0);
        if claimed.is_empty() {
            break;
        }
        done += claimed.len();
        let ready = claimed.iter().map(|one| ready(one.job)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = catalog.begin_sentinel(epoch).await?;
        tx.grant(&ready, &session, NOW_US).await?;
        tx.commit().await?;
        lap(1);
        let receipts =
            claimed.iter().map(|one| Receipt { job: one.job, metrics: Metrics::default() });
        let receipts = receipts.collect::<Vec<_>>();
        let mut tx = catalog.begin_sentinel(epoch).await?;
        tx.conclude(&receipts, &session, NOW_US).await?;
        tx.commit().await?;
        lap(2);
    }
    assert_eq!(done, count);
    let [claim, grant, conclude] = spent.map(|cpu_s| cpu_s / count as f64 * 1e6);
    report(
        &format!("claimed {claim:.0}, granted {grant:.0}, concluded {conclude:.0} us"),
        done,
        Some(start),
    )
}

fn ready(job: JobAttempt) -> Result<ReadyJob, Box<dyn Error>> {
    let output = StagedOutput {
        topic: "rows".parse()?,
        uri: "parquet://rows".parse()?,
        staged: staged_name(&"w".parse()?, job.into()),
        final_name: final_name(job.into()),
        row_start: 0,
        rows: 10,
        size_bytes: 1_000,
        hash: ContentHash::new([1; 32]),
        schema: serde_json::from_str(r#"[{"name":"a","type":"int64"}]"#)?,
        schema_version: 0,
        reasons: Vec::new(),
    };
    let (commit_id, outputs) = (CommitId::from(job.id), vec![output]);
    Ok(ReadyJob { job: job.id, attempt: job.attempt, commit_id, outputs })
}
