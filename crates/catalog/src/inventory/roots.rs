//! Source roots: where each was, and whether what is missing in it is to be believed.

use crate::db::{self, Catalog, Row};
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use protocol::SourceRootId;

/// Where a source root lies. Another file system at the same path is another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub file_system: u64,
    pub inode: u64,
}

/// Why what is missing in a source root may not be deleted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtReason {
    /// Most of its files are missing, and it lies on another file system than before.
    FileSystem,
    /// It is empty, and another directory than before.
    Directory,
    /// It is empty, and had many files.
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootDoubt {
    pub reason: DoubtReason,
    /// Files that are not there, and do not count as deleted.
    pub missing: u64,
}

/// A source root as the catalog knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRoot {
    pub id: SourceRootId,
    /// None: it was never walked.
    pub place: Option<Place>,
    pub doubt: Option<RootDoubt>,
}

impl DoubtReason {
    const ALL: [Self; 3] = [Self::FileSystem, Self::Directory, Self::Empty];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileSystem => "other_file_system",
            Self::Directory => "other_directory",
            Self::Empty => "empty",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, CatalogError> {
        let named = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        named.ok_or_else(|| CatalogError::corrupt("a source root is in doubt for no known reason"))
    }
}

impl Catalog {
    pub async fn root_of(&self, path: &[u8]) -> Result<Option<SourceRootId>, CatalogError> {
        Ok(self.known_root(path).await?.map(|root| root.id))
    }

    pub async fn known_root(&self, path: &[u8]) -> Result<Option<KnownRoot>, CatalogError> {
        let sql = "SELECT id, file_system, inode, doubt, missing FROM source_root WHERE path = $1";
        let row = db::query(sql).bind(path.to_vec()).fetch_optional(self.readers()).await?;
        row.as_ref().map(known_root).transpose()
    }
}

impl ScoutTx {
    pub async fn register_root(
        &mut self,
        path: &[u8],
        now_us: i64,
    ) -> Result<SourceRootId, CatalogError> {
        let id = self.next_id(now_us).await?;
        let sql = "INSERT INTO source_root (id, path, kind, active, added_at_us) VALUES ($1, $2, 'local', 1, $3)
                   ON CONFLICT (path) DO UPDATE SET active = 1 RETURNING id";
        let query = db::query(sql).bind(id).bind(path.to_vec()).bind(now_us);
        Ok(SourceRootId::new(query.fetch_one(&mut *self.tx).await?.try_get(0)?))
    }

    /// From now on this is where it lies, and what is missing in it is deleted.
    pub async fn trust_root(
        &mut self,
        root: SourceRootId,
        place: Place,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE source_root SET file_system = $2, inode = $3, doubt = NULL, missing = 0, doubted_at_us = NULL WHERE id = $1";
        let query = db::query(sql).bind(root.get()).bind(place.file_system.cast_signed());
        query.bind(place.inode.cast_signed()).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Since when it is in doubt stays as it was.
    pub async fn doubt_root(
        &mut self,
        root: SourceRootId,
        doubt: RootDoubt,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let sql = "UPDATE source_root SET doubt = $2, missing = $3, doubted_at_us = coalesce(doubted_at_us, $4) WHERE id = $1";
        let query = db::query(sql).bind(root.get()).bind(doubt.reason.as_str());
        let query = query.bind(doubt.missing.cast_signed()).bind(now_us);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }
}

fn known_root(row: &Row) -> Result<KnownRoot, CatalogError> {
    let (file_system, inode) =
        (row.try_get::<Option<i64>, _>(1)?, row.try_get::<Option<i64>, _>(2)?);
    let place = file_system.zip(inode).map(|(file_system, inode)| Place {
        file_system: file_system.cast_unsigned(),
        inode: inode.cast_unsigned(),
    });
    Ok(KnownRoot { id: SourceRootId::new(row.try_get(0)?), place, doubt: doubt_of(row, 3, 4)? })
}

pub(crate) fn doubt_of(
    row: &Row,
    reason: usize,
    missing: usize,
) -> Result<Option<RootDoubt>, CatalogError> {
    let Some(reason) = row.try_get::<Option<String>, _>(reason)? else { return Ok(None) };
    let missing = row.try_get::<i64, _>(missing)?.cast_unsigned();
    Ok(Some(RootDoubt { reason: DoubtReason::parse(&reason)?, missing }))
}
