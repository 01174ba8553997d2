//! How a command fails: few kinds, each with its exit code, and a text that names the thing, the cause and the cure.

use crate::config::ConfigError;
use catalog::CatalogError;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ours.
    Bug,
    /// What was asked for, or how it is configured.
    Usage,
    /// A Sentinel, a database or a store.
    Unreachable,
}

#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, message)
    }

    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message)
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// How a command ends when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Files failed or were quarantined in this run.
    WithFailures,
    /// Catalog and output differ.
    Differs,
    /// Nothing differs in what could be checked, and not all could.
    Unchecked,
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done => Self::SUCCESS,
            Ending::WithFailures => Self::from(3),
            Ending::Unchecked => Self::from(4),
            Ending::Differs => Self::from(5),
            Ending::Interrupted => Self::from(130),
        }
    }
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Bug => Self::from(1),
            Kind::Usage => Self::from(2),
            Kind::Unreachable => Self::from(4),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { kind: Kind::Usage, hint: error.hint(), message: error.to_string() }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        let message = error.to_string();
        match error {
            CatalogError::Missing { .. } => Self::usage(message)
                .hint("`casparian run PATH` makes it; another project is named with --project"),
            CatalogError::BadUrl { .. }
            | CatalogError::NotACatalog { .. }
            | CatalogError::SchemaOlder { .. }
            | CatalogError::SchemaNewer { .. }
            | CatalogError::SchemaDiffers { .. }
            | CatalogError::NoSchema { .. } => Self::usage(message),
            CatalogError::Open { .. }
            | CatalogError::Unreachable { .. }
            | CatalogError::Busy(_)
            | CatalogError::Full(_)
            | CatalogError::Database(_) => Self::unreachable(message),
            CatalogError::Deposed => Self::unreachable(message)
                .hint("`casparian status` shows which Sentinel has this catalog now"),
            CatalogError::RulesMoved
            | CatalogError::IllegalMove { .. }
            | CatalogError::Corrupt { .. } => Self::bug(message),
        }
    }
}
