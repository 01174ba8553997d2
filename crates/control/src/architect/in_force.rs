//! Which announced source of a plugin is in force. A pure function of what is announced, what was in force, and what just changed.

use super::registrar::PROJECT;
use catalog::{Announcement, RegistryState};
use std::collections::{BTreeMap, BTreeSet};

/// For every plugin that a worker's directory announces, the announcement that counts; where the project's own directory has the
/// plugin, that one goes before it.
///
/// `announced` is what all directories hold now. `changed` are the plugins whose source the announcer `by` has just changed:
/// the latest change counts. Else what was in force stays, as long as a directory still holds it. Else the source that was
/// registered last of those that are left counts.
pub(super) fn choose<'a>(
    announced: &'a [Announcement],
    before: &RegistryState,
    by: &str,
    changed: &BTreeSet<String>,
) -> BTreeMap<&'a str, &'a Announcement> {
    let mut by_plugin: BTreeMap<&str, Vec<&Announcement>> = BTreeMap::new();
    for one in announced {
        by_plugin.entry(&one.plugin).or_default().push(one);
    }
    let mut chosen = BTreeMap::new();
    for (plugin, all) in by_plugin {
        let just_changed =
            all.iter().find(|one| one.announcer == by && changed.contains(&one.plugin));
        let one =
            just_changed.or_else(|| still_held(plugin, &all, before)).or_else(|| latest(&all));
        chosen.extend(one.map(|one| (plugin, *one)));
    }
    chosen
}

fn still_held<'s, 'a>(
    plugin: &str,
    announced: &'s [&'a Announcement],
    before: &RegistryState,
) -> Option<&'s &'a Announcement> {
    let mut manifests = before.manifests.iter();
    let was = manifests.find(|manifest| manifest.plugin == plugin && manifest.origin != PROJECT)?;
    let same_source = |one: &&&Announcement| one.version == was.version;
    let same_place = |one: &&&Announcement| same_source(one) && one.announcer == was.origin;
    announced.iter().find(same_place).or_else(|| announced.iter().find(same_source))
}

fn latest<'s, 'a>(announced: &'s [&'a Announcement]) -> Option<&'s &'a Announcement> {
    announced.iter().max_by_key(|one| one.manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{KnownManifest, PluginStatus};
    use protocol::{ManifestId, PluginVersion};

    fn announcement(announcer: &str, source: u8) -> Announcement {
        Announcement {
            announcer: announcer.to_owned(),
            plugin: "p".to_owned(),
            version: PluginVersion::new([source; 32]),
            manifest: Some(ManifestId::new(i64::from(source))),
        }
    }

    /// Announcements as "announcer source", and what was in force before as "origin source".
    fn check(
        announced: &[(&str, u8)],
        before: Option<(&str, u8)>,
        changed_by: &str,
        expected: Option<(&str, u8)>,
    ) {
        let announced: Vec<Announcement> =
            announced.iter().map(|(announcer, source)| announcement(announcer, *source)).collect();
        let manifest = before.map(|(origin, source)| KnownManifest {
            id: ManifestId::new(i64::from(source)),
            plugin: "p".to_owned(),
            version: PluginVersion::new([source; 32]),
            source: String::new(),
            lock: None,
            status: PluginStatus::Active,
            origin: origin.to_owned(),
        });
        let before =
            RegistryState { manifests: manifest.into_iter().collect(), announcements: Vec::new() };
        let changed = BTreeSet::from(["p".to_owned()]);
        let chosen = choose(&announced, &before, changed_by, &changed);
        let chosen = chosen.get("p").map(|one| (one.announcer.as_str(), one.version.as_bytes()[0]));
        assert_eq!(chosen, expected);
    }

    #[test]
    fn the_latest_change_counts() {
        check(&[("a", 1), ("b", 2)], Some(("a", 1)), "b", Some(("b", 2)));
        check(&[("a", 1), ("b", 2)], Some(("b", 2)), "a", Some(("a", 1)));
    }

    #[test]
    fn what_was_in_force_stays_as_long_as_someone_holds_it() {
        check(&[("a", 1), ("b", 2)], Some(("a", 1)), "", Some(("a", 1)));
        check(&[("b", 2), ("c", 1)], Some(("a", 1)), "", Some(("c", 1)));
    }

    #[test]
    fn what_its_directory_dropped_gives_way_to_the_latest_of_the_others() {
        check(&[("b", 2), ("c", 3)], Some(("a", 1)), "", Some(("c", 3)));
        check(&[("b", 2)], Some((PROJECT, 2)), "", Some(("b", 2)));
        check(&[], Some(("a", 1)), "", None);
    }
}
