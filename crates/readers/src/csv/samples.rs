//! Parts of a large file, evenly spaced, and its end: what they hold is proof for its columns beside its head.

use super::survey::Survey;
use crate::encoding::decode;
use crate::error::ReadError;
use crate::input::Input;

const SAMPLES: u64 = 24;
const SAMPLE_BYTES: usize = 32 << 10;

pub(super) fn see(
    input: &Input,
    survey: &mut Survey,
    pinned_footer: bool,
) -> Result<(), ReadError> {
    let last = input.len().saturating_sub(SAMPLE_BYTES as u64);
    for sample in 1..=SAMPLES {
        // Units of UTF-16 begin at even bytes.
        let offset = (last / SAMPLES * sample) & !1;
        let is_last = sample == SAMPLES;
        let offset = if is_last { last & !1 } else { offset };
        let mut bytes = vec![0; SAMPLE_BYTES + 1];
        let len = input.read_at(offset, &mut bytes)?;
        bytes.truncate(if is_last { len } else { len.min(SAMPLE_BYTES) });
        survey.see_sample(&decode(&bytes, survey.rules.encoding), is_last, pinned_footer);
    }
    Ok(())
}
