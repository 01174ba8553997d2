//! Puts together what comments and MANIFEST say: the union, unless they contradict each other.

use super::fact::{Fact, Reading};
use super::problem::{At, Note, Problem};
use super::topic_option::TopicOption;
use protocol::{
    Limits, PluginDeclaration, SinkUri, TopicDeclaration, TopicName, TopicOptions, TopicSchema,
};

pub(super) fn assemble(
    comments: Reading,
    manifest: Reading,
    notes: &mut Vec<Note>,
) -> (PluginDeclaration, Vec<At<Problem>>) {
    let mut assembly = Assembly::default();
    for (origin, reading) in [(Origin::Comments, comments), (Origin::Manifest, manifest)] {
        assembly.problems.extend(reading.problems);
        notes.extend(reading.notes);
        for At { line, what } in reading.facts {
            assembly.take(Place { origin, line }, what);
        }
    }
    assembly.finish()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Comments,
    Manifest,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    origin: Origin,
    line: u32,
}

#[derive(Default)]
struct Assembly {
    patterns: Vec<String>,
    tags: Vec<String>,
    topics: Vec<Topic>,
    options: Vec<(Place, TopicName, Vec<TopicOption>)>,
    schemas: Vec<(Place, TopicName, TopicSchema)>,
    priority: Option<(Place, i32)>,
    timeout_ms: Option<(Place, u64)>,
    memory_bytes: Option<(Place, u64)>,
    retries: Option<(Place, u32)>,
    reader: Option<(Place, String)>,
    problems: Vec<At<Problem>>,
}

struct Topic {
    name: TopicName,
    uris: Vec<(Place, Option<SinkUri>)>,
}

impl Topic {
    fn target(&self, uri: Option<&SinkUri>) -> SinkUri {
        let uri = uri.cloned().unwrap_or_else(|| SinkUri::default_for(&self.name));
        uri.with_table_for(&self.name)
    }

    fn targets(&self) -> Vec<SinkUri> {
        self.uris.iter().map(|(_, uri)| self.target(uri.as_ref())).collect()
    }
}

impl Assembly {
    fn take(&mut self, place: Place, fact: Fact) {
        let problems = &mut self.problems;
        match fact {
            Fact::Pattern(pattern) => push_new(&mut self.patterns, pattern),
            Fact::Tag(tag) => push_new(&mut self.tags, tag),
            Fact::Topic { name, uri } => self.topic(place, name, uri),
            Fact::Options { topic, options } => self.options.push((place, topic, options)),
            Fact::Schema { topic, schema } => self.schemas.push((place, topic, schema)),
            Fact::Priority(value) => {
                set(&mut self.priority, place, value, "PRIORITY", problems);
            }
            Fact::TimeoutMs(value) => {
                set(&mut self.timeout_ms, place, value, "TIMEOUT", problems);
            }
            Fact::MemoryBytes(value) => {
                set(&mut self.memory_bytes, place, value, "MEMORY", problems);
            }
            Fact::Retries(value) => set(&mut self.retries, place, value, "RETRIES", problems),
            Fact::Reader(value) => set(&mut self.reader, place, value, "READER", problems),
        }
    }

    fn topic(&mut self, place: Place, name: TopicName, uri: Option<SinkUri>) {
        let Some(topic) = self.topics.iter_mut().find(|topic| topic.name == name) else {
            self.topics.push(Topic { name, uris: vec![(place, uri)] });
            return;
        };
        let target = topic.target(uri.as_ref());
        let same = topic.targets().iter().position(|earlier| *earlier == target);
        let (earlier, earlier_uri) = &topic.uris[same.unwrap_or(0)];
        let elsewhere = earlier.origin != place.origin;
        // One place may name a topic and the other say where it goes; in a MANIFEST `topic` and `sinks` are two places.
        let fills = elsewhere || place.origin == Origin::Manifest;
        let problem = match (earlier_uri, &uri) {
            (None, Some(_)) if fills && topic.uris.len() == 1 => {
                topic.uris = vec![(place, uri)];
                return;
            }
            (_, None) if fills => return,
            _ if same.is_some() && elsewhere => return,
            _ if same.is_some() => {
                let what = format!("TOPIC {name} {target}");
                Problem::Repeated { what, first: earlier.line }
            }
            _ if elsewhere => Problem::Contradiction {
                what: format!("the uri of TOPIC {name}"),
                here: target.to_string(),
                there: topic.target(earlier_uri.as_ref()).to_string(),
                line: earlier.line,
            },
            _ => {
                topic.uris.push((place, uri));
                return;
            }
        };
        self.problems.push(At { line: place.line, what: problem });
    }

