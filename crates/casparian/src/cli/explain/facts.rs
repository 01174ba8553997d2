//! All that is known of one path, gathered from disk, rules and catalog.

use super::job::JobFacts;
use crate::config::Settings;
use crate::failure::Failure;
use crate::roles::own_places;
use catalog::report::{JobFilter, LocationRow, RuleRow, VersionRow};
use catalog::{Catalog, RoutingTable};
use control::route::{NearMiss, Router, near_miss};
use control::scout::{Obstacle, Source, outlook};
use protocol::{FileStat, SourceRootId};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Rules that nearly match and are named.
const NEAR_MAX: usize = 20;

pub struct Facts {
    pub absolute: Vec<u8>,
    pub root: Vec<u8>,
    /// Relative to the root.
    pub path: Vec<u8>,
    pub root_id: Option<SourceRootId>,
    pub is_directory: bool,
    /// What a scan would meet now.
    pub obstacle: Option<Obstacle>,
    pub stat: Option<FileStat>,
    pub settle_ms: u128,
    pub location: Option<LocationRow>,
    pub versions: Vec<VersionRow>,
    pub matched: Vec<RuleRow>,
    pub near: Vec<(RuleRow, NearMiss)>,
    pub tags: Vec<String>,
    pub plugins: Vec<String>,
    /// Names without a version in force, with the reason.
    pub rejected: Vec<(String, String)>,
    pub jobs: Vec<JobFacts>,
}

impl Facts {
    pub async fn gather(
        settings: &Settings,
        catalog: &Catalog,
        source: &Source,
        absolute: &Path,
        limit: usize,
    ) -> Result<Self, Failure> {
        let root = source.path().as_os_str().as_bytes();
        let path = absolute.strip_prefix(source.path()).unwrap_or(absolute).as_os_str().as_bytes();
        let root_id = catalog.root_of(root).await?;
        let ignore_rules = match root_id {
            Some(root) => catalog.ignore_rules(root).await?,
            None => Vec::new(),
        };
        let looked = outlook(source, &ignore_rules, &own_places(settings), path)?;
        let (obstacle, stat) = match looked {
            Ok(stat) => (None, stat),
            Err(obstacle) => (Some(obstacle), None),
        };
        let is_ignored_directory = absolute.is_dir() && !absolute.is_symlink();
        let mut facts = Self {
            absolute: absolute.as_os_str().as_bytes().to_vec(),
            root: root.to_vec(),
            path: path.to_vec(),
            root_id,
            is_directory: (obstacle.is_none() && stat.is_none()) || is_ignored_directory,
            obstacle,
            stat,
            settle_ms: source.settle.as_millis(),
            location: None,
            versions: Vec::new(),
            matched: Vec::new(),
            near: Vec::new(),
            tags: Vec::new(),
            plugins: Vec::new(),
            rejected: Vec::new(),
            jobs: Vec::new(),
        };
        if !facts.is_directory {
            facts.add_routing(&catalog.rules().await?, &catalog.routing_table().await?)?;
            facts.add_rejected(catalog).await?;
            facts.add_history(catalog, limit).await?;
        }
        Ok(facts)
    }

    fn add_routing(&mut self, rules: &[RuleRow], table: &RoutingTable) -> Result<(), Failure> {
        let pairs = rules.iter().map(|rule| (rule.pattern.as_str(), rule.tag.as_str()));
        let router = Router::new(pairs).map_err(|error| Failure::usage(error.to_string()))?;
        let matching = router.matching(&self.path);
        self.matched = matching.into_iter().map(|at| rules[at].clone()).collect();
        self.tags = router.tags(&self.path).into_iter().map(str::to_owned).collect();
        let near = rules
            .iter()
            .filter_map(|rule| Some((rule.clone(), near_miss(&rule.pattern, &self.path)?)));
        self.near = near.take(NEAR_MAX).collect();
        let wants = |tags: &[String]| tags.iter().any(|tag| self.tags.contains(tag));
        let takers = table.plugins.iter().filter(|plugin| wants(&plugin.tags));
        self.plugins = takers.map(|plugin| plugin.name.to_string()).collect();
        Ok(())
    }

    /// A plugin that could not be read makes no rule, so nobody can tell whether it would want the file.
    async fn add_rejected(&mut self, catalog: &Catalog) -> Result<(), Failure> {
        let plugins = catalog.plugins(false).await?.into_iter();
        let rejected = plugins.filter_map(|plugin| Some((plugin.name, plugin.error?)));
        self.rejected = rejected.collect();
        Ok(())
    }

    async fn add_history(&mut self, catalog: &Catalog, limit: usize) -> Result<(), Failure> {
        let Some(root) = self.root_id else { return Ok(()) };
        let (directory, name) = match self.path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&self.path[..at], &self.path[at + 1..]),
            None => (&self.path[..0], self.path.as_slice()),
        };
        self.location = catalog.location_at(root, directory, name).await?;
        let Some(location) = &self.location else { return Ok(()) };
        self.versions = catalog.versions_of(location.id, limit).await?;
        let filter = JobFilter { location: Some(location.id), limit, ..JobFilter::default() };
        for job in catalog.jobs(&filter).await? {
            let artifacts = catalog.artifacts_of(job.id).await?;
            let holder = catalog.content_holder(job.id).await?;
            let holder = holder.filter(|(holder, ..)| *holder != job.id);
            self.jobs.push(JobFacts { job, artifacts, holder });
        }
        Ok(())
    }
}
