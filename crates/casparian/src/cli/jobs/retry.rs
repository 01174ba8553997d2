//! `casparian jobs retry`.

use crate::cli::context::{Context, block_on, open_existing};
use crate::failure::{Ending, Failure};
use crate::roles::{Presence, sentinel_lock};
use catalog::{Catalog, NewRequest, RetrySelection};
use control::clock::{Clock, SystemClock};
use protocol::{JobId, RequestId};
use serde_json::json;
use std::time::Duration;

/// A live Sentinel looks for requests many times in this.
const TRIES: u32 = 60;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Queue failed jobs again, for the plugin's present version
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Which jobs
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    id: Vec<JobId>,
    /// All jobs that failed
    #[arg(long)]
    failed: bool,
    /// Only those of this plugin
    #[arg(long, value_name = "NAME", requires = "failed")]
    plugin: Option<String>,
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let selection = if arguments.failed {
        RetrySelection::Failed { plugin: arguments.plugin.clone() }
    } else {
        RetrySelection::Jobs(arguments.id.clone())
    };
    let request = NewRequest::Retry { selection };
    let is_live = Presence::look(&sentinel_lock(&settings.catalog.value)).is_some();
    let (id, answer) = block_on(async {
        let catalog = open_existing(&settings).await?;
        let by = context.environment.user();
        let id = catalog.leave_request(&request, &by, SystemClock.now_us()).await?;
        let answer = if is_live { answer(&catalog, id).await? } else { None };
        catalog.close().await;
        Ok((id, answer))
    })?;
    let printer = context.printer;
    if printer.is_json() {
        printer.document(&json!({
            "request": id.to_string(), "carried_out": answer.is_some(), "result": answer,
        }))?;
        return Ok(Ending::Done);
    }
    match (answer, is_live) {
        (Some(answer), _) => printer.lines(&answer)?,
        (None, true) => printer.line("the Sentinel has the request and has not answered yet")?,
        (None, false) => printer.line(
            "no Sentinel is live: the next `casparian run` or `casparian serve` queues them again",
        )?,
    }
    Ok(Ending::Done)
}

async fn answer(catalog: &Catalog, id: RequestId) -> Result<Option<String>, Failure> {
    for _ in 0..TRIES {
        if let Some(result) = catalog.request_result(id).await? {
            return Ok(Some(result));
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(None)
}
