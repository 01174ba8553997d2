//! What the catalog says of the locations of a batch, as far as it decides what becomes of them.

use super::Tagged;
use crate::db::{Bulk, ROWS_MAX, Row, Tx, content_hash, parsed, stat};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::tagging::VersionSummary;
use protocol::{ContentHash, FileStat, LocationId, ManifestId, VersionId};
use std::collections::{HashMap, HashSet};

#[derive(Debug, Default)]
pub(super) struct Known {
    /// Live ones.
    pub locations: HashMap<LocationId, KnownLocation>,
    /// Jobs of the current versions, by version and plugin.
    pub jobs: HashMap<(VersionId, String), Vec<KnownJob>>,
    /// Locations and plugins with a job of another than the current version, or one that has not ended.
    pub busy: HashSet<(LocationId, String)>,
    /// Locations and plugins with a job that has not ended.
    pub unfinished: HashSet<(LocationId, String)>,
    pub contents: KnownContents,
}

#[derive(Debug)]
pub(super) struct KnownLocation {
    pub stat: FileStat,
    pub current: Option<VersionSummary>,
}

/// Content by its number, plugin and its version.
type Processed = (i64, String, ManifestId);

#[derive(Debug, Clone, Copy)]
pub(super) struct KnownJob {
    pub manifest: ManifestId,
    pub state: JobState,
    /// Its rows are in the topics.
    pub is_current: bool,
}

/// By whom a content was processed, or is being processed.
#[derive(Debug, Default)]
pub(super) struct KnownContents {
    pub ids: HashMap<ContentHash, i64>,
    pub done: HashSet<Processed>,
    pub doing: HashSet<Processed>,
    /// Whatever the version of the plugin.
    pub done_by_any: HashSet<(i64, String)>,
}

const LOCATIONS: &str = "SELECT l.id, l.inode, l.size, l.mtime_ns, l.ctime_ns, v.id, v.sequence, h.content_hash, v.applied_tags, h.id
    FROM file_location l
    LEFT JOIN file_version v ON v.id = l.current_version_id
    LEFT JOIN file_hash_registry h ON h.id = v.content_id
    WHERE l.deleted_at_us IS NULL AND l.id IN ";

const JOBS: &str = "SELECT file_version_id, plugin_name, manifest_id, state, superseded_by IS NULL AND retracted_by IS NULL
    FROM processing_job WHERE kind = 'process' AND file_version_id IN ";

const HISTORY: &str = "SELECT DISTINCT l.id, j.plugin_name, v.id <> l.current_version_id,
        j.state IN ('PENDING', 'QUEUED', 'RUNNING', 'COMMITTING')
    FROM file_location l
    JOIN file_version v ON v.location_id = l.id
    JOIN processing_job j ON j.file_version_id = v.id AND j.kind = 'process'
    WHERE l.id IN ";

const CONTENTS: &str = "SELECT DISTINCT j.content_id, j.plugin_name, j.manifest_id FROM (";

const DONE: &str = ") AS v CROSS JOIN processing_job j
    WHERE j.content_id = v.column1 AND j.plugin_name = v.column2 AND j.kind = 'process'
        AND j.has_content = 1 AND j.state = 'COMPLETED' AND j.retracted_by IS NULL";

const DOING: &str = ") AS v CROSS JOIN processing_job j
    WHERE j.content_id = v.column1 AND j.plugin_name = v.column2 AND j.kind = 'process'
        AND j.has_content = 1 AND j.state <> 'COMPLETED'";

