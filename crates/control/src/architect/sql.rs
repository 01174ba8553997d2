//! The comment lines of a SQL plugin. The query itself is not read here.

use super::problem::At;

/// The `--` lines before the first statement, without their sign.
pub(super) fn header(source: &str) -> Vec<At<&str>> {
    let mut header = Vec::new();
    for (line, text) in (1..).zip(source.lines()) {
        let text = text.trim();
        if let Some(comment) = text.strip_prefix("--") {
            header.push(At { line, what: comment });
        } else if !text.is_empty() {
            break;
        }
    }
    header
}