    fn finish(mut self) -> (PluginDeclaration, Vec<At<Problem>>) {
        self.check_shared_uris();
        let options = self.options_by_topic();
        let schemas = self.schemas_by_topic();
        let defaults = Limits::default();
        let limits = Limits {
            priority: self.priority.map_or(defaults.priority, |(_, value)| value),
            timeout_ms: self.timeout_ms.map_or(defaults.timeout_ms, |(_, value)| value),
            memory_bytes: self.memory_bytes.map_or(defaults.memory_bytes, |(_, value)| value),
            retries: self.retries.map(|(_, value)| value),
        };
        let declared = |((topic, options), schema): ((&Topic, TopicOptions), TopicSchema)| {
            TopicDeclaration { name: topic.name.clone(), uris: topic.targets(), options, schema }
        };
        let topics = self.topics.iter().zip(options).zip(schemas).map(declared).collect();
        let reader = self.reader.map(|(_, value)| value);
        let declaration =
            PluginDeclaration { patterns: self.patterns, tags: self.tags, topics, limits, reader };
        (declaration, self.problems)
    }

    /// Two topics at one place would mix their rows.
    fn check_shared_uris(&mut self) {
        for (index, topic) in self.topics.iter().enumerate() {
            for (place, uri) in &topic.uris {
                let uri = topic.target(uri.as_ref());
                // In a named sink each topic has a place of its own.
                let is_place = !matches!(uri, SinkUri::Named { .. });
                let mut others = self.topics[..index].iter();
                let earlier = others.find(|other| other.targets().contains(&uri));
                if let Some(earlier) = earlier.filter(|_| is_place) {
                    let (a, b) = (earlier.name.clone(), topic.name.clone());
                    let problem = Problem::SharedUri { a, b, uri };
                    self.problems.push(At { line: place.line, what: problem });
                }
            }
        }
    }

    /// Several lines for one topic add up.
    fn schemas_by_topic(&mut self) -> Vec<TopicSchema> {
        let mut by_topic = vec![TopicSchema::default(); self.topics.len()];
        let mut said: Vec<(usize, String, u32)> = Vec::new();
        for (place, name, schema) in std::mem::take(&mut self.schemas) {
            let Some(index) = self.topics.iter().position(|topic| topic.name == name) else {
                let declared = self.topics.iter().map(|topic| topic.name.clone()).collect();
                let problem = Problem::SchemaOfUndeclared { topic: name, declared };
                self.problems.push(At { line: place.line, what: problem });
                continue;
            };
            for column in schema.columns {
                let earlier =
                    said.iter().find(|(at, known, _)| *at == index && *known == column.name);
                if let Some((_, _, first)) = earlier {
                    let what = format!("column {} of SCHEMA {name}", column.name);
                    let problem = Problem::Repeated { what, first: *first };
                    self.problems.push(At { line: place.line, what: problem });
                    continue;
                }
                said.push((index, column.name.clone(), place.line));
                by_topic[index].columns.push(column);
            }
        }
        by_topic
    }

    fn options_by_topic(&mut self) -> Vec<TopicOptions> {
        let mut by_topic = vec![TopicOptions::default(); self.topics.len()];
        let mut said: Vec<(usize, &str, u32)> = Vec::new();
        for (place, name, options) in &self.options {
            let Some(index) = self.topics.iter().position(|topic| topic.name == *name) else {
                let declared = self.topics.iter().map(|topic| topic.name.clone()).collect();
                let problem = Problem::UndeclaredTopic { topic: name.clone(), declared };
                self.problems.push(At { line: place.line, what: problem });
                continue;
            };
            for option in options {
                let earlier =
                    said.iter().find(|(topic, key, _)| *topic == index && *key == option.name());
                if let Some((_, _, first)) = earlier {
                    let what = format!("{} of OPTIONS {name}", option.name());
                    let problem = Problem::Repeated { what, first: *first };
                    self.problems.push(At { line: place.line, what: problem });
                }
                said.push((index, option.name(), place.line));
                option.apply(&mut by_topic[index]);
            }
        }
        by_topic
    }
}

fn push_new(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Sets what can be said once; the comments and the MANIFEST may both say the same.
fn set<T: PartialEq + std::fmt::Display>(
    slot: &mut Option<(Place, T)>,
    place: Place,
    value: T,
    key: &str,
    problems: &mut Vec<At<Problem>>,
) {
    let what = key.to_owned();
    let problem = match slot {
        None => {
            *slot = Some((place, value));
            return;
        }
        Some((earlier, _)) if earlier.origin == place.origin => {
            Problem::Repeated { what, first: earlier.line }
        }
        Some((_, there)) if *there == value => return,
        Some((earlier, there)) => Problem::Contradiction {
            what,
            here: value.to_string(),
            there: there.to_string(),
            line: earlier.line,
        },
    };
    problems.push(At { line: place.line, what: problem });
}
