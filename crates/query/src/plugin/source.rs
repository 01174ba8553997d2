//! The statements of a plugin's source. Only queries are taken; what they say of the file's columns is seen when there is a file.

use super::FILE;
use super::wildcard::names_positions;
use datafusion::sql::sqlparser::ast::{
    self, SelectItem, SetExpr, TableFactor, WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// With the line of the source, from 1, where it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    pub line: Option<u64>,
    pub reason: String,
}

/// One or several queries, in the order of the source.
#[derive(Debug, Clone)]
pub struct SqlPlugin {
    pub(super) statements: Vec<Query>,
}

#[derive(Debug, Clone)]
pub(super) struct Query {
    pub statement: ast::Statement,
    /// Of the source, from 1.
    pub line: u64,
    /// It is `SELECT * FROM file` and nothing more: the rows are published as they are read.
    pub is_whole: bool,
    /// It names `_row` or `_offset`.
    pub wants_positions: bool,
}

impl SqlPlugin {
    pub fn parse(source: &str) -> Result<Self, SourceError> {
        let mut parser =
            Parser::new(&GenericDialect).try_with_sql(source).map_err(|error| at(None, &error))?;
        let mut statements = Vec::new();
        loop {
            while parser.consume_token(&Token::SemiColon) {}
            let next = parser.peek_token();
            if next.token == Token::EOF {
                break;
            }
            let line = next.span.start.line;
            let statement = parser.parse_statement().map_err(|error| at(Some(line), &error))?;
            let after = parser.peek_token();
            if !matches!(after.token, Token::SemiColon | Token::EOF) {
                let reason = format!(
                    "'{}' is not expected here; statements are separated by ;",
                    after.token
                );
                return Err(SourceError { line: Some(after.span.start.line), reason });
            }
            statements.push(Query::new(statement, line)?);
        }
        if statements.is_empty() {
            let reason = "there is no statement; write SELECT ... FROM file".to_owned();
            return Err(SourceError { line: None, reason });
        }
        Ok(Self { statements })
    }

    /// At which the statements begin, from 1.
    pub fn lines(&self) -> impl Iterator<Item = u64> {
        self.statements.iter().map(|query| query.line)
    }

    /// One for each topic.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

impl Query {
    fn new(mut statement: ast::Statement, line: u64) -> Result<Self, SourceError> {
        let ast::Statement::Query(query) = &statement else {
            let reason = "only SELECT is for plugins; what it returns goes to the topic".to_owned();
            return Err(SourceError { line: Some(line), reason });
        };
        let is_whole = is_whole(query);
        let wants_positions = names_positions(&mut statement);
        Ok(Self { statement, line, is_whole, wants_positions })
    }
}

/// The parser says where, mostly, at the end of what it says.
fn at(line: Option<u64>, error: &ParserError) -> SourceError {
    let reason = match error {
        ParserError::TokenizerError(reason) | ParserError::ParserError(reason) => reason.clone(),
        ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
    };
    match reason.rsplit_once(" at Line: ") {
        Some((what, place)) => {
            let digits = place.split(',').next().unwrap_or_default();
            SourceError { line: digits.trim().parse().ok().or(line), reason: what.to_owned() }
        }
        None => SourceError { line, reason },
    }
}

fn is_whole(query: &ast::Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let [SelectItem::Wildcard(options)] = select.projection.as_slice() else { return false };
    let [from] = select.from.as_slice() else { return false };
    let TableFactor::Table { .. } = &from.relation else { return false };
    // Whatever else a query can hold is seen in how it is written.
    *options == WildcardAdditionalOptions::default()
        && query.to_string().to_lowercase() == format!("select * from {FILE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str) -> (Option<u64>, String) {
        let error = SqlPlugin::parse(source).unwrap_err();
        (error.line, error.reason)
    }

    #[test]
    fn statements_are_taken_in_their_order() {
        let plugin = SqlPlugin::parse("-- TOPIC: a\nSELECT a FROM file;\n;SELECT 2;").unwrap();
        let texts: Vec<String> =
            plugin.statements.iter().map(|query| query.statement.to_string()).collect();
        assert_eq!(texts, ["SELECT a FROM file", "SELECT 2"]);
        assert_eq!(plugin.lines().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn what_is_no_query_is_refused_with_its_line() {
        let only = "only SELECT is for plugins; what it returns goes to the topic";
        assert_eq!(error("-- x\nDROP TABLE a"), (Some(2), only.to_owned()));
        assert_eq!(error("SELECT 1;\nINSERT INTO a VALUES (1)"), (Some(2), only.to_owned()));
        let none = "there is no statement; write SELECT ... FROM file";
        assert_eq!(error("-- nothing\n;"), (None, none.to_owned()));
    }

    #[test]
    fn what_cannot_be_parsed_is_told_with_its_line() {
        let (line, reason) = error("SELECT a\nFROM file\nWHERE a = )");
        assert_eq!(line, Some(3), "{reason}");
        let (line, reason) = error("SELECT 'a\nFROM file");
        assert_eq!((line, reason.as_str()), (Some(1), "Unterminated string literal"));
        let (line, reason) = error("SELECT 1 FROM file SELECT 2");
        assert_eq!(line, Some(1), "{reason}");
    }

    #[test]
    fn only_the_bare_query_takes_the_whole_file() {
        for (source, whole) in [
            ("SELECT * FROM file", true),
            ("select * from FILE;", true),
            ("SELECT * FROM file LIMIT 1", false),
            ("SELECT * FROM file f", false),
            ("SELECT * FROM \"File\"", false),
            ("SELECT DISTINCT * FROM file", false),
            ("SELECT * EXCLUDE (a) FROM file", false),
            ("SELECT *, 1 FROM file", false),
            ("SELECT * FROM file WHERE true", false),
            ("SELECT * FROM other", false),
        ] {
            assert_eq!(SqlPlugin::parse(source).unwrap().statements[0].is_whole, whole, "{source}");
        }
    }
}
