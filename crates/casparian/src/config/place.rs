//! Where in a TOML text something stands.

/// The line of a byte offset, counted from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The key that stands in the line of an offset, with its section: `sentinel.lease`. None: in that line there is none.
pub fn key_at(text: &str, offset: usize) -> Option<String> {
    let line = line_at(text, offset);
    let (key, _) = text.lines().nth(line - 1)?.split_once('=')?;
    let key = key.trim();
    let is_key = !key.is_empty() && !key.contains(['[', ']', '{', '#']);
    let section = section_at(text, line);
    is_key.then(|| section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}")))
}

/// The name in the last header at or above a line.
pub fn section_at(text: &str, line: usize) -> Option<String> {
    let headers = text.lines().take(line).filter_map(|line| line.trim_start().strip_prefix('['));
    let header = headers.last()?.trim_start_matches('[');
    header.split_once(']').map(|(name, _)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!(line_at("a\nb\nc", 0), 1);
        assert_eq!(line_at("a\nb\nc", 2), 2);
        assert_eq!(line_at("a\nb\nc", 4), 3);
        assert_eq!(line_at("", 9), 1);
    }

    #[test]
    fn a_key_is_named_with_its_section() {
        let text = "top = 1\n[sentinel]\nlease = \"2\" # x\n[[rules]]\n  tag=''\n";
        let key = |part: &str| key_at(text, text.find(part).unwrap());
        assert_eq!(key("top").as_deref(), Some("top"));
        assert_eq!(key("\"2\"").as_deref(), Some("sentinel.lease"));
        assert_eq!(key("tag").as_deref(), Some("rules.tag"));
        assert_eq!(key("[sentinel]"), None);
    }
}
