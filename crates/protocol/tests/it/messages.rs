//! One message of every kind, with every field that it may carry; their bytes are in `testdata/protocol`.

use protocol::{
    Abort, AnnouncedPlugin, ArtifactReceipt, Busy, Column, ColumnType, Commit, CommitId,
    Compaction, CompactionSource, Conclude, ConcludeStatus, ContentHash, Dispatch, Environment,
    ErrReport, ErrorClass, FileStat, Grant, Heartbeat, HeartbeatAnswer, Identify, JobAttempt,
    JobId, JobKind, JobLimits, JobProgress, Metrics, OutputFileId, PluginLanguage, PluginRefusal,
    PluginVersion, QuarantineReason, ReadyJob, Refusal, Retirement, SentinelMessage, SinkTarget,
    StagedOutput, Superseded, TopicName, TopicOptions, TopicSchema, VersionId, WorkerMessage,
};
use serde_json::json;
use std::collections::BTreeMap;

const JOB: JobId = JobId::new(0x0123_4567_89ab_cdef);

fn hash(digit: char) -> ContentHash {
    digit.to_string().repeat(64).parse().expect("64 hexadecimal digits")
}

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is a legal name"))
}

fn version() -> PluginVersion {
    "a".repeat(64).parse().expect("64 hexadecimal digits")
}

fn identify() -> WorkerMessage {
    let versions = [("casparian", "0.1.0"), ("python", "3.11.7")];
    let versions = versions.map(|(name, version)| (name.to_owned(), version.to_owned()));
    let plugin = AnnouncedPlugin {
        name: "sales".to_owned(),
        source: "# PATTERN: *.csv\n".to_owned(),
        lock: None,
        language: PluginLanguage::Python,
    };
    let sql = AnnouncedPlugin {
        name: "orders".to_owned(),
        source: "-- TOPIC: orders\nSELECT * FROM file\n".to_owned(),
        lock: None,
        language: PluginLanguage::Sql,
    };
    WorkerMessage::Identify(Identify {
        worker_id: Some(name("host-1-4711")),
        capabilities: vec!["sales".to_owned(), "orders".to_owned()],
        plugins: vec![plugin, sql],
        slots: 2,
        environment: Environment {
            host: "host-1".to_owned(),
            user: "user".to_owned(),
            pid: 4711,
            plugins_dir: "/srv/project/plugins".to_owned(),
            git_hash: "0000000000000000000000000000000000000000".to_owned(),
            os: "Linux 6.1".to_owned(),
            versions: BTreeMap::from(versions),
        },
        token: Some(name("session-1")),
    })
}

fn dispatch() -> Dispatch {
    Dispatch {
        plugin_name: name("sales"),
        plugin_version: version(),
        plugin_language: PluginLanguage::Python,
        plugin_source: None,
        config: json!({"currency": "EUR"}).as_object().expect("an object").clone(),
        file_path: "/srv/data/2024/north.csv".to_owned(),
        file_path_b64: None,
        source_root: "/srv/data".to_owned(),
        file_version_id: VersionId::new(5),
        content_hash: hash('b'),
        size: 1_024,
        stat: FileStat { inode: 7, size: 1_024, mtime_ns: 1_700_000_000_000_000_001, ctime_ns: 2 },
        racy: false,
        sinks: vec![SinkTarget {
            topic: name("sales_data"),
            uri: name("parquet://sales_data"),
            mode: "append".to_owned(),
            schema_def: None,
            schema_version: 0,
            options: TopicOptions::default(),
        }],
        kind: JobKind::Process,
        attempt: 1,
        lease_s: 15.0,
        limits: JobLimits { timeout_ms: 600_000, memory_bytes: 2 << 30 },
        recovery: 0,
        commit_id: None,
        outputs: Vec::new(),
    }
}

fn staged() -> StagedOutput {
    StagedOutput {
        topic: name("sales_data"),
        uri: name("parquet://sales_data"),
        staged: "_staging/host-1-4711/81985529216486895_1.parquet".to_owned(),
        final_name: "part-81985529216486895.parquet".to_owned(),
        row_start: 0,
        rows: 3,
        size_bytes: 2_048,
        hash: hash('c'),
        schema: TopicSchema {
            columns: vec![
                Column {
                    declared: true,
                    not_null: true,
                    ..Column::new("order_id", ColumnType::Int { bits: 64, signed: true })
                },
                Column::new("amount", ColumnType::Float { bits: 64 }),
            ],
        },
        schema_version: 3,
        reasons: vec![QuarantineReason {
            column: Some("amount".to_owned()),
            reason: "'x' is not a float64".to_owned(),
            rows: 2,
        }],
    }
}

fn dispatch_process() -> SentinelMessage {
    SentinelMessage::Dispatch(JOB, dispatch())
}

fn dispatch_sql() -> SentinelMessage {
    let sql = Dispatch {
        plugin_name: name("orders"),
        plugin_language: PluginLanguage::Sql,
        plugin_source: Some("-- TOPIC: orders\nSELECT * FROM file\n".to_owned()),
        config: serde_json::Map::new(),
        ..dispatch()
    };
    SentinelMessage::Dispatch(JOB, sql)
}

/// A path that is not UTF-8 travels twice: lossy to read, in base 64 to use.
fn dispatch_recover() -> SentinelMessage {
    let recover = Dispatch {
        plugin_source: Some("# PATTERN: *.csv\n".to_owned()),
        file_path: "/srv/data/\u{fffd}.csv".to_owned(),
        file_path_b64: Some("L3Nydi9kYXRhL/8uY3N2".to_owned()),
        racy: true,
        kind: JobKind::Recover,
        attempt: 2,
        recovery: 1,
        commit_id: Some(CommitId::from(JOB)),
        outputs: vec![staged()],
        ..dispatch()
    };
    SentinelMessage::Dispatch(JOB, recover)
}

