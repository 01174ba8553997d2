//! The tables that a question names: topics, their quarantine, and state.

use super::{state, unknown};
use crate::failure::Failure;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use catalog::Catalog;
use catalog::report::Snapshot;
use protocol::{LINEAGE, OutputFileId, SinkUri, TopicName};
use query::lake::{Engine, TableName, Topic, TopicFile};
use std::sync::Arc;
use worker::sinks::{Area, SinkReader, arrow_schema};

const QUARANTINE: &str = "_quarantine";

pub struct Tables {
    pub names: Vec<TableName>,
    pub reader: SinkReader,
}

impl Tables {
    pub async fn add_all(self, catalog: &Catalog, engine: &mut Engine) -> Result<(), Failure> {
        let topics = catalog.topics().await?;
        let mut known: Vec<String> = topics.iter().map(|row| row.topic.clone()).collect();
        known.dedup();
        let mut snapshot = catalog.snapshot().await?;
        for wanted in &self.names {
            match wanted.schema.as_deref() {
                Some("casparian") => state::add(&wanted.name, catalog, engine).await?,
                Some("information_schema") => {}
                Some(schema) => {
                    return Err(unknown(&format!("{schema}.{}", wanted.name), &known));
                }
                None => {
                    let (topic, in_quarantine) = meant(&wanted.name, &known)?;
                    let uris = topics.iter().filter(|row| row.topic == topic);
                    let uris = uris.map(|row| row.uri.as_str()).collect::<Vec<_>>();
                    let schema = columns(catalog, &topic, in_quarantine).await?;
                    let files = self.files(&mut snapshot, &topic, &uris, in_quarantine).await?;
                    let name = if in_quarantine { topic + QUARANTINE } else { topic };
                    engine.add_topic(&name, Topic { schema, files })?;
                }
            }
        }
        if self.names.iter().any(|name| name.schema.as_deref() == Some("information_schema")) {
            // Their names and columns are asked for.
            let is_added = |topic: &&String| {
                self.names
                    .iter()
                    .any(|name| name.schema.is_none() && name.name.eq_ignore_ascii_case(topic))
            };
            for topic in known.iter().filter(|topic| !is_added(topic)) {
                let schema = columns(catalog, topic, false).await?;
                engine.add_topic(topic, Topic { schema, files: Vec::new() })?;
            }
        }
        Ok(())
    }

    /// Open, as the catalog has them at one moment.
    async fn files(
        &self,
        snapshot: &mut Snapshot,
        topic: &str,
        uris: &[&str],
        in_quarantine: bool,
    ) -> Result<Vec<Arc<TopicFile>>, Failure> {
        let name = topic.parse::<TopicName>().map_err(|error| Failure::bug(error.to_string()))?;
        // Every place of a topic has all of its rows.
        let parsed = uris.iter().filter_map(|uri| uri.parse::<SinkUri>().ok());
        let places = parsed.map(|uri| if in_quarantine { uri.quarantine(&name) } else { uri });
        let place = places.into_iter().find(|uri| matches!(uri, SinkUri::Parquet { .. }));
        let Some(uri) = place else {
            return Err(Failure::usage(format!("topic {topic} lies in a database: {}", uris.join(", ")))
                .hint("ask that database itself; `TOPIC: name` without an address beside it keeps the rows as files, too"));
        };
        if let Some(reason) = self.reader.unreachable(&uri) {
            return Err(Failure::unreachable(format!("topic {topic}: {reason}")));
        }
        let mut files = Vec::new();
        let mut after = OutputFileId::new(0);
        loop {
            let page = snapshot.current_files(topic, &uri.to_string(), after).await?;
            let Some(last) = page.last() else { return Ok(files) };
            after = last.id;
            let ids = page.iter().map(|file| file.id).collect::<Vec<_>>();
            let mut hidden = snapshot.hidden_jobs(&ids).await?;
            for file in &page {
                let jobs = hidden.remove(&file.id).unwrap_or_default();
                let hidden = jobs.into_iter().map(protocol::JobId::get).collect();
                let file = self.open(&uri, &file.file)?;
                files.push(Arc::new(TopicFile { hidden, ..file }));
            }
        }
    }

    fn open(&self, uri: &SinkUri, name: &str) -> Result<TopicFile, Failure> {
        let there = |area| {
            let found = self.reader.file(uri, area, name.as_bytes());
            found.map_err(|error| Failure::unreachable(error.to_string()))
        };
        // One that was replaced meanwhile is read as it was.
        let found = match there(Area::Current)? {
            Some(found) => Some(found),
            None => there(Area::History)?,
        };
        let name = format!("{uri}/{name}");
        match found {
            Some(found) => Ok(TopicFile { name, file: found.file, hidden: Default::default() }),
            None => Err(Failure::unreachable(format!("{name} is not there")).hint(
                "`casparian verify` says what else is missing, `verify --repair` queues it again",
            )),
        }
    }
}

/// A topic, whatever case it is written in, or its quarantine.
fn meant(name: &str, known: &[String]) -> Result<(String, bool), Failure> {
    let find = |name: &str| {
        let exact = known.iter().find(|topic| *topic == name);
        exact.or_else(|| known.iter().find(|topic| topic.eq_ignore_ascii_case(name)))
    };
    if let Some(topic) = find(name) {
        return Ok((topic.clone(), false));
    }
    let of_quarantine = name.to_lowercase().strip_suffix(QUARANTINE).map(str::len);
    match of_quarantine.and_then(|len| find(&name[..len])) {
        Some(topic) => Ok((topic.clone(), true)),
        None => Err(unknown(name, known)),
    }
}

async fn columns(
    catalog: &Catalog,
    topic: &str,
    in_quarantine: bool,
) -> Result<SchemaRef, Failure> {
    let number = |name: &str| Arc::new(Field::new(name, DataType::Int64, true));
    let text = |name: &str| Arc::new(Field::new(name, DataType::Utf8, true));
    let mut fields = if in_quarantine {
        vec![
            number("_row"),
            number("_line"),
            number("_offset"),
            text("_column"),
            text("_reason"),
            text("_record"),
        ]
    } else {
        let schemas = catalog.schemas(Some(topic)).await?;
        let last = schemas.last().map(|row| arrow_schema(&row.schema));
        last.map(|schema| schema.fields().iter().cloned().collect()).unwrap_or_default()
    };
    fields.extend(LINEAGE.map(number));
    Ok(Arc::new(Schema::new(fields)))
}
