//! Why jobs wait, in words.

use crate::output::{count, counted};
use catalog::Waiting;
use serde_json::{Value, json};

pub fn document(waiting: &Waiting) -> Value {
    json!({
        "queued": waiting.queued,
        "queued_backfill": waiting.queued_backfill,
        "without_plugin": waiting.without_plugin,
        "running": waiting.running,
        "committing": waiting.committing,
        "held": waiting.held,
        "backing_off": waiting.backing_off,
        "changed": waiting.changed,
        "retirements": waiting.retirements,
        "compactions": waiting.compactions,
        "compactions_put_off": waiting.compactions_put_off,
    })
}

pub fn reasons(waiting: &Waiting) -> Vec<String> {
    let jobs = |number| counted(number, "job", "jobs");
    let mut reasons = Vec::new();
    let mut add = |number: u64, text: String| {
        if number > 0 {
            reasons.push(text);
        }
    };
    let backfill = match waiting.queued_backfill {
        0 => String::new(),
        number => format!(" ({} of them in the backfill lane)", count(number)),
    };
    add(waiting.queued, format!("{} for a worker{backfill}", jobs(waiting.queued)));
    add(
        waiting.without_plugin,
        format!("{} for a plugin that is not active", jobs(waiting.without_plugin)),
    );
    add(waiting.running, format!("{} running", jobs(waiting.running)));
    add(waiting.committing, format!("{} committing", jobs(waiting.committing)));
    add(waiting.held, format!("{} for the Sentinel or another job", jobs(waiting.held)));
    add(waiting.backing_off, format!("{} for the next attempt", jobs(waiting.backing_off)));
    add(
        waiting.changed,
        format!("{} for another look at a file that changed", jobs(waiting.changed)),
    );
    let files = counted(waiting.retirements, "replaced file", "replaced files");
    add(waiting.retirements, format!("{files} to be moved to _history"));
    add(waiting.compactions, counted(waiting.compactions, "compaction", "compactions"));
    let files = counted(waiting.compactions_put_off, "shared file", "shared files");
    add(
        waiting.compactions_put_off,
        format!(
            "{files} to be written anew without replaced rows, by the next run or in ten minutes"
        ),
    );
    reasons
}
