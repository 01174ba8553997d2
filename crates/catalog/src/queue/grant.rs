//! RUNNING to COMMITTING: from here a job only rolls forward.

use super::job::Job;
use super::supersede::Reach;
use crate::db::{Bulk, ROWS_MAX, parsed};
use crate::error::CatalogError;
use crate::job_state::JobState;
use crate::roles::SentinelTx;
use protocol::{
    JobAttempt, JobId, ReadyJob, SessionToken, SinkUri, StagedOutput, Superseded, TopicName,
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
}

const GONE: &str = "there is no such job";
const OVER: &str = "this attempt is over: the job went on without this worker";
const OVERTAKEN: &str = "a newer version of the file is there";
const ELSEWHERE: &str = "it has an output where none of its plugin's topics go";

/// By plugin.
type Targets = HashMap<String, Vec<(TopicName, SinkUri)>>;

/// What is said to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    Refused(&'static str),
}

impl SentinelTx {
    /// An answer to each, in their order. Granting the same attempt again gives the same answer.
    pub async fn grant(
        &mut self,
        ready: &[ReadyJob],
        session: &SessionToken,
        now_us: i64,
    ) -> Result<Vec<GrantOutcome>, CatalogError> {
        let ids: Vec<JobId> = ready.iter().map(|one| one.job).collect();
        let jobs = self.jobs(&ids).await?;
        let targets = self.targets(jobs.values()).await?;
        let mut verdicts = Vec::with_capacity(ready.len());
        let (mut new, mut overtaken, mut astray) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for one in ready {
            let job = jobs.get(&one.job);
            let verdict = verdict(job, one, session, &targets);
            if let Some(job) = job.filter(|job| job.state == JobState::Running)
                && seen.insert(one.job)
            {
                match verdict {
                    Verdict::Granted => new.push((job, one)),
                    Verdict::Refused(OVERTAKEN) => overtaken.push(job),
                    // Its topics may have been moved meanwhile: then it goes well the next time.
                    Verdict::Refused(ELSEWHERE) => astray.push(job),
                    Verdict::Refused(_) => {}
                }
            }
            verdicts.push((one.job, verdict));
        }
        self.end_all(&overtaken, JobState::Superseded, now_us).await?;
        self.queue_again(&astray, now_us).await?;
        self.commit_to(&new, now_us).await?;
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
        now_us: i64,
    ) -> Result<(), CatalogError> {
        new.iter().try_for_each(|(job, _)| job.check_move(JobState::Committing))?;
        for chunk in new.chunks(ROWS_MAX) {
            let update = "UPDATE processing_job SET state = 'COMMITTING', granted_session = session WHERE id IN ";
            let ids = chunk.iter().map(|(job, _)| job.id.get());
            Bulk::list(update, ids).execute(&mut self.tx).await?;
        }
        let outputs = new.iter().flat_map(|(_, ready)| {
            let attempt = JobAttempt { id: ready.job, attempt: ready.attempt };
            ready.outputs.iter().map(move |output| (attempt, output))
        });
        let outputs: Vec<_> = outputs.collect();
        for chunk in outputs.chunks(ROWS_MAX) {
            self.insert_artifacts(chunk, now_us).await?;
        }
        Ok(())
    }

    async fn insert_artifacts(
        &mut self,
        outputs: &[(JobAttempt, &StagedOutput)],
        now_us: i64,
    ) -> Result<(), CatalogError> {
        let ids = self.catalog.ids().await?;
        let insert = "INSERT INTO artifact (id, job_id, attempt, topic, uri, staged, file, rows, size_bytes, hash, schema, state, retired, created_at_us) ";
        let insert = Bulk::rows(insert, outputs, |mut row, (job, output)| {
            row.push_bind(ids.next(now_us))
                .push_bind(job.id.get())
                .push_bind(job.attempt)
                .push_bind(output.topic.as_str())
                .push_bind(output.uri.to_string())
                .push_bind(output.staged.as_str())
                .push_bind(output.final_name.as_str())
                .push_bind(output.rows.cast_signed())
                .push_bind(output.size_bytes.cast_signed())
                .push_bind(output.hash.as_bytes().as_slice())
                .push_bind(output.schema.as_str())
                .push("'PROMOTING', 0")
                .push_bind(now_us);
        });
        insert.execute(&mut self.tx).await?;
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
        for chunk in jobs.chunks(ROWS_MAX) {
            let select =
                "SELECT job_id, topic, uri FROM artifact WHERE state = 'CURRENT' AND job_id IN ";
            for row in Bulk::ids(select, chunk).fetch(&mut self.tx).await? {
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
) -> Verdict {
    let Some(job) = job else { return Verdict::Refused(GONE) };
    if !job.is_held_by(session.as_str(), ready.attempt) {
        return Verdict::Refused(OVER);
    }
    match job.state {
        JobState::Committing => Verdict::Granted,
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
            targets.iter().any(|(topic, uri)| *topic == output.topic && *uri == output.uri)
        })
    };
    outputs.iter().all(is_one)
}
