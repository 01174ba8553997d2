//! What readers that know nothing of the sink see of a topic: a glob over its Parquet files, a client of SQLite, `psql`. Values come as
//! text out of a database, and are read by the form that docs/sinks.md promises for their type.

use crate::postgresql::Server;
use crate::support;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, StringArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat;
use rusqlite::types::ValueRef;
use std::path::Path;
use std::sync::Arc;

pub fn ints(column: &ArrayRef) -> Vec<Option<i64>> {
    column.as_primitive::<Int64Type>().iter().collect()
}

/// Values that do not fit the type are no nulls.
pub fn cast(array: &ArrayRef, data_type: &DataType) -> ArrayRef {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, data_type, &options).unwrap()
}

fn together(parts: &[ArrayRef], data_type: &DataType) -> ArrayRef {
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    if parts.is_empty() { new_null_array(data_type, 0) } else { concat(&parts).unwrap() }
}

pub fn parquet(topic: &Path, name: &str, data_type: &DataType) -> ArrayRef {
    let files = std::fs::read_dir(topic);
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "parquet"));
    let mut batches: Vec<_> = files.flat_map(|path| support::read(&path)).collect();
    batches.sort_by_key(|batch| batch["_job_id"].as_primitive::<Int64Type>().value(0));
    let column = |batch: &arrow_array::RecordBatch| match batch.column_by_name(name) {
        Some(column) => as_lists(&cast(column, data_type)),
        None => as_lists(&new_null_array(data_type, batch.num_rows())),
    };
    let parts: Vec<ArrayRef> = batches.iter().map(column).collect();
    together(&parts, &listed(data_type))
}

pub fn sqlite(file: &Path, table: &str, name: &str, data_type: &DataType) -> ArrayRef {
    let connection = rusqlite::Connection::open(file).unwrap();
    let table = quoted(table);
    let sql =
        "SELECT column_name FROM _casparian_columns WHERE table_name = ?1 AND original_name = ?2";
    let stored = connection.query_row(sql, [table.trim_matches('"'), name], |row| row.get(0));
    let stored = stored.map_or_else(|_| "NULL".to_owned(), |stored: String| quoted(&stored));
    let sql = format!("SELECT {stored} FROM {table} ORDER BY _job_id, _rowid_");
    let Ok(mut statement) = connection.prepare(&sql) else { return together(&[], data_type) };
    let shown = |value: ValueRef<'_>| match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(format!("{value:?}")),
        ValueRef::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    };
    let values = statement.query_map([], |row| row.get_ref(0).map(shown)).unwrap();
    parsed(&values.map(Result::unwrap).collect::<Vec<_>>(), data_type)
}

pub fn postgresql(server: &Server, table: &str, name: &str, data_type: &DataType) -> ArrayRef {
    let named = quoted(table);
    if server.ask(&format!("SELECT to_regclass('{named}')")) == [""] {
        return together(&[], data_type);
    }
    let stored = server.ask(&format!(
        "SELECT encode(convert_to(column_name, 'UTF8'), 'hex') FROM _casparian_columns WHERE table_name = '{table}' AND original_name = '{}'",
        name.replace('\'', "''")
    ));
    let stored = stored.first().map(|hex| quoted(&text_of(hex)));
    let stored = stored.unwrap_or_else(|| "NULL".to_owned());
    let value = match data_type {
        DataType::Duration(_) => format!("(extract(epoch FROM {stored}) * 1000000)::bigint"),
        DataType::Binary => format!("encode({stored}, 'hex')"),
        _ => stored,
    };
    let lines = server.ask(&format!(
        "SELECT coalesce('=' || encode(convert_to(({value})::text, 'UTF8'), 'hex'), '') FROM {named} ORDER BY _job_id, ctid"
    ));
    let text =
        |line: &String| line.strip_prefix('=').map(|hex| String::from_utf8(bytes_of(hex)).unwrap());
    let texts: Vec<_> = lines.iter().map(text).collect();
    match data_type {
        DataType::Duration(_) => {
            let micros = DataType::Duration(arrow_schema::TimeUnit::Microsecond);
            cast(&cast(&parsed(&texts, &DataType::Int64), &micros), data_type)
        }
        _ => parsed(&texts, data_type),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn text_of(hex: &str) -> String {
    String::from_utf8(bytes_of(hex)).unwrap()
}

fn parsed(texts: &[Option<String>], data_type: &DataType) -> ArrayRef {
    let plain = || Arc::new(StringArray::from_iter(texts.iter())) as ArrayRef;
    match data_type {
        DataType::Null => {
            assert!(texts.iter().all(Option::is_none));
            new_null_array(data_type, texts.len())
        }
        DataType::Binary => {
            let bytes = texts.iter().map(|text| text.as_deref().map(bytes_of));
            Arc::new(bytes.collect::<BinaryArray>())
        }
        DataType::Float16 => cast(&cast(&plain(), &DataType::Float32), data_type),
        DataType::Duration(_) => cast(&cast(&plain(), &DataType::Int64), data_type),
        // What is written says that it is in UTC.
        DataType::Timestamp(unit, Some(_)) => {
            assert!(texts.iter().flatten().all(|text| text.contains("+00")), "{texts:?}");
            let utc = DataType::Timestamp(*unit, Some("+00:00".into()));
            cast(&cast(&plain(), &utc), data_type)
        }
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => {
            from_json(texts, &listed(data_type))
        }
        _ => cast(&plain(), data_type),
    }
}

fn from_json(texts: &[Option<String>], data_type: &DataType) -> ArrayRef {
    let schema = Arc::new(Schema::new(vec![Field::new("x", data_type.clone(), true)]));
    let mut decoder = arrow_json::ReaderBuilder::new(schema).build_decoder().unwrap();
    for text in texts {
        let row = format!("{{\"x\": {}}}\n", text.as_deref().unwrap_or("null"));
        assert_eq!(decoder.decode(row.as_bytes()).unwrap(), row.len());
    }
    decoder.flush().unwrap().map_or_else(|| new_null_array(data_type, 0), |it| it.column(0).clone())
}

/// A map is a list of its entries, for in JSON it is nothing else.
pub fn as_lists(array: &ArrayRef) -> ArrayRef {
    let Some(map) = array.as_map_opt() else { return array.clone() };
    let DataType::List(item) = listed(map.data_type()) else { panic!("a map is a list") };
    let entries = Arc::new(map.entries().clone());
    Arc::new(ListArray::new(item, map.offsets().clone(), entries, map.nulls().cloned()))
}

fn listed(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Map(entries, _) => DataType::List(entries.clone()),
        other => other.clone(),
    }
}
