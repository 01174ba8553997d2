//! All settings, resolved: what is in force, and where each value came from.

use super::environment::Environment;
use super::error::ConfigError;
use super::file::FileConfig;
use super::flags::Flags;
use super::key::Key;
use super::locations::{absolute, check_endpoint, output_path};
use super::project::Project;
use super::setting::{Origin, Setting};
use super::value::{
    Endpoints, Gatekeeper, HashMode, Interval, Sandbox, Secret, SentinelKey, Slots,
};
use catalog::CatalogUrl;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use toml::Spanned;

#[derive(Debug, Clone)]
pub struct Settings {
    pub project: Project,
    pub plugins_dir: Setting<PathBuf>,
    pub output: Setting<PathBuf>,
    /// A file, or a database on a server.
    pub catalog: Setting<CatalogUrl>,
    pub python: Setting<String>,
    pub bind: Setting<String>,
    pub lease: Setting<Interval>,
    pub heartbeat: Setting<Interval>,
    pub connect: Setting<Endpoints>,
    pub sentinel_key: Setting<SentinelKey>,
    pub slots: Setting<Slots>,
    pub packs: Setting<bool>,
    pub hash: Setting<HashMode>,
    pub sweep: Setting<Interval>,
    /// The directory of CURVE keys.
    pub keys: Setting<PathBuf>,
    pub gatekeeper: Setting<Gatekeeper>,
    pub sandbox: Setting<Sandbox>,
    pub require_signature: Setting<bool>,
    pub llm_base_url: Setting<String>,
    pub llm_model: Setting<String>,
    pub llm_api_key: Setting<Secret>,
    /// Sources, rules, plugins, topics and sinks.
    pub file: FileConfig,
}

/// One line of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub key: Key,
    pub value: String,
    pub origin: Origin,
}

impl Settings {
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let project = Project::find(flags.project.as_deref(), environment)?;
        let file = FileConfig::read(&project.config_file())?;
        Resolver { flags, environment, file: &file, project: &project }.settings(file.clone())
    }

    pub fn describe(&self) -> Vec<Described> {
        fn line<T: Display>(key: Key, setting: &Setting<T>) -> Described {
            Described { key, value: setting.value.to_string(), origin: setting.origin.clone() }
        }
        fn path(key: Key, setting: &Setting<PathBuf>) -> Described {
            let value = setting.value.to_string_lossy().into_owned();
            Described { key, value, origin: setting.origin.clone() }
        }
        vec![
            path(Key::PLUGINS_DIR, &self.plugins_dir),
            path(Key::OUTPUT, &self.output),
            line(Key::CATALOG, &self.catalog),
            line(Key::PYTHON_INTERPRETER, &self.python),
            line(Key::SENTINEL_BIND, &self.bind),
            line(Key::SENTINEL_LEASE, &self.lease),
            line(Key::SENTINEL_HEARTBEAT, &self.heartbeat),
            line(Key::WORKER_CONNECT, &self.connect),
            line(Key::WORKER_SENTINEL_KEY, &self.sentinel_key),
            line(Key::WORKER_SLOTS, &self.slots),
            line(Key::WORKER_PACKS, &self.packs),
            line(Key::SCOUT_HASH, &self.hash),
            line(Key::SCOUT_SWEEP, &self.sweep),
            path(Key::SECURITY_KEYS, &self.keys),
            line(Key::SECURITY_GATEKEEPER, &self.gatekeeper),
            line(Key::SECURITY_SANDBOX, &self.sandbox),
            line(Key::SECURITY_REQUIRE_SIGNATURE, &self.require_signature),
            line(Key::LLM_BASE_URL, &self.llm_base_url),
            line(Key::LLM_MODEL, &self.llm_model),
            line(Key::LLM_API_KEY, &self.llm_api_key),
        ]
    }
}

struct Resolver<'a> {
    flags: &'a Flags,
    environment: &'a Environment,
    file: &'a FileConfig,
    project: &'a Project,
}

