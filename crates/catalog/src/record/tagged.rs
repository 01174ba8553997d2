//! What the tagger says, and what came of it.

use super::known;
use super::plan::Planner;
use crate::db::ROWS_MAX;
use crate::error::CatalogError;
use crate::roles::ScoutTx;
use crate::tagging::SubscribedPlugin;
use protocol::{ContentHash, FileStat, LocationId};
use std::ops::AddAssign;

/// What the tagger found out about one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<'a> {
    pub location: LocationId,
    /// `TodoLocation::stat`. Where the inventory has stored another one since, nothing is recorded: the location is to do again.
    pub seen: FileStat,
    /// The stat under which it was hashed, or looked at.
    pub stat: FileStat,
    /// None: only routed.
    pub hash: Option<ContentHash>,
    pub racy: bool,
    pub tags: &'a [String],
    /// Plugins that subscribe to one of the tags.
    pub plugins: &'a [&'a SubscribedPlugin],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    pub versions: u64,
    pub jobs: u64,
    pub skipped: u64,
    /// Changed or deleted in the catalog since they were read; nothing was recorded of them.
    pub stale: u64,
}

impl AddAssign for RecordCounts {
    fn add_assign(&mut self, other: Self) {
        self.versions += other.versions;
        self.jobs += other.jobs;
        self.skipped += other.skipped;
        self.stale += other.stale;
    }
}

impl ScoutTx {
    /// Versions, tags and jobs of these locations, all or none. Refused when the rules moved since the routing.
    pub async fn record(
        &mut self,
        tagged: &[Tagged<'_>],
        epoch: i64,
        now_us: i64,
    ) -> Result<RecordCounts, CatalogError> {
        self.check_rules(epoch).await?;
        let mut counts = RecordCounts::default();
        for chunk in tagged.chunks(ROWS_MAX) {
            let known = known::read(&mut self.tx, chunk).await?;
            let ids = self.catalog.ids().await?;
            let mut planner = Planner::new(known, || ids.next(now_us));
            for one in chunk {
                planner.add(one);
            }
            let plan = planner.finish();
            counts += plan.counts;
            self.apply(&plan, epoch, now_us).await?;
        }
        if counts.jobs > 0 {
            self.tx.wake().await?;
        }
        Ok(counts)
    }
}
