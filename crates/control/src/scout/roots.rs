//! The source roots of a pass, held open.

use super::source::{OpenRoot, Source};
use protocol::SourceRootId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Roots {
    by_path: HashMap<Vec<u8>, Root>,
    /// Transactions that their inventory took.
    pub(crate) transactions: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) id: SourceRootId,
    pub(crate) open: Arc<OpenRoot>,
    pub(crate) settle: Duration,
    /// Nothing but these files of it.
    only: Option<HashSet<Vec<u8>>>,
}

impl Roots {
    pub(crate) fn add(&mut self, source: &Source, id: SourceRootId, open: &Arc<OpenRoot>) {
        let path = source.path_bytes().to_vec();
        let root = self.by_path.entry(path).or_insert_with(|| Root {
            id,
            open: Arc::clone(open),
            settle: source.settle,
            only: Some(HashSet::new()),
        });
        // The same root twice, for some of its files or for all: the longer wait is the safer one.
        root.settle = root.settle.max(source.settle);
        match (source.only(), &mut root.only) {
            (Some(file), Some(only)) => _ = only.insert(file.to_vec()),
            (None, _) => root.only = None,
            (Some(_), None) => {}
        }
    }

    pub(crate) fn get(&self, path: &[u8]) -> Option<&Root> {
        self.by_path.get(path)
    }

    pub(crate) fn ids(&self) -> Vec<SourceRootId> {
        let mut ids: Vec<_> = self.by_path.values().map(|root| root.id).collect();
        ids.sort_unstable();
        ids
    }
}

impl Root {
    /// `path` is relative to it.
    pub(crate) fn has(&self, path: &[u8]) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(path))
    }
}
