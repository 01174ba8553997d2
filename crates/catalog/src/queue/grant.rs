//! RUNNING to COMMITTING: from here a job only rolls forward.

use super::job::Job;
use super::pack;
use super::schemas::Schemas;
use super::supersede::Reach;
use crate::db::{self, Bulk, ROWS_MAX, parsed, to_json};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{
    CommitId, JobAttempt, JobId, ReadyJob, SessionToken, SinkUri, StagedOutput, Superseded,
    TopicName,
};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOutcome {
    Granted {
        /// The jobs' outputs that this commit will replace.
        supersede: Vec<Superseded>,
    },
    Refused {
        reason: &'static str,
    },
    /// Neither: an older job may say first what a topic looks like.
    Deferred,
}

const GONE: &str = "there is no such job";
const OVER: &str = "this attempt is over: the job went on without this worker";
const OVERTAKEN: &str = "a newer version of the file is there";
pub(super) const MOVED: &str = "the schema of a topic went on: the file runs again";
const ELSEWHERE: &str = "it has an output where none of its plugin's topics go";
pub(super) const NAMED_BEFORE: &str = "a file of that name was there before";

/// By plugin.
type Targets = HashMap<String, Vec<(TopicName, SinkUri)>>;

/// What is said to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    Refused(&'static str),
    Deferred,
}

impl SentinelTx {
    /// An answer to each, in their order. Granting the same attempt again gives the same answer. They are looked at in the order of the
    /// jobs' ids, so that what a topic's first rows say of its columns does not depend on who was faster.
    pub async fn grant(
        &mut self,
        ready: &[ReadyJob],
        session: &SessionToken,
        now_us: i64,
    ) -> Result<Vec<GrantOutcome>, CatalogError> {
        let ids: Vec<JobId> = ready.iter().map(|one| one.job).collect();
        let jobs = self.jobs(&ids).await?;
        let targets = self.targets(jobs.values()).await?;
        let mut schemas = self.schemas_of(ready).await?;
        let known = self.with_known_names(ready).await?;
        let verdict = |one: &ReadyJob| verdict(jobs.get(&one.job), one, session, &targets, &known);
        let first: Vec<Verdict> = ready.iter().map(verdict).collect();
        let verdicts = pack::judge_all(ready, first, &jobs, &mut schemas);
        let (mut new, mut overtaken, mut astray) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (one, verdict) in ready.iter().zip(&verdicts) {
            let job = jobs.get(&one.job);
            if let Some(job) = job.filter(|job| job.state == JobState::Running)
                && seen.insert(one.job)
            {
                match *verdict {
                    Verdict::Granted => new.push((job, one)),
                    Verdict::Refused(OVERTAKEN) => overtaken.push(job),
                    // Its topics may have been moved meanwhile: then it goes well the next time.
                    Verdict::Refused(ELSEWHERE | MOVED | NAMED_BEFORE) => astray.push(job),
                    Verdict::Refused(_) | Verdict::Deferred => {}
                }
            }
        }
        self.end_all(&overtaken, JobState::Superseded, now_us).await?;
        self.queue_again(&astray, now_us).await?;
        self.store_schemas(&schemas, now_us).await?;
        self.commit_to(&new, &schemas, now_us).await?;
        let verdicts: Vec<_> = ids.into_iter().zip(verdicts).collect();
        self.answers(&verdicts).await
    }

    /// Where the plugins of these jobs publish, as the settings say now.
    async fn targets(&mut self, jobs: impl Iterator<Item = &Job>) -> Result<Targets, CatalogError> {
        let mut targets = Targets::new();
        for job in jobs {
            if !targets.contains_key(&job.plugin) {
                let of_plugin = self.topic_targets(&job.plugin).await?.into_iter();
                let of_plugin = of_plugin.map(|target| (target.topic, target.uri)).collect();
                targets.insert(job.plugin.clone(), of_plugin);
            }
        }
        Ok(targets)
    }

    async fn commit_to(
        &mut self,
        new: &[(&Job, &ReadyJob)],
        schemas: &Schemas,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        new.iter().try_for_each(|(job, _)| job.check_move(JobState::Committing))?;
        for chunk in new.chunks(ROWS_MAX) {
            let update = "UPDATE processing_job SET state = 'COMMITTING', granted_session = session, commit_id = v.column2 FROM (";
            let update = Bulk::rows(update, chunk, |mut row, (job, ready)| {
                row.push_bind(job.id.get()).push_bind(ready.commit_id.get());
            });
            let update = update.then(") AS v WHERE processing_job.id = v.column1");
            update.execute(&mut self.tx).await?;
        }
        let ready: Vec<&ReadyJob> = new.iter().map(|(_, ready)| *ready).collect();
        self.insert_outputs(&ready, schemas, now_us).await?;
        for one in ready {
            let job = JobAttempt { id: one.job, attempt: one.attempt };
            for output in one.outputs.iter().filter(|output| output.uri.is_quarantine()) {
                self.insert_quarantine(job, output, now_us).await?;
            }
        }
        Ok(())
    }

