//! Which versions and jobs come of what the tagger found. Decided on what is known, without the catalog.

use super::known::{Known, KnownJob};
use super::tagged::{RecordCounts, Tagged};
use crate::job_state::{Hold, JobState};
use crate::tagging::{SubscribedPlugin, VersionSummary};
use protocol::{ContentHash, FileStat, LocationId, ManifestId, VersionId};

/// All that is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub contents: Vec<NewContent>,
    pub versions: Vec<NewVersion>,
    pub hashed: Vec<HashedLocation>,
    /// Only routed.
    pub routed: Vec<LocationId>,
    pub tags: Vec<(VersionId, String)>,
    pub jobs: Vec<NewJob>,
    pub counts: RecordCounts,
}

/// Never seen before, at any path.
#[derive(Debug)]
pub(super) struct NewContent {
    pub id: i64,
    pub hash: ContentHash,
    pub size: u64,
}

#[derive(Debug)]
pub(super) struct NewVersion {
    pub location: LocationId,
    pub content: i64,
    pub stat: FileStat,
    pub version: VersionSummary,
}

#[derive(Debug)]
pub(super) struct HashedLocation {
    pub location: LocationId,
    pub stat: FileStat,
    pub racy: bool,
    pub version: VersionId,
    /// The stat is not the one that the directory's digest is of.
    pub has_moved: bool,
}

#[derive(Debug)]
pub(super) struct NewJob {
    pub id: i64,
    pub state: JobState,
    pub hold: Option<Hold>,
    pub version: VersionId,
    pub location: LocationId,
    pub manifest: ManifestId,
    pub plugin: String,
    pub content: i64,
    pub priority: i32,
}

pub(super) struct Planner<N> {
    known: Known,
    next_id: N,
    plan: Plan,
}

impl<N: FnMut() -> i64> Planner<N> {
    pub(super) fn new(known: Known, next_id: N) -> Self {
        Self { known, next_id, plan: Plan::default() }
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }

    pub(super) fn add(&mut self, tagged: &Tagged<'_>) {
        // Taken out: said twice in one batch, the second time is stale.
        let known = self.known.locations.remove(&tagged.location);
        let Some(known) = known.filter(|known| known.stat == tagged.seen) else {
            self.plan.counts.stale += 1;
            return;
        };
        let version = match tagged.hash {
            None => {
                self.plan.routed.push(tagged.location);
                known.current.inspect(|version| self.note_tags(version, tagged))
            }
            Some(hash) => Some(self.version(tagged, hash, known.current.as_ref())),
        };
        if let Some(version) = version {
            let content = self.content(version.hash, tagged.stat.size);
            for plugin in tagged.plugins {
                self.add_job(tagged.location, &version, content, plugin);
            }
        }
    }

    /// The version that the location holds now: the current one when the content is the same, else a new one.
    fn version(
        &mut self,
        tagged: &Tagged<'_>,
        hash: ContentHash,
        current: Option<&VersionSummary>,
    ) -> VersionSummary {
        let same = current.filter(|version| version.hash == hash);
        let same = same.filter(|version| {
            !tagged.plugins.iter().any(|plugin| self.is_undone(tagged.location, version, plugin))
        });
        let version = match same {
            Some(version) => version.clone(),
            None => self.add_version(tagged, hash, current),
        };
        self.plan.hashed.push(HashedLocation {
            location: tagged.location,
            stat: tagged.stat,
            racy: tagged.racy,
            version: version.id,
            has_moved: tagged.stat != tagged.seen,
        });
        self.note_tags(&version, tagged);
        version
    }

    fn add_version(
        &mut self,
        tagged: &Tagged<'_>,
        hash: ContentHash,
        before: Option<&VersionSummary>,
    ) -> VersionSummary {
        let version = VersionSummary {
            id: VersionId::new((self.next_id)()),
            sequence: before.map_or(1, |version| version.sequence + 1),
            hash,
            tags: tagged.tags.join(","),
        };
        if let Some(before) = before {
            self.leave(tagged.location, before);
        }
        self.plan.counts.versions += 1;
        let content = self.content(hash, tagged.stat.size);
        let (location, stat) = (tagged.location, tagged.stat);
        self.plan.versions.push(NewVersion { location, content, stat, version: version.clone() });
        version
    }

