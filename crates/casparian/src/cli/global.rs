//! Flags that every command takes.

use crate::config::Flags;
use crate::output::LogFormat;
use std::path::PathBuf;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The project's directory; else CASPARIAN_PROJECT, else the nearest directory from here upwards that has a
    /// casparian.toml or a .casparian, else the current directory
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Where the plugins lie; by default `plugins` in the project
    #[arg(long, global = true, value_name = "DIR")]
    pub plugins: Option<PathBuf>,
    /// Where the tables go; by default `lake` in the project
    #[arg(long, global = true, value_name = "URI")]
    pub output: Option<String>,
    /// Where the state is kept; by default `.casparian/catalog.db` in the project
    #[arg(long, global = true, value_name = "URL")]
    pub catalog: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more: -v what happens, -vv details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No remarks, no progress, errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How the log on stderr is written
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

impl Global {
    pub fn flags(&self) -> Flags {
        Flags {
            project: self.project.clone(),
            plugins_dir: self.plugins.clone(),
            output: self.output.clone(),
            catalog: self.catalog.clone(),
            ..Flags::default()
        }
    }

    pub fn verbosity(&self) -> i8 {
        if self.quiet { -1 } else { i8::try_from(self.verbose).unwrap_or(i8::MAX) }
    }
}
