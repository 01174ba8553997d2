//! `casparian trace`: from rows back to the bytes they came from.

mod origin;
mod print;
mod search;

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::output::Bar;
use catalog::Catalog;
use origin::Origin;
use protocol::JobId;
use search::{Search, Traced};
use worker::sinks::{Filter, FilterError};

/// Trace rows of a topic back to their job, plugin, worker and file
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// As `topics` lists it
    topic: String,
    /// All rows of this job
    #[arg(long, value_name = "ID", required_unless_present = "where_", conflicts_with = "where_")]
    job: Option<JobId>,
    /// Rows that meet this condition, e.g. "amount > 10 AND region IS NOT NULL"
    #[arg(long = "where", id = "where_", value_name = "EXPR")]
    where_: Option<String>,
    /// Rows at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let filter = match (&arguments.where_, arguments.job) {
        (Some(text), _) => Filter::parse(text)?,
        (None, Some(job)) => Filter::job(job),
        (None, None) => return Err(Failure::usage("say which rows: --job ID or --where EXPR")),
    };
    let bar = Bar::new(context.printer.is_watched());
    let (traced, origins) = context.read(&settings, async |catalog| {
        let uris = places(catalog, arguments).await?;
        let search = Search {
            catalog,
            reader: context.sink_reader(&settings),
            topic: &arguments.topic,
            filter: &filter,
            limit: arguments.limit,
            bar: &bar,
        };
        let traced = search.run(&uris).await?;
        let origins = origins(catalog, arguments, &traced).await?;
        Ok((traced, origins))
    })?;
    bar.finish();
    print::print(context.printer, &arguments.topic, &traced, &origins, &settings.project.root)?;
    Ok(Ending::Done)
}

async fn places(catalog: &Catalog, arguments: &Arguments) -> Result<Vec<String>, Failure> {
    let topics = catalog.topics().await?;
    let places = topics.iter().filter(|row| row.topic == arguments.topic);
    let places = places.map(|row| row.uri.clone()).collect::<Vec<_>>();
    if !places.is_empty() {
        return Ok(places);
    }
    let mut known = topics.into_iter().map(|row| row.topic).collect::<Vec<_>>();
    known.dedup();
    let hint = match known.is_empty() {
        true => "there is none yet: `casparian run PATH` fills them".to_owned(),
        false => format!("there are: {}", known.join(", ")),
    };
    Err(Failure::usage(format!("there is no topic '{}'", arguments.topic)).hint(hint))
}

/// One for each job that a row is of; and that of the job that was asked for, be there rows or not.
async fn origins(
    catalog: &Catalog,
    arguments: &Arguments,
    traced: &Traced,
) -> Result<Vec<Origin>, Failure> {
    let mut jobs = traced.rows.iter().map(|row| row.row.job).collect::<Vec<_>>();
    jobs.extend(arguments.job);
    jobs.sort_unstable();
    jobs.dedup();
    let mut origins = Vec::new();
    for job in jobs {
        match Origin::of(catalog, job).await? {
            Some(origin) => origins.push(origin),
            None if arguments.job == Some(job) => {
                return Err(Failure::usage(format!("there is no job {job}"))
                    .hint("`casparian jobs list` shows the jobs with their ids"));
            }
            // `verify` names such rows.
            None => {}
        }
    }
    Ok(origins)
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        match error {
            FilterError::Sink(error) => Self::unreachable(error.to_string()),
            error => Self::usage(error.to_string()),
        }
    }
}
