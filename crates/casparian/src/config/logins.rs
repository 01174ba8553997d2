//! Credentials of sinks. casparian.toml names where they are, and only who goes to the sink reads them from there.

use super::environment::Environment;
use super::error::ConfigError;
use super::file::{FileConfig, SinkEntry};
use super::settings::Settings;
use protocol::SinkUri;
use std::path::Path;
use worker::sinks::{Login, Logins};

impl Settings {
    /// Of all sinks that name any.
    pub fn logins(&self, environment: &Environment) -> Result<Logins, ConfigError> {
        self.file.logins(environment, &self.project.root)
    }

    /// For who only looks: a sink whose credentials are not here is not looked at.
    pub fn logins_here(&self, environment: &Environment) -> Logins {
        let entries = self.file.sinks.values();
        let found = entries.filter_map(|entry| {
            self.file.login(entry, environment, &self.project.root).ok().flatten()
        });
        found.collect()
    }
}

impl FileConfig {
    fn logins(&self, environment: &Environment, project: &Path) -> Result<Logins, ConfigError> {
        let logins = self.sinks.values().map(|entry| self.login(entry, environment, project));
        Ok(logins.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// By the address that it is for.
    fn login(
        &self,
        entry: &SinkEntry,
        environment: &Environment,
        project: &Path,
    ) -> Result<Option<(String, Login)>, ConfigError> {
        let Some(credentials) = &entry.credentials else { return Ok(None) };
        let Ok(SinkUri::Postgresql(table)) = entry.uri.get_ref().parse() else { return Ok(None) };
        let wrong = |what: String| self.error_at(&entry.uri, format!("credentials: {what}"));
        let password = match credentials.reference() {
            Some(("env", name)) => match environment.text(name)? {
                Some(text) => text.to_owned(),
                None => return Err(wrong(format!("the environment has no {name}"))),
            },
            Some(("file", path)) => {
                let text = std::fs::read_to_string(project.join(path));
                let text = text.map_err(|error| wrong(format!("cannot read {path}: {error}")))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            _ => {
                let cure =
                    "a secret does not belong into this file: write ${env:NAME} or ${file:PATH}";
                return Err(wrong(cure.to_owned()));
            }
        };
        Ok(Some((table.address(), Login { password: Some(password) })))
    }
}
