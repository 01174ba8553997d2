//! What can be wrong with settings. Each names where, what, and what would be right.

use super::nearest::nearest;
use super::place::{key_at, line_at, section_at};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}:{line}: {what}", path.display())]
    File { path: PathBuf, line: usize, what: String, hint: Option<String> },
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("there is no setting {name}")]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("{name}: {what}")]
    Variable { name: String, what: String },
    #[error("{flag}: {what}")]
    Flag { flag: &'static str, what: String },
    #[error("the project {} does not exist", path.display())]
    NoProject { path: PathBuf },
    #[error("the project {} is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    #[error("cannot tell the current directory: {cause}")]
    NoCurrentDirectory { cause: std::io::Error },
}

impl ConfigError {
    pub(super) fn in_file(path: &Path, line: usize, what: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), line, what: what.into(), hint: None }
    }

    /// Names the key that stands there.
    pub(super) fn at(path: &Path, text: &str, offset: usize, what: impl Into<String>) -> Self {
        let what = what.into();
        let what = key_at(text, offset).map_or(what.clone(), |key| format!("{key}: {what}"));
        Self::in_file(path, line_at(text, offset), what)
    }

    /// Says what serde found in the words of a person who wrote the file.
    pub(super) fn of_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let mut quoted = error.message().split('`').skip(1).step_by(2);
        match quoted.next() {
            Some(key) if error.message().starts_with("unknown field") => {
                let known = quoted.collect::<Vec<_>>();
                let hint = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the keys here are {}", known.join(", ")),
                };
                let line = line_at(text, offset);
                let section = section_at(text, line).filter(|section| section != key);
                let place = section.map(|section| format!(" in [{section}]")).unwrap_or_default();
                let what = format!("there is no key '{key}'{place}");
                Self::File { path: path.to_owned(), line, what, hint: Some(hint) }
            }
            _ => Self::at(path, text, offset, error.message().replace('`', "'")),
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { hint, .. } => hint.clone(),
            Self::UnknownVariable { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            Self::UnknownVariable { nearest: None, .. } => Some(
                "unset it; `casparian doctor` lists every setting with its variable".to_owned(),
            ),
            Self::NoProject { path } => {
                Some(format!("make it with: casparian init {}", path.display()))
            }
            _ => None,
        }
    }
}
