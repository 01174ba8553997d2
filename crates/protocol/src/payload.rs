//! The JSON payloads of protocol v4. Fields that the original v4 used keep their names and meaning; what it lacked has a default,
//! so that a v4 peer is understood.

use crate::{
    ArtifactReceipt, Commit, CommitId, Compaction, ContentHash, ErrorClass, FileStat, JobId,
    Metrics, OutputFileId, PluginLanguage, PluginName, PluginVersion, SessionToken, SinkUri,
    TopicName, TopicOptions, TopicSchema, VersionId, WorkerId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One attempt of a job: what a lease, a grant and a receipt are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobAttempt {
    pub id: JobId,
    pub attempt: u32,
}

/// Worker to Sentinel: who I am and what I can take.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identify {
    pub worker_id: Option<WorkerId>,
    /// Names of the plugins that the worker has.
    pub capabilities: Vec<String>,
    /// Sources in the worker's own plugin directory.
    pub plugins: Vec<AnnouncedPlugin>,
    /// Jobs that run at once.
    pub slots: u32,
    pub environment: Environment,
    /// The session that a worker which was known before wants to go on with.
    pub token: Option<SessionToken>,
}

impl Identify {
    /// Workers of the original v4 do not say how many jobs they take.
    pub fn is_original(&self) -> bool {
        self.slots == 0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedPlugin {
    pub name: String,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    #[serde(default, skip_serializing_if = "PluginLanguage::is_python")]
    pub language: PluginLanguage,
}

/// Where jobs run; one catalog row per distinct environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    pub host: String,
    pub user: String,
    pub pid: u32,
    /// The worker's plugin directory: who announces a plugin, and may drop it.
    pub plugins_dir: String,
    pub git_hash: String,
    pub os: String,
    /// Versions by name: `casparian`, `python`, packages.
    pub versions: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Process,
    /// Finish what a lost worker was granted.
    Recover,
    Retract,
    Compact,
    Trial,
}

/// Sentinel to Worker: do this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dispatch {
    pub plugin_name: PluginName,
    pub plugin_version: PluginVersion,
    #[serde(default, skip_serializing_if = "PluginLanguage::is_python")]
    pub plugin_language: PluginLanguage,
    /// Sent to a worker that does not have this version yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_source: Option<String>,
    /// What `configure` gets: `[plugins.<name>]` of casparian.toml.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Absolute; lossy when the path is not UTF-8, and then `file_path_b64` counts.
    pub file_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_path_b64: Option<String>,
    pub source_root: String,
    pub file_version_id: VersionId,
    pub content_hash: ContentHash,
    pub size: u64,
    /// The stat under which the content was hashed.
    pub stat: FileStat,
    /// The content may have changed since without its stat showing it.
    pub racy: bool,
    pub sinks: Vec<SinkTarget>,
    pub kind: JobKind,
    pub attempt: u32,
    /// Seconds.
    pub lease_s: f64,
    pub limits: JobLimits,
    /// For `recover`: the how-manieth recovery this is, what it was granted with, and what was staged.
    #[serde(default)]
    pub recovery: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<CommitId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<StagedOutput>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkTarget {
    pub topic: TopicName,
    pub uri: SinkUri,
    pub mode: String,
    /// The topic's columns as they are known; none until the first rows fix them.
    #[serde(default)]
    pub schema_def: Option<TopicSchema>,
    /// Of these columns; 0 for none.
    #[serde(default)]
    pub schema_version: u64,
    #[serde(default)]
    pub options: TopicOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLimits {
    pub timeout_ms: u64,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abort {
    pub reason: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Busy {
    #[default]
    Idle,
    Busy,
}

/// Worker to Sentinel: I live, this is what I hold, this is ready to be committed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeat {
    pub token: Option<SessionToken>,
    pub status: Busy,
    pub current_job_id: Option<JobId>,
    /// Every job that the worker holds, whatever its phase.
    pub jobs: Vec<JobProgress>,
    pub ready: Vec<ReadyJob>,
    /// Superseded files that lie in `_history` now.
    pub retired: Vec<OutputFileId>,
    /// It takes no new jobs, and is gone when it holds none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    pub id: JobId,
    #[serde(default)]
    pub attempt: u32,
    #[serde(default)]
    pub rows: u64,
    #[serde(default)]
    pub bytes: u64,
    /// It has run, and its rows wait in a pack: it takes no slot any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub packed: bool,
}

/// A job whose outputs are all staged and durable. Those with one commit id are granted together, or none of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadyJob {
    pub job: JobId,
    pub attempt: u32,
    pub commit_id: CommitId,
    pub outputs: Vec<StagedOutput>,
}

/// A staged file and the name that it gets. Paths are relative to the sink.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagedOutput {
    pub topic: TopicName,
    pub uri: SinkUri,
    pub staged: String,
    #[serde(rename = "final")]
    pub final_name: String,
    /// Where the job's rows begin in the file, from 0: a pack has a file for all of its jobs.
    #[serde(default)]
    pub row_start: u64,
    pub rows: u64,
    pub size_bytes: u64,
    pub hash: ContentHash,
    /// Without the lineage columns.
    #[serde(default, skip_serializing_if = "TopicSchema::is_empty")]
    pub schema: TopicSchema,
    /// Of the columns that the rows were held against, as the DISPATCH said.
    #[serde(default)]
    pub schema_version: u64,
    /// Of rows in quarantine: why they are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<QuarantineReason>,
}

/// Rows of one job that are in quarantine for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineReason {
    /// None: the record as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Of the first of them.
    pub reason: String,
    pub rows: u64,
}

