//! What a backfill would do, and doing it: page by page over the inventory, so that neither memory nor a transaction grows with it.

use super::selection::Selection;
use catalog::{
    BackfillFile, BackfillStep, Catalog, CatalogError, GoneVersion, JobState, SentinelTx,
    SubscribedPlugin,
};
use protocol::{LocationId, ManifestId, PluginVersion};

/// Files in one page.
const PAGE: usize = 1_000;
/// Stands for a source that is in no catalog yet.
const NEVER_SEEN: ManifestId = ManifestId::new(0);
/// Versions whose bytes are gone that are named.
const EXAMPLES_MAX: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    #[error(
        "plugin {name} has no ACTIVE version: `casparian plugins` shows what there is, and why"
    )]
    NotActive { name: String },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackfillCounts {
    /// Files that were chosen.
    pub files: u64,
    /// They get a job.
    pub jobs: u64,
    /// The ACTIVE version has done them.
    pub done: u64,
    /// The ACTIVE version has them on their way.
    pub under_way: u64,
    /// The ACTIVE version failed on them, or was aborted: `jobs retry` takes these.
    pub spent: u64,
}

#[derive(Debug, Default)]
pub struct BackfillPlan {
    pub counts: BackfillCounts,
    /// Results of older versions that cannot be made anew: their bytes lie at no live path.
    pub gone: u64,
    pub examples: Vec<GoneVersion>,
}

/// Reads alone. `present` is the source that the next Sentinel finds, where it may be another than the ACTIVE one of the catalog.
pub async fn plan(
    catalog: &Catalog,
    name: &str,
    present: Option<PluginVersion>,
    selection: &Selection,
) -> Result<BackfillPlan, BackfillError> {
    let mut plugin = active(catalog, name).await?;
    if let Some(present) = present {
        let known = catalog.manifest_of(name, &present).await?;
        plugin.manifest = known.unwrap_or(NEVER_SEEN);
    }
    let mut plan = BackfillPlan::default();
    let mut after = LocationId::new(0);
    loop {
        let page = Page::read(catalog, &plugin, after, selection).await?;
        plan.counts.add(&page.counts);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut after = None;
    loop {
        let gone = catalog.gone_versions(name, plugin.manifest, after, PAGE).await?;
        after = gone.last().map(|one| one.job);
        let has_more = gone.len() == PAGE;
        let meant = gone.into_iter().filter(|one| selection.matches(&one.file));
        for one in meant {
            plan.gone += 1;
            if plan.examples.len() < EXAMPLES_MAX {
                plan.examples.push(one);
            }
        }
        if !has_more {
            return Ok(plan);
        }
    }
}

/// One page of jobs. Returns how many, and after which location the next page begins.
pub async fn carry_out_page(
    catalog: &Catalog,
    tx: &mut SentinelTx,
    name: &str,
    selection: &Selection,
    after: LocationId,
    now_us: i64,
) -> Result<(u64, Option<LocationId>), BackfillError> {
    let plugin = active(catalog, name).await?;
    let page = Page::read(catalog, &plugin, after, selection).await?;
    let jobs = tx.backfill(&plugin, &page.steps, now_us).await?;
    Ok((jobs, page.next))
}

async fn active(catalog: &Catalog, name: &str) -> Result<SubscribedPlugin, BackfillError> {
    let plugins = catalog.routing_table().await?.plugins;
    let plugin = plugins.into_iter().find(|plugin| plugin.name.as_str() == name);
    plugin.ok_or_else(|| BackfillError::NotActive { name: name.to_owned() })
}

struct Page {
    steps: Vec<BackfillStep>,
    counts: BackfillCounts,
    next: Option<LocationId>,
}

impl Page {
    async fn read(
        catalog: &Catalog,
        plugin: &SubscribedPlugin,
        after: LocationId,
        selection: &Selection,
    ) -> Result<Self, CatalogError> {
        let files = catalog.backfill_files(plugin, after, PAGE).await?;
        let next = files.last().filter(|_| files.len() == PAGE).map(|file| file.location);
        let mut page = Self { steps: Vec::new(), counts: BackfillCounts::default(), next };
        let is_routed = |file: &&BackfillFile| {
            file.tags.split(',').any(|tag| plugin.tags.iter().any(|one| one == tag))
        };
        for file in files.iter().filter(is_routed).filter(|file| selection.matches(file)) {
            page.counts.files += 1;
            page.add(file, selection);
        }
        Ok(page)
    }

    fn add(&mut self, file: &BackfillFile, selection: &Selection) {
        let Some(own) = file.jobs.iter().rfind(|job| job.is_active) else {
            return self.make(BackfillStep::New(file.version));
        };
        match own.state {
            state if !state.is_end() => self.counts.under_way += 1,
            _ if own.is_done => self.counts.done += 1,
            // It failed on these very bytes: only who asks for that gets it again.
            state @ (JobState::Failed | JobState::Aborted) if !selection.asks_for(state) => {
                self.counts.spent += 1;
            }
            // A source that was replaced, and is back.
            _ => self.make(BackfillStep::Again(own.id)),
        }
    }

    fn make(&mut self, step: BackfillStep) {
        self.counts.jobs += 1;
        self.steps.push(step);
    }
}

impl BackfillCounts {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.jobs += other.jobs;
        self.done += other.done;
        self.under_way += other.under_way;
        self.spent += other.spent;
    }
}
