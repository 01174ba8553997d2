//! Source roots that somebody should look at.

use crate::db::{self, Catalog, Row};
use crate::error::CatalogError;
use crate::inventory::{RootDoubt, doubt_of};

/// A source root whose missing files do not count as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtedRoot {
    /// Absolute, as bytes.
    pub path: Vec<u8>,
    pub doubt: RootDoubt,
    pub since_us: i64,
}

impl Catalog {
    pub async fn doubted_roots(&self) -> Result<Vec<DoubtedRoot>, CatalogError> {
        let sql = "SELECT path, doubt, missing, doubted_at_us FROM source_root WHERE doubt IS NOT NULL ORDER BY path LIMIT 1000";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let root = |row: &Row| -> Result<_, CatalogError> {
            let (path, since_us) = (row.try_get(0)?, row.try_get::<Option<i64>, _>(3)?);
            let doubted = doubt_of(row, 1, 2)?;
            Ok(doubted.map(|doubt| DoubtedRoot { path, doubt, since_us: since_us.unwrap_or(0) }))
        };
        rows.iter().filter_map(|row| root(row).transpose()).collect()
    }
}
