//! Names that travel: of plugins, topics, workers and sessions.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest plugin or topic name, in bytes: a file name made from it must still fit a directory entry.
const NAME_LEN_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a {kind} name: use letters, digits, '_', '-' and '.', start with a letter or a digit, at most {NAME_LEN_MAX} characters"
)]
pub struct NameError {
    text: String,
    kind: &'static str,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { text: text.to_owned(), kind: $kind })
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// A plugin: the stem of its source file.
    PluginName, "plugin";
    /// A table that plugins publish to.
    TopicName, "topic";
    /// A table of a database, or the schema that it is in.
    TableName, "table";
    /// A worker process, unique among those that live: it names the worker's staging directories.
    WorkerId, "worker";
    /// The secret that binds jobs to the worker session that got them.
    SessionToken, "session";
}

fn is_name(text: &str) -> bool {
    let first = text.bytes().next();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.len() <= NAME_LEN_MAX
        && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_directory_are_refused() {
        for text in ["", ".", "..", "../x", "a/b", "_staging", "-x", "a\0b", "é"] {
            assert!(text.parse::<TopicName>().is_err(), "{text:?}");
        }
        assert!("a".repeat(101).parse::<TopicName>().is_err());
    }

    #[test]
    fn ordinary_names_pass() {
        for text in ["sales_data", "a", "2024-orders", "x.y"] {
            assert_eq!(text.parse::<TopicName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_refused_name_is_named_with_the_cure() {
        let error = "a b".parse::<PluginName>().unwrap_err().to_string();
        assert!(error.starts_with("'a b' is not a plugin name: use letters"), "{error}");
    }
}
