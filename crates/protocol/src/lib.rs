//! The wire contract of the control plane: ids, header, opcodes, payloads, plugin declarations, sink URIs and receipts.
//! Pure by rule: no sockets, no files, no clock. Every other crate of ours may depend on it; it depends on none of them.

mod bounds;
mod commit;
mod compaction;
mod crash;
mod curve;
mod database;
mod declaration;
mod error_class;
mod frame;
mod hash;
mod id;
mod language;
mod message;
mod name;
mod original;
mod output_name;
mod payload;
mod receipt;
mod schema;
mod secret;
mod sink;
mod stat;

pub use commit::{Commit, faulty_packs};
pub use compaction::{Compaction, CompactionSource};
pub use crash::{CrashPoint, crash_point, on_crash_points};
pub use curve::{CurveKeyError, KeyPair, PublicKey, SecretKey};
pub use database::{PostgresqlTable, SqliteTable};
pub use declaration::{Limits, PluginDeclaration, QuarantineLimit, TopicDeclaration, TopicOptions};
pub use error_class::ErrorClass;
pub use frame::{FrameError, HEADER_LEN, Header, Opcode, PAYLOAD_LEN_MAX, PROTOCOL_VERSION};
pub use hash::{ContentHash, ParseHashError, PluginVersion};
pub use id::{
    ArtifactId, CommitId, DirectoryId, EnvironmentId, JobId, LocationId, ManifestId, OutputFileId,
    ParseIdError, RequestId, RuleId, SourceRootId, TopicConfigId, VersionId, WorkerNodeId,
};
pub use language::PluginLanguage;
pub use message::{Frames, SentinelMessage, WorkerMessage};
pub use name::{NameError, PluginName, SessionToken, TableName, TopicName, WorkerId};
pub use original::{OriginalConclude, OriginalDispatch, OriginalSink};
pub use output_name::{PARQUET_SUFFIX, PART_PREFIX, STAGING, final_name, staged_file, staged_name};
pub use payload::{
    Abort, AnnouncedPlugin, Busy, Conclude, ConcludeStatus, Dispatch, Environment, ErrReport,
    Grant, Heartbeat, HeartbeatAnswer, Identify, JobAttempt, JobKind, JobLimits, JobProgress,
    PluginRefusal, QuarantineReason, ReadyJob, Refusal, Retirement, SinkTarget, StagedOutput,
    Superseded,
};
pub use receipt::{ArtifactReceipt, Metrics};
pub use schema::{
    Column, ColumnType, ColumnTypeError, DeclaredSchemaError, LINEAGE, SchemaConflict, StructPart,
    TimeUnit, TopicSchema,
};
pub use secret::without_secrets;
pub use sink::{SinkUri, SinkUriError};
pub use stat::FileStat;
