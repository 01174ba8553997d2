//! Any sequence of loads, voids, removals and disturbances, compared with a model that keeps the rows in a map.

use super::rig::{Lake, ints, job, load_into, staged, topic};
use proptest::prelude::*;
use protocol::{JobAttempt, JobId};
use std::collections::BTreeMap;
use worker::sinks::sql::Loaded;

#[derive(Debug, Clone)]
enum Step {
    Load {
        job: JobAttempt,
        rows: u64,
        supersede: Vec<i64>,
    },
    /// Begun, and never committed.
    Abandon {
        job: JobAttempt,
        rows: u64,
        supersede: Vec<i64>,
    },
    Void(JobAttempt),
    Retire(Vec<JobAttempt>),
    Vacuum,
    Widen,
}

fn step() -> impl Strategy<Value = Step> {
    let attempt = || (1..6_i64, 1..4_u32).prop_map(|(id, attempt)| job(id, attempt));
    let load = || (attempt(), 0..4_u64, prop::collection::vec(1..6_i64, 0..3));
    prop_oneof![
        6 => load().prop_map(|(job, rows, supersede)| Step::Load { job, rows, supersede }),
        1 => load().prop_map(|(job, rows, supersede)| Step::Abandon { job, rows, supersede }),
        2 => attempt().prop_map(Step::Void),
        2 => prop::collection::vec(attempt(), 1..4).prop_map(Step::Retire),
        1 => Just(Step::Vacuum),
        1 => Just(Step::Widen),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Current(u64),
    Superseded,
    Void,
}

/// The latest attempt of each job, and what became of it.
#[derive(Default)]
struct Model(BTreeMap<i64, (u32, State)>);

impl Model {
    fn load(&mut self, job: JobAttempt, rows: u64, supersede: &[i64]) -> Loaded {
        match self.0.get(&job.id.get()) {
            Some((attempt, _)) if *attempt > job.attempt => return Loaded::Overtaken,
            Some((attempt, State::Void)) if *attempt == job.attempt => return Loaded::Overtaken,
            Some((attempt, _)) if *attempt == job.attempt => return Loaded::Already,
            _ => {}
        }
        for id in supersede {
            self.remove(*id);
        }
        self.0.insert(job.id.get(), (job.attempt, State::Current(rows)));
        Loaded::Done
    }

    fn remove(&mut self, id: i64) {
        if let Some((_, state @ State::Current(_))) = self.0.get_mut(&id) {
            *state = State::Superseded;
        }
    }

    fn counts(&self) -> Vec<(i64, u64)> {
        let rows = |(id, (_, state)): (&i64, &(u32, State))| match state {
            State::Current(rows) if *rows > 0 => Some((*id, *rows)),
            _ => None,
        };
        self.0.iter().filter_map(rows).collect()
    }
}

fn load(lake: &Lake, at: JobAttempt, rows: u64, supersede: &[i64]) -> Loaded {
    let values: Vec<i64> = (0..rows as i64).collect();
    let supersede: Vec<JobId> = supersede.iter().copied().map(JobId::new).collect();
    let batch = staged(at, &[("a", ints(&values))]);
    load_into(&mut lake.sink(), "t", at, &[batch], &supersede).unwrap()
}

fn abandon(lake: &Lake, at: JobAttempt, rows: u64, supersede: &[i64]) {
    let values: Vec<i64> = (0..rows as i64).collect();
    let supersede: Vec<JobId> = supersede.iter().copied().map(JobId::new).collect();
    let batch = staged(at, &[("a", ints(&values)), ("new", ints(&values))]);
    let mut sink = lake.sink();
    let mut transaction = sink.begin().unwrap();
    transaction
        .load(worker::sinks::sql::Load {
            topic: &topic(),
            table: &"t".parse().unwrap(),
            job: at,
            schema: batch.schema(),
            rows,
            supersede: &supersede,
            batches: &mut std::iter::once(Ok(batch)),
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_table_is_what_the_model_says(steps in prop::collection::vec(step(), 1..25)) {
        let lake = Lake::new();
        let table = "t".parse().unwrap();
        let mut model = Model::default();
        let mut widened = 1_000;
        drop(lake.sink());
        for step in steps {
            match &step {
                Step::Load { job, rows, supersede } => {
                    let others: Vec<i64> =
                        supersede.iter().copied().filter(|id| *id != job.id.get()).collect();
                    let expected = model.load(*job, *rows, &others);
                    prop_assert_eq!(load(&lake, *job, *rows, supersede), expected);
                }
                Step::Abandon { job, rows, supersede } => abandon(&lake, *job, *rows, supersede),
                Step::Void(job) => {
                    lake.sink().void(&table, &topic(), *job).unwrap();
                    let known = model.0.entry(job.id.get()).or_insert((0, State::Void));
                    if known.0 < job.attempt {
                        *known = (job.attempt, State::Void);
                    }
                }
                Step::Retire(jobs) => {
                    lake.sink().retire(&table, jobs).unwrap();
                    for job in jobs {
                        if model.0.get(&job.id.get()).is_some_and(|it| it.0 == job.attempt) {
                            model.remove(job.id.get());
                        }
                    }
                }
                Step::Vacuum => {
                    rusqlite::Connection::open(lake.path()).unwrap().execute_batch("VACUUM").unwrap();
                }
                Step::Widen => {
                    // A job of its own whose `a` is a decimal: the table is rewritten.
                    widened += 1;
                    let values = arrow_array::Decimal128Array::from(vec![5]);
                    let values = values.with_precision_and_scale(20, (widened - 1_000) as i8);
                    lake.done(job(widened, 1), &[("a", std::sync::Arc::new(values.unwrap()))]);
                    model.load(job(widened, 1), 1, &[]);
                }
            }
            prop_assert_eq!(lake.counts("t"), model.counts(), "after {:?}", step);
        }
    }
}
