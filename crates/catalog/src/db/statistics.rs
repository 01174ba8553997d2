//! What the planner of a server knows of the tables.

use super::connection::Pool;
use super::handle::Catalog;
use super::query::query;
use crate::error::CatalogError;

/// Tables that doubled, or one of whose indexes did, since they were looked at. An index that was empty then counts as empty, and whole
/// tables are read by it: the server itself looks once in a minute, and a catalog can get its first hundred thousand rows in that.
const OUTGROWN: &str =
    "SELECT DISTINCT coalesce(i.indrelid, c.oid)::regclass::text FROM pg_class c
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')
        AND pg_relation_size(c.oid) / current_setting('block_size')::bigint > 2 * greatest(c.relpages, 0) + 4";

impl Catalog {
    /// To be called about once a second by who writes much.
    pub async fn freshen_statistics(&self) -> Result<(), CatalogError> {
        if matches!(self.readers(), Pool::Sqlite(_)) {
            return Ok(());
        }
        for row in query(OUTGROWN).fetch_all(self.readers()).await? {
            let table: String = row.try_get(0)?;
            query(format!("ANALYZE {table}")).execute(self.readers()).await?;
        }
        Ok(())
    }
}
