//! What the naive catalog knows of files that become one.

use super::disk::{Item, Place};
use super::flaw::Flaw;
use super::model::{Model, State, file_name, refusal};
use catalog::CompactionPlan;
use control::sentinel::decide::{Compact, Outcome};
use protocol::{
    Commit, CommitId, Compaction, CompactionSource, ContentHash, Grant, JobAttempt, JobId,
    OutputFileId, SessionToken,
};
use std::collections::{BTreeMap, BTreeSet};

/// Files that become one at once.
const FILES_MAX: usize = 3;
const FIRST_ID: i64 = 2_000_000;

#[derive(Debug, Clone)]
pub struct Granted {
    pub session: Option<SessionToken>,
    granted_to: SessionToken,
    pub recovery: u32,
    sources: Vec<(Item, Vec<JobAttempt>)>,
}

/// A plan says which rows by the jobs, which is what the rows of a file are here.
fn source((item, jobs): &(Item, Vec<JobAttempt>)) -> CompactionSource {
    CompactionSource {
        file: file_name(*item),
        size_bytes: 0,
        hash: ContentHash::new([0; 32]),
        rows: jobs.iter().map(|job| (job.id.get() as u64, u64::from(job.attempt))).collect(),
    }
}

fn sources(order: &Compaction) -> Vec<(Item, Vec<JobAttempt>)> {
    let job = |(id, attempt): &(u64, u64)| JobAttempt {
        id: JobId::new(id.cast_signed()),
        attempt: *attempt as u32,
    };
    let sources = order.sources.iter();
    sources.map(|one| (item_of(&one.file), one.rows.iter().map(job).collect())).collect()
}

pub fn item_of(file: &str) -> Item {
    let mut parts = file.split('-').map(|part| part.parse::<i64>().unwrap());
    let mut next = || parts.next().unwrap();
    let commit = Commit { id: CommitId::new(next()), attempt: next() as u32 };
    Item { commit, output: next() as u8, place: Place::Final }
}

/// The rows of a compaction, for the worker that writes them.
pub fn rows_of(order: &Compaction) -> (Vec<Item>, Vec<JobAttempt>) {
    let (items, jobs): (Vec<_>, Vec<_>) = sources(order).into_iter().unzip();
    (items, jobs.into_iter().flatten().collect())
}

fn made_by(job: JobAttempt) -> Item {
    Item { commit: job.into(), output: 0, place: Place::Final }
}

impl Model {
    /// Some file has rows that nobody needs beside those that somebody does.
    pub fn has_hidden(&self) -> bool {
        self.hidden.iter().any(|(item, _)| self.needed.iter().any(|(needed, _)| needed == item))
    }

    pub fn compact(&mut self, command: Compact) -> Outcome {
        match command {
            Compact::Plan { session, but, hidden } => {
                let plan = self.plan(&but, hidden);
                Outcome::CompactionPlanned { session, plan: plan.map(Box::new) }
            }
            Compact::Grant { session, ready, plan } => {
                let (id, attempt, commit_id) = (ready.job, ready.attempt, ready.commit_id);
                let may = self.grant_compaction(commit_id, &session, plan.as_deref());
                let grant = Grant { id, attempt, commit_id, supersede: Vec::new() };
                let (granted, refused) = match may {
                    true => (vec![grant], Vec::new()),
                    false => (Vec::new(), vec![refusal(id, attempt)]),
                };
                Outcome::Granted { session, granted, refused, deferred: Vec::new() }
            }
            Compact::Conclude { session, job } => {
                let reason = self.conclude_compaction(job, &session).err();
                Outcome::compaction_ended(session, job, reason, self.retirements())
            }
            Compact::PutOff { session, job, .. } => {
                Outcome::compaction_ended(session, job, None, Vec::new())
            }
            Compact::Recover { session, job } => {
                let order = self.recover_compaction(job, &session);
                Outcome::CompactionRecovery { session, job, order: order.map(Box::new) }
            }
            Compact::Lose { job, recovery } => {
                let taken = self.lose_compaction(job, recovery);
                Outcome::LostTaken { job, taken }
            }
        }
    }

    /// A file that is to lose rows, or some that have no job in common.
    fn plan(&mut self, but: &[OutputFileId], hidden: bool) -> Option<CompactionPlan> {
        let mut files = self.whole_files();
        files.retain(|item, _| !but.contains(&self.number_of(*item)));
        let loses = |item: &Item| hidden && self.hidden.iter().any(|(of, _)| of == item);
        let chosen = match files.keys().find(|item| loses(item)) {
            Some(item) => vec![(*item, files[item].clone())],
            None => disjoint(files),
        };
        let is_worth_it = chosen.len() > 1 || chosen.iter().any(|(item, _)| loses(item));
        if !is_worth_it {
            return None;
        }
        self.compactions_planned += 1;
        let id = CommitId::new(FIRST_ID + self.compactions_planned);
        let order = Compaction {
            id,
            topic: "out".parse().unwrap(),
            uri: "parquet://out".parse().unwrap(),
            sources: chosen.iter().map(source).collect(),
            recovery: 0,
            output: None,
        };
        let files = chosen.iter().map(|(item, _)| self.number_of(*item)).collect();
        Some(CompactionPlan { order, files, parts: Vec::new(), schema_version: 0 })
    }

