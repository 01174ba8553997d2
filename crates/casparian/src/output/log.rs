//! The log: to stderr, as text or as JSON. What it tells of files and plugins is foreign text, and cleaned.

use super::clean::clean;
use super::quantity::moment;
use control::clock::{Clock, SystemClock};
use std::fmt;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// `-q` errors only; warnings by default; `-v`, `-vv` and `-vvv` more. Plain: for somebody who waits for a command's end.
pub fn start(format: LogFormat, verbosity: i8, is_plain: bool) {
    let level = match verbosity {
        ..=-1 => LevelFilter::ERROR,
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        3.. => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::registry().with(ours(level));
    let out = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A log is started once; a second one would only repeat it.
    let _ = match format {
        LogFormat::Text => log.with(out.event_format(Line { is_plain })).try_init(),
        LogFormat::Json => log.with(out.json()).try_init(),
    };
}

/// What libraries have to say is for those who want to know everything.
fn ours(level: LevelFilter) -> Targets {
    let others = if level >= LevelFilter::DEBUG { level } else { LevelFilter::ERROR };
    let crates = ["casparian", "catalog", "control", "protocol", "worker"];
    Targets::new().with_default(others).with_targets(crates.map(|name| (name, level)))
}

/// An event as text: plain as other messages to people are, else with time and place.
struct Line {
    is_plain: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = String::new();
        context.field_format().format_fields(Writer::new(&mut fields), event)?;
        let cleaned = fields.lines().map(clean).collect::<Vec<_>>().join("\n");
        let (level, target) = (event.metadata().level(), event.metadata().target());
        if self.is_plain {
            writeln!(out, "{}: {cleaned}", word(level))
        } else {
            let now = moment(SystemClock.now_us());
            writeln!(out, "{now} {level:5} {target}: {cleaned}")
        }
    }
}

fn word(level: &Level) -> String {
    if *level == Level::WARN { "warning".to_owned() } else { level.as_str().to_lowercase() }
}
