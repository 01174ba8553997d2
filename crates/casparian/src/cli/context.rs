//! What a command is given: its printer, and ways to settings and catalog.

use crate::config::{Environment, Flags, Settings};
use crate::failure::Failure;
use crate::output::Printer;
use catalog::{Catalog, CatalogError, CatalogUrl, OpenMode};
use std::future::Future;
use worker::sinks::SinkReader;

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

    /// The sinks as somebody has them who only looks.
    pub fn sink_reader(&self, settings: &Settings) -> SinkReader {
        let logins = settings.logins_here(&self.environment);
        SinkReader::new(settings.output.value.clone(), logins)
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

/// With all that is secret in it.
pub fn catalog_url(url: &CatalogUrl) -> Result<String, Failure> {
    let Some(path) = url.file() else { return Ok(url.secret_text().to_owned()) };
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
    let place = &settings.catalog.value;
    if is_absent(place) {
        return Err(CatalogError::Missing { place: place.clone() }.into());
    }
    Ok(Catalog::open(&catalog_url(place)?, OpenMode::ReadWrite).await?)
}

/// A file that is not there yet.
pub fn is_absent(place: &CatalogUrl) -> bool {
    place.file().is_some_and(|path| !path.exists())
}
