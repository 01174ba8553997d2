//! The known word that a misspelled one was meant to be.

/// None when nothing known is near: then a suggestion would only confuse.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let reach = (word.chars().count() / 3).clamp(1, 4);
    let rated = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    rated.min().filter(|(distance, _)| *distance <= reach).map(|(_, candidate)| candidate)
}

/// Edits that make one word the other: insert, remove, replace, or swap two neighbours.
fn distance(left: &str, right: &str) -> usize {
    let left = left.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let right = right.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = above[j] + usize::from(a != b);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["bind", "lease", "heartbeat", "interpreter"];

    #[test]
    fn a_misspelled_word_finds_what_was_meant() {
        for (word, meant) in [
            ("leese", "lease"),
            ("laese", "lease"),
            ("Lease", "lease"),
            ("heart_beat", "heartbeat"),
            ("intrepeter", "interpreter"),
            ("bid", "bind"),
        ] {
            assert_eq!(nearest(word, KNOWN), Some(meant), "{word}");
        }
    }

    #[test]
    fn a_word_that_is_near_to_nothing_finds_nothing() {
        for word in ["colour", "x", "timeout", ""] {
            assert_eq!(nearest(word, KNOWN), None, "{word}");
        }
    }
}
