//! Which plugins are in force: the project's own directory first, else the latest change that a worker announced.

use super::declare::{Declared, declare};
use super::desired;
use super::directory::{self, DirectoryStamp};
use super::settings::RegistrySettings;
use catalog::{
    Announcement, Catalog, CatalogError, DesiredPlugin, DesiredRegistry, RegistryState,
    SentinelEpoch, SentinelTx,
};
use protocol::{AnnouncedPlugin, Identify, PluginRefusal, PluginVersion};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The origin of plugins of the project's own directory.
pub const PROJECT: &str = "project";

#[derive(Debug)]
pub struct Registrar {
    /// The project's own plugins; none on a Sentinel without a project.
    directory: Option<PathBuf>,
    settings: RegistrySettings,
    seen: Option<DirectoryStamp>,
    project: Vec<DesiredPlugin>,
}

impl Registrar {
    pub fn new(directory: Option<PathBuf>, settings: RegistrySettings) -> Self {
        Self { directory, settings, seen: None, project: Vec::new() }
    }

    /// Looks at the project's directory, and registers what is there when something changed. Whether the routing did.
    pub async fn refresh(
        &mut self,
        catalog: &Catalog,
        epoch: SentinelEpoch,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let stamp = self.directory.as_deref().map(directory::stamp).unwrap_or_default();
        if self.seen.as_ref() == Some(&stamp) {
            return Ok(false);
        }
        self.project = self.read_project();
        let mut tx = catalog.begin_sentinel(epoch).await?;
        let state = tx.registry_state().await?;
        let announced = self.announced_before(&state);
        let changed = self.sync(&mut tx, announced, now_us).await?;
        tx.commit().await?;
        self.seen = Some(stamp);
        Ok(changed)
    }

    /// What a worker's own directory holds. What is wrong with a source is said back; the others count.
    pub async fn announce(
        &mut self,
        tx: &mut SentinelTx,
        identify: &Identify,
        now_us: i64,
    ) -> Result<Vec<PluginRefusal>, CatalogError> {
        let announcer = announcer_of(identify);
        let state = tx.registry_state().await?;
        let before = state.announcements.iter().filter(|one| one.announcer == announcer);
        let before =
            before.map(|one| (one.plugin.clone(), one.version)).collect::<BTreeMap<_, _>>();
        if before.is_empty() && identify.plugins.is_empty() {
            return Ok(Vec::new());
        }
        let declared = identify.plugins.iter().map(declare_announced).collect::<Vec<_>>();
        let now = declared.iter().map(|one| (one.name.clone(), one.version));
        let now = now.collect::<Vec<(String, PluginVersion)>>();
        tx.set_announcements(&announcer, &now).await?;

        let mut announced = self.announced_before(&state);
        self.drop_missing(tx, &mut announced, &state, &announcer, &now).await?;
        let mut refusals = Vec::new();
        for one in declared {
            refusals.extend(one.refusal());
            if before.get(&one.name) != Some(&one.version)
                && let Some(plugin) = desired::plugin(one, &announcer, &self.settings)
            {
                announced.insert(plugin.name.to_string(), plugin);
            }
        }
        self.sync(tx, announced, now_us).await?;
        Ok(refusals)
    }

    fn read_project(&self) -> Vec<DesiredPlugin> {
        let files = self.directory.as_deref().map(directory::read).unwrap_or_default();
        let declared = files.iter().map(|file| {
            let shown = shown_path(&file.path);
            match &file.text {
                Ok(text) => declare(&shown, text, None),
                Err(reason) => Declared::unreadable(&shown, reason),
            }
        });
        let mut plugins: BTreeMap<String, DesiredPlugin> = BTreeMap::new();
        for one in declared {
            let name = one.name.clone();
            match desired::plugin(one, PROJECT, &self.settings) {
                // Of `x.py` and `x.sql` only one can be plugin x.
                Some(plugin) => drop(plugins.entry(name).or_insert(plugin)),
                None => {
                    tracing::warn!(name, "the file's name is no plugin name; it is passed over")
                }
            }
        }
        plugins.into_values().collect()
    }

    /// Announced plugins as they are in force, read again: the settings may have changed.
    fn announced_before(&self, state: &RegistryState) -> BTreeMap<String, DesiredPlugin> {
        let announced = state.manifests.iter().filter(|manifest| manifest.origin != PROJECT);
        let again = announced.filter_map(|manifest| {
            let shown = format!("{}.py", manifest.plugin);
            let declared = declare(&shown, &manifest.source, manifest.lock.as_deref());
            desired::plugin(declared, &manifest.origin, &self.settings)
        });
        again.map(|plugin| (plugin.name.to_string(), plugin)).collect()
    }

    /// A plugin that its announcer dropped falls back to what another one announces, or retires.
    async fn drop_missing(
        &self,
        tx: &mut SentinelTx,
        announced: &mut BTreeMap<String, DesiredPlugin>,
        state: &RegistryState,
        announcer: &str,
        now: &[(String, PluginVersion)],
    ) -> Result<(), CatalogError> {
        let is_missing = |plugin: &DesiredPlugin| {
            plugin.origin == announcer && !now.iter().any(|(name, _)| *name == plugin.name.as_str())
        };
        let missing = announced.values().filter(|plugin| is_missing(plugin));
        let missing = missing.map(|plugin| plugin.name.to_string()).collect::<Vec<_>>();
        for name in missing {
            announced.remove(&name);
            let others = state.announcements.iter();
            let other = others.rev().find(|one| one.plugin == name && one.announcer != announcer);
            if let Some(plugin) = self.fall_back(tx, other).await? {
                announced.insert(name, plugin);
            }
        }
        Ok(())
    }

    async fn fall_back(
        &self,
        tx: &mut SentinelTx,
        other: Option<&Announcement>,
    ) -> Result<Option<DesiredPlugin>, CatalogError> {
        let Some(other) = other else { return Ok(None) };
        let source = tx.manifest_source(&other.plugin, other.version).await?;
        Ok(source.and_then(|(source, lock)| {
            let declared = declare(&format!("{}.py", other.plugin), &source, lock.as_deref());
            desired::plugin(declared, &other.announcer, &self.settings)
        }))
    }

    async fn sync(
        &self,
        tx: &mut SentinelTx,
        mut announced: BTreeMap<String, DesiredPlugin>,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        for plugin in &self.project {
            announced.insert(plugin.name.to_string(), plugin.clone());
        }
        let desired = DesiredRegistry {
            plugins: announced.into_values().collect(),
            user_rules: self.settings.rules.clone(),
        };
        tx.sync_registry(&desired, now_us).await
    }
}

fn declare_announced(plugin: &AnnouncedPlugin) -> Declared {
    declare(&format!("{}.py", plugin.name), &plugin.source, plugin.lock.as_deref())
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

/// `plugins/x.py`: short, and enough to find the file.
fn shown_path(path: &std::path::Path) -> String {
    let parts = path.components().rev().take(2).collect::<Vec<_>>();
    let shown = parts.into_iter().rev().collect::<PathBuf>();
    shown.to_string_lossy().into_owned()
}
