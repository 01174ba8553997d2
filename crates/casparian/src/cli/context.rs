//! What a command is given: its printer, and ways to settings and catalog.

use crate::config::{Environment, Flags, Settings};
use crate::failure::Failure;
use crate::output::Printer;
use catalog::{Catalog, CatalogError, OpenMode};
use std::future::Future;
use std::path::Path;

#[derive(Debug)]
pub struct Context {
    pub flags: Flags,
    pub environment: Environment,
    pub printer: Printer,
}

impl Context {
    pub fn settings(&self) -> Result<Settings, Failure> {
        self.settings_with(&self.flags)
    }

    /// For commands with flags of their own.
    pub fn settings_with(&self, flags: &Flags) -> Result<Settings, Failure> {
        Ok(Settings::load(flags, &self.environment)?)
    }

    /// For commands that only look: they make no catalog.
    pub fn read<T>(
        &self,
        settings: &Settings,
        look: impl AsyncFnOnce(&Catalog) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        block_on(async {
            let url = catalog_url(&settings.catalog.value)?;
            let catalog = Catalog::open(&url, OpenMode::ReadOnly).await?;
            let result = look(&catalog).await;
            catalog.close().await;
            result
        })
    }
}

pub fn catalog_url(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::usage(format!("the catalog's path {} is not UTF-8", path.display()))
            .hint("keep the catalog elsewhere: --catalog PATH")
    })
}

/// Everything that waits does so on this thread.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::bug(format!("cannot start: {error}")))?;
    runtime.block_on(work)
}

/// For commands that leave something in a catalog, and make none.
pub async fn open_existing(settings: &Settings) -> Result<Catalog, Failure> {
    let path = &settings.catalog.value;
    if !path.exists() {
        return Err(CatalogError::Missing { path: path.clone() }.into());
    }
    Ok(Catalog::open(&catalog_url(path)?, OpenMode::ReadWrite).await?)
}
