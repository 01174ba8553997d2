//! `casparian status`.

use super::context::Context;
use super::{doubt, waiting};
use crate::failure::{Ending, Failure};
use crate::output::{Table, count, moment, path_fields};
use crate::roles::{Presence, active_sentinel, away, scout_lock};
use catalog::Waiting;
use catalog::report::{DoubtedRoot, Status};
use serde_json::{Map, Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Show the whole at a glance: files, jobs by state, what is waited for, who is at work
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn execute(_: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let (status, waiting, doubted, sentinel) = context.read(&settings, async |catalog| {
        let sentinel = active_sentinel(&settings, catalog).await;
        let doubted = catalog.doubted_roots().await?;
        Ok((catalog.status().await?, catalog.waiting().await?, doubted, sentinel))
    })?;
    let sources = Sources { doubted, away: away(&settings) };
    let scout = settings.catalog.value.file().and_then(|path| Presence::look(&scout_lock(path)));
    let live = Live { sentinel, scout };
    if context.printer.is_json() {
        context.printer.document(&document(&status, &waiting, &sources, &live))?;
    } else {
        context.printer.table(&table(&status, &waiting, &sources, &live))?;
    }
    Ok(Ending::Done)
}

/// Sources that somebody should look at.
struct Sources {
    doubted: Vec<DoubtedRoot>,
    /// Path, and why it cannot be read.
    away: Vec<(PathBuf, String)>,
}

/// What those who are at work say of themselves.
struct Live {
    sentinel: Option<Value>,
    scout: Option<Value>,
}

impl Live {
    /// None: nobody watches.
    fn events(&self) -> Option<bool> {
        self.scout.as_ref()?.get("events")?.as_bool()
    }

    fn watching(&self) -> String {
        let trouble = self.scout.as_ref().and_then(|says| says.get("trouble")?.as_str());
        match (self.events(), trouble) {
            (Some(true), _) => "on".to_owned(),
            (Some(false), Some(trouble)) => format!("off ({trouble}): the sweep sees changes"),
            (Some(false), None) => "off: the sweep sees changes".to_owned(),
            (None, _) => "off: nobody watches".to_owned(),
        }
    }
}

fn document(status: &Status, waiting: &Waiting, sources: &Sources, live: &Live) -> Value {
    let jobs = status.jobs.iter().map(|(state, jobs)| (state.clone(), json!(jobs)));
    let workers = status.workers.iter().map(|worker| {
        json!({
            "id": worker.worker_id, "host": worker.host, "pid": worker.pid, "slots": worker.slots,
            "status": worker.state, "started_at": moment(worker.started_at_us),
        })
    });
    let doubted = sources.doubted.iter().map(|root| {
        let mut fields = doubt::fields(&root.path, &root.doubt);
        fields.insert("since".to_owned(), json!(moment(root.since_us)));
        Value::Object(fields)
    });
    let away = sources.away.iter().map(|(path, error)| {
        let mut fields = path_fields(path.as_os_str().as_bytes());
        fields.insert("error".to_owned(), json!(error));
        Value::Object(fields)
    });
    json!({
        "files": status.files,
        "files_deleted": status.files_deleted,
        "files_unhashed": status.files_unhashed,
        "versions": status.versions,
        "roots_in_doubt": doubted.collect::<Vec<_>>(),
        "sources_away": away.collect::<Vec<_>>(),
        "jobs": jobs.collect::<Map<_, _>>(),
        "waiting": waiting::document(waiting),
        "workers": workers.collect::<Vec<_>>(),
        "sentinel": live.sentinel,
        "scout": live.scout,
        "events": live.events(),
    })
}

fn table(status: &Status, waiting: &Waiting, sources: &Sources, live: &Live) -> Table {
    let mut table = Table::bare();
    let mut files = count(status.files);
    if status.files_unhashed > 0 {
        files += &format!(", {} not hashed", count(status.files_unhashed));
    }
    if status.files_deleted > 0 {
        files += &format!(", {} deleted", count(status.files_deleted));
    }
    table.row(["files", &files]);
    for root in &sources.doubted {
        table.row(["in doubt", &doubt::doubt_text(&root.path, &root.doubt)]);
    }
    for (path, error) in &sources.away {
        table.row(["away", &format!("{}: {error}", path.display())]);
    }
    table.row(["versions", &count(status.versions)]);
    let jobs = status.jobs.iter().map(|(state, jobs)| format!("{} {state}", count(*jobs)));
    table.row(["jobs", &or_none(&jobs.collect::<Vec<_>>())]);
    table.row(["waiting", &or_none(&waiting::reasons(waiting))]);
    table.row(["sentinel", &live.sentinel.as_ref().map_or_else(|| "none".to_owned(), who)]);
    if let Some(refused) = live.sentinel.as_ref().and_then(refused) {
        table.row(["refused", &refused]);
    }
    table.row(["scout", &live.scout.as_ref().map_or_else(|| "none".to_owned(), who)]);
    table.row(["events", &live.watching()]);
    let workers = status.workers.iter().map(|worker| {
        format!("{} ({} pid {}, {} slots)", worker.worker_id, worker.host, worker.pid, worker.slots)
    });
    table.row(["workers", &or_none(&workers.collect::<Vec<_>>())]);
    table
}

/// None: nothing was.
fn refused(says: &Value) -> Option<String> {
    let counts = [
        ("connections", "connections without an allowed key"),
        ("crowding", "connections too many"),
        ("withdrawn", "messages with a withdrawn key"),
        ("malformed", "frames that were no messages"),
        ("strange", "messages of no session, or receipts for another's job"),
    ];
    let count_of = |key: &str| says.get("refused")?.get(key)?.as_u64().filter(|count| *count > 0);
    let shown =
        counts.iter().filter_map(|(key, what)| Some(format!("{} {what}", count(count_of(key)?))));
    let shown = shown.collect::<Vec<_>>();
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn or_none(parts: &[String]) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn who(says: &Value) -> String {
    let word = |key: &str| says.get(key).and_then(Value::as_str).unwrap_or("?");
    let pid = says.get("pid").and_then(Value::as_u64).unwrap_or(0);
    match says.get("endpoint").and_then(Value::as_str) {
        Some(endpoint) => format!("{} (pid {pid}) on {endpoint}", word("command")),
        None => format!("{} (pid {pid})", word("command")),
    }
}
