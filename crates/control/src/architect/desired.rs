//! A declaration with the user's settings over it: what the catalog is to hold of a plugin.

use super::declare::Declared;
use super::settings::{LimitSettings, RegistrySettings};
use catalog::{DesiredPlugin, TopicTarget};
use protocol::{Limits, PluginDeclaration, SinkUri, TopicDeclaration, TopicName};
use serde_json::Value;
use std::collections::BTreeMap;

/// None when the file's name is no name for a plugin: then there is nothing to register under.
pub(super) fn plugin(
    declared: Declared,
    origin: &str,
    settings: &RegistrySettings,
) -> Option<DesiredPlugin> {
    let name = declared.name.parse().ok()?;
    let own = settings.plugins.get(&declared.name);
    let mut plugin = DesiredPlugin {
        name,
        version: declared.version,
        source: declared.source,
        lock: declared.lock,
        origin: origin.to_owned(),
        declaration: None,
        error: None,
        topics: Vec::new(),
        limits: Limits::default(),
        settings: Value::from(own.map(|own| own.config.clone()).unwrap_or_default()).to_string(),
    };
    let checked = declared.outcome.and_then(|declaration| {
        let topics = resolve(&declaration, settings)?;
        Ok((declaration, topics))
    });
    match checked {
        Err(error) => plugin.error = Some(error),
        Ok((declaration, topics)) => {
            let limits = own.map(|own| own.limits).unwrap_or_default();
            plugin.limits = overridden(declaration.limits, limits);
            plugin.topics = topics;
            plugin.declaration = Some(declaration);
        }
    }
    Some(plugin)
}

fn overridden(limits: Limits, by: LimitSettings) -> Limits {
    Limits {
        priority: by.priority.unwrap_or(limits.priority),
        timeout_ms: by.timeout_ms.unwrap_or(limits.timeout_ms),
        memory_bytes: by.memory_bytes.unwrap_or(limits.memory_bytes),
        retries: by.retries.or(limits.retries),
    }
}

fn resolve(
    declaration: &PluginDeclaration,
    settings: &RegistrySettings,
) -> Result<Vec<TopicTarget>, String> {
    let mut targets = Vec::new();
    let mut taken: BTreeMap<SinkUri, &TopicName> = BTreeMap::new();
    for topic in &declaration.topics {
        for target in resolve_topic(topic, settings)? {
            if let Some(other) = taken.insert(target.uri.clone(), &topic.name) {
                return Err(format!(
                    "topics '{other}' and '{}' both go to {}: they would write the same files; give each its own",
                    topic.name, target.uri
                ));
            }
            targets.push(target);
        }
    }
    Ok(targets)
}

fn resolve_topic(
    topic: &TopicDeclaration,
    settings: &RegistrySettings,
) -> Result<Vec<TopicTarget>, String> {
    let own = settings.topics.get(topic.name.as_str());
    let options = own.and_then(|own| own.options).unwrap_or(topic.options);
    let uris = match own.and_then(|own| own.uri.clone()) {
        Some(uri) => vec![uri],
        None => topic.uris.clone(),
    };
    let target = |uri: SinkUri| {
        let uri = resolve_uri(uri, topic, settings)?;
        Ok(TopicTarget { topic: topic.name.clone(), uri, mode: "append".to_owned(), options })
    };
    uris.into_iter().map(target).collect()
}

fn resolve_uri(
    uri: SinkUri,
    topic: &TopicDeclaration,
    settings: &RegistrySettings,
) -> Result<SinkUri, String> {
    let SinkUri::Named { name } = &uri else { return Ok(uri) };
    let Some(SinkUri::Parquet { path }) = settings.sinks.get(name) else {
        return Err(format!(
            "topic '{}' goes to @{name}, and casparian.toml has no [sinks.{name}]",
            topic.name
        ));
    };
    // A sink is shared: each topic has its own place in it.
    Ok(SinkUri::Parquet { path: format!("{path}/{}", topic.name) })
}
