//! The whole proof, side after side.

use super::finding::{Finding, Repair};
use super::report::{ProofReport, Unchecked};
use crate::failure::Failure;
use crate::output::{Bar, clean_bytes, shown};
use catalog::Catalog;
use catalog::report::{LivePlace, SinkRow, Snapshot};
use protocol::{FileStat, JobId, SinkUri};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use worker::sinks::SinkReader;

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Size and footer.
    Quick,
    /// And every byte, by the hash.
    Full,
}

pub struct Verifier<'a> {
    pub catalog: &'a Catalog,
    pub reader: SinkReader,
    pub project: &'a Path,
    pub depth: Depth,
    pub threads: usize,
    /// Put right what this process may put right.
    pub repair: bool,
    /// Findings that are kept.
    pub shown_max: usize,
    pub bar: &'a Bar,
}

/// What is known of the sinks before the first file is looked at.
pub(super) struct Places {
    /// Topics by the URI they go to.
    pub topics: BTreeMap<String, String>,
    pub unchecked: BTreeMap<String, String>,
}

impl Places {
    /// None: not to be looked at.
    pub fn uri(&self, uri: &str) -> Option<SinkUri> {
        (!self.unchecked.contains_key(uri)).then(|| uri.parse().ok()).flatten()
    }
}

impl Verifier<'_> {
    pub async fn prove(&self) -> Result<ProofReport, Failure> {
        let mut report = ProofReport::default();
        let mut snapshot = self.catalog.snapshot().await?;
        let places = self.places(&mut snapshot, &mut report).await?;
        let tables = self.prove_artifacts(&mut snapshot, &places, &mut report).await?;
        self.prove_files(&mut snapshot, &places, &mut report).await?;
        self.prove_jobs(&mut snapshot, &mut report).await?;
        // What lies in the sinks is held against the catalog as it is then.
        drop(snapshot);
        self.prove_tables(tables, &places, &mut report).await?;
        self.prove_directories(&places, &mut report).await?;
        Ok(report)
    }

    async fn places(
        &self,
        snapshot: &mut Snapshot,
        report: &mut ProofReport,
    ) -> Result<Places, Failure> {
        let (mut topics, mut unchecked) = (BTreeMap::new(), BTreeMap::new());
        for SinkRow { topic, uri, is_declared, files } in snapshot.sinks().await? {
            let parsed = uri.parse::<SinkUri>();
            // It is of the topic that it lies below, which has a line of its own.
            let is_quarantine = parsed.as_ref().is_ok_and(SinkUri::is_quarantine);
            let reason = match parsed {
                Ok(parsed) => self.reader.unreachable(&parsed),
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = reason.filter(|_| files > 0) {
                unchecked.insert(uri.clone(), reason.clone());
                let (topic, uri) = (topic.clone(), uri.clone());
                report.unchecked.push(Unchecked { topic, uri, reason, files });
            }
            if !is_declared && !is_quarantine {
                report.undeclared.push(topic.clone());
            }
            topics.insert(uri, topic);
        }
        Ok(Places { topics, unchecked })
    }

    /// Keeps it, and puts it right where that was asked for and can be done from here.
    pub(super) fn add(&self, mut finding: Finding, report: &mut ProofReport) {
        if self.repair {
            finding.repaired = self.put_right(&finding, report);
        }
        report.add(finding, self.shown_max);
    }

    /// Where the job's file still holds its bytes it runs again; else `lost` says what is lost.
    pub(super) async fn run_again_or(&self, job: JobId, lost: &str) -> Result<Repair, Failure> {
        let Some(place) = self.catalog.live_place(job).await? else {
            return Ok(Repair::Nothing(lost.to_owned()));
        };
        let LivePlace { root, path, stat, is_active, .. } = place;
        let absolute = crate::output::absolute(&root, &path);
        let path = shown(&absolute, self.project);
        if !is_active {
            let why = "its plugin is not active: put it back into the plugins directory, then verify again";
            return Ok(Repair::Nothing(why.to_owned()));
        }
        if !is_as_scanned(&absolute, &stat) {
            let why = format!(
                "{path} changed since it was last scanned: `casparian run`, then verify again"
            );
            return Ok(Repair::Nothing(why));
        }
        Ok(Repair::RunAgain { path })
    }

    pub(super) fn file_shown(&self, path: &str, name: &[u8]) -> String {
        if path.is_empty() { clean_bytes(name) } else { format!("{path}/{}", clean_bytes(name)) }
    }
}

fn is_as_scanned(path: &[u8], stat: &FileStat) -> bool {
    let Ok(now) = std::fs::symlink_metadata(PathBuf::from(OsStr::from_bytes(path))) else {
        return false;
    };
    let mtime_ns = now.mtime().saturating_mul(1_000_000_000).saturating_add(now.mtime_nsec());
    now.is_file() && (now.ino(), now.len(), mtime_ns) == (stat.inode, stat.size, stat.mtime_ns)
}
