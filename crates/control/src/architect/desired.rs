//! A source with the user's settings over it: what the catalog is to hold of its plugin.

use super::problem::{PluginErrors, Problem};
use super::settings::{LimitSettings, RegistrySettings};
use super::source::PluginSource;
use catalog::{DesiredPlugin, TopicTarget};
use protocol::{Limits, PluginDeclaration, SinkUri, TopicDeclaration};
use serde_json::Value;

/// None when the file's name is no name for a plugin: then there is nothing to register under.
pub(super) fn plugin(
    source: &PluginSource,
    origin: &str,
    settings: &RegistrySettings,
) -> Option<DesiredPlugin> {
    let own = settings.plugins.get(&source.name);
    let mut plugin = DesiredPlugin {
        name: source.name.parse().ok()?,
        version: source.version,
        language: source.language,
        source: source.text.clone(),
        lock: source.lock.clone(),
        origin: origin.to_owned(),
        declaration: None,
        error: None,
        topics: Vec::new(),
        limits: Limits::default(),
        settings: Value::from(own.map(|own| own.config.clone()).unwrap_or_default()).to_string(),
    };
    let checked = source.declared.as_ref().map_err(ToString::to_string).and_then(|declared| {
        let topics = resolve(&declared.declaration, settings)
            .map_err(|problem| PluginErrors::one(&source.file, problem).to_string())?;
        Ok((declared.declaration.clone(), topics))
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
) -> Result<Vec<TopicTarget>, Problem> {
    let mut targets: Vec<TopicTarget> = Vec::new();
    for topic in &declaration.topics {
        for target in resolve_topic(topic, settings)? {
            match targets.iter().find(|earlier| earlier.uri == target.uri) {
                None => targets.push(target),
                // Two ways to say one place.
                Some(earlier) if earlier.topic == target.topic => {}
                Some(earlier) => {
                    let (a, b) = (earlier.topic.clone(), target.topic);
                    return Err(Problem::SharedUri { a, b, uri: target.uri });
                }
            }
        }
    }
    Ok(targets)
}

fn resolve_topic(
    topic: &TopicDeclaration,
    settings: &RegistrySettings,
) -> Result<Vec<TopicTarget>, Problem> {
    let own = settings.topics.get(topic.name.as_str());
    let options = own.and_then(|own| own.options).unwrap_or(topic.options);
    let uris = match own.and_then(|own| own.uri.clone()) {
        Some(uri) => vec![uri],
        None => topic.uris.clone(),
    };
    let target = |uri: SinkUri| {
        let uri = resolve_uri(uri, topic, settings)?;
        Ok(TopicTarget {
            topic: topic.name.clone(),
            uri,
            mode: "append".to_owned(),
            options,
            declared: topic.schema.clone(),
        })
    };
    uris.into_iter().map(target).collect()
}

fn resolve_uri(
    uri: SinkUri,
    topic: &TopicDeclaration,
    settings: &RegistrySettings,
) -> Result<SinkUri, Problem> {
    let SinkUri::Named { name } = uri else { return Ok(uri.with_table_for(&topic.name)) };
    let Some(sink) = settings.sinks.get(&name) else {
        let known = settings.sinks.keys().cloned().collect();
        return Err(Problem::UnknownSink { topic: topic.name.clone(), sink: name, known });
    };
    // A sink is shared: each topic has its own place in it.
    Ok(sink.place_of(&topic.name))
}
