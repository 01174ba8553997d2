//! Words that stand for no value, and for true and false.

/// Besides the empty cell, in columns that otherwise hold numbers, dates or truth values. In text they are text.
pub const NULLS: [&str; 12] =
    ["NA", "N/A", "n/a", "NULL", "null", "Null", "None", "-", "\\N", "#N/A", "<NA>", "NaT"];

/// Of true and false; a column holds words of one pair.
pub const PAIRS: [(&str, &str); 10] = [
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("yes", "no"),
    ("Yes", "No"),
    ("YES", "NO"),
    ("y", "n"),
    ("Y", "N"),
    ("t", "f"),
    ("T", "F"),
];

/// Pairs whose words say enough alone; of the others both have to occur.
pub const PAIRS_CLEAR: usize = 3;

pub fn null(text: &[u8]) -> Option<&'static str> {
    if text.len() > 4 || text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    NULLS.into_iter().find(|word| word.as_bytes() == text)
}

/// A value of a float, no value elsewhere.
pub fn nan(text: &[u8]) -> Option<&'static str> {
    ["NaN", "nan", "NAN"].into_iter().find(|word| word.as_bytes() == text)
}
