//! What `decide` wants of the catalog, done: one write transaction for all that a batch of messages leads to.

use super::decide::{
    Assignment, Claimed, Command, Failure, InFlight, NextStep, Outcome, Peer, Receipt, Recovery,
};
use super::{dispatch, moments};
use crate::architect::Registrar;
use catalog::{
    Catalog, CatalogError, ClaimFrom, ClaimedJob, ConcludeOutcome, FailNext, GrantOutcome,
    InFlightCompaction, InFlightJob, JobDetail, Loss, ManifestDetail, SentinelEpoch, SentinelTx,
    WorkerRegistration,
};
use protocol::{
    CrashPoint, Dispatch, Environment, Grant, Identify, JobAttempt, JobId, ManifestId, ReadyJob,
    Refusal, Retirement, SessionToken, crash_point,
};
use std::collections::{BTreeMap, HashMap};

/// Superseded files that a worker is told of at once.
const RETIRE_MAX: usize = 1_000;

/// The transaction is begun by the first command that needs it.
pub(super) struct Batch<'a> {
    catalog: &'a Catalog,
    epoch: SentinelEpoch,
    now_us: i64,
    lease_s: f64,
    tx: Option<SentinelTx>,
    manifests: BTreeMap<ManifestId, ManifestDetail>,
    moments: Vec<(CrashPoint, CrashPoint)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        epoch: SentinelEpoch,
        now_us: i64,
        lease_s: f64,
    ) -> Self {
        Self {
            catalog,
            epoch,
            now_us,
            lease_s,
            tx: None,
            manifests: BTreeMap::new(),
            moments: Vec::new(),
        }
    }

    pub(super) async fn commit(self) -> Result<(), CatalogError> {
        let Some(tx) = self.tx else { return Ok(()) };
        self.moments.iter().for_each(|(before, _)| crash_point(*before));
        tx.commit().await?;
        self.moments.iter().for_each(|(_, after)| crash_point(*after));
        Ok(())
    }

    pub(super) async fn tx(&mut self) -> Result<&mut SentinelTx, CatalogError> {
        if self.tx.is_none() {
            self.tx = Some(self.catalog.begin_sentinel(self.epoch).await?);
        }
        self.tx.as_mut().ok_or_else(|| unreachable!("it was just begun"))
    }

    pub(super) fn now_us(&self) -> i64 {
        self.now_us
    }

    pub(super) async fn run(
        &mut self,
        command: Command,
        registrar: &mut Registrar,
    ) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us;
        self.moments.extend(moments::around(&command));
        match command {
            Command::Register { peer, identify, fresh } => {
                self.register(peer, identify, &fresh, registrar).await
            }
            Command::Claim { session, lane, limit } => {
                let from = ClaimFrom::Lane(lane);
                let jobs = self.tx().await?.claim(&session, limit, from, now_us).await?;
                let jobs = jobs.iter().map(claimed).collect();
                Ok(Outcome::Claimed { session, lane, asked: limit, jobs })
            }
            Command::ClaimSuspect { session } => {
                let jobs = self.tx().await?.claim(&session, 1, ClaimFrom::Suspects, now_us).await?;
                let job = jobs.first().map(claimed);
                Ok(Outcome::SuspectClaimed { session, job })
            }
            Command::ClaimFor { session, plugins } => {
                let job = self.tx().await?.claim_for(&session, &plugins, now_us).await?;
                let job = job.map(|(job, timeout_ms)| (claimed(&job), as_us(timeout_ms)));
                Ok(Outcome::ClaimedFor { session, job })
            }
            Command::Grant { session, ready } => self.grant(session, &ready).await,
            Command::Conclude { session, receipts } => self.conclude(session, receipts).await,
            Command::Fail { session, failure } => self.fail(session, failure).await,
            Command::Requeue { jobs } => {
                let losses = jobs.iter().map(|one| Loss {
                    job: one.job,
                    losses: one.losses,
                    spent: one.spent,
                });
                let losses = losses.collect::<Vec<_>>();
                self.tx().await?.requeue(&losses, now_us).await?;
                Ok(Outcome::Requeued { jobs: jobs.iter().map(|one| one.job).collect() })
            }
            Command::BeginRecovery { job, session } => {
                let recovery = self.tx().await?.begin_recovery(job, &session).await?;
                let recovery = recovery.map(|catalog::Recovery { number, commit, jobs }| {
                    Recovery { number, commit, jobs }
                });
                Ok(Outcome::RecoveryBegun { session, job, recovery })
            }
            Command::Lost { job, recovery } => {
                let taken = self.tx().await?.lost(job, recovery).await?;
                Ok(Outcome::LostTaken { job, taken })
            }
            Command::Admit => {
                Ok(Outcome::Admitted { queued: self.tx().await?.admit(now_us).await? })
            }
            Command::Retirements => {
                let retire = self.tx().await?.retirements(RETIRE_MAX).await?;
                Ok(Outcome::Retirements { retire })
            }
            Command::MarkRetired { files } => {
                self.tx().await?.mark_retired(&files).await?;
                Ok(Outcome::Done)
            }
            Command::Compact(command) => self.compact(command).await,
            Command::WorkerLost { session } => {
                self.tx().await?.worker_lost(&session, now_us).await?;
                Ok(Outcome::Done)
            }
        }
    }

    async fn register(
        &mut self,
        peer: Peer,
        identify: Identify,
        fresh: &SessionToken,
        registrar: &mut Registrar,
    ) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us;
        let (name, environment) = (name_of(&identify), environment_of(&identify));
        let tx = self.tx().await?;
        let registration = WorkerRegistration {
            worker_id: &name,
            environment: &environment,
            slots: identify.slots.max(1),
            offered: identify.token.as_ref(),
            fresh,
        };
        let session = tx.register_worker(&registration, now_us).await?;
        let refusals = registrar.announce(tx, &identify, now_us).await?;
        Ok(Outcome::Registered { peer, session, identify, refusals })
    }

    async fn grant(
        &mut self,
        session: SessionToken,
        ready: &[ReadyJob],
    ) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us;
        let tx = self.tx().await?;
        let (mut granted, mut refused, mut deferred) = (Vec::new(), Vec::new(), Vec::new());
        let outcomes = tx.grant(ready, &session, now_us).await?;
        for (job, outcome) in ready.iter().zip(outcomes) {
            let (id, attempt) = (job.job, job.attempt);
            match outcome {
                GrantOutcome::Granted { supersede } => {
                    let commit_id = job.commit_id;
                    granted.push(Grant { id, attempt, commit_id, supersede });
                }
                GrantOutcome::Refused { reason } => {
                    refused.push(Refusal { id, attempt, reason: reason.to_owned() });
                }
                GrantOutcome::Deferred => deferred.push(JobAttempt { id, attempt }),
            }
        }
        Ok(Outcome::Granted { session, granted, refused, deferred })
    }

    async fn conclude(
        &mut self,
        session: SessionToken,
        receipts: Vec<Receipt>,
    ) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us;
        let tx = self.tx().await?;
        let (mut concluded, mut refused) = (Vec::new(), Vec::new());
        let receipts = receipts.into_iter();
        let receipts =
            receipts.map(|Receipt { job, metrics, .. }| catalog::Receipt { job, metrics });
        let receipts = receipts.collect::<Vec<_>>();
        let outcomes = tx.conclude(&receipts, &session, now_us).await?;
        for (catalog::Receipt { job, .. }, outcome) in receipts.into_iter().zip(outcomes) {
            match outcome {
                ConcludeOutcome::Completed => concluded.push(job),
                ConcludeOutcome::Refused { reason } => {
                    tracing::warn!(job = job.id.get(), reason, "a receipt is refused");
                    let reason = reason.to_owned();
                    refused.push(Refusal { id: job.id, attempt: job.attempt, reason });
                }
            }
        }
        let retire = if concluded.is_empty() { Vec::new() } else { self.retire_now().await? };
        Ok(Outcome::Concluded { session, concluded, refused, retire })
    }

    /// Superseded files move as soon as what replaces them is current.
    pub(super) async fn retire_now(&mut self) -> Result<Vec<Retirement>, CatalogError> {
        self.tx().await?.retirements(RETIRE_MAX).await
    }

    async fn fail(
        &mut self,
        session: SessionToken,
        failure: Failure,
    ) -> Result<Outcome, CatalogError> {
        let now_us = self.now_us;
        let Failure { job, class, message, metrics, next } = failure;
        let next = match next {
            NextStep::Fail => FailNext::Failed,
            NextStep::Retry { after_us } => FailNext::Backoff { not_before_us: now_us + after_us },
            NextStep::LookAgain => FailNext::Changed,
            NextStep::Requeue => FailNext::Requeue,
        };
        let failure = catalog::Failure { job, class, message, metrics, next };
        let taken = self.tx().await?.fail(&failure, &session, now_us).await?;
        Ok(Outcome::Failed { session, job, taken })
    }

    pub(super) async fn details(
        &mut self,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, JobDetail>, CatalogError> {
        if jobs.is_empty() {
            return Ok(HashMap::new());
        }
        self.tx().await?.job_details(jobs).await
    }

    /// The payload for a job that was just claimed or is to be recovered.
    pub(super) async fn dispatch(
        &mut self,
        assignment: Assignment,
        detail: JobDetail,
    ) -> Result<Dispatch, CatalogError> {
        let lease_s = self.lease_s;
        let manifest = self.manifest(detail.manifest).await?;
        let tx = self.tx().await?;
        let outputs = match assignment.recovery {
            None => Vec::new(),
            Some(_) => tx.recovery_outputs(assignment.job.id).await?,
        };
        Ok(dispatch::payload(assignment, &detail, manifest, outputs, lease_s))
    }
}