    fn content(&mut self, hash: ContentHash, size: u64) -> i64 {
        if let Some(id) = self.known.contents.ids.get(&hash) {
            return *id;
        }
        let id = (self.next_id)();
        self.known.contents.ids.insert(hash, id);
        self.plan.contents.push(NewContent { id, hash, size });
        id
    }

    /// Jobs of what was the current version are those of an earlier one now.
    fn leave(&mut self, location: LocationId, before: &VersionSummary) {
        let plugins = self.known.jobs.keys().filter(|(version, _)| *version == before.id);
        let plugins: Vec<String> = plugins.map(|(_, plugin)| plugin.clone()).collect();
        self.known.busy.extend(plugins.into_iter().map(|plugin| (location, plugin)));
    }

    /// Whether the content came back after its rows had left, so that only a new version brings them again.
    fn is_undone(
        &self,
        location: LocationId,
        version: &VersionSummary,
        plugin: &SubscribedPlugin,
    ) -> bool {
        let name = plugin.name.to_string();
        let contents = &self.known.contents;
        let content = contents.ids.get(&version.hash).copied().unwrap_or_default();
        let is_in_topic = contents.done_by_any.contains(&(content, name.clone()));
        if is_in_topic && plugin.dedup {
            return false;
        }
        let unfinished = self.known.unfinished.contains(&(location, name.clone()));
        let jobs = self.known.jobs.get(&(version.id, name)).map_or(&[][..], Vec::as_slice);
        let has_left = |job: &KnownJob| match job.state {
            JobState::Completed => !job.is_current,
            JobState::Skipped => !is_in_topic,
            JobState::Superseded => true,
            _ => false,
        };
        // What the plugin's version in force has failed on is not tried again by touching the file.
        let has_failed = |job: &KnownJob| {
            job.manifest == plugin.manifest
                && matches!(job.state, JobState::Failed | JobState::Aborted)
        };
        let is_settled = jobs.iter().any(|job| job.is_current || has_failed(job));
        !unfinished && !is_settled && jobs.iter().any(has_left)
    }

    fn note_tags(&mut self, version: &VersionSummary, tagged: &Tagged<'_>) {
        let tags = tagged.tags.join(",");
        if version.tags != tags {
            self.plan.tags.push((version.id, tags));
        }
    }

    /// A job for this version and plugin, unless there is one that did it or is on its way, or that failed with this very source.
    fn add_job(
        &mut self,
        location: LocationId,
        version: &VersionSummary,
        content: i64,
        plugin: &SubscribedPlugin,
    ) {
        let is_answer = |job: &KnownJob| {
            job.manifest == plugin.manifest
                || !matches!(job.state, JobState::Failed | JobState::Aborted)
        };
        let key = (version.id, plugin.name.to_string());
        if self.known.jobs.get(&key).is_some_and(|jobs| jobs.iter().any(is_answer)) {
            return;
        }
        let (state, hold) = self.birth(location, content, plugin);
        self.plan.counts.jobs += u64::from(state != JobState::Skipped);
        self.plan.counts.skipped += u64::from(state == JobState::Skipped);
        self.plan.jobs.push(NewJob {
            id: (self.next_id)(),
            state,
            hold,
            version: version.id,
            location,
            manifest: plugin.manifest,
            plugin: key.1,
            content,
            priority: plugin.priority,
        });
    }

    /// Only what needs no look at anything else is queued at once; the rest is for the Sentinel to admit.
    fn birth(
        &mut self,
        location: LocationId,
        content: i64,
        plugin: &SubscribedPlugin,
    ) -> (JobState, Option<Hold>) {
        let name = plugin.name.to_string();
        if self.known.busy.contains(&(location, name.clone())) {
            return (JobState::Pending, Some(Hold::Admit));
        }
        let key = (content, name, plugin.manifest);
        let contents = &mut self.known.contents;
        if plugin.dedup && contents.done.contains(&key) {
            return (JobState::Skipped, None);
        }
        // Queued now, it is the first copy for those that come after it.
        if contents.doing.insert(key) || !plugin.dedup {
            return (JobState::Queued, None);
        }
        (JobState::Pending, Some(Hold::Admit))
    }
}
