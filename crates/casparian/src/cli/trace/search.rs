//! The current files of a topic, one after the other, until enough rows are found.

use crate::failure::Failure;
use crate::output::{Bar, count};
use catalog::Catalog;
use protocol::{JobId, OutputFileId, SinkUri};
use std::collections::HashSet;
use std::ops::ControlFlow;
use worker::sinks::{Area, Filter, FilterError, FoundRow, Seen, SinkReader};

pub struct Search<'a> {
    pub catalog: &'a Catalog,
    pub reader: SinkReader,
    pub topic: &'a str,
    pub filter: &'a Filter,
    pub limit: usize,
    pub bar: &'a Bar,
}

pub struct TracedRow {
    pub uri: String,
    pub file: String,
    pub row: FoundRow,
}

#[derive(Default)]
pub struct Traced {
    pub rows: Vec<TracedRow>,
    pub files: u64,
    /// There are further ones.
    pub has_more: bool,
    /// Files that could not be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

/// Files that are named.
const UNREADABLE_MAX: usize = 100;

impl Search<'_> {
    pub async fn run(&self, uris: &[String]) -> Result<Traced, Failure> {
        let mut traced = Traced::default();
        let mut reasons = Vec::new();
        // Every place of a topic has all of its rows.
        for uri in uris {
            match uri
                .parse::<SinkUri>()
                .ok()
                .map(|parsed| (self.reader.unreachable(&parsed), parsed))
            {
                Some((None, parsed)) => {
                    self.search(&parsed, &mut traced).await?;
                    return Ok(traced);
                }
                Some((Some(reason), _)) => reasons.push(reason),
                None => reasons.push(format!("{uri} is no sink of this version")),
            }
        }
        Err(Failure::unreachable(format!("topic {}: {}", self.topic, reasons.join("; "))))
    }

    async fn search(&self, uri: &SinkUri, traced: &mut Traced) -> Result<(), Failure> {
        let mut seen = Seen::default();
        let text = uri.to_string();
        if let Some(job) = self.filter.only_job() {
            let artifacts = self.catalog.artifacts_by_job(&[job]).await?;
            let current =
                artifacts.into_iter().filter(|one| one.state == "CURRENT" && one.uri == text);
            for artifact in current {
                let hidden = HashSet::new();
                if self.search_file(uri, &artifact.file, &hidden, &mut seen, traced)?.is_break() {
                    return Ok(());
                }
            }
            return Ok(seen.check(self.filter)?);
        }
        // What is compacted meanwhile is read as it was.
        let mut snapshot = self.catalog.snapshot().await?;
        let mut after = OutputFileId::new(0);
        loop {
            let page = snapshot.current_files(self.topic, &text, after).await?;
            let Some(last) = page.last() else { return Ok(seen.check(self.filter)?) };
            after = last.id;
            let ids = page.iter().map(|file| file.id).collect::<Vec<_>>();
            let mut hidden = snapshot.hidden_jobs(&ids).await?;
            for file in &page {
                let hidden = hidden.remove(&file.id).unwrap_or_default();
                if self.search_file(uri, &file.file, &hidden, &mut seen, traced)?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn search_file(
        &self,
        uri: &SinkUri,
        file_name: &str,
        hidden: &HashSet<JobId>,
        seen: &mut Seen,
        traced: &mut Traced,
    ) -> Result<ControlFlow<()>, Failure> {
        traced.files += 1;
        let found = traced.rows.len() as u64;
        self.bar.tell(traced.files, None, || format!("files read, {} rows found", count(found)));
        let name = format!("{uri}/{file_name}");
        let mut unreadable = |why: String| {
            if traced.unreadable.len() < UNREADABLE_MAX {
                traced.unreadable.push((name.clone(), why));
            }
        };
        let there = |area| self.reader.file(uri, area, file_name.as_bytes());
        let found = match there(Area::Current) {
            Ok(None) => there(Area::History),
            found => found,
        };
        let file = match found {
            Ok(Some(file)) => file,
            Ok(None) => {
                unreadable("it is not there".to_owned());
                return Ok(ControlFlow::Continue(()));
            }
            Err(error) => {
                unreadable(error.to_string());
                return Ok(ControlFlow::Continue(()));
            }
        };
        let (rows, limit, has_more) = (&mut traced.rows, self.limit, &mut traced.has_more);
        let given = file.find(self.filter, seen, |row| {
            // Replaced, and not yet out of the file.
            if hidden.contains(&row.job) {
                return ControlFlow::Continue(());
            }
            if rows.len() == limit {
                *has_more = true;
                return ControlFlow::Break(());
            }
            let (uri, file) = (uri.to_string(), file_name.to_owned());
            rows.push(TracedRow { uri, file, row });
            ControlFlow::Continue(())
        });
        match given {
            Ok(flow) => Ok(flow),
            Err(FilterError::Sink(error)) => {
                unreadable(error.to_string());
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
