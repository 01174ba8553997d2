//! Plugins, topics and rules.

use crate::backend::{Backend, plugin, simple};
use catalog::{DesiredPlugin, FailNext, JobState, PluginStatus};
use protocol::{PluginLanguage, TopicOptions};

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
    let detail = tx.job_details(&[job.id]).await.unwrap().remove(&job.id).unwrap();
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

#[tokio::test]
async fn a_rejected_source_stops_the_plugin_and_leaves_its_rule() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    let broken = DesiredPlugin {
        declaration: None,
        error: Some("p.py:1: wrong".to_owned()),
        ..simple("p", 2)
    };
    assert!(backend.plugins(std::slice::from_ref(&broken)).await);
    assert!(!backend.plugins(&[broken]).await);
    assert_eq!(backend.catalog.rules().await.unwrap().len(), 1);
    assert!(backend.catalog.routing_table().await.unwrap().plugins.is_empty());
    assert!(backend.plugins(&[simple("p", 1)]).await);
    assert_eq!(backend.catalog.routing_table().await.unwrap().plugins.len(), 1);
}

/// As where somebody saved a query as `p.py`, and then gave the file its name.
#[tokio::test]
async fn a_source_is_in_the_language_that_it_was_registered_in_last() {
    let backend = Backend::fresh().await;
    let sql = |source| DesiredPlugin { language: PluginLanguage::Sql, ..simple("p", source) };
    let language = async || backend.catalog.plugins(false).await.unwrap()[0].language;
    backend.plugins(&[simple("p", 1)]).await;
    assert_eq!(language().await, PluginLanguage::Python);
    backend.plugins(&[sql(1)]).await;
    assert_eq!(language().await, PluginLanguage::Sql);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    tx.keep_source(&simple("p", 2), 1).await.unwrap();
    tx.keep_source(&sql(2), 1).await.unwrap();
    let kept = tx.manifest_source("p", sql(2).version).await.unwrap();
    assert_eq!(kept, Some((PluginLanguage::Sql, "# 2".to_owned(), None)));
    assert_eq!(tx.manifest_source("p", simple("p", 3).version).await.unwrap(), None);
}

#[tokio::test]
async fn workers_of_the_original_v4_are_given_python_plugins_only() {
    let backend = Backend::fresh().await;
    let sql = DesiredPlugin { language: PluginLanguage::Sql, ..simple("q", 2) };
    backend.plugins(&[simple("p", 1), sql]).await;
    backend.write("a", 1).await;
    let session = backend.worker("w").await;
    let plugins = ["q", "p"].map(str::to_owned);
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let (claimed, _) = tx.claim_for(&session, &plugins, 1).await.unwrap().unwrap();
    let detail = tx.job_details(&[claimed.job.id]).await.unwrap().remove(&claimed.job.id).unwrap();
    let manifest = tx.manifest_detail(detail.manifest).await.unwrap();
    assert_eq!((manifest.name.as_str(), manifest.language), ("p", PluginLanguage::Python));
    assert_eq!(tx.claim_for(&session, &plugins, 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_job_that_waits_runs_with_the_source_that_is_in_force_then() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    backend.plugins(&[simple("p", 2)]).await;
    let job = backend.claim(1).await.remove(0).job;
    let mut tx = backend.catalog.begin_sentinel(backend.epoch).await.unwrap();
    let detail = tx.job_details(&[job.id]).await.unwrap().remove(&job.id).unwrap();
    let manifest = tx.manifest_detail(detail.manifest).await.unwrap();
    assert_eq!(manifest.version.as_bytes()[0], 2);
}

#[tokio::test]
async fn going_back_to_a_source_that_failed_does_not_run_it_again() {
    let backend = Backend::fresh().await;
    backend.plugins(&[simple("p", 1)]).await;
    backend.write("a", 1).await;
    let job = backend.claim(1).await.remove(0).job;
    assert!(backend.fail(job, FailNext::Failed).await);
    backend.plugins(&[simple("p", 2)]).await;
    backend.tag("a", 1).await;
    backend.admit().await;
    backend.plugins(&[simple("p", 1)]).await;
    assert!(backend.claim(1).await.is_empty());
    assert_eq!(backend.states().await, [JobState::Failed, JobState::Superseded]); // Unless somebody asks for it: the other one did nothing that would stand in its way.
    assert_eq!(backend.catalog.failed_files().await.unwrap(), 1);
    assert_eq!(backend.retry_all().await.queued, 1);
    assert_eq!(backend.claim(1).await.remove(0).job.id, job.id);
}
