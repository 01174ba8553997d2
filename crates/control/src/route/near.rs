//! Patterns that nearly match a path, and what keeps them from it.

use super::router::Router;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearMiss {
    /// It would, were upper and lower case the same.
    Case,
    /// It matches the name, and asks for another directory.
    Directory,
    /// It would, without the last extension of the name.
    Extension,
}

/// None: it matches, or is far from it.
pub fn near_miss(pattern: &str, path: &[u8]) -> Option<NearMiss> {
    if matches(pattern, path) {
        return None;
    }
    if matches(&pattern.to_lowercase(), &path.to_ascii_lowercase()) {
        return Some(NearMiss::Case);
    }
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let last = pattern.rsplit('/').next().unwrap_or(pattern);
    let says_something = last.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if pattern.contains('/') && says_something && matches(last, name) {
        return Some(NearMiss::Directory);
    }
    let dot = path.iter().rposition(|byte| *byte == b'.')?;
    matches(pattern, &path[..dot]).then_some(NearMiss::Extension)
}

fn matches(pattern: &str, path: &[u8]) -> bool {
    Router::new([(pattern, "near")]).is_ok_and(|router| !router.matching(path).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_pattern_from_a_path_is_named() {
        let check = |pattern, path: &str, expected| {
            assert_eq!(near_miss(pattern, path.as_bytes()), expected, "{pattern} {path}");
        };
        check("*.csv", "a/x.csv", None);
        check("*.csv", "a/x.CSV", Some(NearMiss::Case));
        check("Sales/*.csv", "sales/x.csv", Some(NearMiss::Case));
        check("sales/*.csv", "old/x.csv", Some(NearMiss::Directory));
        check("/*.csv", "old/x.csv", Some(NearMiss::Directory));
        check("sales/**", "old/x.csv", None);
        check("*.csv", "a/x.csv.gz", Some(NearMiss::Extension));
        check("*.json", "a/x.csv", None);
    }
}
