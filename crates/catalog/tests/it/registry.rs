//! Plugins, topics and rules.

use crate::backend::{Backend, plugin, simple};
use catalog::PluginStatus;
use protocol::TopicOptions;

#[tokio::test]
async fn saying_the_same_again_changes_nothing() {
    let backend = Backend::fresh().await;
    assert!(backend.plugins(&[simple("p", 1)]).await);
    let before = backend.catalog.plugins(true).await.unwrap();
    assert!(!backend.plugins(&[simple("p", 1)]).await);
    assert_eq!(backend.catalog.plugins(true).await.unwrap(), before);
}

#[tokio::test]
async fn f09_two_plugins_with_the_same_pattern_have_a_rule_each() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1), simple("q", 2)]).await;
    let rules = backend.catalog.rules().await.unwrap();
    let tags = rules.iter().map(|rule| rule.tag.as_str()).collect::<Vec<_>>();
    assert_eq!(tags, ["auto_p", "auto_q"]);
}

#[tokio::test]
async fn f05_and_f11_an_edited_uri_takes_effect() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let moved = plugin("p", 2, &[("elsewhere", TopicOptions::default())]);
    backend.plugins(&[moved]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let detail = tx.job_detail(job.id).await.unwrap().unwrap();
    let manifest = tx.manifest_detail(detail.manifest).await.unwrap();
    let uris = manifest.topics.iter().map(|topic| topic.uri.to_string()).collect::<Vec<_>>();
    assert_eq!(uris, ["parquet://elsewhere"]);
}

#[tokio::test]
async fn of_a_plugin_only_one_version_is_active() {
    let backend = Backend::fresh().await;
    for source in [1, 2, 1] {
        backend.plugins(&[simple("p", source)]).await;
    }
    let plugins = backend.catalog.plugins(true).await.unwrap();
    let active = plugins.iter().filter(|plugin| plugin.status == PluginStatus::Active);
    assert_eq!(active.map(|plugin| plugin.version[0]).collect::<Vec<_>>(), [1]);
    assert_eq!(plugins.len(), 2);
}

#[tokio::test]
async fn a_plugin_that_is_dropped_retires_and_its_rule_goes() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    assert!(backend.plugins(&[]).await);
    assert!(backend.catalog.rules().await.unwrap().is_empty());
    assert!(backend.catalog.routing_table().await.unwrap().plugins.is_empty());
    assert_eq!(backend.catalog.plugins(false).await.unwrap()[0].status, PluginStatus::Retired);
}
