//! `history=all on_delete=retract dedup=off`: how a topic treats newer, vanished and equal content.

use protocol::{QuarantineLimit, TopicOptions};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error(
        "'{text}' is not an option: there is history=all, on_delete=retract, dedup=off, schema=strict, max_quarantine=10%"
    )]
    Unknown { text: String },
    #[error("{name} cannot be '{value}': write {name}={choices}")]
    Value { name: &'static str, value: String, choices: &'static str },
    #[error("{name} is set twice")]
    Repeated { name: &'static str },
    #[error(
        "no option follows: there is history=all, on_delete=retract, dedup=off, schema=strict, max_quarantine=10%"
    )]
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopicOption {
    HistoryAll(bool),
    RetractOnDelete(bool),
    Dedup(bool),
    Strict(bool),
    MaxQuarantine(QuarantineLimit),
}

impl TopicOption {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::HistoryAll(_) => "history",
            Self::RetractOnDelete(_) => "on_delete",
            Self::Dedup(_) => "dedup",
            Self::Strict(_) => "schema",
            Self::MaxQuarantine(_) => "max_quarantine",
        }
    }

    pub(super) const fn apply(self, options: &mut TopicOptions) {
        match self {
            Self::HistoryAll(on) => options.history_all = on,
            Self::RetractOnDelete(on) => options.retract_on_delete = on,
            Self::Dedup(on) => options.dedup = on,
            Self::Strict(on) => options.strict = on,
            Self::MaxQuarantine(limit) => options.max_quarantine = limit,
        }
    }
}

/// Options between blanks, each at most once.
pub(super) fn parse_options(text: &str) -> Result<Vec<TopicOption>, OptionError> {
    let mut options: Vec<TopicOption> = Vec::new();
    for word in text.split_whitespace() {
        let option = parse_option(word)?;
        if options.iter().any(|earlier| earlier.name() == option.name()) {
            return Err(OptionError::Repeated { name: option.name() });
        }
        options.push(option);
    }
    if options.is_empty() { Err(OptionError::Empty) } else { Ok(options) }
}

/// Options as they stand in casparian.toml; what they do not name is as it is by default.
pub fn parse_topic_options(text: &str) -> Result<TopicOptions, OptionError> {
    let mut options = TopicOptions::default();
    parse_options(text)?.into_iter().for_each(|option| option.apply(&mut options));
    Ok(options)
}

fn parse_option(word: &str) -> Result<TopicOption, OptionError> {
    let unknown = || OptionError::Unknown { text: word.to_owned() };
    let (name, value) = word.split_once('=').ok_or_else(unknown)?;
    let refused = |name, choices| OptionError::Value { name, value: value.to_owned(), choices };
    match (name, value) {
        ("history", "all") => Ok(TopicOption::HistoryAll(true)),
        ("history", "current") => Ok(TopicOption::HistoryAll(false)),
        ("history", _) => Err(refused("history", "all or current")),
        ("on_delete", "retract") => Ok(TopicOption::RetractOnDelete(true)),
        ("on_delete", "keep") => Ok(TopicOption::RetractOnDelete(false)),
        ("on_delete", _) => Err(refused("on_delete", "retract or keep")),
        ("dedup", "on") => Ok(TopicOption::Dedup(true)),
        ("dedup", "off") => Ok(TopicOption::Dedup(false)),
        ("dedup", _) => Err(refused("dedup", "on or off")),
        ("schema", "strict") => Ok(TopicOption::Strict(true)),
        ("schema", "evolve") => Ok(TopicOption::Strict(false)),
        ("schema", _) => Err(refused("schema", "evolve or strict")),
        ("max_quarantine", value) => {
            let limit = parse_limit(value).map(TopicOption::MaxQuarantine);
            limit.ok_or_else(|| refused("max_quarantine", "a number of rows or a share such as 5%"))
        }
        _ => Err(unknown()),
    }
}

fn parse_limit(value: &str) -> Option<QuarantineLimit> {
    match value.strip_suffix('%') {
        Some(percent) => {
            let percent = percent.parse().ok().filter(|percent| *percent <= 100)?;
            Some(QuarantineLimit { rows: 0, percent })
        }
        None => Some(QuarantineLimit { rows: value.parse().ok()?, percent: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse_options(text).unwrap_err().to_string()
    }

    #[test]
    fn options_change_what_they_name_and_nothing_else() {
        let mut options = TopicOptions::default();
        for option in parse_options("history=all  dedup=off").unwrap() {
            option.apply(&mut options);
        }
        let expected = TopicOptions { history_all: true, dedup: false, ..TopicOptions::default() };
        assert_eq!(options, expected);
        let text = "history=current on_delete=retract dedup=on schema=strict max_quarantine=5%";
        for option in parse_options(text).unwrap() {
            option.apply(&mut options);
        }
        let max_quarantine = QuarantineLimit { rows: 0, percent: 5 };
        let expected = TopicOptions {
            retract_on_delete: true,
            strict: true,
            max_quarantine,
            ..TopicOptions::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_bad_option_is_named_with_the_choices() {
        assert_eq!(
            refused("histroy=all"),
            "'histroy=all' is not an option: there is history=all, on_delete=retract, dedup=off, schema=strict, max_quarantine=10%"
        );
        assert_eq!(refused("dedup=no"), "dedup cannot be 'no': write dedup=on or off");
        for text in ["max_quarantine=x", "max_quarantine=101%", "max_quarantine=-1"] {
            assert!(
                refused(text)
                    .ends_with("write max_quarantine=a number of rows or a share such as 5%")
            );
        }
        assert_eq!(refused("dedup=on dedup=off"), "dedup is set twice");
        assert!(refused("").starts_with("no option follows"));
        assert!(refused("history").starts_with("'history' is not an option"));
    }
}
