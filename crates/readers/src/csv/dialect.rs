//! How a delimited file tells cells and records apart.

use crate::pins::Pins;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Empty: there is one column.
    pub delimiter: Vec<u8>,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// Blanks behind a delimiter do not count: quotes stand behind them.
    pub blanks_before_quotes: bool,
}

impl Dialect {
    pub(super) fn new(delimiter: &[u8], quote: Option<u8>) -> Self {
        Self {
            delimiter: delimiter.to_vec(),
            quote,
            escape: None,
            comment: None,
            blanks_before_quotes: false,
        }
    }

    /// Blanks in a row delimit once, and those around a line not at all.
    pub(super) fn is_run(&self) -> bool {
        self.delimiter == b" "
    }

    /// With everything that READER says about it.
    pub(super) fn pinned(mut self, pins: &Pins) -> Self {
        let sign = |sign: char| u8::try_from(sign).ok();
        if let Some(delimiter) = &pins.delimiter {
            self.delimiter = delimiter.clone().into_bytes();
        }
        if let Some(quote) = pins.quote {
            self.quote = quote.and_then(sign);
        }
        if let Some(escape) = pins.escape {
            self.escape = escape.and_then(sign);
        }
        if let Some(comment) = pins.comment {
            self.comment = comment.and_then(sign);
        }
        self
    }
}
