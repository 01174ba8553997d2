//! What a topic's schema becomes with the rows of one more job.

use super::column_type::ColumnType;
use super::topic_schema::{Column, TopicSchema};
use std::collections::HashMap;

/// The rows were staged for another schema than the topic has now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column '{column}' is {known} in the topic and {staged} in what was staged")]
pub struct SchemaConflict {
    pub column: String,
    pub known: ColumnType,
    pub staged: ColumnType,
}

impl TopicSchema {
    /// Known columns keep their places, new ones come after them. What is declared stays.
    pub fn evolve(&self, staged: &Self) -> Result<Self, SchemaConflict> {
        let incoming: HashMap<&str, &Column> =
            staged.columns.iter().map(|column| (column.name.as_str(), column)).collect();
        let mut columns = Vec::with_capacity(self.columns.len());
        for known in &self.columns {
            columns.push(match incoming.get(known.name.as_str()) {
                Some(staged) => evolve_column(known, staged)?,
                None if known.not_null => return Err(conflict(known, &ColumnType::Null)),
                None => known.clone(),
            });
        }
        let is_new = |column: &&Column| self.column(&column.name).is_none();
        columns.extend(staged.columns.iter().filter(is_new).cloned());
        Ok(Self { columns })
    }
}

impl TopicSchema {
    /// Whether a column has another type than it had.
    pub fn widens(&self, before: &Self) -> bool {
        let changed = |known: &Column| {
            let now = self.column(&known.name);
            now.is_some_and(|now| now.column_type != known.column_type)
        };
        before.columns.iter().any(changed)
    }

    /// What the plugin's source says now goes before what was known; the rest is no longer promised by anybody.
    #[must_use]
    pub fn declare(&self, declared: &Self) -> Self {
        let known = self.columns.iter().map(|known| match declared.column(&known.name) {
            Some(declared) => Column { beyond_float: known.beyond_float, ..declared.clone() },
            None => Column { declared: false, not_null: false, ..known.clone() },
        });
        let new = declared.columns.iter().filter(|column| self.column(&column.name).is_none());
        Self { columns: known.chain(new.cloned()).collect() }
    }
}

fn evolve_column(known: &Column, staged: &Column) -> Result<Column, SchemaConflict> {
    let is_null = staged.column_type == ColumnType::Null;
    let keeps = known.column_type == staged.column_type || is_null;
    if known.not_null && !staged.not_null || known.declared && !keeps {
        return Err(conflict(known, &staged.column_type));
    }
    let beyond_float = known.beyond_float || staged.beyond_float;
    let wider = known.column_type.wider(&staged.column_type, !beyond_float);
    let column_type = wider.ok_or_else(|| conflict(known, &staged.column_type))?;
    Ok(Column { column_type, beyond_float, ..known.clone() })
}

fn conflict(known: &Column, staged: &ColumnType) -> SchemaConflict {
    let (column, known) = (known.name.clone(), known.column_type.clone());
    SchemaConflict { column, known, staged: staged.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&str, &str)]) -> TopicSchema {
        let column = |(name, text): &(&str, &str)| Column::new(*name, text.parse().unwrap());
        TopicSchema { columns: columns.iter().map(column).collect() }
    }

    #[test]
    fn new_columns_come_last_and_missing_ones_stay() {
        let evolved = schema(&[("a", "int32"), ("b", "text")])
            .evolve(&schema(&[("c", "bool"), ("a", "int64")]));
        assert_eq!(evolved, Ok(schema(&[("a", "int64"), ("b", "text"), ("c", "bool")])));
    }

    #[test]
    fn a_conflict_names_column_and_types() {
        let error = schema(&[("a", "int64")]).evolve(&schema(&[("a", "text")])).unwrap_err();
        let text = "column 'a' is int64 in the topic and text in what was staged";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn integers_become_floats_while_all_of_them_are_exact() {
        let (mut ints, floats) = (schema(&[("a", "int64")]), schema(&[("a", "float64")]));
        assert_eq!(ints.evolve(&floats), Ok(floats.clone()));
        assert_eq!(floats.evolve(&ints), Ok(floats.clone()));
        ints.columns[0].beyond_float = true;
        assert!(ints.evolve(&floats).is_err());
        assert!(floats.evolve(&ints).is_err());
    }

    #[test]
    fn what_is_declared_stays_as_it_is() {
        let mut declared = schema(&[("a", "int32")]);
        declared.columns[0].declared = true;
        assert!(declared.evolve(&schema(&[("a", "int64")])).is_err());
        assert_eq!(declared.evolve(&schema(&[("a", "null")])), Ok(declared.clone()));
        declared.columns[0].not_null = true;
        assert!(declared.evolve(&schema(&[])).is_err());
        assert!(declared.evolve(&schema(&[("a", "int32")])).is_err());
        assert_eq!(declared.evolve(&declared.clone()), Ok(declared.clone()));
    }

    #[test]
    fn a_declaration_goes_before_what_was_known_and_can_be_taken_back() {
        let known = schema(&[("a", "text"), ("b", "text")]);
        let mut declared = schema(&[("c", "date"), ("a", "int64")]);
        declared.columns.iter_mut().for_each(|column| column.declared = true);
        let both = known.declare(&declared);
        let names: Vec<_> = both.columns.iter().map(|it| (&*it.name, it.declared)).collect();
        assert_eq!(names, [("a", true), ("b", false), ("c", true)]);
        assert_eq!(both.columns[0].column_type.to_string(), "int64");
        let undeclared = both.declare(&TopicSchema::default());
        assert_eq!(undeclared, schema(&[("a", "int64"), ("b", "text"), ("c", "date")]));
    }

    #[test]
    fn a_schema_survives_its_text_form() {
        let mut schema = schema(&[("a", "int32"), ("\"x\" y", "list<text>")]);
        schema.columns[0].not_null = true;
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(
            text,
            r#"[{"name":"a","type":"int32","not_null":true},{"name":"\"x\" y","type":"list<text>"}]"#
        );
        assert_eq!(serde_json::from_str::<TopicSchema>(&text).unwrap(), schema);
    }
}
