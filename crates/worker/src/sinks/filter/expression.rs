//! A condition, as it was written.

use super::error::FilterError;
use super::parse::Parser;
use protocol::{JobId, LINEAGE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    /// As it was written: what it means depends on the column.
    Number(String),
    Boolean(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Compare { column: String, comparison: Comparison, literal: Literal },
    IsNull { column: String },
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

/// A condition that rows have to meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub(super) expression: Expression,
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { expression: Parser::new(text)?.whole()? })
    }

    pub fn job(job: JobId) -> Self {
        let (column, literal) = (LINEAGE[0].to_owned(), Literal::Number(job.to_string()));
        let comparison = Comparison::Equal;
        Self { expression: Expression::Compare { column, comparison, literal } }
    }

    /// The job that all rows have to be of, where the condition says so.
    pub fn only_job(&self) -> Option<JobId> {
        self.expression.only_job()
    }

    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.expression.collect_columns(&mut columns);
        columns
    }
}

impl Expression {
    fn only_job(&self) -> Option<JobId> {
        match self {
            Self::Compare { column, comparison: Comparison::Equal, literal } => match literal {
                Literal::Number(number) if column == LINEAGE[0] => number.parse().ok(),
                _ => None,
            },
            Self::And(left, right) => left.only_job().or_else(|| right.only_job()),
            _ => None,
        }
    }

    fn collect_columns<'e>(&'e self, columns: &mut Vec<&'e str>) {
        match self {
            Self::Compare { column, .. } | Self::IsNull { column } => columns.push(column),
            Self::Not(inner) => inner.collect_columns(columns),
            Self::And(left, right) | Self::Or(left, right) => {
                left.collect_columns(columns);
                right.collect_columns(columns);
            }
        }
    }
}
