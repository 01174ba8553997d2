//! Magic comments: `# PATTERN: *.csv` in Python, `-- PATTERN: *.csv` in SQL.

use super::fact::{Fact, Reading};
use super::key::{Key, Word, classify};
use super::problem::{At, Note, Problem, Remark};
use super::sql::SqlCheck;
use super::topic_option::parse_options;
use super::values::{
    ValueError, parse_memory_bytes, parse_priority, parse_retries, parse_timeout_ms,
};
use crate::route::{Glob, check_tag};
use protocol::{SinkUri, TopicName, TopicSchema};

/// The lines that are comments only, without the sign that begins them.
pub(super) struct CommentLines<'s> {
    /// Before the first statement.
    pub(super) header: Vec<At<&'s str>>,
    pub(super) later: Vec<At<&'s str>>,
}

/// What the comment lines before the first statement say. `sql`: they are those of a SQL plugin.
pub(super) fn read<'s>(
    lines: impl IntoIterator<Item = At<&'s str>>,
    sql: Option<SqlCheck>,
) -> Reading {
    let mut reading = Reading::default();
    for At { line, what: text } in lines {
        let Some((word, rest)) = word_before_colon(text) else {
            continue;
        };
        match classify(word) {
            Word::Key(key) => read_key(&mut reading, line, key, value(rest, sql.is_some()), sql),
            Word::Misspelled(key) => {
                let found = word.to_owned();
                reading.problem(line, Problem::Misspelled { found, meant: key.name() });
            }
            Word::NotInCapitals(key) => {
                let remark = Remark::NotInCapitals { found: word.to_owned(), key: key.name() };
                reading.notes.push(Note::at(line, remark));
            }
            Word::Ordinary => {}
        }
    }
    reading
}

/// Remarks on keys that stand where they are not read.
pub(super) fn read_late<'s>(lines: impl IntoIterator<Item = At<&'s str>>) -> Vec<Note> {
    let late = |At { line, what: text }: At<&str>| match classify(word_before_colon(text)?.0) {
        Word::Key(key @ (Key::Pattern | Key::Topic)) => {
            Some(Note::at(line, Remark::TooLate { key: key.name() }))
        }
        _ => None,
    };
    lines.into_iter().filter_map(late).collect()
}

/// The word that a comment begins with, and what follows its colon.
fn word_before_colon(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let end = text.find(|char| !is_part(char))?;
    let rest = text[end..].trim_start_matches([' ', '\t']).strip_prefix(':')?;
    Some((&text[..end], rest))
}

/// Ends at the line's end, or at a wide gap (two blanks or a tab) with `<--` or `#` behind it; in SQL also `--`.
fn value(rest: &str, is_sql: bool) -> &str {
    for (at, _) in rest.match_indices(['#', '<', '-']) {
        let kept = rest[..at].trim_end_matches([' ', '\t']);
        let gap = &rest[kept.len()..at];
        let is_wide = gap.len() > 1 || gap == "\t";
        let begins = |sign: &str| rest[at..].starts_with(sign);
        if is_wide && (begins("#") || begins("<--") || is_sql && begins("--")) {
            return kept.trim();
        }
    }
    rest.trim()
}

fn read_key(reading: &mut Reading, line: u32, key: Key, value: &str, sql: Option<SqlCheck>) {
    if value.is_empty() {
        return reading.problem(line, Problem::NoValue { key: key.name() });
    }
    if value.contains(" <--") {
        let value = value.to_owned();
        return reading.problem(line, Problem::RemarkTooClose { value });
    }
    let bad_value = |source: ValueError| Problem::Value { key: key.name(), source };
    let said = match key {
        Key::Pattern => {
            reading.notes.extend(odd_pattern(value).map(|remark| Note::at(line, remark)));
            pattern(value)
        }
        Key::Tag => tag(value),
        Key::Topic => topic(value),
        Key::Options => options(value),
        Key::Schema => schema(value),
        Key::Reader => reader(value, sql),
        Key::Priority => parse_priority(value).map(Fact::Priority).map_err(bad_value),
        Key::Timeout => parse_timeout_ms(value).map(Fact::TimeoutMs).map_err(bad_value),
        Key::Memory => parse_memory_bytes(value).map(Fact::MemoryBytes).map_err(bad_value),
        Key::Retries => parse_retries(value).map(Fact::Retries).map_err(bad_value),
    };
    reading.take(line, said);
}

