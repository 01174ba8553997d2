//! The inventory alone: no file is opened, nothing is versioned, no Sentinel is needed.

use super::sentinel::prepare;
use super::sources::{Scouting, scout};
use super::watching::watched;
use crate::cli::catalog_url;
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Bar;
use catalog::{Catalog, OpenMode};
use control::Stop;
use control::scout::PassReport;

pub async fn scan(
    settings: &Settings,
    scouting: &Scouting,
    stop: &Stop,
    bar: &Bar,
) -> Result<PassReport, Failure> {
    prepare(settings)?;
    let url = catalog_url(&settings.catalog.value)?;
    let catalog = Catalog::open(&url, OpenMode::ReadWrite).await?;
    let mut scout = scout(settings, &catalog, scouting).await?;
    let progress = scout.progress();
    let report = watched(scout.scan(stop), &progress, bar).await?;
    bar.finish();
    drop(scout);
    catalog.close().await;
    Ok(report)
}
