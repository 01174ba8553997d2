//! Where the words of a command go. Whoever closes the pipe has read enough: that is no failure.

use super::clean::clean;
use super::json;
use super::table::Table;
use crate::failure::Failure;
use serde_json::Value;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};

#[derive(Debug, Clone, Copy)]
pub struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether somebody watches: progress bars are for them alone.
    pub fn is_watched(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    pub fn document(self, document: &Value) -> Result<(), Failure> {
        self.data(&format!("{}\n", json::text(document)))
    }

    pub fn table(self, table: &Table) -> Result<(), Failure> {
        self.data(&table.text())
    }

    /// A line of data. The text is cleaned.
    pub fn line(self, text: &str) -> Result<(), Failure> {
        self.data(&format!("{}\n", clean(text)))
    }

    /// Lines that are data: each is cleaned.
    pub fn lines(self, text: &str) -> Result<(), Failure> {
        let cleaned = text.lines().map(|line| clean(line).into_owned() + "\n");
        self.data(&cleaned.collect::<String>())
    }

    /// For text of our own.
    pub fn data(self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::unreachable(format!("cannot write to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// For data in a form of its own, which is too large to be held.
    pub fn stream(self) -> impl Write + Send {
        BufWriter::new(std::io::stdout())
    }

    /// Whether data goes to people.
    pub fn is_shown(self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// A remark beside the data.
    pub fn note(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    pub fn warning(self, text: &str) {
        say(&format!("warning: {}", in_lines(text)));
    }
}

pub fn failure(failure: &Failure) {
    say(&format!("error: {}", in_lines(&failure.message)));
    if let Some(hint) = &failure.hint {
        say(&format!("hint: {}", in_lines(hint)));
    }
}

/// What the parser of arguments has to say.
pub fn usage(text: &str) {
    say(in_lines(text).trim_end());
}

/// A text of several lines keeps them; what is in a line is cleaned.
fn in_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Nobody can be told when stderr is gone.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
