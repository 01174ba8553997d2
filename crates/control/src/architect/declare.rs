//! From a plugin's source text to its declaration, or to all that is wrong with it.

use super::comments::{self, Entry, Language};
use super::key::Key;
use super::manifest::{self, Manifest};
use super::topics::Topics;
use super::values;
use crate::route::{Glob, check_tag};
use protocol::{Limits, PluginDeclaration, PluginVersion};
use sha2::{Digest, Sha256};

/// One source, read.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The stem of the file's name; whether it can name a plugin is for the registrar to see.
    pub name: String,
    pub version: PluginVersion,
    pub source: String,
    pub lock: Option<String>,
    /// What it declares, or every mistake with file and line, a line each.
    pub outcome: Result<PluginDeclaration, String>,
}

impl Declared {
    /// A file whose text cannot be had.
    pub fn unreadable(file: &str, reason: &str) -> Self {
        let outcome = Err(format!("{file} {reason}"));
        Self {
            name: stem(file),
            version: version("", None),
            source: String::new(),
            lock: None,
            outcome,
        }
    }

    /// What is said back to a worker that announced it.
    pub fn refusal(&self) -> Option<protocol::PluginRefusal> {
        let reason = self.outcome.as_ref().err()?.clone();
        Some(protocol::PluginRefusal { name: self.name.clone(), reason })
    }
}

/// `file` is how errors name it, e.g. `plugins/x.py`.
pub fn declare(file: &str, source: &str, lock: Option<&str>) -> Declared {
    Declared {
        name: stem(file),
        version: version(source, lock),
        source: source.to_owned(),
        lock: lock.map(str::to_owned),
        outcome: read(file, source),
    }
}

fn stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// SHA-256 of the source; where there is a lock, of both with a zero byte between.
pub fn version(source: &str, lock: Option<&str>) -> PluginVersion {
    let mut hasher = Sha256::new();
    hasher.update(source);
    if let Some(lock) = lock {
        hasher.update([0]);
        hasher.update(lock);
    }
    PluginVersion::new(hasher.finalize().into())
}

fn read(file: &str, source: &str) -> Result<PluginDeclaration, String> {
    if file.ends_with(".sql") {
        return Err(format!(
            "{file}: SQL plugins need the query engine, which this version does not have"
        ));
    }
    let mut reader = Reader { file, errors: Vec::new() };
    let mut declaration = reader.comments(source);
    match manifest::read(source) {
        Ok(Some(manifest)) => reader.merge(&mut declaration, manifest),
        Ok(None) => {}
        Err(mistakes) => mistakes.into_iter().for_each(|one| reader.mistake(one.line, &one.what)),
    }
    if reader.errors.is_empty() { Ok(declaration) } else { Err(reader.errors.join("\n")) }
}

struct Reader<'a> {
    file: &'a str,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn mistake(&mut self, line: usize, what: &str) {
        self.errors.push(format!("{}:{line}: {what}", self.file));
    }

    fn comments(&mut self, source: &str) -> PluginDeclaration {
        let mut declaration = PluginDeclaration::default();
        let mut topics = Topics::default();
        for entry in comments::read(source, Language::Python) {
            let taken = match &entry {
                Err(mistake) => Err(mistake.what.clone()),
                Ok(entry) => take(entry, &mut declaration, &mut topics),
            };
            let line = entry.as_ref().map_or_else(|mistake| mistake.line, |entry| entry.line);
            if let Err(what) = taken {
                self.mistake(line, &what);
            }
        }
        let (declared, mistakes) = topics.finish();
        mistakes.into_iter().for_each(|one| self.mistake(one.line, &one.what));
        declaration.topics = declared;
        declaration
    }

    /// What both say counts; where they contradict each other, neither does.
    fn merge(&mut self, declaration: &mut PluginDeclaration, manifest: Manifest) {
        for pattern in manifest.patterns {
            if let Err(error) = Glob::parse(&pattern) {
                self.mistake(manifest.line, &format!("MANIFEST: pattern {error}"));
            } else if !declaration.patterns.contains(&pattern) {
                declaration.patterns.push(pattern);
            }
        }
        for tag in manifest.tags {
            if let Err(error) = check_tag(&tag) {
                self.mistake(manifest.line, &format!("MANIFEST: {error}"));
            } else if !declaration.tags.contains(&tag) {
                declaration.tags.push(tag);
            }
        }
        for topic in manifest.topics {
            if !declaration.topics.iter().any(|known| known.name == topic.name) {
                declaration.topics.push(topic);
            }
        }
        if let Some(priority) = manifest.priority {
            let said = declaration.limits.priority;
            if said != Limits::default().priority && said != priority {
                let what =
                    format!("MANIFEST says priority {priority}, the comment PRIORITY says {said}");
                self.mistake(manifest.line, &what);
            }
            declaration.limits.priority = priority;
        }
    }
}

