//! One current file against what the catalog says of it. Reads only, and knows no catalog: many of these go on at once.

use super::finding::Fault;
use super::verifier::Depth;
use crate::output::{count, counted};
use catalog::report::{FileProof, FileShare};
use protocol::{JobId, SinkUri, VersionId};
use std::collections::BTreeMap;
use worker::sinks::{Area, Origins, SinkError, SinkReader, StoredFile};

/// Other jobs that are named.
const OTHERS_SHOWN: usize = 3;
/// Of jobs whose rows are in a file and do not belong there, beside those that do.
const STRANGERS_MAX: usize = 1_000;

/// A file that is current, and whose rows are to be in it. Rows that were replaced stay in it as long as others are needed.
#[derive(Debug)]
pub struct Suspect {
    pub file: FileProof,
    pub uri: SinkUri,
    pub shares: Vec<FileShare>,
}

/// What seems to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    pub fault: Fault,
    pub found: String,
}

impl Suspicion {
    fn new(fault: Fault, found: impl Into<String>) -> Self {
        Self { fault, found: found.into() }
    }
}

/// None: it is what was published.
pub fn examine(reader: &SinkReader, suspect: &Suspect, depth: Depth) -> Option<Suspicion> {
    let file = match reader.file(&suspect.uri, Area::Current, suspect.file.file.as_bytes()) {
        Ok(Some(file)) => file,
        Ok(None) => return Some(missing(reader, suspect)),
        Err(error) => return Some(Suspicion::new(Fault::DamagedFile, error.to_string())),
    };
    match judge(&file, suspect, depth) {
        Ok(suspicion) => suspicion,
        Err(error) => Some(Suspicion::new(Fault::DamagedFile, error.to_string())),
    }
}

fn missing(reader: &SinkReader, suspect: &Suspect) -> Suspicion {
    let there = reader.file(&suspect.uri, Area::History, suspect.file.file.as_bytes());
    let is_it = |file: &StoredFile| file.hash().is_ok_and(|hash| hash == suspect.file.hash);
    match there.ok().flatten() {
        Some(file) if is_it(&file) => {
            Suspicion::new(Fault::MisplacedFile, "the file lies in _history")
        }
        _ => Suspicion::new(Fault::MissingFile, "no such file"),
    }
}

fn judge(
    file: &StoredFile,
    suspect: &Suspect,
    depth: Depth,
) -> Result<Option<Suspicion>, SinkError> {
    let wanted = &suspect.file;
    let size = file.size()?;
    if size != wanted.size_bytes {
        let found = format!("{} bytes; {}", count(size), describe(file, suspect));
        return Ok(Some(Suspicion::new(Fault::DamagedFile, found)));
    }
    if depth == Depth::Full && file.hash()? != wanted.hash {
        let found = format!("another SHA-256; {}", describe(file, suspect));
        return Ok(Some(Suspicion::new(Fault::DamagedFile, found)));
    }
    let footer = file.footer()?;
    if footer.rows != wanted.rows {
        let found = counted(footer.rows, "row in the file", "rows in the file");
        return Ok(Some(Suspicion::new(Fault::RowsDiffer, found)));
    }
    match (footer.origin, suspect.shares.as_slice()) {
        (Some((job, version)), [only])
            if job == only.job && only.rows == wanted.rows && is_of(version, only) =>
        {
            Ok(None)
        }
        (None, _) if footer.rows == 0 => Ok(None),
        _ => Ok(strangers(file.origins(suspect.origins_max())?.as_ref(), suspect)),
    }
}

impl Suspect {
    fn origins_max(&self) -> usize {
        self.shares.len() + STRANGERS_MAX
    }

    fn own(&self) -> BTreeMap<JobId, &FileShare> {
        self.shares.iter().map(|share| (share.job, share)).collect()
    }
}

/// A job that is gone took the number of its version along.
fn is_of(version: VersionId, share: &FileShare) -> bool {
    share.version.is_none_or(|own| own == version)
}

fn strangers(origins: Option<&Origins>, suspect: &Suspect) -> Option<Suspicion> {
    let Some(origins) = origins else {
        return Some(Suspicion::new(
            Fault::WrongLineage,
            "no columns that say where rows come from",
        ));
    };
    if let Some(text) = others(origins, suspect) {
        return Some(Suspicion::new(Fault::WrongLineage, text));
    }
    let mut rows = BTreeMap::<JobId, u64>::new();
    for ((job, _), found) in origins {
        *rows.entry(*job).or_default() += found;
    }
    let of = |share: &FileShare| rows.get(&share.job).copied().unwrap_or(0);
    let short = suspect.shares.iter().find(|share| of(share) != share.rows)?;
    let found = counted(of(short), "row", "rows");
    Some(Suspicion::new(Fault::RowsDiffer, format!("{found} of job {}", short.job)))
}

/// The rows that are somebody else's, in words.
fn others(origins: &Origins, suspect: &Suspect) -> Option<String> {
    let own = suspect.own();
    let is_strange = |((job, version), _): &(&(JobId, VersionId), &u64)| {
        !own.get(job).is_some_and(|share| is_of(*version, share))
    };
    let strange = origins.iter().filter(is_strange).collect::<Vec<_>>();
    if strange.is_empty() {
        return None;
    }
    let text = |((job, version), rows): &(&(JobId, VersionId), &u64)| {
        let rows = counted(**rows, "row", "rows");
        match own.contains_key(job) {
            true => format!("{rows} of file version {version}"),
            false => format!("{rows} of job {job}"),
        }
    };
    let shown = strange.iter().take(OTHERS_SHOWN).map(text).collect::<Vec<_>>().join(", ");
    let more = strange.len().saturating_sub(OTHERS_SHOWN);
    Some(if more > 0 { format!("{shown} and of {more} others") } else { shown })
}

/// What a file that is not the published one holds.
fn describe(file: &StoredFile, suspect: &Suspect) -> String {
    let origins = match file.origins(suspect.origins_max()) {
        Ok(Some(origins)) => origins,
        Ok(None) => return "a Parquet file that is none of ours".to_owned(),
        Err(SinkError::Unreadable { cause, .. }) => return format!("not readable: {cause}"),
        Err(error) => return error.to_string(),
    };
    if let Err(SinkError::Unreadable { cause, .. }) = file.read_through() {
        return format!("values are not readable: {cause}");
    }
    let own = suspect.own();
    let is_own = |((job, version), _): &(&(JobId, VersionId), &u64)| {
        own.get(job).is_some_and(|share| is_of(*version, share))
    };
    let rows = origins.iter().filter(is_own).map(|(_, rows)| *rows).sum();
    let rows = counted(rows, "row", "rows");
    let whose = if own.len() == 1 { "this job" } else { "its jobs" };
    match others(&origins, suspect) {
        Some(others) => format!("{rows} of {whose}, and {others}"),
        None => format!("{rows} of {whose}"),
    }
}
