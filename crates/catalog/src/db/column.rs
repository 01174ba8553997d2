//! Columns as values, and values as columns. What cannot be is said of the catalog, not of the caller.

use super::row::Row;
use crate::error::CatalogError;
use protocol::{ContentHash, FileStat};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;

/// Inode, size, mtime and ctime in columns one after the other.
pub(crate) fn stat(row: &Row, first: usize) -> Result<FileStat, CatalogError> {
    // Stored bit for bit; SQL has no unsigned numbers.
    Ok(FileStat {
        inode: row.try_get::<i64, _>(first)?.cast_unsigned(),
        size: row.try_get::<i64, _>(first + 1)?.cast_unsigned(),
        mtime_ns: row.try_get(first + 2)?,
        ctime_ns: row.try_get(first + 3)?,
    })
}

pub(crate) fn content_hash(row: &Row, column: usize) -> Result<ContentHash, CatalogError> {
    ContentHash::try_from(row.try_get::<&[u8], _>(column)?)
        .map_err(|error| CatalogError::corrupt(error.to_string()))
}

pub(crate) fn unsigned(row: &Row, column: &str) -> Result<u64, CatalogError> {
    Ok(row.try_get::<i64, _>(column)?.cast_unsigned())
}

pub(crate) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, CatalogError> {
    text.parse().map_err(|error| CatalogError::corrupt(format!("{error}")))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|error| CatalogError::corrupt(error.to_string()))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|error| CatalogError::corrupt(error.to_string()))
}
