//! `casparian sql`: questions to the topics.

mod answer;
mod state;
mod tables;

use super::context::Context;
use crate::config::nearest;
use crate::failure::{Ending, Failure};
use answer::Format;
use control::architect::parse_size_bytes;
use query::lake::{Engine, QueryError, Question};
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tables::Tables;

/// Answer a SQL query over the topics, each a table, and over the state (casparian.files, .jobs, .topics, .quarantine); nothing is changed
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A query, e.g. "SELECT count(*) FROM orders"; `-` reads it from stdin
    #[arg(allow_hyphen_values = true)]
    query: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write the answer there instead of to stdout; the file appears when it is whole
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// What the query may hold in memory; the rest is spilled to disk
    #[arg(long, value_name = "SIZE", default_value = "1GB")]
    memory: String,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let memory = parse_size_bytes(&arguments.memory)
        .map_err(|error| Failure::usage(format!("--memory: {error}")))?;
    let question = Question::parse(&text(&arguments.query)?)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut engine = Engine::new(usize::try_from(memory).unwrap_or(usize::MAX), threads)?;
    let tables = Tables { names: question.tables()?, reader: context.sink_reader(&settings) };
    context.read(&settings, async |catalog| tables.add_all(catalog, &mut engine).await)?;
    let answer = engine.ask(&question)?;
    answer::write(answer, arguments, context)?;
    Ok(Ending::Done)
}

fn text(query: &str) -> Result<String, Failure> {
    if query != "-" {
        return Ok(query.to_owned());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("the query on stdin cannot be read: {error}")))?;
    Ok(text)
}

fn unknown(name: &str, known: &[String]) -> Failure {
    let failure = Failure::usage(format!("there is no table '{name}'"));
    match (nearest(name, known.iter().map(String::as_str)), known.is_empty()) {
        (Some(near), _) => failure.hint(format!("did you mean '{near}'?")),
        (None, true) => failure.hint("there is no topic yet: `casparian run PATH` fills them"),
        (None, false) => failure.hint(format!("there are: {}", known.join(", "))),
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Failed(_) => Self::unreachable(error.to_string()),
            QueryError::Question(_) | QueryError::Memory(_) => Self::usage(error.to_string()),
        }
    }
}
