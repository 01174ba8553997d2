//! Whether small files could become one, for who waits until nothing does any more.

use super::choose::{FILES_MAX, FILES_MIN, Small, choose};
use super::plan::GROUPS;
use crate::db::{self, Catalog, Row};
use crate::error::CatalogError;

const SIZES: &str = "SELECT size_bytes, artifacts FROM output_file WHERE artifacts > 0 AND is_small = 1 AND compact_after_us = 0
    AND uri = $1 AND topic = $2 AND schema_version = $3 ORDER BY size_bytes LIMIT $4";

impl Catalog {
    /// Places where some could. What failed and is put off does not count.
    pub(in crate::queue) async fn small_files_pending(&self) -> Result<u64, CatalogError> {
        let mut places = 0;
        let groups = db::query(GROUPS).bind(0).bind(FILES_MIN as i64);
        for group in groups.fetch_all(self.readers()).await? {
            let (uri, topic): (String, String) = (group.try_get(0)?, group.try_get(1)?);
            let sizes = db::query(SIZES).bind(uri).bind(topic).bind(group.try_get::<i64, _>(2)?);
            let rows = sizes.bind(2 * FILES_MAX as i64).fetch_all(self.readers()).await?;
            let files = rows.iter().map(small).collect::<Result<Vec<_>, _>>()?;
            places += u64::from(choose(&files).is_some());
        }
        Ok(places)
    }
}

fn small(row: &Row) -> Result<Small, CatalogError> {
    let number = |at: usize| Ok::<_, CatalogError>(row.try_get::<i64, _>(at)?.cast_unsigned());
    Ok(Small { size_bytes: number(0)?, artifacts: number(1)? })
}
