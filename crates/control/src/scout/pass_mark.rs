//! The mark in the catalog that a pass is under way. Until it ends, the Sentinel admits no rewritten, copied or deleted
//! file: the file that a content moved to may not be versioned yet. A pass that died is over when its mark runs out.

use super::batch::pass_open_until;
use super::scout_error::ScoutError;
use crate::clock::Clock;
use catalog::{Catalog, CatalogError, ScoutTx};
use std::time::Duration;

/// When less than this is left, the mark is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(15);

pub(crate) struct PassMark<'a> {
    catalog: &'a Catalog,
    clock: &'a dyn Clock,
    /// None: this pass has made no mark. A pass that finds nothing to do writes nothing.
    until_us: Option<i64>,
}

impl<'a> PassMark<'a> {
    pub(crate) fn new(catalog: &'a Catalog, clock: &'a dyn Clock) -> Self {
        Self { catalog, clock, until_us: None }
    }

    /// The inventory of this pass has made the mark: each of its transactions does.
    pub(crate) fn adopt(&mut self) {
        // As if it had just run out, so that the next look renews it.
        self.until_us = Some(i64::MIN);
    }

    /// Makes or renews the mark where one is due.
    pub(crate) async fn keep(&mut self) -> Result<(), ScoutError> {
        let renew_us = i64::try_from(RENEW_BEFORE.as_micros()).unwrap_or(i64::MAX);
        let now_us = self.clock.now_us();
        if self.until_us.is_some_and(|until_us| until_us.saturating_sub(now_us) > renew_us) {
            return Ok(());
        }
        let mut tx = self.catalog.begin_scout().await?;
        self.write(&mut tx, now_us).await?;
        Ok(tx.commit().await?)
    }

    /// Renews the mark where one was made before.
    pub(crate) async fn renew(&mut self) -> Result<(), ScoutError> {
        if self.until_us.is_some() { self.keep().await } else { Ok(()) }
    }

    /// As a part of another transaction, where a mark was made before.
    pub(crate) async fn keep_with(
        &mut self,
        tx: &mut ScoutTx,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        if self.until_us.is_some() { self.write(tx, now_us).await } else { Ok(()) }
    }

    /// As a part of another transaction.
    pub(crate) async fn write(
        &mut self,
        tx: &mut ScoutTx,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let until_us = pass_open_until(now_us);
        tx.set_pass_open_until(until_us).await?;
        self.until_us = Some(until_us);
        Ok(())
    }

    /// Everything is versioned. The mark of a pass that ended before that, be it a scan, goes with it.
    pub(crate) async fn clear(&mut self) -> Result<(), ScoutError> {
        let is_ours = self.until_us.take().is_some();
        if is_ours || self.catalog.pass_open_until().await? > self.clock.now_us() {
            let mut tx = self.catalog.begin_scout().await?;
            tx.set_pass_open_until(0).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
