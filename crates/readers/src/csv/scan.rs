//! Where in 64 bytes one of a few characters stands, as a mask: bit n is byte n.

pub(super) const LANE: usize = 64;

/// Up to five characters that are looked for; less than five repeat one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    signs: [u8; 5],
}

impl Scan {
    pub(super) fn new(signs: &[u8]) -> Self {
        let mut all = [b'\n'; 5];
        all[..signs.len()].copy_from_slice(signs);
        Self { signs: all }
    }

    /// Of the 64 bytes from `at` on, or of less at the end.
    #[inline]
    pub(super) fn mask(&self, text: &[u8], at: usize) -> u64 {
        let rest = &text[at..];
        if let Some(lane) = rest.first_chunk::<LANE>() {
            return lane_mask(lane, &self.signs);
        }
        let mut lane = [0; LANE];
        lane[..rest.len()].copy_from_slice(rest);
        lane_mask(&lane, &self.signs) & ((1 << rest.len()) - 1)
    }
}

#[inline]
fn word(lane: &[u8; LANE], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&lane[at..at + 8]);
    u64::from_le_bytes(bytes)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "SSE2 is part of x86-64, which the compiler wants to be told")]
fn lane_mask(lane: &[u8; LANE], signs: &[u8; 5]) -> u64 {
    unsafe { sse2_mask(lane, signs) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sse2_mask(lane: &[u8; LANE], signs: &[u8; 5]) -> u64 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let mut mask = 0;
    for quarter in 0..4 {
        let at = quarter * 16;
        let bytes = _mm_set_epi64x(word(lane, at + 8).cast_signed(), word(lane, at).cast_signed());
        let mut found = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(signs[0].cast_signed()));
        for sign in &signs[1..] {
            let equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(sign.cast_signed()));
            found = _mm_or_si128(found, equal);
        }
        mask |= u64::from(_mm_movemask_epi8(found).cast_unsigned()) << at;
    }
    mask
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn lane_mask(lane: &[u8; LANE], signs: &[u8; 5]) -> u64 {
    (0..8).fold(0, |mask, at| {
        let bytes = word(lane, at * 8);
        let found = signs.iter().fold(0, |found, sign| found | equal(bytes, *sign));
        // The eight upper bits move together into one byte.
        mask | (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56 << (at * 8)
    })
}

/// The upper bit of each byte that is the sign.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn equal(bytes: u64, sign: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let other = bytes ^ (u64::from(sign) * 0x0101_0101_0101_0101);
    !(((other & LOW) + LOW) | other | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_found_where_it_stands() {
        let text: Vec<u8> = (0..=255).chain((0..200).map(|n| b",\n\"a\\\r;"[n % 7])).collect();
        let signs = b",\"\r\\";
        let scan = Scan::new(signs);
        for at in 0..text.len() {
            let mask = scan.mask(&text, at);
            for (bit, byte) in text[at..].iter().take(LANE).enumerate() {
                let wanted = signs.contains(byte) || *byte == b'\n';
                assert_eq!(mask >> bit & 1 == 1, wanted, "byte {byte} at {}", at + bit);
            }
            let rest = text.len() - at;
            assert!(rest >= LANE || mask >> rest == 0);
        }
    }
}
