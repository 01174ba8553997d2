//! What a tag may look like. Tags are stored as a comma list, so a comma or a blank cannot be part of one.

use protocol::PluginName;

/// Room for `auto_` and the longest plugin name.
const TAG_LEN_MAX: usize = 105;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{tag}' is not a tag: use letters, digits, '_', '-', '.' and ':', start with a letter or a digit, at most {TAG_LEN_MAX} characters"
)]
pub struct TagError {
    tag: String,
}

/// The tag that a plugin's own patterns give.
pub fn auto_tag(plugin: &PluginName) -> String {
    format!("auto_{plugin}")
}

pub fn check_tag(tag: &str) -> Result<(), TagError> {
    let first = tag.bytes().next();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && tag.len() <= TAG_LEN_MAX
        && tag.bytes().all(legal)
    {
        Ok(())
    } else {
        Err(TagError { tag: tag.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_survives_a_comma_list() {
        for tag in ["finance", "auto_a.b-c", "team:x", "2024", &"a".repeat(105)] {
            assert_eq!(check_tag(tag), Ok(()), "{tag}");
        }
        for tag in ["", "a,b", "a b", "-x", "_x", "é", &"a".repeat(106)] {
            assert!(check_tag(tag).is_err(), "{tag:?}");
        }
        let error = check_tag("a b").unwrap_err().to_string();
        assert!(error.starts_with("'a b' is not a tag: use letters"), "{error}");
    }

    #[test]
    fn every_plugin_name_makes_a_tag() {
        let longest: PluginName = "a".repeat(100).parse().unwrap();
        assert_eq!(check_tag(&auto_tag(&longest)), Ok(()));
    }
}
