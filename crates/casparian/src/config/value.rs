//! What settings hold. Each type reads the same text from a flag, a variable and casparian.toml.

use protocol::PublicKey;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// A length of time that is waited for again and again: not nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(Duration);

/// How long a file rests before it is processed; may be nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settle(Duration);

/// How many jobs a worker runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots(NonZeroU32);

/// Which files are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashMode {
    /// Those that a plugin wants.
    Routed,
    All,
}

/// How plugin source is judged before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gatekeeper {
    Off,
    Warn,
    Deny,
}

/// How far guests are walled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    Strict,
    Default,
    Off,
}

/// Never shown, also not by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Addresses of Sentinels, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints(Vec<String>);

/// The public key of the Sentinel, where it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentinelKey(Option<PublicKey>);

impl Endpoints {
    pub fn new(endpoints: Vec<String>) -> Self {
        Self(endpoints)
    }

    pub fn get(&self) -> &[String] {
        &self.0
    }
}

impl SentinelKey {
    pub fn get(self) -> Option<PublicKey> {
        self.0
    }
}

impl Interval {
    pub fn at_least_a_millisecond(duration: Duration) -> Self {
        Self(duration.max(Duration::from_millis(1)))
    }

    pub fn get(self) -> Duration {
        self.0
    }

    pub fn as_us(self) -> i64 {
        i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX)
    }

    pub fn as_ms(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Settle {
    pub fn get(self) -> Duration {
        self.0
    }
}

impl Slots {
    pub const MAX: u32 = 1024;

    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// One for each core.
    pub fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cores = u32::try_from(cores).unwrap_or(Self::MAX).min(Self::MAX);
        Self(NonZeroU32::new(cores).unwrap_or(NonZeroU32::MIN))
    }
}

impl Secret {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of `${env:NAME}` and `${file:PATH}`: the kind and the name, which is no secret.
    pub fn reference(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix("${")?.strip_suffix('}')?.split_once(':')
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match control::architect::parse_duration_ms(text) {
            Ok(0) => Err(format!("'{text}' is too short: write e.g. 500ms, 2s, 10m")),
            Ok(ms) => Ok(Self(Duration::from_millis(ms))),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl FromStr for Settle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ms = control::architect::parse_duration_ms(text).map_err(|error| error.to_string())?;
        Ok(Self(Duration::from_millis(ms)))
    }
}

impl FromStr for Slots {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let slots = text.parse().ok().filter(|slots: &NonZeroU32| slots.get() <= Self::MAX);
        let expected = || format!("'{text}' is not a number of slots: expected 1 to {}", Self::MAX);
        slots.map(Self).ok_or_else(expected)
    }
}

/// Separated by commas.
impl FromStr for Endpoints {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.split(',').map(|one| one.trim().to_owned()).collect()))
    }
}

impl FromStr for SentinelKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse()
            .map(|key| Self(Some(key)))
            .map_err(|error: protocol::CurveKeyError| error.to_string())
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),* })*) => {$(
        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("'{text}' is not one of {}", [$($word),*].join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)* })
            }
        }
    )*};
}

words! {
    HashMode { Routed = "routed", All = "all" }
    Gatekeeper { Off = "off", Warn = "warn", Deny = "deny" }
    Sandbox { Strict = "strict", Default = "default", Off = "off" }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        match ms {
            _ if ms.is_multiple_of(3_600_000) => write!(f, "{}h", ms / 3_600_000),
            _ if ms.is_multiple_of(60_000) => write!(f, "{}m", ms / 60_000),
            _ if ms.is_multiple_of(1_000) => write!(f, "{}s", ms / 1_000),
            _ => write!(f, "{ms}ms"),
        }
    }
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl fmt::Display for SentinelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |key| key.fmt(f))
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "" } else { super::SECRET_SHOWN })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! from_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

from_text!(Interval, Settle, HashMode, Gatekeeper, Sandbox, SentinelKey);

/// One text, or a list of them.
impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("expected an address, or a list of them");
        let text = |value: toml::Value| value.as_str().map(str::to_owned);
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text.parse().map_err(serde::de::Error::custom),
            toml::Value::Array(values) if !values.is_empty() => {
                values.into_iter().map(text).collect::<Option<_>>().map(Self).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is wrong with it is told without showing it.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a secret is a text: put it into quotes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_shown_as_it_is_written() {
        for text in ["500ms", "2s", "10m", "1h", "90s"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse::<Interval>().unwrap().to_string(), "2m");
        assert!("0s".parse::<Interval>().unwrap_err().contains("too short"));
        assert!("2".parse::<Interval>().is_err());
    }

    #[test]
    fn slots_are_at_least_one_and_not_too_many() {
        assert_eq!("4".parse::<Slots>().unwrap().get(), 4);
        for text in ["0", "-1", "1025", "many", ""] {
            assert!(text.parse::<Slots>().unwrap_err().contains("1 to 1024"), "{text}");
        }
    }

    #[test]
    fn a_word_that_is_none_of_the_choices_is_told_them() {
        assert_eq!("strict".parse(), Ok(Sandbox::Strict));
        assert_eq!("no".parse::<Sandbox>().unwrap_err(), "'no' is not one of strict, default, off");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret: Secret = "hunter2".parse().unwrap();
        assert_eq!(format!("{secret} {secret:?}"), "(set, not shown) (set, not shown)");
    }
}
