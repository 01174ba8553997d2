//! What a plugin is written in: it decides how its source is read and which guest runs it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PluginLanguage {
    /// Peers that do not say know no other.
    #[default]
    Python,
    Sql,
}

impl PluginLanguage {
    pub const ALL: [Self; 2] = [Self::Python, Self::Sql];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Sql => "sql",
        }
    }

    /// Of its source files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::Sql => "sql",
        }
    }

    /// None: a file with this extension is no plugin.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.extension() == extension)
    }

    /// Of what is left out on the wire.
    pub fn is_python(&self) -> bool {
        *self == Self::Python
    }
}

impl fmt::Display for PluginLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PluginLanguage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|language| language.as_str() == text);
        found.ok_or_else(|| format!("'{text}' is no language of plugins"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_name_and_its_files() {
        for language in PluginLanguage::ALL {
            assert_eq!(language.as_str().parse(), Ok(language));
            assert_eq!(PluginLanguage::of_extension(language.extension()), Some(language));
            let text = serde_json::to_string(&language).unwrap();
            assert_eq!(text, format!("\"{language}\""));
        }
        assert_eq!(PluginLanguage::of_extension("txt"), None);
        let error = "perl".parse::<PluginLanguage>().unwrap_err();
        assert_eq!(error, "'perl' is no language of plugins");
    }
}
