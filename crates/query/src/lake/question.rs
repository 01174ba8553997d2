//! One statement that only asks.

use super::QueryError;
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;

/// Those of the project: the engine has tables of its own.
const SHOW_TABLES: &str = "SELECT table_name FROM information_schema.tables
    WHERE table_schema <> 'information_schema' ORDER BY table_name";

#[derive(Debug, Clone)]
pub struct Question {
    pub(super) statement: Statement,
}

/// A table that a question names, as it is written there; `schema` before the dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

impl Question {
    pub fn parse(sql: &str) -> Result<Self, QueryError> {
        let mut parser = DFParserBuilder::new(sql).with_dialect(&GenericDialect).build()?;
        let mut statements = parser.parse_statements()?;
        let (first, second) = (statements.pop_front(), statements.pop_front());
        let refused = |what: &str| Err(QueryError::Question(what.to_owned()));
        let statement = match (first, second) {
            (Some(statement), None) => statement,
            (None, _) => return refused("there is no query"),
            (Some(_), Some(_)) => return refused("one query at a time: there are several"),
        };
        if is_show_tables(&statement) {
            return Self::parse(SHOW_TABLES);
        }
        if is_query(&statement) {
            Ok(Self { statement })
        } else {
            refused(
                "only queries are answered: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW TABLES; nothing can be changed here",
            )
        }
    }

    /// Those that have to be there.
    pub fn tables(&self) -> Result<Vec<TableName>, QueryError> {
        let references = SessionContext::new().state().resolve_table_references(&self.statement)?;
        let name = |reference: TableReference| TableName {
            schema: reference.schema().map(str::to_owned),
            name: reference.table().to_owned(),
        };
        Ok(references.into_iter().map(name).collect())
    }
}

fn is_show_tables(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(statement) if matches!(**statement, ast::Statement::ShowTables { .. }))
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(
            **statement,
            ast::Statement::Query(_)
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowColumns { .. }
        ),
        Statement::Explain(explain) => is_query(&explain.statement),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_query_is_taken() {
        for sql in [
            "SELECT 1",
            "WITH a AS (SELECT 1) SELECT * FROM a;",
            "VALUES (1)",
            "EXPLAIN SELECT 1",
            "DESCRIBE orders",
            "SHOW TABLES",
        ] {
            assert!(Question::parse(sql).is_ok(), "{sql}");
        }
        for sql in [
            "DROP TABLE a",
            "CREATE TABLE a AS SELECT 1",
            "INSERT INTO a VALUES (1)",
            "COPY a TO 'x.csv'",
            "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '/etc/passwd'",
            "SET datafusion.execution.batch_size = 1",
            "EXPLAIN INSERT INTO a VALUES (1)",
            "DELETE FROM a",
        ] {
            let error = Question::parse(sql).unwrap_err().to_string();
            assert!(error.starts_with("only queries are answered"), "{sql}: {error}");
        }
        assert_eq!(
            Question::parse("SELECT 1; SELECT 2").unwrap_err().to_string(),
            "one query at a time: there are several"
        );
        assert_eq!(Question::parse(" ").unwrap_err().to_string(), "there is no query");
    }

    #[test]
    fn the_tables_of_a_question_are_known() {
        let question = Question::parse("SELECT * FROM Orders o JOIN casparian.jobs j ON true WHERE a IN (SELECT b FROM \"T 2\")").unwrap();
        let mut tables = question.tables().unwrap();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let name = |schema: Option<&str>, name: &str| TableName {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        };
        assert_eq!(
            tables,
            [name(None, "T 2"), name(Some("casparian"), "jobs"), name(None, "orders")]
        );
    }
}