/// The jobs of a batch are mostly of the same few plugins.
impl Batch<'_> {
    async fn manifest(&mut self, id: ManifestId) -> Result<ManifestDetail, CatalogError> {
        if let Some(known) = self.manifests.get(&id) {
            return Ok(known.clone());
        }
        let manifest = self.tx().await?.manifest_detail(id).await?;
        self.manifests.insert(id, manifest.clone());
        Ok(manifest)
    }
}

fn name_of(identify: &Identify) -> String {
    let name = identify.worker_id.as_ref().map_or("", |id| id.as_str());
    if identify.is_original() {
        format!("{name} (v4, unverified)").trim_start().to_owned()
    } else {
        name.to_owned()
    }
}

/// Which source an original worker really runs, nobody knows.
fn environment_of(identify: &Identify) -> Environment {
    let mut environment = identify.environment.clone();
    if identify.is_original() {
        environment.versions.insert("plugins".to_owned(), "unverified (v4 worker)".to_owned());
    }
    environment
}

fn as_us(ms: u64) -> i64 {
    i64::try_from(ms).map_or(i64::MAX, |ms| ms.saturating_mul(1_000))
}

fn claimed(job: &ClaimedJob) -> Claimed {
    let ClaimedJob { job, failures, losses, retries, lane } = *job;
    Claimed { job, failures, losses, retries, lane }
}

pub(super) fn in_flight(job: InFlightJob) -> InFlight {
    let InFlightJob { claimed: job, session, commit, recovery } = job;
    InFlight { claimed: claimed(&job), session, commit, recovery, is_compaction: false }
}

pub(super) fn compaction_in_flight(compaction: InFlightCompaction) -> InFlight {
    let InFlightCompaction { job, session, recovery } = compaction;
    InFlight::compaction(job, session, recovery)
}