fn take(
    entry: &Entry,
    declaration: &mut PluginDeclaration,
    topics: &mut Topics,
) -> Result<(), String> {
    let (name, value) = (entry.key.name(), entry.value.as_str());
    let named = |error: values::ValueError| format!("{name} {error}");
    let limits = &mut declaration.limits;
    match entry.key {
        Key::Pattern => {
            Glob::parse(value).map_err(|error| format!("{name} {error}"))?;
            declaration.patterns.push(value.to_owned());
        }
        Key::Tag => {
            check_tag(value).map_err(|error| format!("{name} {error}"))?;
            declaration.tags.push(value.to_owned());
        }
        Key::Topic => topics.add(entry.line, value)?,
        Key::Options => topics.add_options(entry.line, value)?,
        Key::Schema => return Err("SCHEMA contracts are not in this version".to_owned()),
        Key::Reader => {
            return Err("READER is for SQL plugins, which are not in this version".to_owned());
        }
        Key::Priority => limits.priority = values::parse_priority(value).map_err(named)?,
        Key::Timeout => limits.timeout_ms = values::parse_timeout_ms(value).map_err(named)?,
        Key::Memory => limits.memory_bytes = values::parse_memory_bytes(value).map_err(named)?,
        Key::Retries => limits.retries = Some(values::parse_retries(value).map_err(named)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: &str =
        "from casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin): pass\n";

    fn outcome(header: &str) -> Result<PluginDeclaration, String> {
        declare("plugins/x.py", &[header, HANDLER].concat(), None).outcome
    }

    #[test]
    fn the_example_of_the_design_is_read() {
        let declared =
            outcome("# PATTERN: *.csv   <-- rule\n# TOPIC: sales_data   <-- topic\n").unwrap();
        assert_eq!(declared.patterns, ["*.csv"]);
        assert_eq!(declared.topics[0].name.as_str(), "sales_data");
        assert_eq!(declared.topics[0].uris[0].to_string(), "parquet://sales_data");
    }

    #[test]
    fn every_mistake_is_named_with_file_and_line() {
        let error =
            outcome("# TIMEOUT: 30 parsecs\n# PRIORITY: high\n# MEMORY: 1KB\n").unwrap_err();
        let lines = error.lines().collect::<Vec<_>>();
        assert_eq!(
            lines[0],
            "plugins/x.py:1: TIMEOUT '30 parsecs' is not a duration: write e.g. 30s, 10m, 1h"
        );
        assert!(
            lines[1].starts_with("plugins/x.py:2: PRIORITY 'high' is not a whole number"),
            "{error}"
        );
        assert!(lines[2].starts_with("plugins/x.py:3: MEMORY '1KB' is less than 16MB"), "{error}");
    }

    #[test]
    fn limits_are_read() {
        let header = "# PRIORITY: 5\n# TIMEOUT: 30s\n# MEMORY: 512MB\n# RETRIES: 0\n";
        let limits = outcome(header).unwrap().limits;
        assert_eq!(
            (limits.priority, limits.timeout_ms, limits.memory_bytes),
            (5, 30_000, 512 << 20)
        );
        assert_eq!(limits.retries, Some(0));
    }

    #[test]
    fn f11_another_source_is_another_version() {
        let one = declare("x.py", "a", None).version;
        assert_ne!(one, declare("x.py", "b", None).version);
        assert_ne!(one, declare("x.py", "a", Some("")).version);
        assert_eq!(one, declare("y.py", "a", None).version);
    }

    #[test]
    fn sql_is_refused_as_long_as_there_is_no_engine() {
        let error = declare("plugins/q.sql", "-- PATTERN: *\nSELECT 1", None).outcome.unwrap_err();
        assert!(error.starts_with("plugins/q.sql: SQL plugins need the query engine"), "{error}");
    }
}
