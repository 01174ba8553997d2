//! SQL plugins: their comment lines, and whether their statements and topics belong together. What a query and what a READER line may say
//! is known by those who run them; they hand in how to check it.

use super::comments::{self, CommentLines};
use super::fact::{Fact, Reading};
use super::nesting::on_a_deep_stack;
use super::problem::{At, Problem};
use protocol::TopicName;

/// How the parts of a SQL plugin are checked that are not read here.
#[derive(Debug, Clone, Copy)]
pub struct SqlCheck {
    /// The lines, from 1, at which the statements of a source begin: one at least.
    pub statements: fn(&str) -> Result<Vec<u32>, StatementError>,
    /// What is wrong with the value of a READER line. It reads after the key: "READER 'x' is not known".
    pub reader: fn(&str) -> Result<(), String>,
}

/// What is wrong with a statement, and how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementError {
    /// From 1; 0: the source as a whole.
    pub line: u32,
    pub message: String,
}

/// What the READER line of a SQL plugin says, if it has one; whether it is good is for those to say who read by it.
pub fn reader_line(source: &str) -> Option<String> {
    let check = SqlCheck { statements: |_| Ok(Vec::new()), reader: |_| Ok(()) };
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let facts = comments::read(comment_lines(source).header, Some(check)).facts;
    facts.into_iter().find_map(|fact| match fact.what {
        Fact::Reader(line) => Some(line),
        _ => None,
    })
}

/// The lines that are `--` comments only, without that sign. Those in a `/* ... */` before the first statement are none, and end nothing.
pub(super) fn comment_lines(source: &str) -> CommentLines<'_> {
    let mut lines = CommentLines { header: Vec::new(), later: Vec::new() };
    let (mut in_block, mut is_header) = (false, true);
    for (line, text) in (1..).zip(source.lines()) {
        let text = if is_header { outside_blocks(text, &mut in_block) } else { text.trim() };
        match text.strip_prefix("--") {
            Some(what) if is_header => lines.header.push(At { line, what }),
            Some(what) => lines.later.push(At { line, what }),
            None => is_header &= text.is_empty(),
        }
    }
    lines
}

/// What a line says behind the blocks of comment that it begins with.
fn outside_blocks<'s>(line: &'s str, in_block: &mut bool) -> &'s str {
    let mut rest = line.trim();
    loop {
        if *in_block {
            let Some((_, behind)) = rest.split_once("*/") else { return "" };
            (*in_block, rest) = (false, behind.trim_start());
        }
        let Some(block) = rest.strip_prefix("/*") else { return rest };
        (*in_block, rest) = (true, block);
    }
}

/// What is wrong with the statements, or with how many they are.
pub(super) fn problems(source: &str, comments: &Reading, check: SqlCheck) -> Vec<At<Problem>> {
    // A parser that is none of ours: what makes it fail is wrong with this source, and with nothing else.
    match on_a_deep_stack(|| (check.statements)(source)) {
        None => vec![At { line: 0, what: Problem::SqlParser }],
        Some(Err(StatementError { line, message })) => {
            vec![At { line, what: Problem::Statement { message } }]
        }
        // How many topics are meant is not known where one of them cannot be read.
        Some(Ok(_)) if !comments.problems.is_empty() => Vec::new(),
        Some(Ok(statements)) => unmatched(&topics(comments), &statements),
    }
}

/// In the order of the source, each once, with the line that it is first named at.
fn topics(comments: &Reading) -> Vec<At<TopicName>> {
    let mut topics: Vec<At<TopicName>> = Vec::new();
    for At { line, what } in &comments.facts {
        if let Fact::Topic { name, .. } = what
            && topics.iter().all(|topic| topic.what != *name)
        {
            topics.push(At { line: *line, what: name.clone() });
        }
    }
    topics
}

/// The n-th statement gives the n-th topic its rows.
fn unmatched(topics: &[At<TopicName>], statements: &[u32]) -> Vec<At<Problem>> {
    let without_topic = (1..).zip(statements).skip(topics.len());
    let without_topic = without_topic.map(|(number, line)| At {
        line: *line,
        what: Problem::StatementWithoutTopic {
            number,
            statements: statements.len(),
            topics: topics.len(),
        },
    });
    let without_statement = topics.iter().skip(statements.len()).map(|topic| At {
        line: topic.line,
        what: Problem::TopicWithoutStatement {
            topic: topic.what.clone(),
            statements: statements.len(),
            topics: topics.len(),
        },
    });
    without_topic.chain(without_statement).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A line that begins with SELECT begins a statement; one that begins with DROP is none.
    pub const CHECK: SqlCheck = SqlCheck { statements, reader };

    fn statements(source: &str) -> Result<Vec<u32>, StatementError> {
        let lines = (1..).zip(source.lines()).filter(|(_, text)| !text.starts_with("--"));
        if let Some((line, _)) = lines.clone().find(|(_, text)| text.starts_with("DROP")) {
            let message = "DROP is no query: write SELECT ...".to_owned();
            return Err(StatementError { line, message });
        }
        assert!(!source.contains("PANIC"), "as a parser may");
        let begun = lines.filter(|(_, text)| text.starts_with("SELECT"));
        Ok(begun.map(|(line, _)| line).collect())
    }

    fn reader(value: &str) -> Result<(), String> {
        match value.contains("delimitr") {
            true => Err("'delimitr' is not known; known keys: delimiter".to_owned()),
            false => Ok(()),
        }
    }

    type Lines = Vec<(u32, &'static str)>;

    fn texts(source: &'static str) -> (Lines, Lines) {
        let CommentLines { header, later } = comment_lines(source);
        let pair = |at: At<&'static str>| (at.line, at.what);
        (header.into_iter().map(pair).collect(), later.into_iter().map(pair).collect())
    }

    #[test]
    fn the_header_ends_where_the_first_statement_begins() {
        let source = "--a\n\n  -- b\nSELECT 1 -- c\n-- d\n";
        assert_eq!(texts(source), (vec![(1, "a"), (3, " b")], vec![(5, " d")]));
        assert_eq!(texts("-- a\r\n-- b"), (vec![(1, " a"), (2, " b")], vec![]));
    }

    #[test]
    fn the_reader_line_is_found_in_the_header_only() {
        let source = "\u{feff}-- TOPIC: t\n-- READER: delimiter=;  -- as they write it\nSELECT 1";
        assert_eq!(reader_line(source).as_deref(), Some("delimiter=;"));
        assert_eq!(reader_line("SELECT 1\n-- READER: delimiter=;"), None);
        assert_eq!(reader_line(""), None);
    }

    #[test]
    fn a_block_of_comment_may_stand_in_the_header() {
        let source =
            "/* licence\n-- TOPIC: no\n*/ -- a\n/* one */ /* two */\n--b\n/* x */ SELECT 1\n--c";
        assert_eq!(texts(source), (vec![(3, " a"), (5, "b")], vec![(7, "c")]));
        assert_eq!(texts("/* open\n-- a"), (vec![], vec![]));
    }
}
