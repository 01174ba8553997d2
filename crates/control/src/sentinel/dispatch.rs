//! What a DISPATCH says, from what the catalog knows.

use super::decide::Assignment;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::{JobDetail, ManifestDetail};
use protocol::{Dispatch, JobKind, JobLimits, SinkTarget, StagedOutput};

pub(super) fn payload(
    assignment: Assignment,
    job: &JobDetail,
    manifest: ManifestDetail,
    outputs: Vec<StagedOutput>,
    lease_s: f64,
) -> Dispatch {
    let path = full_path(job);
    let is_utf8 = std::str::from_utf8(&path).is_ok();
    let schemas = manifest.schemas;
    let sinks = manifest.topics.into_iter().map(|target| SinkTarget {
        schema_def: schemas.get(&target.topic).map(|(_, schema)| schema.clone()),
        schema_version: schemas.get(&target.topic).map_or(0, |(version, _)| *version),
        topic: target.topic,
        uri: target.uri,
        mode: target.mode,
        options: target.options,
    });
    Dispatch {
        plugin_name: manifest.name,
        plugin_version: manifest.version,
        plugin_language: manifest.language,
        plugin_source: Some(manifest.source),
        config: serde_json::from_str(&manifest.settings).unwrap_or_default(),
        file_path: String::from_utf8_lossy(&path).into_owned(),
        file_path_b64: (!is_utf8).then(|| STANDARD.encode(&path)),
        source_root: String::from_utf8_lossy(&job.root).into_owned(),
        file_version_id: job.version,
        content_hash: job.hash,
        size: job.size,
        stat: job.stat,
        racy: job.racy,
        sinks: sinks.collect(),
        kind: if assignment.recovery.is_none() { JobKind::Process } else { JobKind::Recover },
        attempt: assignment.job.attempt,
        lease_s,
        limits: JobLimits {
            timeout_ms: manifest.limits.timeout_ms,
            memory_bytes: manifest.limits.memory_bytes,
        },
        recovery: assignment.recovery.map_or(0, |(_, number)| number),
        commit_id: assignment.recovery.map(|(commit, _)| commit),
        outputs,
    }
}

fn full_path(job: &JobDetail) -> Vec<u8> {
    let parts = [&job.root, &job.directory, &job.name];
    let parts = parts.iter().filter(|part| !part.is_empty()).map(|part| part.as_slice());
    let path = parts.collect::<Vec<_>>().join(&b'/');
    // A root of `/` ends in the separator already.
    if path.starts_with(b"//") { path[1..].to_vec() } else { path }
}
