//! The rules of one epoch, ready for paths.

use super::scout_error::ScoutError;
use crate::route::Router;
use catalog::{Catalog, RoutingTable, SubscribedPlugin};

pub(crate) struct Routes {
    table: RoutingTable,
    router: Router,
}

/// What a path gets.
pub(crate) struct Routed<'a> {
    /// Sorted.
    pub(crate) tags: Vec<String>,
    /// All that subscribe to one of the tags.
    pub(crate) plugins: Vec<&'a SubscribedPlugin>,
}

impl Routes {
    pub(crate) async fn load(catalog: &Catalog) -> Result<Self, ScoutError> {
        let table = catalog.routing_table().await?;
        let rules = table.rules.iter().map(|(pattern, tag)| (pattern, tag));
        let router = Router::new(rules)?;
        Ok(Self { table, router })
    }

    pub(crate) fn epoch(&self) -> i64 {
        self.table.epoch
    }

    /// Whether a plugin subscribes to a tag of the path.
    pub(crate) fn want(&self, path: &[u8]) -> bool {
        if self.table.plugins.is_empty() {
            return false;
        }
        let tags = self.router.tags(path);
        let has = |tag: &String| tags.iter().any(|given| given == tag);
        self.table.plugins.iter().any(|plugin| plugin.tags.iter().any(has))
    }

    /// `path` is relative to its source root.
    pub(crate) fn of(&self, path: &[u8]) -> Routed<'_> {
        let tags: Vec<String> = self.router.tags(path).into_iter().map(str::to_owned).collect();
        let subscribes = |plugin: &&SubscribedPlugin| plugin.tags.iter().any(|t| tags.contains(t));
        let plugins = self.table.plugins.iter().filter(subscribes).collect();
        Routed { tags, plugins }
    }
}
