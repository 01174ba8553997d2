//! What can be wrong with a plugin's source, with file, line and cure; and what is only worth a remark.

use super::topic_option::OptionError;
use super::values::ValueError;
use crate::route::{GlobError, TagError};
use protocol::{DeclaredSchemaError, NameError, SinkUri, SinkUriError, TopicName};
use std::fmt;

/// Everything that is wrong with one plugin's source: never empty, in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginErrors(Vec<PluginError>);

impl PluginErrors {
    pub(super) fn new(mut errors: Vec<PluginError>) -> Self {
        errors.sort_by_key(|error| error.line);
        Self(errors)
    }

    pub(super) fn one(file: &str, problem: Problem) -> Self {
        Self(vec![PluginError { file: file.to_owned(), line: None, problem }])
    }

    pub fn iter(&self) -> impl Iterator<Item = &PluginError> {
        self.0.iter()
    }
}

impl fmt::Display for PluginErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PluginErrors {}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(file, *line))]
pub struct PluginError {
    pub file: String,
    /// None: the file as a whole.
    pub line: Option<u32>,
    pub problem: Problem,
}

fn place(file: &str, line: Option<u32>) -> String {
    line.map_or_else(|| format!("{file}: "), |line| format!("{file}:{line}: "))
}

/// Something that was said at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) line: u32,
    pub(super) what: T,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    // The file.
    #[error("{0}: the plugin is named after its file")]
    FileName(NameError),
    #[error("'{other}' is a plugin of the same name: rename one of the two")]
    SameName { other: String },
    #[error("cannot be read: {cause}")]
    Unreadable { cause: String },
    #[error("is not UTF-8: save it as UTF-8")]
    NotUtf8,
    #[error("is larger than {max_kib} KiB: move data and tables out of the source")]
    TooLarge { max_kib: usize },
    #[error("its lock {cause}")]
    Lock { cause: String },

    // Python.
    #[error("not valid Python: {message}")]
    Syntax { message: String },
    #[error(
        "is nested too deeply to be read: a bracket may not be closed, or an expression is chained more than 5000 times"
    )]
    TooDeep,
    #[error("defines no class Handler: write 'class Handler(BasePlugin):' at the top level")]
    NoHandler,

    // SQL.
    #[error("{message}")]
    Statement { message: String },
    #[error("the parser failed on it: write it in simpler statements")]
    SqlParser,
    #[error(
        "statement {number} has no TOPIC: there {}, and the n-th statement gives the n-th topic its rows",
        both(*statements, *topics)
    )]
    StatementWithoutTopic { number: usize, statements: usize, topics: usize },
    #[error(
        "TOPIC {topic} has no statement: there {}, and the n-th statement gives the n-th topic its rows",
        both(*statements, *topics)
    )]
    TopicWithoutStatement { topic: TopicName, statements: usize, topics: usize },

    // Magic comments.
    #[error(
        "{found} is not a key; did you mean {meant}? A plain comment can start with another word"
    )]
    Misspelled { found: String, meant: &'static str },
    #[error("{key} has no value")]
    NoValue { key: &'static str },
    #[error("{key} {source}")]
    Value { key: &'static str, source: ValueError },
    #[error("PATTERN '{pattern}': {source}")]
    Pattern { pattern: String, source: GlobError },
    #[error("PATTERN '{pattern}': leave out the quotes")]
    QuotedPattern { pattern: String },
    #[error("'{value}': put two blanks before the remark '<--'")]
    RemarkTooClose { value: String },
    #[error("TAG {0}; for another tag write another TAG line")]
    Tag(TagError),
    #[error("TOPIC {0}")]
    Topic(NameError),
    #[error("TOPIC {topic}: {source}")]
    Uri { topic: TopicName, source: SinkUriError },
    #[error(
        "TOPIC {topic}: {uri} lies elsewhere than below the output root: name it in casparian.toml, [sinks.NAME] uri, and write @NAME"
    )]
    Elsewhere { topic: TopicName, uri: SinkUri },
    #[error(
        "TOPIC '{value}' has more than a name and a uri: for another uri write another TOPIC line"
    )]
    TopicTail { value: String },
    #[error("OPTIONS '{value}' names no topic: write OPTIONS: <topic>: history=all")]
    OptionsWithoutTopic { value: String },
    #[error("OPTIONS {topic}: {source}")]
    Option { topic: String, source: OptionError },
    #[error("SCHEMA '{value}': write <topic>: <column> <type>, <column> <type> not null, ...")]
    SchemaWithoutTopic { value: String },
    #[error("SCHEMA {topic}: {source}")]
    Schema { topic: TopicName, source: DeclaredSchemaError },
    #[error("SCHEMA {topic}: {}", undeclared(topic, declared))]
    SchemaOfUndeclared { topic: TopicName, declared: Vec<TopicName> },
    #[error("READER {message}")]
    Reader { message: String },
    #[error(
        "READER is for SQL plugins: a Python plugin reads its file itself, so take the line out"
    )]
    ReaderInPython,

    // The MANIFEST.
    #[error("MANIFEST must be a constant: {found} is computed; write the value itself")]
    Computed { found: String },
    #[error("MANIFEST must be MANIFEST = PluginMetadata(name=value, ...) at the top level, once")]
    NotAManifest,
    #[error("MANIFEST has no {found}: it has {known}")]
    UnknownField { found: String, known: String },
    #[error("MANIFEST {field} must be {expected}")]
    FieldType { field: &'static str, expected: &'static str },

    // What was said, taken together.
    #[error("{what} stands at line {first} already: say it once")]
    Repeated { what: String, first: u32 },
    #[error("{what} is {here} here and {there} at line {line}: say it once")]
    Contradiction { what: String, here: String, there: String, line: u32 },
    #[error("{a} and {b} both go to {uri}: give each topic a place of its own")]
    SharedUri { a: TopicName, b: TopicName, uri: SinkUri },
    #[error("OPTIONS {topic}: {}", undeclared(topic, declared))]
    UndeclaredTopic { topic: TopicName, declared: Vec<TopicName> },
    #[error(
        "topic {topic} goes to @{sink}, but casparian.toml has no [sinks.{sink}]{}",
        known_sinks(known)
    )]
    UnknownSink { topic: TopicName, sink: String, known: Vec<String> },
}

