//! The keys of the magic comments, and what is taken for a misspelled one.

/// A key that a comment line of a plugin can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Pattern,
    Tag,
    Topic,
    Schema,
    Options,
    Reader,
    Priority,
    Timeout,
    Memory,
    Retries,
}

impl Key {
    const ALL: [Self; 10] = [
        Self::Pattern,
        Self::Tag,
        Self::Topic,
        Self::Schema,
        Self::Options,
        Self::Reader,
        Self::Priority,
        Self::Timeout,
        Self::Memory,
        Self::Retries,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pattern => "PATTERN",
            Self::Tag => "TAG",
            Self::Topic => "TOPIC",
            Self::Schema => "SCHEMA",
            Self::Options => "OPTIONS",
            Self::Reader => "READER",
            Self::Priority => "PRIORITY",
            Self::Timeout => "TIMEOUT",
            Self::Memory => "MEMORY",
            Self::Retries => "RETRIES",
        }
    }

    /// The letters that a misspelling may be off. Next to a short key lie too many ordinary words.
    const fn slips_max(self) -> usize {
        if self.name().len() <= 4 { 1 } else { 2 }
    }
}

/// What the word before a comment's colon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Key(Key),
    /// One or two letters off this key.
    Misspelled(Key),
    /// This key, but not in capitals.
    NotInCapitals(Key),
    Ordinary,
}

/// Words that people put before a colon in comments and that lie as near to a key as a misspelling would.
const ORDINARY_WORDS: [&str; 40] = [
    "ACTIONS", "BAG", "CAPTIONS", "DAG", "ENTRIES", "FLAG", "GAG", "HEADER", "HEADERS", "JAG",
    "LAG", "LEADER", "LEADERS", "LOADER", "LOGIC", "MEMO", "METRICS", "NAG", "OPINIONS",
    "OPTIONAL", "RAG", "READ", "READERS", "README", "READS", "READY", "RENDER", "REPLIES",
    "RETRIEVE", "SAG", "SERIES", "STAG", "TAB", "TAD", "TAN", "TAP", "TAR", "TAX", "TOP", "TOPS",
];

pub(super) fn classify(word: &str) -> Word {
    if let Some(key) = Key::ALL.into_iter().find(|key| key.name() == word) {
        return Word::Key(key);
    }
    if let Some(key) = Key::ALL.into_iter().find(|key| key.name().eq_ignore_ascii_case(word)) {
        return Word::NotInCapitals(key);
    }
    let in_capitals = word.bytes().any(|byte| byte.is_ascii_uppercase())
        && !word.bytes().any(|byte| byte.is_ascii_lowercase());
    if !in_capitals || ORDINARY_WORDS.contains(&word) {
        return Word::Ordinary;
    }
    let slips = |key: Key| distance(word.as_bytes(), key.name().as_bytes());
    let nearest = Key::ALL.into_iter().min_by_key(|key| slips(*key));
    match nearest.filter(|key| slips(*key) <= key.slips_max()) {
        Some(key) => Word::Misspelled(key),
        None => Word::Ordinary,
    }
}

/// Letters to put in, take out, change, or swap with their neighbour to make one word of the other.
fn distance(left: &[u8], right: &[u8]) -> usize {
    const FAR: usize = 3;
    if left.len().abs_diff(right.len()) >= FAR {
        return FAR;
    }
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut least =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_name() {
        for key in Key::ALL {
            assert_eq!(classify(key.name()), Word::Key(key));
            assert_eq!(classify(&key.name().to_lowercase()), Word::NotInCapitals(key));
        }
    }

    #[test]
    fn one_or_two_letters_off_is_a_misspelling() {
        for (word, key) in [
            ("PATERN", Key::Pattern),
            ("PATTERNS", Key::Pattern),
            ("PATTREN", Key::Pattern),
            ("PTTRN", Key::Pattern),
            ("PATTERN_1", Key::Pattern),
            ("TAGS", Key::Tag),
            ("TGA", Key::Tag),
            ("TOPICS", Key::Topic),
            ("TOPCI", Key::Topic),
            ("TPOIC", Key::Topic),
            ("TOPICNAME".get(..7).unwrap(), Key::Topic),
            ("SCHEME", Key::Schema),
            ("OPTION", Key::Options),
            ("PRIORTY", Key::Priority),
            ("TIMEOUTS", Key::Timeout),
            ("TIME_OUT", Key::Timeout),
            ("MEMROY", Key::Memory),
            ("RETRYS", Key::Retries),
            ("RETIRES", Key::Retries),
        ] {
            assert_eq!(classify(word), Word::Misspelled(key), "{word}");
        }
    }

    #[test]
    fn ordinary_words_are_left_alone() {
        for word in [
            "NOTE",
            "NOTES",
            "TODO",
            "FIXME",
            "XXX",
            "HACK",
            "BUG",
            "TYPE",
            "AUTHOR",
            "AUTHORS",
            "DATE",
            "HEADER",
            "README",
            "METRICS",
            "SERIES",
            "ENTRIES",
            "MEMO",
            "LOGIC",
            "DAG",
            "TAX",
            "TASK",
            "STAGE",
            "API",
            "TZ",
            "TO",
            "A",
            "SQL",
            "URL",
            "WARNING",
            "INPUT",
            "OUTPUT",
            "COPYRIGHT",
            "LICENSE",
            "VERSION",
            "USAGE",
            "SOURCE",
            "OWNER",
            "TABLE",
            "COLUMN",
            "COLUMNS",
            "FORMAT",
            "ENCODING",
            "OPTIONAL",
            "SUMMARY",
            "HISTORY",
            "STATUS",
            "ORDER",
            "TIME",
            "UTF",
            "Note",
            "todo",
            "",
        ] {
            assert_eq!(classify(word), Word::Ordinary, "{word}");
        }
    }
}
