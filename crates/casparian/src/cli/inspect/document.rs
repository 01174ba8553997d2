//! The profile of a file for programs.

use super::Inspected;
use crate::output::path_fields;
use readers::{ColumnDecision, ColumnProfile, Decision, Profile, Reject, RowCount, TextLayout};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;

pub(super) fn document(inspected: &Inspected<'_>) -> Value {
    let mut document = path_fields(inspected.path.as_os_str().as_bytes());
    document.insert("bytes".to_owned(), json!(inspected.bytes));
    let fields = match &inspected.result {
        Ok(profile) => of_profile(profile),
        Err(error) => json!({ "error": error.to_string() }),
    };
    if let Value::Object(fields) = fields {
        document.extend(fields);
    }
    Value::Object(document)
}

fn of_profile(profile: &Profile) -> Value {
    let Decision {
        format,
        compression,
        encoding,
        layout,
        records_at,
        columns,
        proven_by_all,
        notes,
    } = &profile.decision;
    let (rows, kind) = match profile.rows {
        RowCount::Exact(rows) => (rows, "exact"),
        RowCount::Estimate(rows) => (rows, "estimate"),
        RowCount::AtLeast(rows) => (rows, "at_least"),
    };
    let columns = columns
        .iter()
        .zip(&profile.columns)
        .map(|(decision, seen)| column(decision, seen))
        .collect::<Vec<_>>();
    json!({
        "format": format.name(),
        "compression": compression.map(readers::Compression::name),
        "encoding": encoding,
        "layout": layout.as_ref().map(of_layout),
        "records_at": records_at,
        "rows": rows,
        "rows_are": kind,
        "rows_sampled": profile.sampled_rows,
        "types_proven_by_all": proven_by_all,
        "columns": columns,
        "notes": notes,
        "problem_count": profile.problem_count,
        "problems": profile.problems.iter().map(problem).collect::<Vec<_>>(),
        "broken": profile.broken.as_ref().map(ToString::to_string),
        "reader": profile.decision.pins().line(),
    })
}

fn of_layout(layout: &TextLayout) -> Value {
    json!({
        "delimiter": layout.delimiter,
        "quote": layout.quote,
        "escape": layout.escape,
        "comment": layout.comment,
        "header": layout.header,
        "skip": layout.skip,
        "footer": layout.footer,
    })
}

fn column(decision: &ColumnDecision, seen: &ColumnProfile) -> Value {
    let share = if seen.rows == 0 { 0.0 } else { seen.nulls as f64 / seen.rows as f64 };
    json!({
        "name": decision.name,
        "type": decision.type_name(),
        "evidence": decision.evidence,
        "null_words": decision.nulls,
        "nulls": seen.nulls,
        "null_share": share,
        "min": seen.min,
        "max": seen.max,
        "samples": seen.samples,
    })
}

fn problem(reject: &Reject) -> Value {
    json!({
        "row": reject.row,
        "line": reject.line,
        "offset": reject.offset,
        "column": reject.column,
        "reason": reject.reason,
        "record": reject.record,
    })
}