/// Sentinel to Worker: the answer to IDENTIFY, HEARTBEAT and CONCLUDE.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeartbeatAnswer {
    /// To IDENTIFY: whether the worker may work. False at any other time: identify again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionToken>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_s: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_s: Option<f64>,
    /// To IDENTIFY: commits of COMMITTING jobs, whose staged files no sweep may remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_staging: Vec<Commit>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_refusals: Vec<PluginRefusal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renewed: Vec<JobAttempt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<Grant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// Neither: an older job may say first what a topic looks like. To be announced again soon.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<JobAttempt>,
    /// CONCLUDEs that are in the catalog.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concluded: Vec<JobAttempt>,
    /// Superseded files to move to `_history`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retire: Vec<Retirement>,
    /// Files to make one of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compact: Vec<Compaction>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRefusal {
    pub name: String,
    pub reason: String,
}

/// The job commits: promote it. From here it only rolls forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: JobId,
    pub attempt: u32,
    /// What it was announced with: the worker may have packed the job anew meanwhile.
    pub commit_id: CommitId,
    /// What this commit replaces, for sinks that remove rows in the promoting transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersede: Vec<Superseded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    pub topic: TopicName,
    pub uri: SinkUri,
    pub job: JobId,
}

/// The attempt is over: throw its staging, or its work, away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub id: JobId,
    pub attempt: u32,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    pub id: OutputFileId,
    /// The attempt that published it by itself: what a later one did stays. Of a pack, its number.
    pub job: JobAttempt,
    pub topic: TopicName,
    pub uri: SinkUri,
    /// Relative to the sink.
    pub file: String,
    /// All that is in it lies in another file, too: it is to be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConcludeStatus {
    Success,
    Failed,
}

/// Worker to Sentinel: the attempt has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conclude {
    pub status: ConcludeStatus,
    #[serde(default)]
    pub token: Option<SessionToken>,
    #[serde(default)]
    pub attempt: u32,
    /// For a `recover` job, the recovery that reports.
    #[serde(default)]
    pub recovery: u32,
    #[serde(default)]
    pub metrics: Metrics,
    #[serde(default)]
    pub artifacts: Vec<ArtifactReceipt>,
    #[serde(default)]
    pub error_message: Option<String>,
    #[serde(default)]
    pub error_class: Option<ErrorClass>,
    #[serde(default)]
    pub retryable: Option<bool>,
}

/// Both ways: that message was wrong, or something broke.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrReport {
    pub message: String,
    #[serde(default)]
    pub traceback: Option<String>,
    #[serde(default)]
    pub retryable: bool,
}
