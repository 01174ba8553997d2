//! What a guest says at the end of a job, in its DONE or ERROR. None of it is trusted: counts are compared, texts are cut.

use crate::failure::JobFailure;
use protocol::ErrorClass;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Lines of a traceback that go with the message; all of it is in the job's log.
const TRACEBACK_LINES_MAX: usize = 8;
const TRACEBACK_HEAD: &str = "Traceback (most recent call last):";

#[derive(Debug, Deserialize)]
pub struct GuestError {
    class: String,
    message: String,
    #[serde(default)]
    pub traceback: String,
}

impl GuestError {
    /// The last line says what happened, as in Python; above it stands where.
    pub fn failure(&self) -> JobFailure {
        let class = match self.class.as_str() {
            "load" => ErrorClass::Load,
            "memory" => ErrorClass::Memory,
            _ => ErrorClass::Plugin,
        };
        let where_lines = last_frames(&self.traceback);
        if where_lines.is_empty() {
            return JobFailure::new(class, self.message.clone());
        }
        let text = format!("{TRACEBACK_HEAD}\n{}\n{}", where_lines.join("\n"), self.message);
        JobFailure::new(class, text)
    }
}

/// Lines of frames are indented; those of the exception itself, which the message repeats, are not.
fn last_frames(traceback: &str) -> Vec<&str> {
    let lines = traceback.lines().rev().skip_while(|line| !line.starts_with("  "));
    let frames = lines.take_while(|line| line.starts_with("  "));
    let mut frames = frames.take(TRACEBACK_LINES_MAX).collect::<Vec<_>>();
    frames.reverse();
    // Not from the middle of a frame.
    let first = frames.iter().position(|line| line.starts_with("  File ")).unwrap_or(0);
    frames.split_off(first)
}

/// Rows that came, by topic.
#[derive(Debug, Default)]
pub struct Tally {
    rows: Counts,
    rejects: Counts,
}

type Counts = BTreeMap<String, u64>;

#[derive(Debug, Deserialize)]
struct Done {
    rows: Counts,
    /// Those that were sent as rejected.
    #[serde(default)]
    quarantined: Counts,
}

impl Tally {
    pub fn add_rows(&mut self, topic: &str, rows: u64) {
        add(&mut self.rows, topic, rows);
    }

    pub fn add_rejects(&mut self, topic: &str, rows: u64) {
        add(&mut self.rejects, topic, rows);
    }

    /// Nothing may get lost on the way unseen: what came must be what the guest says that it sent.
    pub fn check(&self, done: &[u8]) -> Result<(), String> {
        let Ok(Done { rows, quarantined }) = serde_json::from_slice(done) else {
            return Err("ended a job without saying what it sent".to_owned());
        };
        compare(&rows, &self.rows, "rows")?;
        compare(&quarantined, &self.rejects, "rejected rows")
    }
}

fn add(counts: &mut Counts, topic: &str, rows: u64) {
    match counts.get_mut(topic) {
        Some(sum) => *sum += rows,
        None => drop(counts.insert(topic.to_owned(), rows)),
    }
}

fn compare(sent: &Counts, came: &Counts, what: &str) -> Result<(), String> {
    for topic in sent.keys().chain(came.keys()) {
        let count = |rows: &Counts| rows.get(topic).copied().unwrap_or(0);
        let (sent, came) = (count(sent), count(came));
        if sent != came {
            return Err(format!("says it sent {sent} {what} to {topic}, and {came} came"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str, traceback: &str) -> String {
        let (message, traceback) = (message.to_owned(), traceback.to_owned());
        GuestError { class: "plugin".to_owned(), message, traceback }.failure().message
    }

    #[test]
    fn the_last_frames_stand_above_the_message() {
        let traceback = "Traceback (most recent call last):\n  File \"p.py\", line 3, in execute\n    parse(path)\n  File \"p.py\", line 9, in parse\n    raise ValueError('bad')\nValueError: bad\n";
        assert_eq!(failure("ValueError: bad", traceback), traceback.trim_end());
        assert_eq!(
            failure("the plugin called exit(2)", "SystemExit: 2"),
            "the plugin called exit(2)"
        );
        assert_eq!(failure("ValueError: bad", ""), "ValueError: bad");
    }

    #[test]
    fn a_deep_traceback_is_cut_between_frames() {
        let frames =
            (0..50).map(|n| format!("  File \"p.py\", line {n}, in f\n    f()\n    ^^^\n"));
        let traceback =
            format!("{TRACEBACK_HEAD}\n{}RecursionError: deep", frames.collect::<String>());
        let text = failure("RecursionError: deep", &traceback);
        assert_eq!(text.lines().count(), 1 + 6 + 1, "{text}");
        assert!(text.starts_with(TRACEBACK_HEAD) && text.contains("line 49"), "{text}");
    }

    #[test]
    fn rows_that_did_not_come_are_noticed() {
        let mut tally = Tally::default();
        tally.add_rows("a", 2);
        tally.add_rows("a", 1);
        assert_eq!(tally.check(br#"{"rows": {"a": 3, "b": 0}}"#), Ok(()));
        let error = tally.check(br#"{"rows": {"a": 4}}"#).unwrap_err();
        assert_eq!(error, "says it sent 4 rows to a, and 3 came");
        assert!(tally.check(br#"{"rows": {}}"#).is_err());
        assert!(tally.check(b"{}").is_err());
        tally.add_rejects("b", 2);
        assert_eq!(tally.check(br#"{"rows": {"a": 3}, "quarantined": {"b": 2}}"#), Ok(()));
        let error = tally.check(br#"{"rows": {"a": 3}}"#).unwrap_err();
        assert_eq!(error, "says it sent 0 rejected rows to b, and 2 came");
    }
}
