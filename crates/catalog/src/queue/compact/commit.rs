//! A compaction from the grant to its end. The artifacts move to the new file in the transaction of the receipt, not before.

use super::plan::CompactionPlan;
use crate::db::{self, Bulk, Catalog, ROWS_MAX, Row};
use crate::error::CatalogError;
use crate::queue::grant::NAMED_BEFORE;
use crate::queue::{ConcludeOutcome, GrantOutcome};
use crate::roles::SentinelTx;
use protocol::{
    Commit, CommitId, Compaction, JobAttempt, OutputFileId, ReadyJob, SessionToken, StagedOutput,
};

/// One that was granted.
struct Granted {
    file: OutputFileId,
    session: String,
    granted_session: String,
    recovery: u32,
}

const UNKNOWN: &str = "there is no such compaction";
const OVER: &str = "the compaction went on without this worker";
const NOT_AS_PLANNED: &str = "it holds other rows than were asked for, or goes elsewhere";
const OVERTAKEN: &str = "one of its files is not needed any more, or becomes part of another";

/// One that was granted when the Sentinel started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlightCompaction {
    pub job: JobAttempt,
    pub session: Option<SessionToken>,
    pub recovery: u32,
}

/// What is in them after artifacts have moved.
const RECOUNT: &str = "UPDATE output_file SET
        artifacts = (SELECT count(*) FROM artifact a WHERE a.file_id = output_file.id AND a.state <> 'SUPERSEDED'),
        needed_rows = (SELECT CAST(coalesce(sum(a.rows), 0) AS BIGINT) FROM artifact a WHERE a.file_id = output_file.id AND a.state <> 'SUPERSEDED')
    WHERE id IN ";

const MOVE: &str = "UPDATE artifact SET file_id = (SELECT c.file_id FROM compaction c WHERE c.id = $1), row_start = p.row_start
    FROM compaction_part p WHERE p.compaction_id = $1 AND p.artifact_id = artifact.id";

