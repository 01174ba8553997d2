//! One thing that a source says about its plugin, whichever way it says it.

use super::problem::{At, Note, Problem};
use super::topic_option::TopicOption;
use protocol::{SinkUri, TopicName, TopicSchema};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    Pattern(String),
    Tag(String),
    /// Without a uri the topic lies below the output root, under its own name.
    Topic {
        name: TopicName,
        uri: Option<SinkUri>,
    },
    Options {
        topic: TopicName,
        options: Vec<TopicOption>,
    },
    Schema {
        topic: TopicName,
        schema: TopicSchema,
    },
    Priority(i32),
    TimeoutMs(u64),
    MemoryBytes(u64),
    Retries(u32),
    /// Of a SQL plugin.
    Reader(String),
}

/// What the comments, or the MANIFEST, of a source say.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) facts: Vec<At<Fact>>,
    pub(super) problems: Vec<At<Problem>>,
    pub(super) notes: Vec<Note>,
}

impl Reading {
    pub(super) fn fact(&mut self, line: u32, what: Fact) {
        self.facts.push(At { line, what });
    }

    pub(super) fn problem(&mut self, line: u32, what: Problem) {
        self.problems.push(At { line, what });
    }

    /// Keeps a fact, or what is wrong with it.
    pub(super) fn take(&mut self, line: u32, said: Result<Fact, Problem>) {
        match said {
            Ok(fact) => self.fact(line, fact),
            Err(problem) => self.problem(line, problem),
        }
    }
}
