//! What the cells of a column say: how many are null, the least and the greatest, and a few as they are.

use crate::error::ReadError;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ord::ord::make_comparator;
use arrow_schema::SortOptions;
use std::cmp::Ordering;

/// Different values that are shown.
const SAMPLES: usize = 5;
const SHOWN_MAX: usize = 60;

#[derive(Debug, Clone, Default)]
pub struct ColumnProfile {
    pub rows: u64,
    pub nulls: u64,
    /// Values as text; long ones are cut. None where the type has no order.
    pub min: Option<String>,
    pub max: Option<String>,
    pub samples: Vec<String>,
}

/// One that is being made; extremes are arrays of one value.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) profile: ColumnProfile,
    min: Option<ArrayRef>,
    max: Option<ArrayRef>,
}

impl Seen {
    pub(super) fn see(&mut self, values: &ArrayRef) -> Result<(), ReadError> {
        let nulls = values.logical_nulls();
        let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        self.profile.rows += values.len() as u64;
        self.profile.nulls += nulls.as_ref().map_or(0, arrow_buffer::NullBuffer::null_count) as u64;
        let filled = || (0..values.len()).filter(|row| !is_null(*row));
        self.sample(values, filled())?;
        // Types without an order have no extremes.
        let Ok(compare) = make_comparator(values, values, SortOptions::default()) else {
            return Ok(());
        };
        let least =
            filled().reduce(|best, row| if compare(row, best).is_lt() { row } else { best });
        let most = filled().reduce(|best, row| if compare(row, best).is_gt() { row } else { best });
        keep(&mut self.min, values, least, Ordering::Less);
        keep(&mut self.max, values, most, Ordering::Greater);
        Ok(())
    }

    fn sample(
        &mut self,
        values: &ArrayRef,
        filled: impl Iterator<Item = usize>,
    ) -> Result<(), ReadError> {
        if self.profile.samples.len() >= SAMPLES {
            return Ok(());
        }
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(values, &options)?;
        for row in filled {
            let text = cut(&formatter.value(row).to_string());
            if !self.profile.samples.contains(&text) {
                self.profile.samples.push(text);
            }
            if self.profile.samples.len() == SAMPLES {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> ColumnProfile {
        self.profile.min = self.min.as_ref().and_then(shown);
        self.profile.max = self.max.as_ref().and_then(shown);
        self.profile
    }
}

/// A value of its own: a slice would hold on to its whole block.
fn keep(best: &mut Option<ArrayRef>, values: &ArrayRef, row: Option<usize>, better: Ordering) {
    let Some(row) = row else {
        return;
    };
    let is_better = match best {
        None => true,
        Some(best) => make_comparator(values, best, SortOptions::default())
            .is_ok_and(|compare| compare(row, 0) == better),
    };
    if is_better && let Ok(one) = arrow_select::concat::concat(&[values.slice(row, 1).as_ref()]) {
        *best = Some(one);
    }
}

fn shown(value: &ArrayRef) -> Option<String> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(value, &options).ok()?;
    Some(cut(&formatter.value(0).to_string()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
