//! The one place that reads the environment. Variables of ours are checked, whether a command uses them or not.

use super::error::ConfigError;
use super::key::Key;
use super::nearest::nearest;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const PREFIX: &str = "CASPARIAN_";
/// The project's directory; it has no key in casparian.toml, which lies there.
pub const PROJECT: &str = "CASPARIAN_PROJECT";
/// For our tests; a release build reads none of them.
const TESTS: &str = "CASPARIAN_TEST_";

/// The environment as it was at the start.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Refuses a variable that looks like one of ours and is none.
    pub fn read() -> Result<Self, ConfigError> {
        let environment = Self { variables: std::env::vars_os().collect() };
        environment.refuse_unknown()?;
        Ok(environment)
    }

    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let known = || Key::ALL.iter().map(|key| key.variable).chain([PROJECT]);
        for name in self.variables.keys() {
            let name = name.to_string_lossy();
            let ours = name.starts_with(PREFIX) && !name.starts_with(TESTS);
            if ours && !known().any(|known| known == name) {
                let nearest = nearest(&name, known()).map(str::to_owned);
                return Err(ConfigError::UnknownVariable { name: name.into_owned(), nearest });
            }
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name));
        value.map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// An empty variable counts as none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let not_text = || ConfigError::Variable {
            name: name.to_owned(),
            what: "its value is not UTF-8".to_owned(),
        };
        value.to_str().map(Some).ok_or_else(not_text)
    }

    /// A variable of our tests.
    pub fn test(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|_| name.starts_with(TESTS))?.to_str()
    }

    pub fn project(&self) -> Option<PathBuf> {
        self.get(PROJECT).map(PathBuf::from)
    }

    pub fn user(&self) -> String {
        let name = self.get("USER").or_else(|| self.get("LOGNAME"));
        name.map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Where programs are looked for.
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }

    pub fn temporary(&self) -> PathBuf {
        let given = self.get("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
        given.unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// What may be handed on.
    pub fn only(&self, may_pass: impl Fn(&str) -> bool) -> Vec<(OsString, OsString)> {
        let passes = |(name, _): &(&OsString, &OsString)| name.to_str().is_some_and(&may_pass);
        let passed = self.variables.iter().filter(passes);
        passed.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    #[cfg(test)]
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_variable_is_refused_with_the_nearest() {
        let error = Environment::of(&[("CASPARIAN_SENTINEL_LEESE", "2s")]).refuse_unknown();
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "there is no setting CASPARIAN_SENTINEL_LEESE");
        assert_eq!(error.hint().unwrap(), "did you mean CASPARIAN_SENTINEL_LEASE?");
    }

    #[test]
    fn variables_of_others_and_of_our_tests_pass() {
        let variables = [
            ("CASPARIAN_TEST_PYTHON", "x"),
            ("CASPARIANS", "x"),
            ("PATH", "/bin"),
            ("CASPARIAN_PROJECT", "/p"),
        ];
        assert!(Environment::of(&variables).refuse_unknown().is_ok());
    }

    #[test]
    fn an_empty_variable_counts_as_none() {
        let environment = Environment::of(&[("CASPARIAN_OUTPUT", "")]);
        assert_eq!(environment.text("CASPARIAN_OUTPUT").unwrap(), None);
        assert!(environment.refuse_unknown().is_ok());
    }
}
