//! What casparian.toml says about plugins, topics, rules and sinks, for the registrar.

use super::error::ConfigError;
use super::file::{FileConfig, LimitsEntry, PluginEntry, Text, TopicEntry};
use super::value::Interval;
use control::architect::{
    LimitSettings, PluginSettings, RegistrySettings, TopicSettings, parse_size_bytes,
    parse_topic_options,
};
use control::route::{Glob, check_tag};
use protocol::{PluginName, SinkUri, TopicName};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::str::FromStr;

impl FileConfig {
    /// Checks as it reads: a mistake is told with its line before work begins.
    pub fn registry(&self) -> Result<RegistrySettings, ConfigError> {
        let mut registry = RegistrySettings::default();
        for rule in &self.rules {
            self.accept(&rule.pattern, Glob::parse(rule.pattern.get_ref()))?;
            self.accept(&rule.tag, check_tag(rule.tag.get_ref()))?;
            registry.rules.push((rule.pattern.get_ref().clone(), rule.tag.get_ref().clone()));
        }
        for (name, sink) in &self.sinks {
            self.parsed::<SinkUri>(name, &format!("@{}", name.get_ref()))?;
            let uri = self.parsed::<SinkUri>(&sink.uri, sink.uri.get_ref())?;
            if matches!(uri, SinkUri::Named { .. }) {
                return Err(self.error_at(&sink.uri, "a sink cannot be the name of a sink"));
            }
            registry.sinks.insert(name.get_ref().clone(), uri);
        }
        for (name, plugin) in &self.plugins {
            self.parsed::<PluginName>(name, name.get_ref())?;
            registry.plugins.insert(name.get_ref().clone(), self.plugin(plugin)?);
        }
        for (name, topic) in &self.topics {
            self.parsed::<TopicName>(name, name.get_ref())?;
            registry.topics.insert(name.get_ref().clone(), self.topic(topic)?);
        }
        Ok(registry)
    }

    fn plugin(&self, entry: &PluginEntry) -> Result<PluginSettings, ConfigError> {
        let limits = entry.limits.as_ref().map(|limits| self.limits(limits)).transpose()?;
        Ok(PluginSettings {
            config: object(entry.settings.clone()),
            limits: limits.unwrap_or_default(),
        })
    }

    fn limits(&self, entry: &LimitsEntry) -> Result<LimitSettings, ConfigError> {
        let memory = |text: &Text| self.accept(text, parse_size_bytes(text.get_ref()));
        Ok(LimitSettings {
            priority: entry.priority,
            timeout_ms: entry.timeout.map(Interval::as_ms),
            memory_bytes: entry.memory.as_ref().map(memory).transpose()?,
            retries: entry.retries,
        })
    }

    fn topic(&self, entry: &TopicEntry) -> Result<TopicSettings, ConfigError> {
        let uri = |text: &Text| {
            let uri = self.parsed::<SinkUri>(text, text.get_ref())?;
            match &uri {
                SinkUri::Named { name } if !self.sinks.contains_key(name.as_str()) => {
                    Err(self.error_at(text, format!("there is no [sinks.{name}]")))
                }
                _ => Ok(uri),
            }
        };
        let options = |text: &Text| self.accept(text, parse_topic_options(text.get_ref()));
        Ok(TopicSettings {
            uri: entry.uri.as_ref().map(uri).transpose()?,
            options: entry.options.as_ref().map(options).transpose()?,
        })
    }

    fn parsed<T: FromStr<Err: Display>>(&self, at: &Text, text: &str) -> Result<T, ConfigError> {
        self.accept(at, text.parse())
    }

    fn accept<T, E: Display>(&self, at: &Text, result: Result<T, E>) -> Result<T, ConfigError> {
        result.map_err(|error| self.error_at(at, error.to_string()))
    }
}

fn object(table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(key, value)| (key, json(value))).collect()
}

/// Dates and times become texts.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(boolean) => Value::from(boolean),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::from(object(table)),
    }
}