pub(super) async fn read(tx: &mut Tx, tagged: &[Tagged<'_>]) -> Result<Known, CatalogError> {
    let mut known = Known::default();
    let ids: Vec<i64> = tagged.iter().map(|one| one.location.get()).collect();
    for row in Bulk::ids(LOCATIONS, &ids).fetch(tx).await? {
        let location = location(&row)?;
        if let Some(version) = &location.current {
            known.contents.ids.insert(version.hash, row.try_get(9)?);
        }
        known.locations.insert(LocationId::new(row.try_get(0)?), location);
    }
    read_jobs(tx, &mut known).await?;
    read_contents(tx, tagged, &mut known).await?;
    Ok(known)
}

fn location(row: &Row) -> Result<KnownLocation, CatalogError> {
    let current = match row.try_get::<Option<i64>, _>(5)? {
        None => None,
        Some(id) => Some(VersionSummary {
            id: VersionId::new(id),
            sequence: row.try_get::<i64, _>(6)?.cast_unsigned(),
            hash: content_hash(row, 7)?,
            tags: row.try_get(8)?,
        }),
    };
    Ok(KnownLocation { stat: stat(row, 1)?, current })
}

/// Only a location with a version has jobs.
async fn read_jobs(tx: &mut Tx, known: &mut Known) -> Result<(), CatalogError> {
    let versions = known.locations.iter();
    let versions =
        versions.filter_map(|(id, one)| Some((id.get(), one.current.as_ref()?.id.get())));
    let (locations, versions): (Vec<i64>, Vec<i64>) = versions.unzip();
    if locations.is_empty() {
        return Ok(());
    }
    for row in Bulk::ids(JOBS, &versions).fetch(tx).await? {
        let key = (VersionId::new(row.try_get(0)?), row.try_get(1)?);
        let state: JobState = parsed(row.try_get(3)?)?;
        let is_current = state == JobState::Completed && row.try_get(4)?;
        let job = KnownJob { manifest: ManifestId::new(row.try_get(2)?), state, is_current };
        known.jobs.entry(key).or_default().push(job);
    }
    for row in Bulk::ids(HISTORY, &locations).fetch(tx).await? {
        let key: (LocationId, String) = (LocationId::new(row.try_get(0)?), row.try_get(1)?);
        let (is_other, is_unfinished): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
        if is_unfinished {
            known.unfinished.insert(key.clone());
        }
        if is_other || is_unfinished {
            known.busy.insert(key);
        }
    }
    Ok(())
}

/// A content that is new has no jobs.
async fn read_contents(
    tx: &mut Tx,
    tagged: &[Tagged<'_>],
    known: &mut Known,
) -> Result<(), CatalogError> {
    let hashes: HashSet<ContentHash> = tagged.iter().filter_map(|one| one.hash).collect();
    let hashes: Vec<ContentHash> = hashes.into_iter().collect();
    for chunk in hashes.chunks(ROWS_MAX) {
        let select = "SELECT content_hash, id FROM file_hash_registry WHERE content_hash IN ";
        let chunk = chunk.iter().map(|hash| hash.as_bytes().as_slice());
        for row in Bulk::list(select, chunk).fetch(tx).await? {
            known.contents.ids.insert(content_hash(&row, 0)?, row.try_get(1)?);
        }
    }
    let mut wanted = HashSet::new();
    for one in tagged {
        let current = || Some(known.locations.get(&one.location)?.current.as_ref()?.hash);
        let content = one.hash.or_else(current).and_then(|hash| known.contents.ids.get(&hash));
        if let Some(content) = content {
            wanted.extend(one.plugins.iter().map(|plugin| (*content, plugin.name.as_str())));
        }
    }
    let wanted: Vec<(i64, &str)> = wanted.into_iter().collect();
    for chunk in wanted.chunks(ROWS_MAX) {
        for row in of_contents(chunk, DONE).fetch(tx).await? {
            let (content, plugin, manifest) = processed(&row)?;
            known.contents.done_by_any.insert((content, plugin.clone()));
            known.contents.done.insert((content, plugin, manifest));
        }
        for row in of_contents(chunk, DOING).fetch(tx).await? {
            known.contents.doing.insert(processed(&row)?);
        }
    }
    Ok(())
}

fn of_contents(contents: &[(i64, &str)], what: &'static str) -> Bulk {
    let query = Bulk::rows(CONTENTS, contents, |mut row, (content, plugin)| {
        row.push_bind(*content).push_bind(*plugin);
    });
    query.then(what)
}

fn processed(row: &Row) -> Result<Processed, CatalogError> {
    Ok((row.try_get(0)?, row.try_get(1)?, ManifestId::new(row.try_get(2)?)))
}