fn abort() -> SentinelMessage {
    SentinelMessage::Abort(JOB, Abort { reason: "a newer version of the file".to_owned() })
}

fn heartbeat() -> WorkerMessage {
    let commit_id = CommitId::from(JOB);
    WorkerMessage::Heartbeat(Heartbeat {
        token: Some(name("session-1")),
        status: Busy::Busy,
        current_job_id: Some(JOB),
        jobs: vec![JobProgress { id: JOB, attempt: 1, rows: 3, bytes: 1_024, packed: true }],
        ready: vec![ReadyJob { job: JOB, attempt: 1, commit_id, outputs: vec![staged()] }],
        retired: vec![OutputFileId::new(11)],
        leaving: false,
    })
}

/// The least that a heartbeat of ours says, with its last word.
fn heartbeat_leaving() -> WorkerMessage {
    let token = Some(name("session-1"));
    WorkerMessage::Heartbeat(Heartbeat { token, leaving: true, ..Heartbeat::default() })
}

fn answer() -> SentinelMessage {
    let (topic, uri) = (name::<TopicName>("sales_data"), name("parquet://sales_data"));
    let this = JobAttempt { id: JOB, attempt: 1 };
    let other = JobAttempt { id: JobId::new(8), attempt: 3 };
    let supersede = vec![Superseded { topic: name("sales_data"), uri, job: JobId::new(6) }];
    SentinelMessage::Answer(HeartbeatAnswer {
        accepted: Some(true),
        session: Some(name("session-1")),
        lease_s: Some(15.0),
        heartbeat_s: Some(2.0),
        keep_staging: vec![Commit::from(other)],
        plugin_refusals: vec![PluginRefusal {
            name: "orders".to_owned(),
            reason: "orders.py:2: TOPICK is not a key; did you mean TOPIC?".to_owned(),
        }],
        renewed: vec![this],
        granted: vec![Grant { id: JOB, attempt: 1, commit_id: CommitId::from(JOB), supersede }],
        refused: vec![Refusal { id: JobId::new(9), attempt: 1, reason: "aborted".to_owned() }],
        deferred: vec![JobAttempt { id: JobId::new(10), attempt: 1 }],
        concluded: vec![other],
        retire: vec![Retirement {
            id: OutputFileId::new(12),
            job: JobAttempt { id: JobId::new(6), attempt: 1 },
            topic: topic.clone(),
            uri: name("parquet://sales_data"),
            file: "part-6.parquet".to_owned(),
            copied: true,
        }],
        compact: vec![Compaction {
            id: CommitId::new(13),
            topic,
            uri: name("parquet://sales_data"),
            sources: vec![CompactionSource {
                file: "part-5.parquet".to_owned(),
                size_bytes: 2_048,
                hash: hash('d'),
                rows: vec![(0, 10), (12, 3)],
            }],
            recovery: 0,
            output: None,
        }],
    })
}

fn conclude() -> WorkerMessage {
    let ms = [("execute", 40), ("promote", 2), ("stage", 5)];
    let conclude = Conclude {
        status: ConcludeStatus::Success,
        token: Some(name("session-1")),
        attempt: 1,
        recovery: 0,
        metrics: Metrics {
            rows: 3,
            size_bytes: 2_048,
            bytes_in: 1_024,
            quarantined: 0,
            ms: ms.map(|(phase, ms)| (phase.to_owned(), ms)).into(),
        },
        artifacts: vec![ArtifactReceipt {
            topic: name("sales_data"),
            uri: "parquet://sales_data".to_owned(),
            file: Some("part-81985529216486895.parquet".to_owned()),
            rows: 3,
            hash: Some(hash('c')),
        }],
        error_message: None,
        error_class: None,
        retryable: None,
    };
    WorkerMessage::Conclude(JOB, conclude)
}

fn conclude_failed() -> WorkerMessage {
    let conclude = Conclude {
        status: ConcludeStatus::Failed,
        token: Some(name("session-1")),
        attempt: 4,
        recovery: 0,
        metrics: Metrics::default(),
        artifacts: Vec::new(),
        error_message: Some("ValueError: line 7 has 2 fields; expected 3".to_owned()),
        error_class: Some(ErrorClass::Plugin),
        retryable: Some(false),
    };
    WorkerMessage::Conclude(JOB, conclude)
}

fn err_from_worker() -> WorkerMessage {
    let report = ErrReport {
        message: "no such plugin version".to_owned(),
        traceback: Some("Traceback (most recent call last): ...".to_owned()),
        retryable: true,
    };
    WorkerMessage::Err(Some(JOB), report)
}

fn err_from_sentinel() -> SentinelMessage {
    let message = "unknown opcode 9".to_owned();
    SentinelMessage::Err(None, ErrReport { message, ..ErrReport::default() })
}

pub fn from_worker() -> Vec<(&'static str, WorkerMessage)> {
    vec![
        ("identify", identify()),
        ("heartbeat", heartbeat()),
        ("heartbeat_leaving", heartbeat_leaving()),
        ("conclude", conclude()),
        ("conclude_failed", conclude_failed()),
        ("err_from_worker", err_from_worker()),
    ]
}

pub fn from_sentinel() -> Vec<(&'static str, SentinelMessage)> {
    vec![
        ("dispatch_process", dispatch_process()),
        ("dispatch_sql", dispatch_sql()),
        ("dispatch_recover", dispatch_recover()),
        ("abort", abort()),
        ("heartbeat_answer", answer()),
        ("err_from_sentinel", err_from_sentinel()),
    ]
}
