//! From text to a condition. `OR` binds less than `AND`, that less than `NOT`; words are known in upper and lower case.

use super::error::FilterError;
use super::expression::{Comparison, Expression, Literal};

/// Brackets and NOTs within each other.
const DEPTH_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// In double quotes: a column, whatever it is called.
    Quoted(String),
    Text(String),
    Number(String),
    Symbol(&'static str),
}

pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    pub fn new(text: &str) -> Result<Self, FilterError> {
        Ok(Self { tokens: tokens(text)?, at: 0, depth: 0 })
    }

    pub fn whole(mut self) -> Result<Expression, FilterError> {
        let expression = self.or()?;
        match self.tokens.get(self.at) {
            None => Ok(expression),
            Some(_) => Err(self.expected("AND, OR or the end")),
        }
    }

    fn or(&mut self) -> Result<Expression, FilterError> {
        let mut left = self.and()?;
        while self.takes_word("OR") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, FilterError> {
        let mut left = self.not()?;
        while self.takes_word("AND") {
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expression, FilterError> {
        if self.depth == DEPTH_MAX {
            return Err(self.expected("fewer brackets within each other"));
        }
        self.depth += 1;
        let expression = if self.takes_word("NOT") {
            Expression::Not(Box::new(self.not()?))
        } else if self.takes("(") {
            let inner = self.or()?;
            if !self.takes(")") {
                return Err(self.expected("a closing bracket"));
            }
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn test(&mut self) -> Result<Expression, FilterError> {
        let column = match self.tokens.get(self.at) {
            Some(Token::Word(name) | Token::Quoted(name)) => name.clone(),
            _ => return Err(self.expected("the name of a column")),
        };
        self.at += 1;
        if self.takes_word("IS") {
            let negated = self.takes_word("NOT");
            if !self.takes_word("NULL") {
                return Err(self.expected("NULL"));
            }
            return Ok(negate(Expression::IsNull { column }, negated));
        }
        let negated = self.takes_word("NOT");
        if self.takes_word("IN") {
            return Ok(negate(self.list(&column)?, negated));
        }
        let comparison = self.comparison().filter(|_| !negated);
        let comparison = comparison.ok_or_else(|| {
            self.expected("=, <>, <, <=, >, >=, IS NULL, IS NOT NULL or IN (...)")
        })?;
        Ok(Expression::Compare { column, comparison, literal: self.literal()? })
    }

    fn list(&mut self, column: &str) -> Result<Expression, FilterError> {
        if !self.takes("(") {
            return Err(self.expected("a list in brackets"));
        }
        let mut any: Option<Expression> = None;
        loop {
            let literal = self.literal()?;
            let (column, comparison) = (column.to_owned(), Comparison::Equal);
            let one = Expression::Compare { column, comparison, literal };
            any = Some(match any {
                Some(others) => Expression::Or(Box::new(others), Box::new(one)),
                None => one,
            });
            if self.takes(",") {
                continue;
            }
            return match any.filter(|_| self.takes(")")) {
                Some(any) => Ok(any),
                None => Err(self.expected("a comma or a closing bracket")),
            };
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Some(Token::Symbol(symbol)) = self.tokens.get(self.at) else { return None };
        let comparison = match *symbol {
            "=" | "==" => Comparison::Equal,
            "<>" | "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let literal = match self.tokens.get(self.at) {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Number(number)) => Literal::Number(number.clone()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Literal::Boolean(true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => {
                Literal::Boolean(false)
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => {
                return Err(self.expected("a value: compare with NULL by IS NULL"));
            }
            _ => return Err(self.expected("a number, TRUE, FALSE or a text in single quotes")),
        };
        self.at += 1;
        Ok(literal)
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is_it);
        is_it
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is_it =
            matches!(self.tokens.get(self.at), Some(Token::Symbol(symbol)) if *symbol == wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let near = match self.tokens.get(self.at) {
            Some(Token::Word(text) | Token::Quoted(text)) => text.as_str(),
            Some(Token::Number(text) | Token::Text(text)) => text.as_str(),
            Some(Token::Symbol(symbol)) => symbol,
            None => "the end",
        };
        FilterError::Syntax { near: near.to_owned(), expected }
    }
}

fn negate(expression: Expression, negated: bool) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    const SYMBOLS: [&str; 11] = ["==", "<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, len) = if let Some(symbol) = SYMBOLS.iter().find(|it| rest.starts_with(**it)) {
            (Token::Symbol(symbol), symbol.len())
        } else if first == '\'' || first == '"' {
            let (inside, len) = quoted(rest, first)?;
            (if first == '"' { Token::Quoted(inside) } else { Token::Text(inside) }, len)
        } else if first.is_ascii_digit() || matches!(first, '-' | '+' | '.') {
            let is_part =
                |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+');
            let len = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
            let number = rest[..len].to_owned();
            if number.parse::<f64>().is_err() {
                return Err(FilterError::Syntax { near: number, expected: "a number" });
            }
            (Token::Number(number), len)
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |char: char| char.is_alphanumeric() || char == '_';
            let len = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
            (Token::Word(rest[..len].to_owned()), len)
        } else {
            let expected =
                "a column (in double quotes where its name is unusual), a comparison or a value";
            return Err(FilterError::Syntax { near: first.to_string(), expected });
        };
        tokens.push(token);
        rest = rest[len..].trim_start();
    }
    Ok(tokens)
}

/// What stands between quotes, and how long it is with them. A quote within is written twice.
fn quoted(text: &str, quote: char) -> Result<(String, usize), FilterError> {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char != quote {
            inside.push(char);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            inside.push(quote);
            chars.next();
        } else {
            return Ok((inside, at + 1));
        }
    }
    Err(FilterError::Syntax { near: text.to_owned(), expected: "a closing quote" })
}

#[cfg(test)]
mod tests {
    use super::super::expression::Filter;

    fn refused(text: &str) -> String {
        Filter::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn and_binds_more_than_or_and_brackets_more_than_both() {
        let same =
            |a: &str, b: &str| assert_eq!(Filter::parse(a).unwrap(), Filter::parse(b).unwrap());
        same("a=1 or b=2 and c=3", "a = 1 OR (b = 2 AND c = 3)");
        same("not a=1 and b=2", "(NOT (a = 1)) AND b = 2");
        same("a in (1, 2)", "a = 1 OR a = 2");
        same("a not in ('x')", "NOT a = 'x'");
        same("a is not null", "not (a is null)");
        same("\"a\" <> 'it''s'", "a != 'it''s'");
        let other = |text: &str| Filter::parse(text).unwrap();
        assert_ne!(other("a=1 or b=2 and c=3"), other("(a=1 or b=2) and c=3"));
    }

    #[test]
    fn what_is_no_condition_is_refused_where_it_breaks_off() {
        assert!(refused("").contains("breaks off at 'the end': expected the name of a column"));
        assert!(refused("a = ").contains("a text in single quotes"));
        assert!(refused("a = NULL").contains("compare with NULL by IS NULL"));
        assert!(refused("a = 1 b = 2").contains("breaks off at 'b': expected AND, OR or the end"));
        assert!(refused("(a = 1").contains("a closing bracket"));
        assert!(refused("a = 'x").contains("a closing quote"));
        assert!(refused("a ~ 1").contains("breaks off at '~'"));
        assert!(refused("a = 1x").contains("a number"));
        assert!(refused(&"(".repeat(1_000)).contains("fewer brackets"));
        assert!(refused(&"NOT ".repeat(1_000)).contains("fewer brackets"));
    }

    #[test]
    fn the_job_that_a_condition_asks_for_is_seen() {
        let job = |text: &str| Filter::parse(text).unwrap().only_job().map(protocol::JobId::get);
        assert_eq!(job("_job_id = 7 AND x = 1"), Some(7));
        assert_eq!(job("x = 1 OR _job_id = 7"), None);
        assert_eq!(job("NOT _job_id = 7"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[ab'\"()=<>!,.0-9 ANDORNTIS_é-]{0,40}") {
            let _ = Filter::parse(&text);
        }
    }
}
