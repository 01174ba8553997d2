//! A superseded file goes to `_history/`; one whose rows are all in another, too, is removed. Readers that have it open can finish.

use super::directory::{Directory, Renamed, rename};
use super::layout::{HISTORY, is_file_name};
use crate::sinks::SinkError;
use protocol::{CrashPoint, OutputFileId, Retirement, crash_point};

/// Several files of one sink, made durable together; gives those that are done. What lies there already, or nowhere, is fine.
pub fn retire(
    root: Directory,
    uri_path: &str,
    files: &[&Retirement],
    errors: &mut Vec<SinkError>,
) -> Result<Vec<OutputFileId>, SinkError> {
    let mut done = Vec::with_capacity(files.len());
    let Some(sink) = root.descend(uri_path)? else {
        return Ok(files.iter().map(|file| file.id).collect());
    };
    let history = sink.make_child(HISTORY)?;
    for file in files {
        match move_away(&sink, &history, file) {
            Ok(()) => {
                done.push(file.id);
                crash_point(CrashPoint::BetweenRetires);
            }
            Err(error) => errors.push(error),
        }
    }
    history.sync()?;
    sink.sync()?;
    Ok(done)
}

fn move_away(sink: &Directory, history: &Directory, file: &Retirement) -> Result<(), SinkError> {
    let name = file.file.as_str();
    if !is_file_name(name) {
        return Err(SinkError::FileName { uri: file.uri.clone(), name: name.to_owned() });
    }
    if file.copied {
        return sink.remove(name).map(drop);
    }
    if rename((sink, name), (history, name))? == Renamed::Occupied {
        sink.remove(name)?;
    }
    Ok(())
}
