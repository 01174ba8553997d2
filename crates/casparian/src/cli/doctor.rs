//! `casparian doctor`.

use super::context::{Context, block_on, catalog_url, is_absent};
use super::doubt::doubt_text;
use crate::config::{Sandbox, Settings};
use crate::failure::{Ending, Failure};
use crate::keys::{KeyStore, Role, allowed_workers};
use crate::output::Table;
use crate::roles::{Finding, Health, away, examine_machine};
use catalog::{Catalog, OpenMode};
use serde_json::{Value, json};

/// Check what a run needs, and show every setting with where it came from
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn execute(_: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let settings = context.settings()?;
    let mut findings = examine_machine(&settings, &context.environment);
    findings.push(examine_catalog(&settings));
    findings.push(examine_sources(&settings));
    findings.push(examine_keys(&settings));
    findings.extend(of_later_versions(&settings));
    let is_well = findings.iter().all(|finding| finding.health != Health::Bad);
    if context.printer.is_json() {
        context.printer.document(&document(&settings, &findings, is_well))?;
    } else {
        let mut checks = Table::bare();
        for finding in &findings {
            checks.row([finding.health.mark(), finding.subject, &finding.text]);
        }
        context.printer.table(&checks)?;
        context.printer.data("\n")?;
        context.printer.table(&in_force(&settings))?;
    }
    if is_well {
        return Ok(Ending::Done);
    }
    let bad = findings.iter().filter(|finding| finding.health == Health::Bad);
    let bad = bad.map(|finding| finding.subject).collect::<Vec<_>>().join(", ");
    Err(Failure::usage(format!("not ready to run: {bad}")).hint("the lines marked ✗ say why"))
}

fn examine_catalog(settings: &Settings) -> Finding {
    let place = &settings.catalog.value;
    let opened = block_on(async {
        let catalog = Catalog::open(&catalog_url(place)?, OpenMode::ReadOnly).await?;
        let files = catalog.status().await?.files;
        catalog.close().await;
        Ok(files)
    });
    match opened {
        Ok(files) => Finding::good(
            "catalog",
            format!("{place}: its schema is the expected one; {files} files"),
        ),
        Err(_) if is_absent(place) => {
            Finding::good("catalog", format!("{place}: not there yet; the first run makes it"))
        }
        Err(failure) => Finding::bad("catalog", failure.message),
    }
}

fn examine_sources(settings: &Settings) -> Finding {
    let doubted = block_on(async {
        let url = catalog_url(&settings.catalog.value)?;
        let catalog = Catalog::open(&url, OpenMode::ReadOnly).await?;
        let doubted = catalog.doubted_roots().await?;
        catalog.close().await;
        Ok(doubted)
    });
    // A catalog that cannot be read is a finding of its own.
    let doubted = doubted.unwrap_or_default();
    let doubted = doubted.iter().map(|root| doubt_text(&root.path, &root.doubt));
    let away =
        away(settings).into_iter().map(|(path, error)| format!("{}: {error}", path.display()));
    let troubles = away.chain(doubted).collect::<Vec<_>>();
    if troubles.is_empty() {
        Finding::good(
            "sources",
            format!("{} configured, none away or in doubt", settings.file.sources.len()),
        )
    } else {
        Finding::doubtful("sources", troubles.join("; "))
    }
}

fn examine_keys(settings: &Settings) -> Finding {
    let store = KeyStore::new(&settings.keys.value);
    let looked = store.pair(Role::Sentinel).and_then(|sentinel| {
        let workers = allowed_workers(&store)?.len();
        Ok((sentinel.is_some(), store.pair(Role::Worker)?.is_some(), workers))
    });
    match looked {
        Ok((false, false, 0)) => {
            let text = "none: Sentinel and workers meet on this machine only; `casparian keys make` makes them";
            Finding::good("keys", text)
        }
        Ok((true, _, 0)) => Finding::doubtful(
            "keys",
            "the Sentinel has a key and no worker is allowed yet: casparian keys allow 'KEY'",
        ),
        Ok((sentinel, worker, allowed)) => {
            let word = |has: bool| if has { "a key" } else { "no key" };
            let (sentinel, worker) = (word(sentinel), word(worker));
            let text =
                format!("the Sentinel has {sentinel}, the worker {worker}; {allowed} allowed");
            Finding::good("keys", text)
        }
        Err(failure) => {
            let hint = failure.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
            Finding::bad("keys", failure.message + &hint)
        }
    }
}

/// What can be set already and does nothing yet.
fn of_later_versions(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::doubtful(
        "sandbox",
        "this version has no sandbox and no gatekeeper: a plugin can do what you can; run only plugins you trust",
    )];
    if settings.sandbox.value == Sandbox::Strict {
        let text = "security.sandbox = \"strict\": this version runs no plugin under it";
        findings.push(Finding::bad("strict", text));
    }
    if settings.require_signature.value {
        let text = "security.require_signature is set, and this version cannot check signatures";
        findings.push(Finding::bad("signatures", text));
    }
    findings
}

fn in_force(settings: &Settings) -> Table {
    let mut table = Table::new(&["setting", "value", "from"]);
    let project = settings.project.root.to_string_lossy();
    table.row(["project", &project, &settings.project.origin.to_string()]);
    for line in settings.describe() {
        table.row([&line.key.path(), &line.value, &line.origin.to_string()]);
    }
    for source in &settings.file.sources {
        let line = settings.file.line_of(&source.path);
        table.row(["sources.path", source.path.get_ref(), &format!("casparian.toml:{line}")]);
    }
    for (name, sink) in &settings.file.sinks {
        let from = format!("casparian.toml:{}", settings.file.line_of(name));
        let key = |part: &str| format!("sinks.{}.{part}", name.get_ref());
        table.row([&key("uri"), sink.uri.get_ref(), &from]);
        if let Some(credentials) = &sink.credentials {
            table.row([key("credentials"), credentials.to_string(), from]);
        }
    }
    table
}

fn document(settings: &Settings, findings: &[Finding], is_well: bool) -> Value {
    let checks = findings.iter().map(|finding| {
        json!({ "subject": finding.subject, "health": finding.health.word(), "text": finding.text })
    });
    let in_force = settings.describe().into_iter().map(|line| {
        json!({
            "key": line.key.path(), "value": line.value, "origin": line.origin.to_string(),
            "variable": line.key.variable, "default": line.key.default,
        })
    });
    json!({
        "project": settings.project.root.to_string_lossy(),
        "ready": is_well,
        "checks": checks.collect::<Vec<_>>(),
        "settings": in_force.collect::<Vec<_>>(),
        "sources": settings.file.sources.iter().map(|it| it.path.get_ref()).collect::<Vec<_>>(),
    })
}
