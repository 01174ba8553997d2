//! Scout beside its peers, in one run on the same files, as ratios. For `make bench`.
//! `cargo bench -p control --bench scout [-- FILES FILES_PER_DIRECTORY HASH_MB DIRECTORY]`

use catalog::{Catalog, DesiredPlugin, DesiredRegistry, OpenMode, TopicTarget};
use control::Stop;
use control::clock::{Clock, SystemClock};
use control::scout::{HashMode, Scout, ScoutSettings, Source};
use protocol::{
    Limits, PluginDeclaration, PluginLanguage, PluginVersion, TopicOptions, TopicSchema,
};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The best of so many counts: whatever else runs on the machine only adds.
const RUNS: usize = 5;
const HASH_FILES: usize = 8;
const SMALL_FILES: usize = 20_000;

fn main() -> Outcome {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(Ok(default), |text| text.parse::<usize>())
    };
    let (files, per_directory, hash_mb) = (number(0, 200_000)?, number(1, 8)?, number(2, 512)?);
    let work = match arguments.get(3) {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(inventory(work.path(), files, per_directory))?;
    runtime.block_on(hashing(work.path(), hash_mb))?;
    runtime.block_on(versions(work.path()))
}

async fn inventory(work: &Path, files: usize, per_directory: usize) -> Outcome {
    let tree = work.join("tree");
    grow(&tree, files, per_directory)?;
    let find = || -> Outcome {
        let out = File::create(work.join("find.out"))?;
        let format = ["-printf", "%p %T@ %s\\n"];
        let status = Command::new("find").arg(&tree).args(format).stdout(out).status()?;
        assert!(status.success());
        Ok(())
    };
    find()?;
    let (mut finds, mut firsts, mut rescans) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak_mb = 0.0;
    for run in 0..RUNS {
        let began = Instant::now();
        find()?;
        finds.push(began.elapsed());
        let mut scout = scout(work, &format!("inventory{run}.db"), &tree).await?;
        let began = Instant::now();
        let report = scout.scan(&Stop::new()).await?;
        firsts.push(began.elapsed());
        assert_eq!((report.files_seen, report.files_new), (files as u64, files as u64));
        for _ in 0..2 {
            let began = Instant::now();
            let report = scout.scan(&Stop::new()).await?;
            rescans.push(began.elapsed());
            assert_eq!((report.files_new, report.files_changed), (0, 0));
        }
        if run == 0 {
            // Later runs bring catalogs of their own.
            peak_mb = peak_memory_mb()?;
        }
    }
    let find = finds.iter().min().copied().unwrap_or_default();
    line("find", find, files as f64, "files")?;
    compared("first inventory", &firsts, find, files as f64, "files", 2.0)?;
    compared("rescan, nothing changed", &rescans, find, files as f64, "files", 1.3)?;
    say(&format!("{:<34} {peak_mb:>9.0} MB", "peak memory"))?;
    Ok(fs::remove_dir_all(tree)?)
}

/// Few large files on all cores, against one openssl per core.
async fn hashing(work: &Path, megabytes: usize) -> Outcome {
    let tree = work.join("large");
    fs::create_dir_all(&tree)?;
    let block: Vec<u8> =
        (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for i in 0..HASH_FILES {
        let mut file = File::create(tree.join(format!("f{i}")))?;
        // Each another content, or they would be one version.
        file.write_all(&[i as u8])?;
        (0..megabytes / HASH_FILES).try_for_each(|_| file.write_all(&block))?;
    }
    let shell = format!(
        "ls -d {}/* | xargs -n {} -P {} openssl dgst -sha256 > /dev/null",
        tree.display(),
        HASH_FILES.div_ceil(threads()),
        threads(),
    );
    let (mut peers, mut ours) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let began = Instant::now();
        assert!(Command::new("sh").args(["-c", &shell]).status()?.success());
        peers.push(began.elapsed());
        let mut scout = scout(work, &format!("hashing{run}.db"), &tree).await?;
        scout.scan(&Stop::new()).await?;
        let began = Instant::now();
        let report = scout.pass(&Stop::new()).await?;
        ours.push(began.elapsed());
        assert_eq!(report.versions, HASH_FILES as u64);
    }
    let peer = peers.iter().min().copied().unwrap_or_default();
    line("openssl dgst -sha256, all cores", peer, megabytes as f64, "MB")?;
    compared("hashing, versions and jobs", &ours, peer, megabytes as f64, "MB", 1.0 / 0.9)?;
    Ok(fs::remove_dir_all(tree)?)
}