impl SentinelTx {
    /// Granting it again gives the same answer.
    pub async fn grant_compaction(
        &mut self,
        ready: &ReadyJob,
        plan: Option<&CompactionPlan>,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<GrantOutcome, CatalogError> {
        let refused = |reason| Ok(GrantOutcome::Refused { reason });
        if let Some(granted) = self.granted_compaction(ready.commit_id).await? {
            let is_ours = granted.session == session.as_str() && granted.recovery == 0;
            return if is_ours { Ok(nothing_replaced()) } else { refused(OVER) };
        }
        let Some(plan) = plan else { return refused(UNKNOWN) };
        let [output] = ready.outputs.as_slice() else { return refused(NOT_AS_PLANNED) };
        let order = &plan.order;
        let is_planned = output.topic == order.topic && output.uri == order.uri;
        if !is_planned || output.rows != order.rows() || ready.commit() != order.job().into() {
            return refused(NOT_AS_PLANNED);
        }
        if !self.with_known_names(std::slice::from_ref(ready)).await?.is_empty() {
            return refused(NAMED_BEFORE);
        }
        if self.free_files(&plan.files).await? < plan.files.len() {
            return refused(OVERTAKEN);
        }
        self.insert_compaction(plan, output, session, now_us).await?;
        Ok(nothing_replaced())
    }

    async fn granted_compaction(&mut self, id: CommitId) -> Result<Option<Granted>, CatalogError> {
        let sql =
            "SELECT file_id, session, granted_session, recovery FROM compaction WHERE id = $1";
        let row = db::query(sql).bind(id.get()).fetch_optional(&mut *self.tx).await?;
        let granted = |row: Row| {
            Ok(Granted {
                file: OutputFileId::new(row.try_get(0)?),
                session: row.try_get(1)?,
                granted_session: row.try_get(2)?,
                recovery: row.try_get(3)?,
            })
        };
        row.map(granted).transpose()
    }

    /// How many of them are needed, and not becoming part of another.
    pub(super) async fn free_files(
        &mut self,
        files: &[OutputFileId],
    ) -> Result<usize, CatalogError> {
        let mut free = 0;
        for chunk in files.chunks(ROWS_MAX) {
            let select = "SELECT f.id FROM output_file f WHERE f.artifacts > 0 AND f.retired = 0
                          AND NOT EXISTS (SELECT 1 FROM compaction_source s WHERE s.file_id = f.id)
                          AND NOT EXISTS (SELECT 1 FROM compaction c WHERE c.file_id = f.id) AND f.id IN ";
            let ids = chunk.iter().map(|file| file.get());
            free += Bulk::list(select, ids).fetch(&mut self.tx).await?.len();
        }
        Ok(free)
    }

    async fn insert_compaction(
        &mut self,
        plan: &CompactionPlan,
        output: &StagedOutput,
        session: &SessionToken,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let commit = plan.order.job().into();
        let file =
            self.insert_compacted(commit, output, plan.parts.len(), plan.schema_version, now_us);
        let file = file.await?;
        let id = plan.order.id.get();
        let sql = "INSERT INTO compaction (id, file_id, session, granted_session) VALUES ($1, $2, $3, $3)";
        let query = db::query(sql).bind(id).bind(file).bind(session.as_str());
        query.execute(&mut *self.tx).await?;
        for chunk in plan.files.chunks(ROWS_MAX) {
            let insert = "INSERT INTO compaction_source (file_id, compaction_id) ";
            let insert = Bulk::rows(insert, chunk, |mut row, file| {
                row.push_bind(file.get()).push_bind(id);
            });
            insert.execute(&mut self.tx).await?;
        }
        let mut next = 0;
        for chunk in plan.parts.chunks(ROWS_MAX) {
            let insert = "INSERT INTO compaction_part (artifact_id, compaction_id, row_start) ";
            let insert = Bulk::rows(insert, chunk, |mut row, (artifact, rows)| {
                row.push_bind(artifact.get()).push_bind(id).push_bind(next);
                next += rows.cast_signed();
            });
            insert.execute(&mut self.tx).await?;
        }
        Ok(())
    }

    /// The new file is the current one, and nobody needs those that it was made of. Concluding twice changes nothing.
    pub async fn conclude_compaction(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Result<ConcludeOutcome, CatalogError> {
        let id = CommitId::from(job.id);
        let Some(granted) = self.granted_compaction(id).await? else {
            let is_done = self.is_compacted(id).await?;
            let refused = ConcludeOutcome::Refused { reason: UNKNOWN };
            return Ok(if is_done { ConcludeOutcome::Completed } else { refused });
        };
        if ![&granted.session, &granted.granted_session].contains(&&session.as_str().to_owned()) {
            return Ok(ConcludeOutcome::Refused { reason: OVER });
        }
        db::query(MOVE).bind(id.get()).execute(&mut *self.tx).await?;
        let sources = self.end_compaction(id).await?;
        let all: Vec<i64> = sources.iter().copied().chain([granted.file.get()]).collect();
        for chunk in all.chunks(ROWS_MAX) {
            Bulk::ids(RECOUNT, chunk).execute(&mut self.tx).await?;
            // One that was moved to `_history` meanwhile, and that nothing leads to any more.
            let delete = "DELETE FROM output_file WHERE retired = 1
                          AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.file_id = output_file.id) AND id IN ";
            Bulk::ids(delete, chunk).execute(&mut self.tx).await?;
        }
        Ok(ConcludeOutcome::Completed)
    }

    async fn is_compacted(&mut self, id: CommitId) -> Result<bool, CatalogError> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM output_file WHERE commit_id = $1 AND artifacts > 0)";
        db::query(sql).bind(id.get()).fetch_one(&mut *self.tx).await?.try_get(0)
    }

    /// Gives its sources.
    async fn end_compaction(&mut self, id: CommitId) -> Result<Vec<i64>, CatalogError> {
        let select = "SELECT file_id FROM compaction_source WHERE compaction_id = $1";
        let rows = db::query(select).bind(id.get()).fetch_all(&mut *self.tx).await?;
        let sources = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        for delete in [
            "DELETE FROM compaction_part WHERE compaction_id = $1",
            "DELETE FROM compaction_source WHERE compaction_id = $1",
            "DELETE FROM compaction WHERE id = $1",
        ] {
            db::query(delete).bind(id.get()).execute(&mut *self.tx).await?;
        }
        Ok(sources)
    }

    /// Whoever had it is lost: what its successor has to finish. None: it has ended meanwhile.
    pub async fn recover_compaction(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Result<Option<Compaction>, CatalogError> {
        let id = CommitId::from(job.id);
        let Some(Granted { file, recovery, .. }) = self.granted_compaction(id).await? else {
            return Ok(None);
        };
        let recovery = recovery + 1;
        let sql = "UPDATE compaction SET recovery = $2, session = $3 WHERE id = $1";
        let query = db::query(sql).bind(id.get()).bind(recovery).bind(session.as_str());
        query.execute(&mut *self.tx).await?;
        let output = self.granted_output(file).await?;
        let (topic, uri) = (output.topic.clone(), output.uri.clone());
        Ok(Some(Compaction { id, topic, uri, sources: Vec::new(), recovery, output: Some(output) }))
    }

    /// The new file is nowhere: the old ones stay, and may be made one another time.
    pub async fn lose_compaction(
        &mut self,
        job: JobAttempt,
        recovery: u32,
    ) -> Result<bool, CatalogError> {
        let id = CommitId::from(job.id);
        let granted = self.granted_compaction(id).await?;
        let Some(granted) = granted.filter(|granted| granted.recovery == recovery) else {
            return Ok(false);
        };
        self.end_compaction(id).await?;
        let sql = "UPDATE output_file SET artifacts = 0, needed_rows = 0 WHERE id = $1";
        db::query(sql).bind(granted.file.get()).execute(&mut *self.tx).await?;
        Ok(true)
    }
}

impl Catalog {
    pub async fn compactions_in_flight(&self) -> Result<Vec<InFlightCompaction>, CatalogError> {
        let sql = "SELECT id, session, recovery FROM compaction";
        let rows = db::query(sql).fetch_all(self.readers()).await?;
        let compaction = |row: &Row| {
            let session: &str = row.try_get(1)?;
            Ok(InFlightCompaction {
                job: Commit::pack(CommitId::new(row.try_get(0)?)).attempt(),
                session: session.parse().ok(),
                recovery: row.try_get(2)?,
            })
        };
        rows.iter().map(compaction).collect()
    }
}

fn nothing_replaced() -> GrantOutcome {
    GrantOutcome::Granted { supersede: Vec::new() }
}
