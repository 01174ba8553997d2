//! `casparian keys`.

use super::context::Context;
use crate::failure::{Ending, Failure};
use crate::keys::{KeyStore, Role, allow, allowed_workers, withdraw};
use crate::output::Table;
use clap::Subcommand;
use protocol::PublicKey;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show, make, allow and withdraw the CURVE keys by which Sentinel and workers know each other beyond this machine
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the keys lie [default: security.keys]
    #[arg(long, value_name = "DIR", global = true)]
    keys: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the public keys that lie here, and the workers that are allowed
    List,
    /// Make a key, in a file that only you can read; the public one lies beside it
    Make {
        /// Whose key it is to be
        #[arg(value_enum)]
        role: Role,
    },
    /// Let a worker connect
    Allow {
        /// The worker's public key in single quotes, or its file `worker.key`
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// What you call it
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Let a worker connect no more; a live Sentinel refuses its messages from then on
    Withdraw {
        /// The worker's public key, its file, or what you call it
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

pub fn execute(arguments: &Arguments, context: &Context) -> Result<Ending, Failure> {
    let mut flags = context.flags.clone();
    flags.keys.clone_from(&arguments.keys);
    let settings = context.settings_with(&flags)?;
    let store = KeyStore::new(&settings.keys.value);
    match &arguments.verb {
        None | Some(Verb::List) => list(&store, context),
        Some(Verb::Make { role }) => make(&store, *role, context),
        Some(Verb::Allow { key, name }) => {
            let is_new = allow(&store, key, name)?;
            let text = if is_new { "allowed" } else { "it was allowed already" };
            report(&store, text, usize::from(is_new), context)
        }
        Some(Verb::Withdraw { key }) => {
            let withdrawn = withdraw(&store, key)?;
            let text = if withdrawn > 0 { "withdrawn" } else { "it was not allowed" };
            report(&store, text, withdrawn, context)
        }
    }
}

fn list(store: &KeyStore, context: &Context) -> Result<Ending, Failure> {
    let text = |key: PublicKey| key.to_string();
    let sentinel = store.public(Role::Sentinel)?.map(text);
    let worker = store.public(Role::Worker)?.map(text);
    if context.printer.is_json() {
        context.printer.document(&json!({
            "directory": store.directory.to_string_lossy(),
            "sentinel": sentinel,
            "worker": worker,
            "allowed": allowed(store)?,
        }))?;
        return Ok(Ending::Done);
    }
    let mut table = Table::bare();
    for (name, key) in [("sentinel", sentinel), ("worker", worker)] {
        let none = || format!("none; `casparian keys make {name}` makes one");
        table.row([name, &key.unwrap_or_else(none)]);
    }
    for worker in allowed_workers(store)? {
        table.row(["allowed", &worker.key.to_string(), &worker.name]);
    }
    context.printer.table(&table)?;
    Ok(Ending::Done)
}

fn make(store: &KeyStore, role: Role, context: &Context) -> Result<Ending, Failure> {
    let key = store.make(role)?;
    let (secret, public) = (store.secret_file(role), store.public_file(role));
    if context.printer.is_json() {
        context.printer.document(&json!({
            "key": key.to_string(),
            "secret_file": secret.to_string_lossy(),
            "public_file": public.to_string_lossy(),
        }))?;
        return Ok(Ending::Done);
    }
    context.printer.line(&key.to_string())?;
    context.printer.note(&match role {
        Role::Sentinel => format!(
            "this is the public key; workers elsewhere need it: --sentinel-key 'KEY'. The secret one is {}",
            secret.display()
        ),
        Role::Worker => format!(
            "this is the public key; on the Sentinel's machine: casparian keys allow 'KEY'. The secret one is {}",
            secret.display()
        ),
    });
    Ok(Ending::Done)
}

fn report(
    store: &KeyStore,
    text: &str,
    changed: usize,
    context: &Context,
) -> Result<Ending, Failure> {
    if context.printer.is_json() {
        let document = json!({ "changed": changed, "allowed": allowed(store)? });
        context.printer.document(&document)?;
    } else {
        context.printer.note(text);
    }
    Ok(Ending::Done)
}

fn allowed(store: &KeyStore) -> Result<Vec<Value>, Failure> {
    let workers = allowed_workers(store)?;
    let workers = workers.iter();
    Ok(workers.map(|one| json!({ "key": one.key.to_string(), "name": one.name })).collect())
}
