//! TOPIC and OPTIONS lines, put together.

use super::comments::Mistake;
use protocol::{SinkUri, TopicDeclaration, TopicName, TopicOptions};

#[derive(Debug, Default)]
pub(super) struct Topics {
    declared: Vec<TopicDeclaration>,
    /// OPTIONS may stand before their TOPIC.
    options: Vec<(usize, String, Vec<String>)>,
}

impl Topics {
    /// `name [uri]`; several URIs of one name fan out.
    pub(super) fn add(&mut self, _line: usize, value: &str) -> Result<(), String> {
        let mut words = value.split_whitespace();
        let name = words.next().unwrap_or_default();
        let name: TopicName = name.parse().map_err(|error| format!("TOPIC {error}"))?;
        let uri = match words.next() {
            Some(uri) => uri.parse::<SinkUri>().map_err(|error| format!("TOPIC {error}"))?,
            None => SinkUri::default_for(&name),
        };
        if let Some(more) = words.next() {
            return Err(format!("TOPIC is a name and at most one uri; '{more}' is too much"));
        }
        let user = self.declared.iter().find(|topic| topic.uris.contains(&uri));
        if let Some(user) = user {
            return Err(format!(
                "TOPIC {name} goes to {uri}, as topic {} does: they would write the same files",
                user.name
            ));
        }
        match self.declared.iter_mut().find(|topic| topic.name == name) {
            Some(topic) => topic.uris.push(uri),
            None => self.declared.push(TopicDeclaration {
                name,
                uris: vec![uri],
                options: TopicOptions::default(),
            }),
        }
        Ok(())
    }

    /// `topic: history=all ...`
    pub(super) fn add_options(&mut self, line: usize, value: &str) -> Result<(), String> {
        let Some((topic, options)) = value.split_once(':') else {
            return Err(format!(
                "OPTIONS '{value}' names no topic: write e.g. OPTIONS: sales: history=all"
            ));
        };
        let options = options.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for option in &options {
            apply(&mut TopicOptions::default(), option)?;
        }
        self.options.push((line, topic.trim().to_owned(), options));
        Ok(())
    }

    pub(super) fn finish(mut self) -> (Vec<TopicDeclaration>, Vec<Mistake>) {
        let mut mistakes = Vec::new();
        for (line, name, options) in self.options {
            let Some(topic) = self.declared.iter_mut().find(|topic| topic.name.as_str() == name)
            else {
                let known = self.declared.iter().map(|topic| topic.name.as_str());
                let known = known.collect::<Vec<_>>().join(", ");
                let what =
                    format!("OPTIONS for '{name}', which is not declared; declared: {known}");
                mistakes.push(Mistake { line, what });
                continue;
            };
            for option in &options {
                if let Err(what) = apply(&mut topic.options, option) {
                    mistakes.push(Mistake { line, what });
                }
            }
        }
        (self.declared, mistakes)
    }
}

fn apply(options: &mut TopicOptions, option: &str) -> Result<(), String> {
    match option {
        "history=all" => options.history_all = true,
        "history=current" => options.history_all = false,
        "on_delete=retract" => options.retract_on_delete = true,
        "on_delete=keep" => options.retract_on_delete = false,
        "dedup=off" => options.dedup = false,
        "dedup=on" => options.dedup = true,
        _ => {
            return Err(format!(
                "OPTIONS '{option}' is not known; there are history=all|current, on_delete=retract|keep, dedup=on|off"
            ));
        }
    }
    Ok(())
}

/// Options as they stand in casparian.toml: `history=all on_delete=retract`.
pub fn parse_topic_options(text: &str) -> Result<TopicOptions, String> {
    let mut options = TopicOptions::default();
    text.split_whitespace().try_for_each(|option| apply(&mut options, option))?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_uris_of_a_name_fan_out() {
        let mut topics = Topics::default();
        topics.add(1, "a").unwrap();
        topics.add(2, "a parquet://b").unwrap();
        topics.add(3, "c @warehouse").unwrap();
        let (declared, mistakes) = topics.finish();
        assert!(mistakes.is_empty());
        assert_eq!(declared[0].uris.len(), 2);
        assert_eq!(declared[1].uris[0].to_string(), "@warehouse");
    }

    #[test]
    fn two_topics_in_one_place_are_refused() {
        let mut topics = Topics::default();
        topics.add(1, "a").unwrap();
        let error = topics.add(2, "b parquet://a").unwrap_err();
        assert_eq!(
            error,
            "TOPIC b goes to parquet://a, as topic a does: they would write the same files"
        );
        assert!(topics.add(3, "x y z").unwrap_err().contains("has no scheme"));
        assert!(topics.add(3, "x parquet://y z").unwrap_err().contains("'z' is too much"));
        assert!(topics.add(4, "../x").unwrap_err().contains("is not a topic name"));
    }

    #[test]
    fn options_belong_to_a_declared_topic() {
        let mut topics = Topics::default();
        topics.add_options(1, "a: history=all on_delete=retract dedup=off").unwrap();
        topics.add_options(2, "b: history=all").unwrap();
        topics.add(3, "a").unwrap();
        assert!(
            topics
                .add_options(4, "a: history=some")
                .unwrap_err()
                .contains("'history=some' is not known")
        );
        let (declared, mistakes) = topics.finish();
        let expected = TopicOptions { history_all: true, retract_on_delete: true, dedup: false };
        assert_eq!(declared[0].options, expected);
        assert_eq!(mistakes[0].what, "OPTIONS for 'b', which is not declared; declared: a");
    }
}
