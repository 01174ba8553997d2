//! Which patterns give which tags: the user's rules, and one for each pattern of a plugin.

use super::model::{DesiredPlugin, DesiredRegistry, auto_tag};
use crate::db;
use crate::error::CatalogError;
use crate::roles::SentinelTx;
use std::collections::BTreeSet;

impl SentinelTx {
    pub(super) async fn sync_rules(
        &mut self,
        desired: &DesiredRegistry,
        now_us: i64,
    ) -> Result<bool, CatalogError> {
        let sql = "SELECT pattern, tag, origin FROM routing_rule";
        let mut stored = BTreeSet::new();
        for row in db::query(sql).fetch_all(&mut *self.tx).await? {
            stored.insert((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        let wanted = rules_of(desired, &stored);
        let delete = "DELETE FROM routing_rule WHERE pattern = $1 AND tag = $2";
        for (pattern, tag, _) in stored.difference(&wanted) {
            db::query(delete).bind(pattern).bind(tag).execute(&mut *self.tx).await?;
        }
        let insert = "INSERT INTO routing_rule (id, pattern, tag, origin) VALUES ($1, $2, $3, $4) ON CONFLICT (pattern, tag) DO NOTHING";
        for (pattern, tag, origin) in wanted.difference(&stored) {
            let query = db::query(insert).bind(self.next_id(now_us).await?);
            query.bind(pattern).bind(tag).bind(origin).execute(&mut *self.tx).await?;
        }
        Ok(stored != wanted)
    }
}

/// Pattern, tag and origin.
type Rule = (String, String, String);

/// Of two rules that give the same tag by the same pattern one is enough.
fn rules_of(desired: &DesiredRegistry, stored: &BTreeSet<Rule>) -> BTreeSet<Rule> {
    let user = desired
        .user_rules
        .iter()
        .map(|(pattern, tag)| (pattern.clone(), tag.clone(), "user".to_owned()));
    let auto = desired.plugins.iter().flat_map(|plugin| {
        let patterns = plugin.declaration.iter().flat_map(|declared| &declared.patterns);
        patterns.map(|pattern| (pattern.clone(), auto_tag(&plugin.name), rule_origin(plugin)))
    });
    let rejected = desired.plugins.iter().filter(|plugin| plugin.declaration.is_none());
    let rejected = rejected.map(rule_origin).collect::<BTreeSet<_>>();
    let kept = stored.iter().filter(|(_, _, origin)| rejected.contains(origin)).cloned();
    let mut seen = BTreeSet::new();
    user.chain(auto)
        .chain(kept)
        .filter(|(pattern, tag, _)| seen.insert((pattern.clone(), tag.clone())))
        .collect()
}

fn rule_origin(plugin: &DesiredPlugin) -> String {
    format!("plugin:{}", plugin.name)
}