    /// Files whose jobs are all done, and that are not becoming part of another.
    fn whole_files(&self) -> BTreeMap<Item, Vec<JobAttempt>> {
        let mut files = BTreeMap::<_, Vec<_>>::new();
        for (item, job) in &self.needed {
            files.entry(*item).or_default().push(*job);
        }
        let is_done = |job: &JobAttempt| self.jobs[&job.id].state == State::Completed;
        files.retain(|item, jobs| jobs.iter().all(is_done) && !self.is_source(*item));
        files
    }

    fn is_source(&self, item: Item) -> bool {
        let mut all = self.compactions.values().flat_map(|granted| &granted.sources);
        all.any(|(source, _)| *source == item)
    }

    /// Any number that is the same for the same file.
    fn number_of(&self, item: Item) -> OutputFileId {
        let number = item.commit.id.get() * 10_000 + i64::from(item.commit.attempt) * 10;
        OutputFileId::new(number + i64::from(item.output))
    }

    fn grant_compaction(
        &mut self,
        id: CommitId,
        session: &SessionToken,
        plan: Option<&CompactionPlan>,
    ) -> bool {
        if let Some(granted) = self.compactions.get(&id) {
            return granted.session.as_ref() == Some(session) && granted.recovery == 0;
        }
        let Some(plan) = plan else { return false };
        let sources = sources(&plan.order);
        let is_free = |item: Item| {
            self.needed.iter().any(|(needed, _)| *needed == item) && !self.is_source(item)
        };
        if !sources.iter().all(|(item, _)| is_free(*item)) {
            return false;
        }
        let (session, granted_to) = (Some(session.clone()), session.clone());
        let granted = Granted { session, granted_to, recovery: 0, sources };
        if self.flaw == Some(Flaw::CompactsAtTheGrant) {
            self.move_rows(plan.order.job(), &granted);
        }
        self.compactions.insert(id, granted);
        true
    }

    fn conclude_compaction(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Result<(), &'static str> {
        let id = CommitId::from(job.id);
        let Some(granted) = self.compactions.get(&id) else {
            return if self.compacted.contains(&id) { Ok(()) } else { Err("unknown") };
        };
        if granted.session.as_ref() != Some(session) && granted.granted_to != *session {
            return Err("over");
        }
        let granted = self.compactions.remove(&id).unwrap();
        self.move_rows(job, &granted);
        self.compacted.insert(id);
        Ok(())
    }

    /// Whatever became of a job meanwhile is so in the new file, too.
    fn move_rows(&mut self, job: JobAttempt, granted: &Granted) {
        let made = made_by(job);
        for (item, jobs) in &granted.sources {
            for job in jobs {
                match self.needed.remove(&(*item, *job)) {
                    true => self.needed.insert((made, *job)),
                    false => self.hidden.insert((made, *job)),
                };
            }
            self.retire(*item);
        }
        if !self.needed.iter().any(|(needed, _)| *needed == made) {
            self.retire(made);
        }
    }

    fn recover_compaction(
        &mut self,
        job: JobAttempt,
        session: &SessionToken,
    ) -> Option<Compaction> {
        let id = CommitId::from(job.id);
        let granted = self.compactions.get_mut(&id)?;
        granted.recovery += 1;
        granted.session = Some(session.clone());
        self.recovered_compactions += 1;
        Some(Compaction {
            id,
            topic: "out".parse().unwrap(),
            uri: "parquet://out".parse().unwrap(),
            sources: Vec::new(),
            recovery: granted.recovery,
            output: None,
        })
    }

    fn lose_compaction(&mut self, job: JobAttempt, recovery: u32) -> bool {
        let id = CommitId::from(job.id);
        if self.compactions.get(&id).is_none_or(|granted| granted.recovery != recovery) {
            return false;
        }
        self.compactions.remove(&id);
        self.lost_compactions += 1;
        self.retire(made_by(job));
        true
    }

    /// Readers that count a row twice for the moment: the new file is there, and the old ones are still what counts.
    pub fn is_being_made(&self, item: Item) -> bool {
        self.compactions.contains_key(&item.commit.id)
    }
}

fn disjoint(files: BTreeMap<Item, Vec<JobAttempt>>) -> Vec<(Item, Vec<JobAttempt>)> {
    let (mut chosen, mut seen) = (Vec::new(), BTreeSet::new());
    for (item, jobs) in files {
        if chosen.len() < FILES_MAX && jobs.iter().all(|job| !seen.contains(&job.id)) {
            seen.extend(jobs.iter().map(|job| job.id));
            chosen.push((item, jobs));
        }
    }
    chosen
}
