//! Resident memory by process group, read from `/proc`: one look serves all guests for a while.

use rustix::process::Pid;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FRESH: Duration = Duration::from_millis(90);
/// Fields of `/proc/<pid>/stat` after the command's closing parenthesis.
const GROUP_FIELD: usize = 2;
const RSS_FIELD: usize = 21;

#[derive(Debug, Default)]
pub struct MemoryScan {
    last: Mutex<Option<(Instant, HashMap<i32, u64>)>>,
}

impl MemoryScan {
    /// Bytes of all processes in the group.
    pub fn group_bytes(&self, group: Pid) -> u64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.as_ref().is_none_or(|(when, _)| now - *when > FRESH) {
            *last = Some((now, scan()));
        }
        let groups = last.as_ref().map(|(_, groups)| groups);
        groups.and_then(|groups| groups.get(&group.as_raw_pid()).copied()).unwrap_or(0)
    }
}

/// Bytes of one process.
pub fn process_bytes(pid: Pid) -> u64 {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()))
        .ok()
        .and_then(|stat| parse(&stat))
        .map_or(0, |(_, bytes)| bytes)
}

fn scan() -> HashMap<i32, u64> {
    let mut groups = HashMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return groups };
    for entry in entries.flatten() {
        let is_process = entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        // A process that ended since has no stat any more.
        let stat = is_process.then(|| std::fs::read_to_string(entry.path().join("stat")).ok());
        if let Some((group, bytes)) = stat.flatten().as_deref().and_then(parse) {
            *groups.entry(group).or_default() += bytes;
        }
    }
    groups
}

/// Group and resident bytes. The command may contain anything, so counting starts after its last parenthesis.
fn parse(stat: &str) -> Option<(i32, u64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields = fields.split_ascii_whitespace().collect::<Vec<_>>();
    let pages = fields.get(RSS_FIELD)?.parse::<u64>().ok()?;
    let group = fields.get(GROUP_FIELD)?.parse().ok()?;
    Some((group, pages * rustix::param::page_size() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_has_memory() {
        let group = rustix::process::getpgrp();
        assert!(MemoryScan::default().group_bytes(group) > 100_000);
        assert!(process_bytes(rustix::process::getpid()) > 100_000);
    }

    #[test]
    fn a_command_with_parentheses_and_blanks_is_read_past() {
        let stat = format!("7 (a) b (c) S 1 42 {}", "0 ".repeat(18) + "3 0");
        assert_eq!(parse(&stat).map(|(group, _)| group), Some(42));
    }
}
