//! What an original v4 peer sends is understood, though it lacks every field that came later.

use protocol::{
    Busy, ConcludeStatus, FrameError, Heartbeat, Identify, JobId, Metrics, Opcode, SentinelMessage,
    WorkerMessage,
};

/// `!BBHQI` by hand: version 4, opcode, reserved, job id, payload length.
fn frames(opcode: u8, job_id: u64, payload: &str) -> [Vec<u8>; 2] {
    let mut header = vec![4, opcode, 0, 0];
    header.extend(job_id.to_be_bytes());
    header.extend((payload.len() as u32).to_be_bytes());
    [header, payload.as_bytes().to_vec()]
}

fn from_worker(opcode: u8, job_id: u64, payload: &str) -> Result<WorkerMessage, FrameError> {
    WorkerMessage::decode(&frames(opcode, job_id, payload))
}

fn from_sentinel(opcode: u8, job_id: u64, payload: &str) -> Result<SentinelMessage, FrameError> {
    SentinelMessage::decode(&frames(opcode, job_id, payload))
}

#[test]
fn identify_of_a_v4_worker_names_its_plugins_alone() {
    let message =
        from_worker(1, 0, r#"{"capabilities": ["sales", "my plugin"], "worker_id": null}"#);
    let capabilities = vec!["sales".to_owned(), "my plugin".to_owned()];
    let identify = Identify { capabilities, ..Identify::default() };
    assert_eq!(message, Ok(WorkerMessage::Identify(identify)));
}

#[test]
fn identify_of_a_v4_worker_may_carry_its_socket_identity() {
    let message =
        from_worker(1, 0, r#"{"capabilities": [], "worker_id": "w-1766390400000000000"}"#);
    let Ok(WorkerMessage::Identify(identify)) = message else { panic!("{message:?}") };
    assert_eq!(identify.worker_id.expect("an id").as_str(), "w-1766390400000000000");
}

#[test]
fn heartbeat_of_a_v4_worker_lists_no_jobs() {
    let idle = from_worker(4, 0, r#"{"status": "IDLE", "current_job_id": null}"#);
    assert_eq!(idle, Ok(WorkerMessage::Heartbeat(Heartbeat::default())));
    let busy = from_worker(4, 0, r#"{"status": "BUSY", "current_job_id": 7}"#);
    let current_job_id = Some(JobId::new(7));
    let expected = Heartbeat { status: Busy::Busy, current_job_id, ..Heartbeat::default() };
    assert_eq!(busy, Ok(WorkerMessage::Heartbeat(expected)));
}

#[test]
fn conclude_of_a_v4_worker_says_neither_attempt_nor_rows() {
    let payload = r#"{"status": "SUCCESS", "metrics": {"rows": 0, "size_bytes": 0},
        "artifacts": [{"topic": "output", "uri": "parquet://sales.parquet"}], "error_message": null}"#;
    let Ok(WorkerMessage::Conclude(job, conclude)) = from_worker(5, 9, payload) else {
        panic!("{:?}", from_worker(5, 9, payload))
    };
    assert_eq!(job, JobId::new(9));
    assert_eq!(conclude.status, ConcludeStatus::Success);
    assert_eq!((conclude.attempt, &conclude.token), (0, &None));
    assert_eq!(conclude.metrics, Metrics::default());
    let [artifact] = conclude.artifacts.as_slice() else { panic!("{conclude:?}") };
    assert_eq!((artifact.topic.as_str(), artifact.rows), ("output", 0));
    assert_eq!((artifact.uri.as_str(), &artifact.file), ("parquet://sales.parquet", &None));
}

#[test]
fn a_failed_conclude_of_a_v4_worker_has_its_message_only() {
    let payload = r#"{"status": "FAILED", "metrics": {}, "artifacts": [], "error_message": "no"}"#;
    let Ok(WorkerMessage::Conclude(_, conclude)) = from_worker(5, 9, payload) else {
        panic!("{:?}", from_worker(5, 9, payload))
    };
    assert_eq!(conclude.status, ConcludeStatus::Failed);
    assert_eq!(conclude.error_message.as_deref(), Some("no"));
    assert_eq!((conclude.error_class, conclude.retryable), (None, None));
}

#[test]
fn err_of_a_v4_peer_is_read_in_both_directions() {
    let payload = r#"{"message": "no plugin", "traceback": "Traceback ..."}"#;
    let Ok(WorkerMessage::Err(job, report)) = from_worker(6, 9, payload) else { panic!() };
    assert_eq!(
        (job, report.message.as_str(), report.retryable),
        (Some(JobId::new(9)), "no plugin", false)
    );
    let payload = r#"{"message": "unknown opcode", "traceback": null}"#;
    let Ok(SentinelMessage::Err(job, report)) = from_sentinel(6, 0, payload) else { panic!() };
    assert_eq!((job, report.traceback), (None, None));
}

#[test]
fn abort_of_a_v4_sentinel_has_an_empty_second_frame() {
    let Ok(SentinelMessage::Abort(job, abort)) = from_sentinel(3, 9, "") else { panic!() };
    assert_eq!((job, abort.reason.as_str()), (JobId::new(9), ""));
}

#[test]
fn the_reserved_bytes_may_hold_anything() {
    let [mut header, payload] = frames(4, 0, "{}");
    header[2..4].copy_from_slice(&[0xff, 0xff]);
    let message = WorkerMessage::decode(&[header, payload]);
    assert_eq!(message, Ok(WorkerMessage::Heartbeat(Heartbeat::default())));
}

#[test]
fn a_message_for_the_other_side_is_refused() {
    for (opcode, named) in [(2, Opcode::Dispatch), (3, Opcode::Abort)] {
        assert_eq!(from_worker(opcode, 1, "{}"), Err(FrameError::Direction { opcode: named }));
    }
    for (opcode, named) in [(1, Opcode::Identify), (5, Opcode::Conclude)] {
        assert_eq!(from_sentinel(opcode, 1, "{}"), Err(FrameError::Direction { opcode: named }));
    }
}
