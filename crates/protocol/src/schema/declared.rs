//! `order_id int64 not null, amount decimal(12,2)`: the columns that a plugin's source promises.

use super::ColumnType;
use super::parse::{ColumnTypeError, Cursor};
use super::topic_schema::{Column, LINEAGE, TopicSchema};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclaredSchemaError {
    #[error("no column follows: write <column> <type>, <column> <type> not null, ...")]
    Empty,
    #[error(
        "'{text}' is no column: write <column> <type> or <column> <type> not null, the name between double quotes where it is not a plain word"
    )]
    NoColumn { text: String },
    #[error("column {column}: {cause}")]
    Type { column: String, cause: ColumnTypeError },
    #[error("column {column}: null is no type to promise")]
    Null { column: String },
    #[error("column {column} stands there twice")]
    Repeated { column: String },
    #[error("column {column} is reserved for lineage; rename it")]
    Reserved { column: String },
}

impl TopicSchema {
    pub fn parse_declared(text: &str) -> Result<Self, DeclaredSchemaError> {
        let mut schema = Self::default();
        for part in parts(text) {
            let column = parse_column(part)?;
            if schema.column(&column.name).is_some() {
                return Err(DeclaredSchemaError::Repeated { column: column.name });
            }
            schema.columns.push(column);
        }
        if schema.is_empty() { Err(DeclaredSchemaError::Empty) } else { Ok(schema) }
    }
}

/// Between commas that are neither quoted nor within a type.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_usize, false);
    for (at, it) in text.char_indices() {
        match it {
            '"' => quoted = !quoted,
            '(' | '<' if !quoted => depth += 1,
            ')' | '>' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    if parts == [""] { Vec::new() } else { parts }
}

fn parse_column(part: &str) -> Result<Column, DeclaredSchemaError> {
    let no_column = || DeclaredSchemaError::NoColumn { text: part.to_owned() };
    let mut cursor = Cursor { rest: part };
    let name = cursor.name().ok_or_else(no_column)?;
    let rest = cursor.rest.trim();
    let lower = rest.to_ascii_lowercase();
    let (text, not_null) = match lower.strip_suffix("null").map(str::trim_end) {
        Some(before) if before.ends_with(" not") => (&rest[..before.len() - 4], true),
        _ => (rest, false),
    };
    if text.is_empty() {
        return Err(no_column());
    }
    let column = || name.clone();
    if LINEAGE.contains(&name.as_str()) {
        return Err(DeclaredSchemaError::Reserved { column: name });
    }
    let column_type: ColumnType =
        text.parse().map_err(|cause| DeclaredSchemaError::Type { column: column(), cause })?;
    if column_type == ColumnType::Null {
        return Err(DeclaredSchemaError::Null { column: name });
    }
    Ok(Column { declared: true, not_null, ..Column::new(name, column_type) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_a_type_and_may_refuse_nulls() {
        let text =
            "id int NOT  NULL, \"a, \"\"b\" decimal(12,2), c struct<x text, y list<int8>> not null";
        let schema = TopicSchema::parse_declared(text).unwrap();
        let shown = schema.columns.iter().map(|column| {
            assert!(column.declared);
            format!("{}|{}|{}", column.name, column.column_type, column.not_null)
        });
        let expected =
            ["id|int64|true", "a, \"b|decimal(12, 2)|false", "c|struct<x text, y list<int8>>|true"];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_column_is_told() {
        let refused = |text: &str| TopicSchema::parse_declared(text).unwrap_err().to_string();
        assert!(refused("").starts_with("no column follows"));
        assert!(refused("a").starts_with("'a' is no column"));
        assert!(refused("a int,").starts_with("'' is no column"));
        assert!(refused("a money").starts_with("column a: 'money' is not a type"));
        assert_eq!(refused("a int, a text"), "column a stands there twice");
        assert!(refused("_job_id int").contains("reserved for lineage"));
        assert!(refused("a null").contains("no type to promise"));
    }
}
