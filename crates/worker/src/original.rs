//! A DISPATCH of an original v4 Sentinel, made into one of ours. What it does not say is taken from what is there now: the plugin's source
//! from the worker's own directory, the content from the file as it lies there.

use crate::failure::JobFailure;
use crate::input::InputFile;
use crate::plugins::version_of;
use protocol::{
    AnnouncedPlugin, Dispatch, ErrorClass, JobKind, JobLimits, Limits, OriginalDispatch,
    OriginalSink, SinkTarget, TopicOptions,
};
use serde_json::Map;
use std::fmt::Display;
use std::path::Path;

/// The original counts no attempts.
pub const ATTEMPT: u32 = 1;

pub fn dispatch_of(
    original: OriginalDispatch,
    plugins: &[AnnouncedPlugin],
) -> Result<Dispatch, JobFailure> {
    let name = original.plugin_name;
    let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name) else {
        return Err(refused(ErrorClass::Load, &format!("this worker has no plugin {name}")));
    };
    let path = Path::new(&original.file_path);
    let (stat, content_hash) = InputFile::identity(path)?;
    let sinks = original.sinks.into_iter().map(sink).collect::<Result<_, _>>()?;
    let limits = Limits::default();
    let root = path.parent().unwrap_or(path);
    Ok(Dispatch {
        plugin_name: name.parse().map_err(|error| refused(ErrorClass::Load, &error))?,
        plugin_version: version_of(&plugin.source, plugin.lock.as_deref()),
        plugin_language: plugin.language,
        plugin_source: None,
        config: Map::new(),
        source_root: root.to_string_lossy().into_owned(),
        file_path: original.file_path,
        file_path_b64: None,
        file_version_id: original.file_version_id,
        content_hash,
        size: stat.size,
        stat,
        racy: false,
        sinks,
        kind: JobKind::Process,
        attempt: ATTEMPT,
        lease_s: 0.0,
        limits: JobLimits { timeout_ms: limits.timeout_ms, memory_bytes: limits.memory_bytes },
        recovery: 0,
        commit_id: None,
        outputs: Vec::new(),
    })
}

fn sink(sink: OriginalSink) -> Result<SinkTarget, JobFailure> {
    Ok(SinkTarget {
        topic: sink.topic.parse().map_err(|error| refused(ErrorClass::Sink, &error))?,
        uri: sink.uri.parse().map_err(|error| refused(ErrorClass::Sink, &error))?,
        mode: sink.mode,
        // The original has no schemas, and says null.
        schema_def: None,
        schema_version: 0,
        options: TopicOptions::default(),
    })
}

fn refused(class: ErrorClass, why: &dyn Display) -> JobFailure {
    JobFailure { class, message: why.to_string(), retryable: Some(false) }
}
