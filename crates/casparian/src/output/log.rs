//! The log: to stderr, as text or as JSON.

use tracing::level_filters::LevelFilter;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// `-q` errors only; warnings by default; `-v`, `-vv` and `-vvv` more.
pub fn start(format: LogFormat, verbosity: i8) {
    let level = match verbosity {
        ..=-1 => LevelFilter::ERROR,
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        3.. => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // A log is started once; a second one would only repeat it.
    let _ = match format {
        LogFormat::Text => log.with_ansi(false).try_init().is_ok(),
        LogFormat::Json => log.json().try_init().is_ok(),
    };
}
