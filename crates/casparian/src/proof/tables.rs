//! Between the catalog and tables of databases: are the rows of each job there, as many as it published, and nobody else's?

use super::artifacts::{LOST, expected};
use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::verifier::{Places, Verifier};
use crate::failure::{Failure, Kind};
use crate::output::counted;
use catalog::report::ArtifactProof;
use protocol::{ArtifactId, JobId, SinkUri, VersionId};
use std::collections::{BTreeMap, BTreeSet};
use worker::sinks::OriginCount;

/// What each job has in one table, by the catalog.
#[derive(Debug, Default)]
pub(super) struct Table {
    published: BTreeMap<JobId, Published>,
    /// Something is being loaded just now, and takes out what it replaces before the catalog knows.
    is_in_motion: bool,
}

#[derive(Debug, Clone, Copy)]
struct Published {
    artifact: ArtifactId,
    version: Option<VersionId>,
    rows: u64,
}

pub(super) type Tables = BTreeMap<String, Table>;

/// Whether it is of a table, and then it is kept.
pub(super) fn keep(tables: &mut Tables, uri: &SinkUri, artifact: &ArtifactProof) -> bool {
    if matches!(uri, SinkUri::Parquet { .. } | SinkUri::Named { .. }) {
        return false;
    }
    let table = tables.entry(artifact.uri.clone()).or_default();
    if artifact.state == "PROMOTING" {
        table.is_in_motion = true;
    } else {
        let published =
            Published { artifact: artifact.id, version: artifact.version, rows: artifact.rows };
        table.published.insert(artifact.job, published);
    }
    true
}

impl Verifier<'_> {
    pub(super) async fn prove_tables(
        &self,
        mut tables: Tables,
        places: &Places,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        for (uri, topic) in &places.topics {
            let Some(parsed) = places.uri(uri) else { continue };
            if matches!(parsed, SinkUri::Parquet { .. } | SinkUri::Named { .. }) {
                continue;
            }
            let table = tables.remove(uri).unwrap_or_default();
            self.prove_table(uri, &parsed, topic, table, report).await?;
        }
        Ok(())
    }

    async fn prove_table(
        &self,
        uri: &str,
        parsed: &SinkUri,
        topic: &str,
        mut table: Table,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let mut strange = Vec::new();
        let mut differs = Vec::new();
        let each = |count: OriginCount| match table.published.remove(&count.job) {
            Some(known) if known.rows == count.rows && known.version == Some(count.version) => {}
            Some(known) => differs.push((known, Some(count))),
            None => strange.push(count),
        };
        let counted = self.reader.counts(parsed, each);
        counted.map_err(|error| Failure::new(Kind::Unreachable, error.to_string()))?;
        let missing = table.published.into_values().filter(|known| known.rows > 0);
        differs.extend(missing.map(|known| (known, None)));
        if !table.is_in_motion {
            self.confirm_rows(differs, report).await?;
        }
        self.confirm_strangers(uri, topic, &strange, report).await
    }

    async fn confirm_rows(
        &self,
        differs: Vec<(Published, Option<OriginCount>)>,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let ids: Vec<ArtifactId> = differs.iter().map(|(known, _)| known.artifact).collect();
        let now = self.catalog.artifacts_by_id(&ids).await?;
        let now = now.into_iter().map(|one| (one.id, one)).collect::<BTreeMap<_, _>>();
        for (known, count) in differs {
            let Some(artifact) = now.get(&known.artifact).filter(|one| one.state == "CURRENT")
            else {
                continue;
            };
            let (fault, found) = match count {
                None => (Fault::MissingFile, "no row of this job in the table".to_owned()),
                Some(count) if known.version.is_some_and(|version| version != count.version) => {
                    let text = format!("rows of file version {}", count.version);
                    (Fault::WrongLineage, text)
                }
                Some(count) => (
                    Fault::RowsDiffer,
                    counted(count.rows, "row in the table", "rows in the table"),
                ),
            };
            let finding = Finding {
                fault,
                topic: Some(artifact.topic.clone()),
                uri: artifact.uri.clone(),
                file: Vec::new(),
                job: Some(artifact.job),
                expected: expected(artifact),
                found,
                repair: self.run_again_or(artifact.job, LOST).await?,
                repaired: None,
            };
            self.add(finding, report);
        }
        Ok(())
    }

    /// The table was read before the catalog is asked.
    async fn confirm_strangers(
        &self,
        uri: &str,
        topic: &str,
        strange: &[OriginCount],
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let jobs: Vec<JobId> = strange.iter().map(|count| count.job).collect();
        let known = self.catalog.artifacts_by_job(&jobs).await?;
        let here = known.iter().filter(|one| one.uri == uri);
        let (mut expected, mut leaving) = (BTreeSet::new(), BTreeSet::new());
        for one in here {
            match one.state.as_str() {
                "SUPERSEDED" if !one.retired => drop(leaving.insert(one.job)),
                "SUPERSEDED" => {}
                _ => drop(expected.insert(one.job)),
            }
        }
        for count in strange.iter().filter(|count| !expected.contains(&count.job)) {
            if leaving.contains(&count.job) {
                report.pending_moves += 1;
                continue;
            }
            let rows = counted(count.rows, "row", "rows");
            let finding = Finding {
                fault: Fault::UnknownFile,
                topic: Some(topic.to_owned()),
                uri: uri.to_owned(),
                file: Vec::new(),
                job: Some(count.job),
                expected: "no row of a job that the catalog does not have here".to_owned(),
                found: format!("{rows} of job {}", count.job),
                repair: Repair::RemoveRows,
                repaired: None,
            };
            self.add(finding, report);
        }
        Ok(())
    }
}
