//! What keeps a scan from taking a path, in words.

use crate::output::{absolute, clean_bytes};
use control::scout::{IgnoreOrigin, IgnoreReason, Obstacle};

/// The stable word for it.
pub fn word(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Ignored { .. } => "ignored",
        Obstacle::Own { .. } => "own",
        Obstacle::Unreadable { .. } => "unreadable",
        Obstacle::Special { .. } => "special",
        Obstacle::Missing { .. } => "missing",
    }
}

pub fn sentence(obstacle: &Obstacle, root: &[u8]) -> String {
    let whole = |at: &[u8]| {
        if at.is_empty() { clean_bytes(root) } else { clean_bytes(&absolute(root, at)) }
    };
    match obstacle {
        Obstacle::Ignored { at, by } => {
            format!("{} is ignored: {}", clean_bytes(at), reason(by, root))
        }
        Obstacle::Own { at } => {
            format!("{} is this project's own state or output, which is never an input", whole(at))
        }
        Obstacle::Unreadable { at, error } => {
            format!(
                "{} cannot be read ({error}): give this user the right to; until then nothing in it counts as deleted",
                whole(at)
            )
        }
        Obstacle::Special { at, reason } => {
            format!(
                "{} is a {reason}: only regular files are taken; name the file itself, or its directory as a source",
                clean_bytes(at)
            )
        }
        Obstacle::Missing { at } => format!("there is no {}", whole(at)),
    }
}

fn reason(by: &IgnoreReason, root: &[u8]) -> String {
    let pattern = &by.pattern;
    match &by.origin {
        IgnoreOrigin::File { directory } => {
            let directory =
                if directory.is_empty() { root.to_vec() } else { absolute(root, directory) };
            let file = clean_bytes(&absolute(&directory, b".casparianignore"));
            format!("'{pattern}' in {file}; take the line out, or add one that begins with '!'")
        }
        IgnoreOrigin::Settings => {
            format!("'{pattern}' in the source's `ignore` of casparian.toml, or in an ignore rule")
        }
        IgnoreOrigin::BuiltIn => {
            format!(
                "such names are never an input; '!{pattern}' in a .casparianignore brings it back"
            )
        }
    }
}
