//! Every setting that is one value: its name in casparian.toml, its variable, its default. The one list of them.

/// A setting that casparian.toml, the environment and, for some, a flag can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Empty for the keys above the first section.
    pub section: &'static str,
    pub name: &'static str,
    pub variable: &'static str,
    pub flag: Option<&'static str>,
    /// As a person would write it. Empty: there is none, or it depends on the machine.
    pub default: &'static str,
}

/// What is shown in the place of a secret.
pub const SECRET_SHOWN: &str = "(set, not shown)";

macro_rules! keys {
    ($($constant:ident = $section:literal . $name:literal, $variable:literal, $flag:expr, $default:literal;)*) => {
        impl Key {
            $(pub const $constant: Self = Self {
                section: $section, name: $name, variable: $variable, flag: $flag, default: $default,
            };)*

            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];
        }
    };
}

keys! {
    PLUGINS_DIR = "" . "plugins_dir", "CASPARIAN_PLUGINS_DIR", Some("--plugins"), "plugins";
    OUTPUT = "" . "output", "CASPARIAN_OUTPUT", Some("--output"), "lake";
    CATALOG = "" . "catalog", "CASPARIAN_CATALOG", Some("--catalog"), ".casparian/catalog.db";
    PYTHON_INTERPRETER = "python" . "interpreter", "CASPARIAN_PYTHON_INTERPRETER", None, "python3";
    SENTINEL_BIND = "sentinel" . "bind", "CASPARIAN_SENTINEL_BIND", Some("--bind"), "tcp://127.0.0.1:5555";
    SENTINEL_LEASE = "sentinel" . "lease", "CASPARIAN_SENTINEL_LEASE", None, "15s";
    SENTINEL_HEARTBEAT = "sentinel" . "heartbeat", "CASPARIAN_SENTINEL_HEARTBEAT", None, "2s";
    WORKER_CONNECT = "worker" . "connect", "CASPARIAN_WORKER_CONNECT", Some("--connect"), "tcp://127.0.0.1:5555";
    WORKER_SENTINEL_KEY = "worker" . "sentinel_key", "CASPARIAN_WORKER_SENTINEL_KEY", Some("--sentinel-key"), "";
    WORKER_SLOTS = "worker" . "slots", "CASPARIAN_WORKER_SLOTS", Some("--slots"), "";
    WORKER_PACKS = "worker" . "packs", "CASPARIAN_WORKER_PACKS", None, "true";
    SCOUT_HASH = "scout" . "hash", "CASPARIAN_SCOUT_HASH", None, "routed";
    SCOUT_SWEEP = "scout" . "sweep", "CASPARIAN_SCOUT_SWEEP", None, "1m";
    SECURITY_KEYS = "security" . "keys", "CASPARIAN_SECURITY_KEYS", Some("--keys"), ".casparian/keys";
    SECURITY_GATEKEEPER = "security" . "gatekeeper", "CASPARIAN_SECURITY_GATEKEEPER", None, "warn";
    SECURITY_SANDBOX = "security" . "sandbox", "CASPARIAN_SECURITY_SANDBOX", None, "default";
    SECURITY_REQUIRE_SIGNATURE = "security" . "require_signature", "CASPARIAN_SECURITY_REQUIRE_SIGNATURE", None, "false";
    LLM_BASE_URL = "llm" . "base_url", "CASPARIAN_LLM_BASE_URL", None, "";
    LLM_MODEL = "llm" . "model", "CASPARIAN_LLM_MODEL", None, "";
    LLM_API_KEY = "llm" . "api_key", "CASPARIAN_LLM_API_KEY", None, "";
}

impl Key {
    /// `sentinel.lease`.
    pub fn path(self) -> String {
        if self.section.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.section, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_named_after_section_and_key() {
        for key in Key::ALL {
            let expected = format!("CASPARIAN_{}", key.path().replace('.', "_").to_uppercase());
            assert_eq!(key.variable, expected);
        }
    }
}
