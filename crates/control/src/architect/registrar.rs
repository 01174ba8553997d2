//! Registers plugins: the project's own directory goes first, else the latest change that a worker announced is in force.

use super::desired;
use super::directory::PluginDirectory;
use super::in_force::choose;
use super::settings::RegistrySettings;
use super::source::{PluginSource, file_name, refuse_same_names};
use super::sql::SqlCheck;
use catalog::{
    Announcement, Catalog, CatalogError, DesiredPlugin, DesiredRegistry, RegistryState,
    SentinelEpoch, SentinelTx,
};
use protocol::{Identify, PluginRefusal, PluginVersion};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The origin of plugins of the project's own directory.
pub const PROJECT: &str = "project";

#[derive(Debug)]
pub struct Registrar {
    /// The project's own plugins; none on a Sentinel without a project.
    directory: Option<PluginDirectory>,
    settings: RegistrySettings,
    check: SqlCheck,
    project: Vec<PluginSource>,
    /// What was read is not in the catalog yet.
    unsynced: bool,
    /// Why the directory could not be read the last time.
    unreadable: Option<String>,
}

impl Registrar {
    pub fn new(directory: Option<PathBuf>, settings: RegistrySettings, check: SqlCheck) -> Self {
        Self {
            directory: directory.map(|directory| PluginDirectory::new(directory, check)),
            settings,
            check,
            project: Vec::new(),
            unsynced: true,
            unreadable: None,
        }
    }

    /// Looks at the project's directory, and registers what is there when something changed. Whether the routing did.
    pub async fn refresh(
        &mut self,
        catalog: &Catalog,
        epoch: SentinelEpoch,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        self.look(now_us);
        if !self.unsynced || self.unreadable.is_some() {
            return Ok(false);
        }
        let mut tx = catalog.begin_sentinel(epoch).await?;
        let state = tx.registry_state().await?;
        let changed = self.sync(&mut tx, &state, &Announced::as_before(&state), now_us).await?;
        tx.set_registry_digest(&self.digest()).await?;
        tx.commit().await?;
        self.unsynced = false;
        Ok(changed)
    }

    /// Whether a refresh would find nothing to do. Nothing is written.
    pub async fn is_current(
        &mut self,
        catalog: &Catalog,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        self.look(now_us);
        Ok(self.unreadable.is_none() && catalog.registry_digest().await? == self.digest())
    }

