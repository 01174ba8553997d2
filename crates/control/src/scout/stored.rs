//! The stored entries of some directories, read in pages: many small directories in one query, a large one in many.

use catalog::{Catalog, CatalogError, StoredEntry};
use protocol::DirectoryId;
use std::collections::VecDeque;

const PAGE: usize = 2_000;

/// Directories are asked for in the order of their ids, each until it has no more entries.
pub(crate) struct StoredEntries<'a> {
    catalog: &'a Catalog,
    /// Not asked for yet, by id.
    directories: VecDeque<DirectoryId>,
    page: VecDeque<(DirectoryId, StoredEntry)>,
    /// The directory in which the last page was cut, and the last name of it.
    cut: Option<(DirectoryId, Vec<u8>)>,
}

impl<'a> StoredEntries<'a> {
    /// `directories` are sorted.
    pub(crate) fn new(catalog: &'a Catalog, directories: Vec<DirectoryId>) -> Self {
        Self { catalog, directories: directories.into(), page: VecDeque::new(), cut: None }
    }

    /// The next entry of `directory` by name. None: there are no more.
    pub(crate) async fn next(
        &mut self,
        directory: DirectoryId,
    ) -> Result<Option<StoredEntry>, CatalogError> {
        loop {
            if let Some((of, _)) = self.page.front() {
                let is_its = *of == directory;
                return Ok(if is_its {
                    self.page.pop_front().map(|(_, entry)| entry)
                } else {
                    None
                });
            }
            match self.cut.take() {
                Some((of, last)) if of == directory => self.read_on(of, last).await?,
                Some((of, last)) => {
                    self.cut = Some((of, last));
                    return Ok(None);
                }
                None if self.directories.front().is_some_and(|next| *next <= directory) => {
                    self.read_first().await?;
                }
                None => return Ok(None),
            }
        }
    }

    async fn read_first(&mut self) -> Result<(), CatalogError> {
        let directories = self.directories.make_contiguous();
        let page = self.catalog.first_entries_of(directories, PAGE).await?;
        if page.len() == PAGE {
            let (of, entry) = &page[PAGE - 1];
            self.cut = Some((*of, entry.name.clone()));
            let read = self.directories.partition_point(|directory| directory <= of);
            self.directories.drain(..read);
        } else {
            self.directories.clear();
        }
        self.page = page.into();
        Ok(())
    }

    async fn read_on(&mut self, of: DirectoryId, last: Vec<u8>) -> Result<(), CatalogError> {
        let page = self.catalog.entries_of(of, Some(&last), PAGE).await?;
        if page.len() == PAGE {
            self.cut = Some((of, page[PAGE - 1].name.clone()));
        }
        self.page = page.into_iter().map(|entry| (of, entry)).collect();
        Ok(())
    }
}
