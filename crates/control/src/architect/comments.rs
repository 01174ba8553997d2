//! The magic comments: comment lines before the first statement, `KEY: value`. A value ends with its line, or at two or more
//! blanks followed by `<--` or `#`. A module docstring does not end the header: people write one first.

use super::key::{Key, Word, classify};

/// A comment line with one of our keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: usize,
    pub key: Key,
    pub value: String,
}

/// A line that was meant for us and is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub line: usize,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Sql,
}

impl Language {
    fn marker(self) -> &'static str {
        match self {
            Self::Python => "#",
            Self::Sql => "--",
        }
    }
}

pub(super) fn read(source: &str, language: Language) -> Vec<Result<Entry, Mistake>> {
    let mut lines = source.trim_start_matches('\u{feff}').lines().enumerate();
    let mut found = Vec::new();
    let mut in_script_block = false;
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(language.marker()) {
            let comment = comment.trim();
            in_script_block = match comment {
                "///" => false,
                _ if comment.starts_with("/// ") => true,
                _ => in_script_block,
            };
            if !in_script_block {
                found.extend(entry(index + 1, comment));
            }
            continue;
        }
        let Some(quote) = docstring_quote(line, language) else { break };
        let rest = &line[line.find(quote).map_or(0, |at| at + 3)..];
        if !rest.contains(quote) && !lines.any(|(_, line)| line.contains(quote)) {
            break;
        }
    }
    found
}

fn docstring_quote(line: &str, language: Language) -> Option<&'static str> {
    if language == Language::Sql {
        return None;
    }
    let bare = line.trim_start_matches(['r', 'R', 'u', 'U']);
    ["\"\"\"", "'''"].into_iter().find(|quote| bare.starts_with(quote))
}

fn entry(line: usize, comment: &str) -> Option<Result<Entry, Mistake>> {
    let (word, value) = comment.split_once(':')?;
    let word = word.trim();
    let mistake = |what: String| Some(Err(Mistake { line, what }));
    match classify(word) {
        Word::Ordinary => None,
        Word::Misspelled(key) => {
            mistake(format!("'{word}:' is not a key; did you mean '{}:'?", key.name()))
        }
        Word::NotInCapitals(key) => {
            mistake(format!("'{word}:' must be in capitals: '{}:'", key.name()))
        }
        Word::Key(key) => match without_remark(value).trim() {
            "" => mistake(format!("{} has no value", key.name())),
            value => Some(Ok(Entry { line, key, value: value.to_owned() })),
        },
    }
}

/// Up to two or more blanks that are followed by `<--` or `#`.
fn without_remark(value: &str) -> &str {
    for (at, _) in value.match_indices(['#', '<']) {
        let is_remark = value[at..].starts_with('#') || value[at..].starts_with("<--");
        let before = &value[..at];
        let blanks = before.len() - before.trim_end().len();
        let has_tab = before.trim_end().len() < before.len() && before.contains('\t');
        if is_remark && (blanks >= 2 || (blanks == 1 && has_tab && before.ends_with('\t'))) {
            return before;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(usize, &str, &str)]) {
        let found = read(source, Language::Python);
        let shown = found.iter().map(|entry| match entry {
            Ok(entry) => (entry.line, entry.key.name(), entry.value.as_str()),
            Err(mistake) => (mistake.line, "mistake", mistake.what.as_str()),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{source}");
    }

    #[test]
    fn f01_the_remark_arrows_of_the_design_are_no_part_of_the_value() {
        let source = "# plugins/my_parser.py\n\
                      # PATTERN: *.csv           <-- makes a RoutingRule\n\
                      # TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)\n\
                      from casparian_flow.sdk import BasePlugin\n";
        check(source, &[(2, "PATTERN", "*.csv"), (3, "TOPIC", "sales_data")]);
    }

    #[test]
    fn a_value_ends_with_its_line_or_before_a_remark() {
        check("# PATTERN: a b.csv  # remark", &[(1, "PATTERN", "a b.csv")]);
        check("# PATTERN: a#b.csv", &[(1, "PATTERN", "a#b.csv")]);
        check("# PATTERN: a #b.csv", &[(1, "PATTERN", "a #b.csv")]);
        check("# PATTERN: a\t# remark", &[(1, "PATTERN", "a")]);
        check("#PATTERN:*.csv\r\n# TAG: x\r\n", &[(1, "PATTERN", "*.csv"), (2, "TAG", "x")]);
    }

    #[test]
    fn the_header_ends_at_the_first_statement() {
        check("# TAG: a\nimport os\n# TAG: b\n", &[(1, "TAG", "a")]);
        check("\"\"\"About.\n# TAG: no\n\"\"\"\n# TAG: b\n", &[(4, "TAG", "b")]);
        check("'''one line'''\n# TAG: b\n", &[(2, "TAG", "b")]);
        check(
            "\u{feff}#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n\n# TAG: c",
            &[(4, "TAG", "c")],
        );
    }

    #[test]
    fn inline_script_metadata_is_not_ours() {
        let source =
            "# /// script\n# dependencies = [\n#   'x',\n# ]\n# TAG: no\n# ///\n# TAG: yes\n";
        check(source, &[(7, "TAG", "yes")]);
    }

    #[test]
    fn a_slip_in_a_key_is_a_mistake_and_other_comments_are_comments() {
        check("# PATERN: x", &[(1, "mistake", "'PATERN:' is not a key; did you mean 'PATTERN:'?")]);
        check("# pattern: x", &[(1, "mistake", "'pattern:' must be in capitals: 'PATTERN:'")]);
        check("# TOPIC:", &[(1, "mistake", "TOPIC has no value")]);
        check("# NOTE: x\n# TODO: y\n# see https://example.org\n", &[]);
    }

    #[test]
    fn sql_has_its_own_comments() {
        let found = read("-- TAG: a\n# TAG: b\nSELECT 1", Language::Sql);
        assert_eq!(found.len(), 1);
    }
}