    /// Of all that a refresh reads outside the catalog, and of how this version of the program reads it.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{} {:?}", env!("CARGO_PKG_VERSION"), self.settings));
        for source in &self.project {
            hash.update(format!("\n{:?} {}", source.file, source.version));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a worker's own directory holds. What is wrong with a source is said back; the others count.
    pub async fn announce(
        &mut self,
        tx: &mut SentinelTx,
        identify: &Identify,
        now_us: i64,
    ) -> Result<Vec<PluginRefusal>, CatalogError> {
        let by = announcer_of(identify);
        let announced = |plugin| PluginSource::announced(plugin, self.check);
        let mut sources: Vec<PluginSource> = identify.plugins.iter().map(announced).collect();
        refuse_same_names(&mut sources);
        let wanted: Vec<DesiredPlugin> = sources
            .iter()
            .filter(|source| !source.shares_its_name())
            .filter_map(|source| desired::plugin(source, &by, &self.settings))
            .collect();
        let state = tx.registry_state().await?;
        let now = wanted.iter().map(|plugin| (plugin.name.to_string(), plugin.version)).collect();
        if announced_by(&by, &state) != now {
            self.take_over(tx, &state, &by, &wanted, &now, now_us).await?;
        }
        Ok(sources.iter().filter_map(|source| refusal(source, &wanted)).collect())
    }

    async fn take_over(
        &self,
        tx: &mut SentinelTx,
        state: &RegistryState,
        by: &str,
        wanted: &[DesiredPlugin],
        now: &BTreeMap<String, PluginVersion>,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        for plugin in wanted {
            tx.keep_source(plugin, now_us).await?;
        }
        tx.set_announcements(by, now).await?;
        let before = announced_by(by, state);
        let is_new =
            |(name, version): &(&String, &PluginVersion)| before.get(*name) != Some(*version);
        let announced = Announced {
            all: tx.registry_state().await?.announcements,
            by: by.to_owned(),
            changed: now.iter().filter(is_new).map(|(name, _)| name.clone()).collect(),
        };
        self.sync(tx, state, &announced, now_us).await?;
        Ok(())
    }

    fn look(&mut self, now_us: i64) {
        let Some(directory) = &mut self.directory else { return };
        let shown = directory.path().display().to_string();
        match directory.poll(now_us.saturating_mul(1000)) {
            Ok(None) => self.unreadable = None,
            Ok(Some(sources)) => {
                self.unreadable = None;
                if sources != self.project || self.unsynced {
                    self.project = sources;
                    self.unsynced = true;
                }
            }
            // A directory that cannot be looked at drops nothing: its plugins stay as they are.
            Err(error) => {
                let error = error.to_string();
                if self.unreadable.as_ref() != Some(&error) {
                    tracing::warn!(directory = shown, error, "the plugins stay as they are");
                }
                self.unreadable = Some(error);
            }
        }
    }

    /// Decides what is in force, and makes the catalog say so.
    async fn sync(
        &self,
        tx: &mut SentinelTx,
        before: &RegistryState,
        announced: &Announced,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let own = self.project.iter().filter_map(|source| self.own(source));
        let mut plugins: BTreeMap<String, DesiredPlugin> =
            own.map(|plugin| (plugin.name.to_string(), plugin)).collect();
        let chosen = choose(&announced.all, before, &announced.by, &announced.changed);
        for (name, one) in chosen {
            if !plugins.contains_key(name)
                && let Some(plugin) = self.announced(tx, one).await?
            {
                plugins.insert(name.to_owned(), plugin);
            }
        }
        let desired = DesiredRegistry {
            plugins: plugins.into_values().collect(),
            user_rules: self.settings.rules.clone(),
        };
        tx.sync_registry(&desired, now_us).await
    }

    fn own(&self, source: &PluginSource) -> Option<DesiredPlugin> {
        let plugin = desired::plugin(source, PROJECT, &self.settings);
        match (&plugin, &source.declared) {
            (Some(DesiredPlugin { error: Some(error), .. }), _) => tracing::warn!("{error}"),
            // A file whose name is no name for a plugin cannot be in the catalog.
            (None, Err(errors)) => tracing::warn!("{errors}"),
            (_, Ok(declared)) => {
                declared
                    .notes
                    .iter()
                    .for_each(|note| tracing::info!("{}", note.text(&source.file)));
            }
            (Some(_), Err(_)) => {}
        }
        plugin
    }

    /// Read again from the catalog: the settings may have changed since.
    async fn announced(
        &self,
        tx: &mut SentinelTx,
        one: &Announcement,
    ) -> Result<Option<DesiredPlugin>, CatalogError> {
        let Some((language, text, lock)) = tx.manifest_source(&one.plugin, one.version).await?
        else {
            return Ok(None);
        };
        let file = file_name(&one.plugin, language);
        let source = PluginSource::read(file, one.plugin.clone(), text, lock, self.check);
        Ok(desired::plugin(&source, &one.announcer, &self.settings))
    }
}

/// What the directories of all workers hold, and what is new of it.
struct Announced {
    all: Vec<Announcement>,
    by: String,
    changed: BTreeSet<String>,
}

impl Announced {
    fn as_before(state: &RegistryState) -> Self {
        let all = state.announcements.clone();
        Self { all, by: String::new(), changed: BTreeSet::new() }
    }
}

fn announced_by(announcer: &str, state: &RegistryState) -> BTreeMap<String, PluginVersion> {
    let own = state.announcements.iter().filter(|one| one.announcer == announcer);
    own.map(|one| (one.plugin.clone(), one.version)).collect()
}

fn refusal(source: &PluginSource, wanted: &[DesiredPlugin]) -> Option<PluginRefusal> {
    let plugin = wanted.iter().find(|plugin| plugin.name.as_str() == source.name);
    let reason = match plugin {
        Some(plugin) => plugin.error.clone()?,
        None => source.declared.as_ref().err()?.to_string(),
    };
    Some(PluginRefusal { name: source.name.clone(), reason })
}

/// A directory on a host; where a worker names none, the worker itself.
fn announcer_of(identify: &Identify) -> String {
    let environment = &identify.environment;
    if environment.plugins_dir.is_empty() {
        let worker = identify.worker_id.as_ref().map_or("unnamed", |id| id.as_str());
        return format!("worker {worker}");
    }
    format!("{}:{}", environment.host, environment.plugins_dir)
}
