//! The columns of one topic within a job, and how two sets of columns become one.
//! Each step only widens: a value that was stored before means the same after.

use super::SchemaError;
use super::types::{unstorable, wider};
use arrow_schema::{Field, Fields, Schema};
use protocol::TopicName;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Columns that every stored row has, after those of the plugin.
pub const LINEAGE: [&str; 2] = ["_job_id", "_file_version_id"];

/// Refuses what no table can hold.
pub fn check(topic: &TopicName, schema: &Schema) -> Result<(), SchemaError> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        let column = || field.name().clone();
        if LINEAGE.contains(&field.name().as_str()) {
            return Err(SchemaError::Reserved { topic: topic.clone(), column: column() });
        }
        if !seen.insert(field.name()) {
            return Err(SchemaError::Duplicate { topic: topic.clone(), column: column() });
        }
        if let Some(part) = unstorable(field.data_type()) {
            let data_type = part.to_string();
            return Err(SchemaError::Unstorable {
                topic: topic.clone(),
                column: column(),
                data_type,
            });
        }
    }
    if schema.fields().is_empty() {
        return Err(SchemaError::NoColumns { topic: topic.clone() });
    }
    Ok(())
}

/// Columns may come and go between batches, so each may be null; and what a library notes about its own frame holds for no union.
pub fn normalized(schema: &Schema) -> Schema {
    let nullable = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
    Schema::new(schema.fields().iter().map(nullable).collect::<Fields>())
}

/// Known columns keep their places, new ones come after them.
pub fn unify(topic: &TopicName, known: &Schema, next: &Schema) -> Result<Schema, SchemaError> {
    let incoming = by_name(next);
    let mut fields = Vec::with_capacity(known.fields().len());
    for field in known.fields() {
        let Some(other) = incoming.get(field.name().as_str()) else {
            fields.push(field.clone());
            continue;
        };
        let Some(data_type) = wider(field.data_type(), other.data_type()) else {
            return Err(changed(topic, field, other));
        };
        fields.push(Arc::new(field.as_ref().clone().with_data_type(data_type)));
    }
    let columns = by_name(known);
    let is_new = |field: &&Arc<Field>| !columns.contains_key(field.name().as_str());
    fields.extend(next.fields().iter().filter(is_new).cloned());
    Ok(Schema::new(fields))
}

fn by_name(schema: &Schema) -> HashMap<&str, &Field> {
    schema.fields().iter().map(|field| (field.name().as_str(), field.as_ref())).collect()
}

fn changed(topic: &TopicName, before: &Field, now: &Field) -> SchemaError {
    SchemaError::Changed {
        topic: topic.clone(),
        column: before.name().clone(),
        before: before.data_type().to_string(),
        now: now.data_type().to_string(),
    }
}

/// `name: type` lines, without the lineage columns.
pub fn describe(schema: &Schema) -> String {
    let line = |field: &Arc<Field>| format!("{}: {}", field.name(), field.data_type());
    schema.fields().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::DataType::Int64;

    #[test]
    fn known_columns_keep_their_places() {
        let topic = "t".parse().unwrap();
        let schema = |names: &[&str]| {
            let fields = names.iter().map(|name| Field::new(*name, Int64, true));
            Schema::new(fields.collect::<Fields>())
        };
        let unified = unify(&topic, &schema(&["a", "b"]), &schema(&["c", "b"])).unwrap();
        assert_eq!(unified, schema(&["a", "b", "c"]));
    }
}
