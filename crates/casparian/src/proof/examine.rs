//! One current file against its artifact. Reads only, and knows no catalog: many of these go on at once.

use super::finding::Fault;
use super::verifier::Depth;
use crate::output::{count, counted};
use catalog::report::ArtifactProof;
use protocol::{JobId, SinkUri, VersionId};
use worker::sinks::{Area, Origins, SinkError, SinkReader, StoredFile};

/// Other jobs that are named.
const OTHERS_SHOWN: usize = 3;

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
pub fn examine(
    reader: &SinkReader,
    uri: &SinkUri,
    artifact: &ArtifactProof,
    depth: Depth,
) -> Option<Suspicion> {
    let file = match reader.file(uri, Area::Current, artifact.file.as_bytes()) {
        Ok(Some(file)) => file,
        Ok(None) => return Some(missing(reader, uri, artifact)),
        Err(error) => return Some(Suspicion::new(Fault::DamagedFile, error.to_string())),
    };
    match judge(&file, artifact, depth) {
        Ok(suspicion) => suspicion,
        Err(error) => Some(Suspicion::new(Fault::DamagedFile, error.to_string())),
    }
}

fn missing(reader: &SinkReader, uri: &SinkUri, artifact: &ArtifactProof) -> Suspicion {
    let there = reader.file(uri, Area::History, artifact.file.as_bytes()).ok().flatten();
    let is_it = |file: &StoredFile| file.hash().is_ok_and(|hash| hash == artifact.hash);
    match there {
        Some(file) if is_it(&file) => {
            Suspicion::new(Fault::MisplacedFile, "the file lies in _history")
        }
        _ => Suspicion::new(Fault::MissingFile, "no such file"),
    }
}

fn judge(
    file: &StoredFile,
    artifact: &ArtifactProof,
    depth: Depth,
) -> Result<Option<Suspicion>, SinkError> {
    let size = file.size()?;
    if size != artifact.size_bytes {
        let found = format!("{} bytes; {}", count(size), describe(file, artifact));
        return Ok(Some(Suspicion::new(Fault::DamagedFile, found)));
    }
    if depth == Depth::Full && file.hash()? != artifact.hash {
        let found = format!("another SHA-256; {}", describe(file, artifact));
        return Ok(Some(Suspicion::new(Fault::DamagedFile, found)));
    }
    let footer = file.footer()?;
    if footer.rows != artifact.rows {
        let found = counted(footer.rows, "row in the file", "rows in the file");
        return Ok(Some(Suspicion::new(Fault::RowsDiffer, found)));
    }
    let Some(version) = artifact.version else { return Ok(None) };
    let own = (artifact.job, version);
    match footer.origin {
        Some(origin) if origin == own => Ok(None),
        None if footer.rows == 0 => Ok(None),
        _ => Ok(strangers(file.origins()?.as_ref(), own)),
    }
}

fn strangers(origins: Option<&Origins>, own: (JobId, VersionId)) -> Option<Suspicion> {
    let Some(origins) = origins else {
        return Some(Suspicion::new(
            Fault::WrongLineage,
            "no columns that say where rows come from",
        ));
    };
    let text = others(origins, own)?;
    Some(Suspicion::new(Fault::WrongLineage, text))
}

/// The rows that are somebody else's, in words.
fn others(origins: &Origins, own: (JobId, VersionId)) -> Option<String> {
    let strange = origins.iter().filter(|(origin, _)| **origin != own).collect::<Vec<_>>();
    if strange.is_empty() {
        return None;
    }
    let text = |((job, version), rows): &(&(JobId, VersionId), &u64)| {
        let rows = counted(**rows, "row", "rows");
        match (*job == own.0, *version == own.1) {
            (true, false) => format!("{rows} of file version {version}"),
            _ => format!("{rows} of job {job}"),
        }
    };
    let shown = strange.iter().take(OTHERS_SHOWN).map(text).collect::<Vec<_>>().join(", ");
    let more = strange.len().saturating_sub(OTHERS_SHOWN);
    Some(if more > 0 { format!("{shown} and of {more} others") } else { shown })
}

/// What a file that is not the published one holds.
fn describe(file: &StoredFile, artifact: &ArtifactProof) -> String {
    let origins = match file.origins() {
        Ok(Some(origins)) => origins,
        Ok(None) => return "a Parquet file that is none of ours".to_owned(),
        Err(SinkError::Unreadable { cause, .. }) => return format!("not readable: {cause}"),
        Err(error) => return error.to_string(),
    };
    if let Err(SinkError::Unreadable { cause, .. }) = file.read_through() {
        return format!("values are not readable: {cause}");
    }
    let own = (artifact.job, artifact.version.unwrap_or(VersionId::new(0)));
    let rows = counted(origins.get(&own).copied().unwrap_or(0), "row", "rows");
    match others(&origins, own) {
        Some(others) => format!("{rows} of this job, and {others}"),
        None => format!("{rows} of this job"),
    }
}
