//! What there is to apply, and what both databases are asked and told about it.

use crate::error::CatalogError;
use crate::url::CatalogUrl;

pub(crate) struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "initial",
    sqlite: include_str!("../../migrations/sqlite/0001_initial.sql"),
    postgres: include_str!("../../migrations/postgres/0001_initial.sql"),
}];

pub(crate) const LEDGER: &str =
    "CREATE TABLE schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
pub(super) const NOTE: &str = "INSERT INTO schema_migration (number, name) VALUES ($1, $2)";
pub(super) const APPLIED: &str = "SELECT coalesce(max(number), 0) FROM schema_migration";
pub(super) const IDENTITY: &str = "INSERT INTO catalog_meta (id, catalog_id, rules_epoch, sentinel_epoch, next_id_node, pass_open_until_us)
    VALUES (1, $1, 1, 0, $2, 0)";

/// The name of a new catalog, and where its nodes begin: left to chance, so that two young catalogs do not make the same ids.
pub(super) fn random_identity() -> Result<(String, i64), CatalogError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| CatalogError::corrupt(format!("no randomness: {error}")))?;
    let name = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let node = i64::from(u16::from_ne_bytes([bytes[0], bytes[1]])) % crate::ids::NODES;
    Ok((name, node))
}

pub(super) fn is_behind(applied: i64) -> bool {
    MIGRATIONS.iter().any(|migration| migration.number > applied)
}

/// `in_use`: there are tables, ours or not.
pub(super) fn check_version(
    url: &CatalogUrl,
    found: i64,
    in_use: bool,
) -> Result<(), CatalogError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    if found > known {
        return Err(CatalogError::SchemaNewer { place: url.clone(), found, known });
    }
    if found == 0 && in_use {
        return Err(CatalogError::NotACatalog { place: url.clone() });
    }
    if found < known {
        return Err(CatalogError::SchemaOlder { place: url.clone(), found, known });
    }
    Ok(())
}