/// Many small files from the walk to their jobs.
async fn versions(work: &Path) -> Outcome {
    let tree = work.join("small");
    grow(&tree, SMALL_FILES, 100)?;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let mut scout = scout(work, &format!("versions{run}.db"), &tree).await?;
        let began = Instant::now();
        let report = scout.pass(&Stop::new()).await?;
        times.push(began.elapsed());
        assert_eq!(report.jobs, SMALL_FILES as u64);
    }
    let best = times.iter().min().copied().unwrap_or_default();
    line("small files, from walk to job", best, SMALL_FILES as f64, "files")
}

fn grow(tree: &Path, files: usize, per_directory: usize) -> Outcome {
    for first in (0..files).step_by(per_directory) {
        let i = first / per_directory;
        let directory = tree.join(format!("a{:03}/b{:02}/c{:02}", i / 400, i / 20 % 20, i % 20));
        fs::create_dir_all(&directory)?;
        for file in first..(first + per_directory).min(files) {
            fs::write(directory.join(format!("file_{file:07}.csv")), format!("id\n{file}\n"))?;
        }
    }
    Ok(())
}

async fn scout(work: &Path, catalog: &str, tree: &Path) -> Outcome<Scout> {
    let path = work.join(catalog);
    let catalog = Catalog::open(&path.to_string_lossy(), OpenMode::ReadWrite).await?;
    let plugin = DesiredPlugin {
        name: "all".parse()?,
        version: PluginVersion::new([1; 32]),
        language: PluginLanguage::Python,
        source: "# all".to_owned(),
        lock: None,
        origin: "project".to_owned(),
        declaration: Some(PluginDeclaration {
            patterns: vec!["*".to_owned()],
            ..PluginDeclaration::default()
        }),
        error: None,
        topics: vec![TopicTarget {
            topic: "rows".parse()?,
            uri: "parquet://rows".parse()?,
            mode: "append".to_owned(),
            options: TopicOptions::default(),
            declared: TopicSchema::default(),
        }],
        limits: Limits::default(),
        settings: "{}".to_owned(),
    };
    let desired = DesiredRegistry { plugins: vec![plugin], user_rules: Vec::new() };
    let mut tx = catalog.begin_sentinel(catalog.take_sentinel_epoch().await?).await?;
    tx.sync_registry(&desired, SystemClock.now_us()).await?;
    tx.commit().await?;
    let settings = ScoutSettings {
        sources: vec![Source::at(tree, &[])?],
        own: vec![work.join(".casparian"), work.join("lake")],
        threads: threads(),
        hash: HashMode::Routed,
        sweep: Duration::from_secs(60),
        watches_max: 0,
        confirm_deletions: false,
    };
    Ok(Scout::new(catalog, Arc::new(SystemClock), settings))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn compared(
    what: &str,
    runs: &[Duration],
    peer: Duration,
    amount: f64,
    unit: &str,
    target: f64,
) -> Outcome {
    let best = runs.iter().min().copied().unwrap_or_default();
    line(what, best, amount, unit)?;
    let ratio = best.as_secs_f64() / peer.as_secs_f64();
    say(&format!("{:<34} {ratio:>11.2} x (at most {target:.2})", "  beside its peer"))
}

fn line(what: &str, took: Duration, amount: f64, unit: &str) -> Outcome {
    let seconds = took.as_secs_f64();
    say(&format!("{what:<34} {:>9.0} ms {:>12.0} {unit}/s", seconds * 1e3, amount / seconds))
}

fn say(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

fn peak_memory_mb() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
