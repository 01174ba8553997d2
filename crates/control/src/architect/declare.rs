//! From a source text to what its plugin declares.

use super::assemble::assemble;
use super::fact::Reading;
use super::nesting::{is_shallow, on_a_deep_stack};
use super::problem::{At, Note, PluginError, PluginErrors, Problem, Remark};
use super::python::Python;
use super::sql::{self, SqlCheck};
use super::version::plugin_version;
use super::{comments, manifest};
use protocol::{PluginDeclaration, PluginLanguage, PluginName, PluginVersion, TopicName};
use std::path::Path;

/// A source that may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPlugin {
    pub name: PluginName,
    pub version: PluginVersion,
    pub declaration: PluginDeclaration,
    pub notes: Vec<Note>,
}

/// Reads a plugin. `file` is what errors call it (`plugins/sales.py`); its stem is the plugin's name.
pub fn declare(
    file: &str,
    source: &str,
    lock: Option<&str>,
    check: SqlCheck,
) -> Result<DeclaredPlugin, PluginErrors> {
    let name = plugin_name(file)?;
    // Not of the source's text for Python either.
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let said = match language_of(file) {
        PluginLanguage::Sql => read_sql(text, check),
        PluginLanguage::Python => read_python(text),
    };
    let Said { comments, manifest, other, published, notes } = said;
    let mut problems = other;
    let mut all_notes = notes;
    let (declaration, more) = assemble(comments, manifest, &mut all_notes);
    problems.extend(more);
    if !problems.is_empty() {
        return Err(PluginErrors::new(
            problems.into_iter().map(|problem| located(file, problem)).collect(),
        ));
    }
    all_notes.extend(remarks(&declaration, published));
    let version = plugin_version(source, lock);
    Ok(DeclaredPlugin { name, version, declaration, notes: all_notes })
}

/// What a source file is written in; what has no extension of ours can only be Python.
pub(super) fn language_of(file: &str) -> PluginLanguage {
    let extension = Path::new(file).extension().and_then(|extension| extension.to_str());
    extension.and_then(PluginLanguage::of_extension).unwrap_or_default()
}

/// The plugin that a source file holds.
pub fn plugin_name(file: &str) -> Result<PluginName, PluginErrors> {
    let base = file.rsplit('/').next().unwrap_or(file);
    let stem = base.strip_suffix(".py").or_else(|| base.strip_suffix(".sql")).unwrap_or(base);
    stem.parse().map_err(|error| PluginErrors::one(file, Problem::FileName(error)))
}

/// Line 0 stands for the file as a whole.
fn located(file: &str, At { line, what }: At<Problem>) -> PluginError {
    PluginError { file: file.to_owned(), line: (line > 0).then_some(line), problem: what }
}

/// What a source says, place by place.
#[derive(Default)]
struct Said {
    comments: Reading,
    manifest: Reading,
    other: Vec<At<Problem>>,
    published: Vec<At<String>>,
    notes: Vec<Note>,
}

impl Said {
    fn refused(problem: Problem) -> Self {
        Self { other: vec![At { line: 0, what: problem }], ..Self::default() }
    }
}

fn read_python(source: &str) -> Said {
    if !is_shallow(source) {
        return Said::refused(Problem::TooDeep);
    }
    let parser_failed = || {
        let message = "the parser failed on it".to_owned();
        Said::refused(Problem::Syntax { message })
    };
    on_a_deep_stack(|| Python::parse(source).map(|python| read_module(&python)))
        .flatten()
        .unwrap_or_else(parser_failed)
}

fn read_module(python: &Python<'_>) -> Said {
    let lines = python.comment_lines();
    let mut said = Said {
        comments: comments::read(lines.header, None),
        notes: comments::read_late(lines.later),
        ..Said::default()
    };
    if let Some(error) = python.syntax_error() {
        // What a broken tree seems to say is not worth a second error.
        said.other.push(error);
        return said;
    }
    said.manifest = manifest::read(python);
    said.published = python.published();
    if !python.defines_handler() {
        said.other.push(At { line: 0, what: Problem::NoHandler });
    }
    said
}

fn read_sql(source: &str, check: SqlCheck) -> Said {
    let lines = sql::comment_lines(source);
    let comments = comments::read(lines.header, Some(check));
    Said {
        other: sql::problems(source, &comments, check),
        notes: comments::read_late(lines.later),
        comments,
        ..Said::default()
    }
}

fn remarks(declaration: &PluginDeclaration, published: Vec<At<String>>) -> Vec<Note> {
    let mut notes = Vec::new();
    if declaration.patterns.is_empty() && declaration.tags.is_empty() {
        notes.push(Note::whole(Remark::ReceivesNothing));
    }
    let declared: Vec<TopicName> =
        declaration.topics.iter().map(|topic| topic.name.clone()).collect();
    if declared.is_empty() {
        notes.push(Note::whole(Remark::PublishesNothing));
    }
    for At { line, what: topic } in published {
        if !declared.iter().any(|name| name.as_str() == topic) {
            let declared = declared.clone();
            notes.push(Note::at(line, Remark::UndeclaredPublish { topic, declared }));
        }
    }
    notes
}

#[cfg(test)]
mod tests;
