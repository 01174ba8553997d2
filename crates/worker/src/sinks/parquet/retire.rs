//! A superseded file goes to `_history/`, where readers that have it open can finish.

use super::directory::{Directory, Renamed, rename};
use super::layout::{HISTORY, is_file_name};
use crate::sinks::SinkError;
use protocol::{Retirement, SinkUri};

/// Several files of one sink, made durable together. What lies there already, or nowhere, is fine.
pub fn retire(root: Directory, uri_path: &str, files: &[&Retirement]) -> Result<(), SinkError> {
    let Some(sink) = root.descend(uri_path)? else { return Ok(()) };
    let history = sink.make_child(HISTORY)?;
    for file in files {
        let name = file.file.as_str();
        if !is_file_name(name) {
            return Err(file_name_error(&file.uri, name));
        }
        if rename((&sink, name), (&history, name))? == Renamed::Occupied {
            sink.remove(name)?;
        }
    }
    history.sync()?;
    sink.sync()
}

fn file_name_error(uri: &SinkUri, name: &str) -> SinkError {
    SinkError::FileName { uri: uri.clone(), name: name.to_owned() }
}