    async fn insert_quarantine(
        &mut self,
        job: JobAttempt,
        output: &StagedOutput,
        now_us: i64,
    ) -> Result<(), CatalogError> {
        // An earlier attempt of the job may have said something else.
        let delete = "DELETE FROM quarantine WHERE job_id = $1 AND topic = $2";
        let query = db::query(delete).bind(job.id.get()).bind(output.topic.as_str());
        query.execute(&mut *self.tx).await?;
        let insert = "INSERT INTO quarantine (id, job_id, topic, uri, rows, reasons) VALUES ($1, $2, $3, $4, $5, $6)";
        db::query(insert)
            .bind(self.next_id(now_us).await?)
            .bind(job.id.get())
            .bind(output.topic.as_str())
            .bind(output.uri.to_string())
            .bind(output.rows.cast_signed())
            .bind(to_json(&output.reasons)?)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn answers(
        &mut self,
        verdicts: &[(JobId, Verdict)],
    ) -> Result<Vec<GrantOutcome>, CatalogError> {
        let granted = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Granted);
        let granted: Vec<JobId> = granted.map(|(job, _)| *job).collect();
        let replaced = self.replaced_by(&granted, Reach::Whole).await?;
        let old: Vec<i64> = replaced.iter().map(|one| one.old.get()).collect();
        let mut outputs = self.current_outputs(&old).await?;
        let mut supersede: BTreeMap<JobId, Vec<Superseded>> = BTreeMap::new();
        for one in replaced {
            let old = outputs.remove(&one.old).unwrap_or_default();
            supersede.entry(one.by).or_default().extend(old);
        }
        let answer = |(job, verdict): &(JobId, Verdict)| match *verdict {
            Verdict::Refused(reason) => GrantOutcome::Refused { reason },
            Verdict::Deferred => GrantOutcome::Deferred,
            Verdict::Granted => {
                let supersede = supersede.get(job).cloned().unwrap_or_default();
                GrantOutcome::Granted { supersede }
            }
        };
        Ok(verdicts.iter().map(answer).collect())
    }

    async fn current_outputs(
        &mut self,
        jobs: &[i64],
    ) -> Result<HashMap<JobId, Vec<Superseded>>, CatalogError> {
        let mut outputs: HashMap<JobId, Vec<Superseded>> = HashMap::new();
        if jobs.is_empty() {
            return Ok(outputs);
        }
        let stay = self.topics_but(|options| !options.history_all).await?;
        for chunk in jobs.chunks(ROWS_MAX) {
            let select = "SELECT a.job_id, a.topic, a.uri, j.plugin_name FROM processing_job j JOIN artifact a ON a.job_id = j.id
                          WHERE a.state = 'CURRENT' AND j.id IN ";
            for row in Bulk::ids(select, chunk).fetch(&mut self.tx).await? {
                if stay.contains(&(row.try_get(3)?, row.try_get(1)?)) {
                    continue;
                }
                let job = JobId::new(row.try_get(0)?);
                let (topic, uri) = (parsed(row.try_get(1)?)?, parsed(row.try_get(2)?)?);
                outputs.entry(job).or_default().push(Superseded { topic, uri, job });
            }
        }
        Ok(outputs)
    }
}

fn verdict(
    job: Option<&Job>,
    ready: &ReadyJob,
    session: &SessionToken,
    targets: &Targets,
    known: &HashSet<CommitId>,
) -> Verdict {
    let Some(job) = job else { return Verdict::Refused(GONE) };
    if !job.is_held_by(session.as_str(), ready.attempt) {
        return Verdict::Refused(OVER);
    }
    match job.state {
        JobState::Committing if job.commit == Some(ready.commit_id) => Verdict::Granted,
        JobState::Running if known.contains(&ready.commit_id) => Verdict::Refused(NAMED_BEFORE),
        JobState::Running if !job.is_current_version => Verdict::Refused(OVERTAKEN),
        JobState::Running if !go_to(&ready.outputs, targets.get(&job.plugin)) => {
            Verdict::Refused(ELSEWHERE)
        }
        JobState::Running => Verdict::Granted,
        _ => Verdict::Refused(OVER),
    }
}

fn go_to(outputs: &[StagedOutput], targets: Option<&Vec<(TopicName, SinkUri)>>) -> bool {
    let is_one = |output: &StagedOutput| {
        targets.is_some_and(|targets| {
            targets.iter().any(|(topic, uri)| {
                *topic == output.topic
                    && (*uri == output.uri || uri.quarantine(topic) == output.uri)
            })
        })
    };
    outputs.iter().all(is_one)
}
