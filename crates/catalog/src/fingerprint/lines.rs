//! Two schemas, line by line.

use crate::error::CatalogError;
use crate::url::CatalogUrl;
use std::collections::BTreeSet;

/// One line per column, key and index.
pub(crate) type Fingerprint = BTreeSet<String>;

pub(crate) fn check(
    url: &CatalogUrl,
    live: &Fingerprint,
    expected: &Fingerprint,
) -> Result<(), CatalogError> {
    match difference(live, expected) {
        None => Ok(()),
        Some(what) => Err(CatalogError::SchemaDiffers { place: url.clone(), what }),
    }
}

pub(super) fn difference(live: &Fingerprint, expected: &Fingerprint) -> Option<String> {
    let missing = expected.difference(live).next().map(|line| format!("{line} is missing"));
    missing
        .or_else(|| live.difference(expected).next().map(|line| format!("{line} is not expected")))
}
