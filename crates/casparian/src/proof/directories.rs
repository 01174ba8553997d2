//! From the sinks to the catalog: does somebody know every file that lies there?

use super::finding::{Fault, Finding, Repair};
use super::report::ProofReport;
use super::verifier::{Places, Verifier};
use crate::failure::{Failure, Kind};
use crate::output::counted;
use catalog::report::FileProof;
use protocol::{JobId, SinkUri};
use std::collections::{BTreeSet, HashMap};
use worker::sinks::{Area, Origins, SinkError};

/// Names that are looked up at once.
const NAMES_MAX: usize = 1_000;
/// Origins of a file that nobody knows; the rows of more count as those of the last.
const ORIGINS_MAX: usize = 1_000;

/// One directory below the output root.
pub(super) struct Here<'p> {
    pub path: &'p str,
    pub uri: SinkUri,
    pub topic: Option<&'p str>,
}

/// What the catalog says of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Current, or about to be.
    Current,
    /// Replaced, and not moved away yet.
    Leaving,
    /// Replaced, and moved away by all that is known.
    Left,
    No,
}

impl Verifier<'_> {
    pub(super) async fn prove_directories(
        &self,
        places: &Places,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let mut to_visit = vec![String::new()];
        while let Some(path) = to_visit.pop() {
            self.prove_directory(&path, places, &mut to_visit, report).await?;
        }
        Ok(())
    }

    async fn prove_directory(
        &self,
        path: &str,
        places: &Places,
        to_visit: &mut Vec<String>,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let uri = format!("parquet://{path}");
        let topic = places.topics.get(&uri).map(String::as_str);
        let Some(entries) = self.reader.entries(path).map_err(|error| unreadable(&error))? else {
            return Ok(());
        };
        // A path that is no sink's has none of our files.
        let here = uri.parse::<SinkUri>().ok().map(|uri| Here { path, uri, topic });
        let mut names = Vec::new();
        let mut looked_at = 0;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&error))?;
            // What begins like this is ours, or hidden from readers.
            if entry.name.starts_with(b"_") || entry.name.starts_with(b".") {
                continue;
            }
            if entry.is_directory {
                if let Ok(name) = String::from_utf8(entry.name) {
                    to_visit.push(if path.is_empty() { name } else { format!("{path}/{name}") });
                }
                continue;
            }
            names.push(entry.name);
            if let Some(here) = here.as_ref().filter(|_| names.len() == NAMES_MAX) {
                looked_at += names.len() as u64;
                self.bar.tell(looked_at, None, || format!("files in {path} known to the catalog"));
                self.judge(here, &names, report).await?;
                names.clear();
            }
        }
        if let Some(here) = &here {
            self.judge(here, &names, report).await?;
            self.prove_staging(here, report).await?;
        }
        Ok(())
    }

    async fn judge(
        &self,
        here: &Here<'_>,
        names: &[Vec<u8>],
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let known = self.known(here, names).await?;
        for name in names {
            let known = known.get(name.as_slice()).copied().unwrap_or(Known::No);
            match known {
                Known::Current => {}
                Known::Leaving => report.pending_moves += 1,
                Known::Left | Known::No => self.suspect(here, name, known, report).await?,
            }
        }
        Ok(())
    }

    /// The directory was read before the catalog was asked. Only what is still there, and still unknown after that, counts.
    async fn suspect(
        &self,
        here: &Here<'_>,
        name: &[u8],
        before: Known,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let origins = match self.reader.file(&here.uri, Area::Current, name) {
            Ok(Some(file)) => file.origins(ORIGINS_MAX),
            // Gone, or a link, which no reader of ours follows.
            Ok(None) => return self.add_link(here, name, report),
            Err(error) => Err(error),
        };
        let now = self.known(here, std::slice::from_ref(&name.to_vec())).await?;
        let now = now.get(name).copied().unwrap_or(Known::No);
        // What was retired meanwhile is gone by now, or lies there in vain.
        if now != before || !self.is_there(here, name) {
            return Ok(());
        }
        match now {
            Known::Left => self.add_superseded(here, name, only_job(&origins), report),
            _ => self.add_unknown(here, name, &origins, report).await?,
        }
        Ok(())
    }

    async fn known(
        &self,
        here: &Here<'_>,
        names: &[Vec<u8>],
    ) -> Result<HashMap<Vec<u8>, Known>, Failure> {
        // A name that is not UTF-8 is none of ours.
        let texts = names.iter().filter_map(|name| std::str::from_utf8(name).ok());
        let texts = texts.collect::<Vec<_>>();
        let files = self.catalog.files_named(&here.uri.to_string(), &texts).await?;
        let known = |file: FileProof| {
            let known = match (file.artifacts, file.retired) {
                (0, false) => Known::Leaving,
                (0, true) => Known::Left,
                _ => Known::Current,
            };
            (file.file.into_bytes(), known)
        };
        Ok(files.into_iter().map(known).collect())
    }

    fn is_there(&self, here: &Here<'_>, name: &[u8]) -> bool {
        let file = self.reader.file(&here.uri, Area::Current, name);
        !matches!(file, Ok(None))
    }

    fn add_link(
        &self,
        here: &Here<'_>,
        name: &[u8],
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let path = self.reader.output_root().join(self.file_shown(here.path, name));
        if here.topic.is_some() && path.is_symlink() {
            let mut finding = here.finding(Fault::ForeignFile, name);
            finding.found = "a symbolic link".to_owned();
            self.add(finding, report);
        }
        Ok(())
    }

    fn add_superseded(
        &self,
        here: &Here<'_>,
        name: &[u8],
        job: Option<JobId>,
        report: &mut ProofReport,
    ) {
        let finding = Finding {
            job,
            expected: "the file in _history: what it holds was replaced".to_owned(),
            found:
                "it lies among the current files, so that its rows are read beside the newer ones"
                    .to_owned(),
            repair: Repair::MoveToHistory,
            ..here.finding(Fault::SupersededFile, name)
        };
        self.add(finding, report);
    }

    async fn add_unknown(
        &self,
        here: &Here<'_>,
        name: &[u8],
        origins: &Result<Option<Origins>, SinkError>,
        report: &mut ProofReport,
    ) -> Result<(), Failure> {
        let origins = match origins {
            Ok(Some(origins)) if !origins.is_empty() => origins,
            // Below the output root others may keep what they like, but not among a topic's files.
            _ if here.topic.is_none() => return Ok(()),
            other => {
                let mut finding = here.finding(Fault::ForeignFile, name);
                if let Err(error) = other
                    && name.ends_with(b".parquet")
                {
                    finding.found = format!("no readable Parquet file: {error}");
                }
                self.add(finding, report);
                return Ok(());
            }
        };
        let jobs = origins.keys().map(|(job, _)| *job).collect::<BTreeSet<_>>();
        let jobs = jobs.into_iter().collect::<Vec<_>>();
        let published = self.catalog.artifacts_by_job(&jobs).await?;
        let is_known = !published.is_empty() || self.is_any_known(&jobs).await?;
        if here.topic.is_none() && !is_known {
            return Ok(());
        }
        let uri = here.uri.to_string();
        let current = published.iter().find(|one| one.uri == uri && one.state == "CURRENT");
        let rows = counted(origins.values().sum(), "row", "rows");
        let whose = match jobs.as_slice() {
            [job] => format!("job {job}"),
            _ => format!("{} jobs", jobs.len()),
        };
        let (fault, found) = match current {
            Some(one) => (
                Fault::DoubledFile,
                format!("{rows} of {whose}, whose rows are in {} already", one.file),
            ),
            None => {
                (Fault::UnknownFile, format!("{rows} of {whose}, which did not publish this file"))
            }
        };
        let finding = Finding {
            job: jobs.first().copied(),
            found,
            repair: Repair::MoveToHistory,
            ..here.finding(fault, name)
        };
        self.add(finding, report);
        Ok(())
    }

    async fn is_any_known(&self, jobs: &[JobId]) -> Result<bool, Failure> {
        for job in jobs {
            if self.catalog.job_moment(*job).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Here<'_> {
    /// Of a file that nobody should find here.
    pub(super) fn finding(&self, fault: Fault, name: &[u8]) -> Finding {
        Finding {
            fault,
            topic: self.topic.map(str::to_owned),
            uri: self.uri.to_string(),
            file: name.to_vec(),
            job: None,
            expected: "nothing of this name: the catalog does not know it".to_owned(),
            found: "a file that is none of ours".to_owned(),
            repair: Repair::Nothing(
                "nothing: it may be somebody's; move it out of the topic's directory".to_owned(),
            ),
            repaired: None,
        }
    }
}

fn only_job(origins: &Result<Option<Origins>, SinkError>) -> Option<JobId> {
    let origins = origins.as_ref().ok()?.as_ref()?;
    let jobs = origins.keys().map(|(job, _)| *job).collect::<BTreeSet<_>>();
    jobs.first().copied().filter(|_| jobs.len() == 1)
}

pub(super) fn unreadable(error: &SinkError) -> Failure {
    Failure::new(Kind::Unreachable, error.to_string())
}