impl Resolver<'_> {
    fn settings(&self, file: FileConfig) -> Result<Settings, ConfigError> {
        let lease = self.value(Key::SENTINEL_LEASE, &self.file.sentinel.lease)?;
        Ok(Settings {
            project: self.project.clone(),
            plugins_dir: self.directory(
                Key::PLUGINS_DIR,
                &self.flags.plugins_dir,
                &self.file.plugins_dir,
            )?,
            output: self.place(Key::OUTPUT, &self.flags.output, &self.file.output, output_path)?,
            catalog: self.catalog()?,
            python: self.value(Key::PYTHON_INTERPRETER, &self.file.python.interpreter)?,
            bind: self.endpoint(Key::SENTINEL_BIND, &self.flags.bind, &self.file.sentinel.bind)?,
            heartbeat: self.heartbeat(&lease)?,
            lease,
            connect: self.connect()?,
            sentinel_key: match self.flags.sentinel_key {
                Some(value) => Setting { value, origin: Origin::Flag("--sentinel-key") },
                None => self.value(Key::WORKER_SENTINEL_KEY, &self.file.worker.sentinel_key)?,
            },
            slots: self.slots()?,
            packs: self.value(Key::WORKER_PACKS, &self.file.worker.packs)?,
            hash: self.value(Key::SCOUT_HASH, &self.file.scout.hash)?,
            sweep: self.value(Key::SCOUT_SWEEP, &self.file.scout.sweep)?,
            keys: self.directory(Key::SECURITY_KEYS, &self.flags.keys, &self.file.security.keys)?,
            gatekeeper: self.value(Key::SECURITY_GATEKEEPER, &self.file.security.gatekeeper)?,
            sandbox: self.value(Key::SECURITY_SANDBOX, &self.file.security.sandbox)?,
            require_signature: self
                .value(Key::SECURITY_REQUIRE_SIGNATURE, &self.file.security.require_signature)?,
            llm_base_url: self.value(Key::LLM_BASE_URL, &self.file.llm.base_url)?,
            llm_model: self.value(Key::LLM_MODEL, &self.file.llm.model)?,
            llm_api_key: self.value(Key::LLM_API_KEY, &self.file.llm.api_key)?,
            file,
        })
    }

    /// What is set at all, by variable or file.
    fn given<T>(
        &self,
        key: Key,
        file: &Option<Spanned<T>>,
    ) -> Result<Option<Setting<T>>, ConfigError>
    where
        T: FromStr<Err: Display> + Clone,
    {
        if let Some(text) = self.environment.text(key.variable)? {
            let wrong = |error: T::Err| ConfigError::Variable {
                name: key.variable.to_owned(),
                what: error.to_string(),
            };
            let value = text.parse().map_err(wrong)?;
            return Ok(Some(Setting { value, origin: Origin::Variable(key.variable) }));
        }
        Ok(file.as_ref().map(|spanned| Setting {
            value: spanned.get_ref().clone(),
            origin: Origin::File { line: self.file.line_of(spanned) },
        }))
    }

    fn value<T>(&self, key: Key, file: &Option<Spanned<T>>) -> Result<Setting<T>, ConfigError>
    where
        T: FromStr<Err: Display> + Clone,
    {
        if let Some(given) = self.given(key, file)? {
            return Ok(given);
        }
        let wrong =
            |error: T::Err| ConfigError::Variable { name: key.path(), what: error.to_string() };
        Ok(Setting { value: key.default.parse().map_err(wrong)?, origin: Origin::Default })
    }

    /// A text that a flag can give too.
    fn text(
        &self,
        key: Key,
        flag: &Option<String>,
        file: &Option<Spanned<String>>,
    ) -> Result<Setting<String>, ConfigError> {
        match (flag, key.flag) {
            (Some(value), Some(name)) => {
                Ok(Setting { value: value.clone(), origin: Origin::Flag(name) })
            }
            _ => self.value(key, file),
        }
    }

    /// In casparian.toml and by default relative to the project, else to the current directory.
    fn place(
        &self,
        key: Key,
        flag: &Option<String>,
        file: &Option<Spanned<String>>,
        path_of: fn(&str) -> Result<PathBuf, String>,
    ) -> Result<Setting<PathBuf>, ConfigError> {
        let Setting { value, origin } = self.text(key, flag, file)?;
        let path = path_of(&value).map_err(|what| self.wrong(key, &origin, what))?;
        let value = absolute(&path, &origin, &self.project.root)?;
        Ok(Setting { value, origin })
    }

    fn catalog(&self) -> Result<Setting<CatalogUrl>, ConfigError> {
        let text = self.text(Key::CATALOG, &self.flags.catalog, &self.file.catalog)?;
        let Setting { value, origin } = text;
        let parsed = value.parse::<CatalogUrl>();
        let url = parsed.map_err(|error| self.wrong(Key::CATALOG, &origin, error.to_string()))?;
        let value = match url.file() {
            Some(path) => absolute(path, &origin, &self.project.root)?.into(),
            None => url,
        };
        Ok(Setting { value, origin })
    }

    /// A directory whose flag need not be UTF-8.
    fn directory(
        &self,
        key: Key,
        flag: &Option<PathBuf>,
        file: &Option<Spanned<String>>,
    ) -> Result<Setting<PathBuf>, ConfigError> {
        let (Some(path), Some(name)) = (flag, key.flag) else {
            return self.place(key, &None, file, |text| Ok(PathBuf::from(text)));
        };
        let origin = Origin::Flag(name);
        Ok(Setting { value: absolute(path, &origin, &self.project.root)?, origin })
    }

    fn connect(&self) -> Result<Setting<Endpoints>, ConfigError> {
        let key = Key::WORKER_CONNECT;
        let setting = match &self.flags.connect[..] {
            [] => self.value(key, &self.file.worker.connect)?,
            given => {
                Setting { value: Endpoints::new(given.to_vec()), origin: Origin::Flag("--connect") }
            }
        };
        for endpoint in setting.value.get() {
            check_endpoint(endpoint).map_err(|what| self.wrong(key, &setting.origin, what))?;
        }
        Ok(setting)
    }

    fn endpoint(
        &self,
        key: Key,
        flag: &Option<String>,
        file: &Option<Spanned<String>>,
    ) -> Result<Setting<String>, ConfigError> {
        let setting = self.text(key, flag, file)?;
        match check_endpoint(&setting.value) {
            Ok(()) => Ok(setting),
            Err(what) => Err(self.wrong(key, &setting.origin, what)),
        }
    }

    fn slots(&self) -> Result<Setting<Slots>, ConfigError> {
        if let Some(value) = self.flags.slots {
            return Ok(Setting { value, origin: Origin::Flag("--slots") });
        }
        let given = self.given(Key::WORKER_SLOTS, &self.file.worker.slots)?;
        let cores = || Setting { value: Slots::of_this_machine(), origin: Origin::Default };
        Ok(given.unwrap_or_else(cores))
    }

    /// Where nothing is said, often enough for the lease.
    fn heartbeat(&self, lease: &Setting<Interval>) -> Result<Setting<Interval>, ConfigError> {
        let key = Key::SENTINEL_HEARTBEAT;
        let lease_time = lease.value.get();
        let Some(given) = self.given(key, &self.file.sentinel.heartbeat)? else {
            let usual: Interval = self.value(key, &None)?.value;
            let value = usual.min(Interval::at_least_a_millisecond(lease_time / 4));
            return Ok(Setting { value, origin: Origin::Default });
        };
        if given.value.get().saturating_mul(2) > lease_time {
            let what = format!(
                "{} is too long for leases of {}: at most half of sentinel.lease",
                given.value, lease.value
            );
            return Err(self.wrong(key, &given.origin, what));
        }
        Ok(given)
    }

    fn wrong(&self, key: Key, origin: &Origin, what: String) -> ConfigError {
        match origin {
            Origin::Default => ConfigError::Variable { name: key.path(), what },
            Origin::File { line } => {
                let what = format!("{}: {what}", key.path());
                ConfigError::in_file(&self.project.config_file(), *line, what)
            }
            Origin::Variable(name) => ConfigError::Variable { name: (*name).to_owned(), what },
            Origin::Flag(flag) => ConfigError::Flag { flag, what },
        }
    }
}