fn undeclared(topic: &TopicName, declared: &[TopicName]) -> String {
    if declared.is_empty() {
        return format!("no topic is declared; write TOPIC: {topic}");
    }
    let names: Vec<&str> = declared.iter().map(TopicName::as_str).collect();
    format!("no topic '{topic}' is declared; there is {}", names.join(", "))
}

fn both(statements: usize, topics: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let is = if statements == 1 { "is" } else { "are" };
    format!(
        "{is} {statements} statement{} for {topics} topic{}",
        plural(statements),
        plural(topics)
    )
}

fn known_sinks(known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    format!("; it has {}", known.join(", "))
}

/// Worth telling the author; the plugin runs all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub line: Option<u32>,
    pub remark: Remark,
}

impl Note {
    pub(super) fn at(line: u32, remark: Remark) -> Self {
        Self { line: Some(line), remark }
    }

    pub(super) fn whole(remark: Remark) -> Self {
        Self { line: None, remark }
    }

    /// With the file that it is about.
    pub fn text(&self, file: &str) -> String {
        format!("{}{}", place(file, self.line), self.remark)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    ReceivesNothing,
    PublishesNothing,
    UndeclaredPublish { topic: String, declared: Vec<TopicName> },
    NotInCapitals { found: String, key: &'static str },
    TooLate { key: &'static str },
    OnePattern { pattern: String },
    HashInPattern { pattern: String },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReceivesNothing => f.write_str("has no PATTERN and no TAG: it receives no files"),
            Self::PublishesNothing => f.write_str("has no TOPIC: it cannot publish"),
            Self::UndeclaredPublish { topic, declared } => {
                let names: Vec<&str> = declared.iter().map(TopicName::as_str).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                write!(
                    f,
                    "publishes to '{topic}', which is not declared (declared: {names}); such a job fails"
                )
            }
            Self::NotInCapitals { found, key } => {
                write!(f, "'{found}:' is read as a plain comment; the key is {key}, in capitals")
            }
            Self::TooLate { key } => write!(
                f,
                "{key} stands after the first statement and is read as a plain comment; move it up"
            ),
            Self::OnePattern { pattern } => write!(
                f,
                "'{pattern}' is one pattern, comma included; for several write several PATTERN lines"
            ),
            Self::HashInPattern { pattern } => write!(
                f,
                "'{pattern}' is the whole pattern; a remark needs two blanks before its '#'"
            ),
        }
    }
}