pub(super) fn pattern(pattern: &str) -> Result<Fact, Problem> {
    let quoted =
        |quote| pattern.len() > 1 && pattern.starts_with(quote) && pattern.ends_with(quote);
    if quoted('"') || quoted('\'') {
        return Err(Problem::QuotedPattern { pattern: pattern.to_owned() });
    }
    match Glob::parse(pattern) {
        Ok(glob) => Ok(Fact::Pattern(glob.pattern().to_owned())),
        Err(source) => Err(Problem::Pattern { pattern: pattern.to_owned(), source }),
    }
}

/// Patterns that say something else than their author may think.
fn odd_pattern(pattern: &str) -> Option<Remark> {
    if pattern.contains(" #") {
        return Some(Remark::HashInPattern { pattern: pattern.to_owned() });
    }
    let listed = |part: &str| part.trim_start().starts_with(['*', '/']);
    let is_list = !pattern.contains('{') && pattern.split(',').skip(1).any(listed);
    is_list.then(|| Remark::OnePattern { pattern: pattern.to_owned() })
}

pub(super) fn tag(tag: &str) -> Result<Fact, Problem> {
    check_tag(tag).map_err(Problem::Tag)?;
    Ok(Fact::Tag(tag.to_owned()))
}

fn topic(value: &str) -> Result<Fact, Problem> {
    let mut words = value.split_whitespace();
    let name = words.next().unwrap_or_default();
    let uri = words.next();
    if words.next().is_some() {
        return Err(Problem::TopicTail { value: value.to_owned() });
    }
    topic_at(name, uri)
}

pub(super) fn topic_at(name: &str, uri: Option<&str>) -> Result<Fact, Problem> {
    let name: TopicName = name.parse().map_err(Problem::Topic)?;
    match uri.map(str::parse::<SinkUri>).transpose() {
        Ok(Some(uri)) if !uri.may_stand_in_source() => Err(Problem::Elsewhere { topic: name, uri }),
        Ok(uri) => Ok(Fact::Topic { name, uri }),
        Err(source) => Err(Problem::Uri { topic: name, source }),
    }
}

fn schema(value: &str) -> Result<Fact, Problem> {
    let Some((topic, columns)) = value.split_once(':') else {
        return Err(Problem::SchemaWithoutTopic { value: value.to_owned() });
    };
    let topic: TopicName = topic.trim().parse().map_err(Problem::Topic)?;
    match TopicSchema::parse_declared(columns) {
        Ok(schema) => Ok(Fact::Schema { topic, schema }),
        Err(source) => Err(Problem::Schema { topic, source }),
    }
}

fn reader(value: &str, sql: Option<SqlCheck>) -> Result<Fact, Problem> {
    let check = sql.ok_or(Problem::ReaderInPython)?.reader;
    check(value).map_err(|message| Problem::Reader { message })?;
    Ok(Fact::Reader(value.to_owned()))
}

fn options(value: &str) -> Result<Fact, Problem> {
    let Some((topic, options)) = value.split_once(':') else {
        return Err(Problem::OptionsWithoutTopic { value: value.to_owned() });
    };
    let topic: TopicName = topic.trim().parse().map_err(Problem::Topic)?;
    match parse_options(options) {
        Ok(options) => Ok(Fact::Options { topic, options }),
        Err(source) => Err(Problem::Option { topic: topic.to_string(), source }),
    }
}
