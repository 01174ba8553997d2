//! A guard before the parser: a source nested so deeply that reading it would exhaust the stack or the memory is refused, as
//! Python itself refuses it. One bad plugin must not end the process that reads them all.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Python's own limit of indentation levels.
const INDENT_MAX: usize = 100;
/// Operators, calls and brackets that one expression may pile up. A bracket that is never closed piles up what follows it, so
/// there is room for a whole source with that mistake.
const EXPRESSION_DEPTH_MAX: usize = 5000;
/// Enough for the parser and for dropping its tree at that depth, in a debug build too. Only what is used is ever real memory.
const STACK_BYTES: usize = 64 << 20;

/// Runs `read` where the recursion that `is_shallow` allows has room. None if it panicked or could not be started.
pub(super) fn on_a_deep_stack<T: Send>(read: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, read);
        thread.ok()?.join().ok()
    })
}

/// Whether the source can be parsed without danger.
pub(super) fn is_shallow(source: &str) -> bool {
    let mut lexer = lexer::lex(source, Mode::Module);
    let mut depth = Depth::default();
    loop {
        let token = lexer.next_token();
        if token.is_eof() {
            return true;
        }
        depth.take(token);
        if depth.indent > INDENT_MAX || depth.expression() > EXPRESSION_DEPTH_MAX {
            return false;
        }
    }
}

/// An upper bound of how deep the syntax tree is at a token.
#[derive(Debug, Default)]
struct Depth {
    indent: usize,
    /// Of each open bracket, outermost first; the statement itself before them.
    groups: Vec<Group>,
    sum: usize,
    /// Of the whole source: in a broken one the parser takes the next line for a lambda's body.
    lambdas: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    /// Since the last comma.
    operators: usize,
    /// Words that begin a statement; in a broken source a comma does not end it.
    keywords: usize,
}

impl Depth {
    fn expression(&self) -> usize {
        self.sum + self.lambdas
    }

    fn take(&mut self, token: TokenKind) {
        match token {
            TokenKind::Indent => self.indent += 1,
            TokenKind::Dedent => self.indent = self.indent.saturating_sub(1),
            TokenKind::Newline => self.end_statement(),
            TokenKind::Semi if self.groups.len() <= 1 => self.end_statement(),
            TokenKind::Comma => {
                let group = self.group();
                let ended = group.operators;
                group.operators = 0;
                self.sum -= ended;
            }
            TokenKind::Lambda => self.lambdas += 1,
            _ if outlasts_a_comma(token) => {
                self.group().keywords += 1;
                self.sum += 1;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                self.deepen();
                self.groups.push(Group::default());
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                if self.groups.len() > 1
                    && let Some(closed) = self.groups.pop()
                {
                    self.sum -= closed.operators + closed.keywords;
                }
            }
            _ if is_flat(token) => {}
            _ => self.deepen(),
        }
    }

    fn deepen(&mut self) {
        self.group().operators += 1;
        self.sum += 1;
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn end_statement(&mut self) {
        self.groups.clear();
        self.sum = 0;
    }
}

fn outlasts_a_comma(token: TokenKind) -> bool {
    let in_an_operand = matches!(
        token,
        TokenKind::And
            | TokenKind::Or
            | TokenKind::Not
            | TokenKind::In
            | TokenKind::Is
            | TokenKind::If
            | TokenKind::Else
            | TokenKind::For
            | TokenKind::Await
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
    );
    token.is_non_soft_keyword() && !in_an_operand
}

/// Tokens that open no level: operands, separators, trivia.
const fn is_flat(token: TokenKind) -> bool {
    matches!(
        token,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringMiddle
            | TokenKind::FStringEnd
            | TokenKind::TStringStart
            | TokenKind::TStringMiddle
            | TokenKind::TStringEnd
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
            | TokenKind::Ellipsis
            | TokenKind::Colon
            | TokenKind::Equal
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruff_python_parser::{ParseOptions, parse_unchecked};

    #[test]
    fn what_would_exhaust_the_stack_is_refused() {
        let many = 200_000;
        for source in [
            "(".repeat(many),
            format!("x = {}1{}", "[".repeat(many), "]".repeat(many)),
            format!("x = {}1", "-".repeat(many)),
            format!("x = {}1", "not ".repeat(many)),
            format!("x = a{}", ".b".repeat(many)),
            format!("x = a{}", "()".repeat(many)),
            format!("x = 1{}", " + 1".repeat(many)),
            format!("x = 1{}", "**1".repeat(many)),
            format!("x = {}1", "lambda: ".repeat(many)),
            format!("x = {}1", "lambda a, b: ".repeat(many)),
            format!("x = f({}1)", "lambda a, b: ".repeat(many)),
            format!("x = {}1", "1 if 1 else ".repeat(many)),
            "async ".repeat(many),
            "class [".repeat(many),
            "while x: ".repeat(many),
            "with x, ".repeat(many),
            "lambda x,\n".repeat(many),
            "{ ; ".repeat(many),
            (0..200).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect(),
        ] {
            assert!(!is_shallow(&source), "{}", &source[..40]);
        }
    }

    #[test]
    fn what_the_guard_passes_can_be_parsed_and_dropped() {
        let depth = EXPRESSION_DEPTH_MAX - 10;
        let sources = [
            format!("x = {}1{}", "[".repeat(depth), "]".repeat(depth)),
            format!("x = {}1", "-".repeat(depth)),
            format!("x = a{}", ".b".repeat(depth)),
            format!("x = 1{}", " + 1".repeat(depth)),
            format!("x = {}1", "lambda: ".repeat(depth)),
            format!("x = {}1", "1 if 1 else ".repeat(depth / 2)),
            format!("x = {}1{}", "f'{".repeat(depth / 10), "}'".repeat(depth / 10)),
            "class [".repeat(depth / 2),
            "with (".repeat(depth / 2),
            "async ".repeat(depth),
        ];
        for source in sources {
            assert!(is_shallow(&source), "{}", &source[..40]);
            let parse = || drop(parse_unchecked(&source, ParseOptions::from(Mode::Module)));
            assert_eq!(on_a_deep_stack(parse), Some(()));
        }
    }

    #[test]
    fn long_flat_sources_are_fine() {
        for source in [
            format!("x = [{}]", "a.b(1), ".repeat(10_000)),
            format!("x = {{{}}}", "'k': [1 + 2, {'z': -3}], ".repeat(10_000)),
            "x = a.b + c.d()\n".repeat(10_000),
            "x = 1; ".repeat(10_000),
            format!("x = f({}", "\ndef g(a=1, b=(2)):\n    return a.b + (a * b)\n".repeat(500)),
        ] {
            assert!(is_shallow(&source), "{}", &source[..30]);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(source in r#"[\[\](){},:;.=+*'"f\\\n lambdaif]{0,200}"#) {
            is_shallow(&source);
        }
    }
}
