//! A plugin's Python source as a syntax tree: read, never run. The only file that knows how `ruff` parses.

use super::comments::CommentLines;
use super::problem::{At, Problem};
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, ModModule, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextSize};

pub(super) struct Python<'s> {
    source: &'s str,
    parsed: Parsed<ModModule>,
    lines: LineIndex,
}

impl<'s> Python<'s> {
    /// The caller has looked at how deep the source is nested. None: not a module, which the mode rules out.
    pub(super) fn parse(source: &'s str) -> Option<Self> {
        let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module)).try_into_module()?;
        Some(Self { source, parsed, lines: LineIndex::from_source_text(source) })
    }

    pub(super) fn line(&self, at: TextSize) -> u32 {
        u32::try_from(self.lines.line_index(at).get()).unwrap_or(u32::MAX)
    }

    /// What Python would say. Only the first error: the others often follow from it.
    pub(super) fn syntax_error(&self) -> Option<At<Problem>> {
        let error = self.parsed.errors().first()?;
        let line = self.line(error.location.start());
        Some(At { line, what: Problem::Syntax { message: error.error.to_string() } })
    }

    pub(super) fn body(&self) -> &[Stmt] {
        self.parsed.suite()
    }

    /// A docstring is no statement here, since people write it first.
    pub(super) fn comment_lines(&self) -> CommentLines<'s> {
        let code = match self.body() {
            [first, rest @ ..] if is_docstring(first) => rest.first(),
            body => body.first(),
        };
        let code_start = code.map_or(TextSize::of(self.source), Ranged::start);
        let comments =
            self.parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
        let lines = comments.filter(|token| self.is_alone(token));
        let (header, later): (Vec<&Token>, Vec<&Token>) =
            lines.partition(|token| token.start() < code_start);
        let text = |token: &Token| At {
            line: self.line(token.start()),
            what: &self.source[token.range()],
        };
        let header = without_script_blocks(&header.into_iter().map(text).collect::<Vec<_>>());
        CommentLines { header, later: bare(later.into_iter().map(text).collect()) }
    }

    fn is_alone(&self, comment: &Token) -> bool {
        let line_start = self.lines.line_start(self.lines.line_index(comment.start()), self.source);
        self.source[line_start.to_usize()..comment.start().to_usize()].trim().is_empty()
    }

    /// Whether the module binds the name `Handler` to what may be a class.
    pub(super) fn defines_handler(&self) -> bool {
        let mut bound = false;
        for_each_statement(self.body(), &mut |statement, _| bound |= binds_handler(statement));
        bound
    }

    /// The topics that are published to by a literal name.
    pub(super) fn published(&self) -> Vec<At<String>> {
        let tokens: Vec<&Token> =
            self.parsed.tokens().iter().filter(|token| !token.kind().is_trivia()).collect();
        let mut published = Vec::new();
        for call in tokens.windows(5) {
            let kinds = [call[0].kind(), call[1].kind(), call[2].kind(), call[3].kind()];
            let is_call = kinds
                == [TokenKind::Dot, TokenKind::Name, TokenKind::Lpar, TokenKind::String]
                && matches!(call[4].kind(), TokenKind::Comma | TokenKind::Rpar)
                && &self.source[call[1].range()] == "publish";
            if is_call && let Some(topic) = plain_string(&self.source[call[3].range()]) {
                let line = self.line(call[3].start());
                published.push(At { line, what: topic.to_owned() });
            }
        }
        published
    }
}

/// The statements that run when the module is loaded; `nested` tells those inside `if`, `try` and the like.
pub(super) fn for_each_statement<'a>(body: &'a [Stmt], visit: &mut impl FnMut(&'a Stmt, bool)) {
    let mut open: Vec<(&'a [Stmt], bool)> = vec![(body, false)];
    while let Some((body, nested)) = open.pop() {
        for statement in body {
            visit(statement, nested);
            open.extend(blocks(statement).into_iter().map(|block| (block, true)));
        }
    }
}

fn blocks(statement: &Stmt) -> Vec<&[Stmt]> {
    match statement {
        Stmt::If(ast::StmtIf { body, elif_else_clauses, .. }) => {
            let others = elif_else_clauses.iter().map(|clause| &clause.body[..]);
            std::iter::once(&body[..]).chain(others).collect()
        }
        Stmt::Try(ast::StmtTry { body, handlers, orelse, finalbody, .. }) => {
            let handlers = handlers.iter().map(|ExceptHandler::ExceptHandler(h)| &h.body[..]);
            handlers.chain([&body[..], &orelse[..], &finalbody[..]]).collect()
        }
        Stmt::With(with) => vec![&with.body],
        Stmt::For(ast::StmtFor { body, orelse, .. })
        | Stmt::While(ast::StmtWhile { body, orelse, .. }) => vec![body, orelse],
        Stmt::Match(ast::StmtMatch { cases, .. }) => {
            cases.iter().map(|case| &case.body[..]).collect()
        }
        _ => Vec::new(),
    }
}

fn binds_handler(statement: &Stmt) -> bool {
    const NAME: &str = "Handler";
    let is_name = |target: &Expr| matches!(target, Expr::Name(name) if name.id.as_str() == NAME);
    let imports = |names: &[ast::Alias]| {
        names.iter().any(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str() == NAME)
    };
    match statement {
        Stmt::ClassDef(class) => class.name.as_str() == NAME,
        Stmt::Assign(assign) => assign.targets.iter().any(is_name),
        Stmt::AnnAssign(assign) => assign.value.is_some() && is_name(&assign.target),
        Stmt::Import(import) => imports(&import.names),
        // What a star brings in is not known here; the guest will see.
        Stmt::ImportFrom(import) => {
            imports(&import.names) || import.names.iter().any(|alias| alias.name.as_str() == "*")
        }
        _ => false,
    }
}

fn is_docstring(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(expression) if expression.value.is_string_literal_expr())
}

/// A string token without its quotes, if it stands for itself.
fn plain_string(token: &str) -> Option<&str> {
    let quoted = token.trim_start_matches(['r', 'R', 'u', 'U']);
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| quoted.starts_with(quote))?;
    let content = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    (!content.contains('\\')).then_some(content)
}

/// Leaves out inline script metadata (PEP 723): `# /// script` to the last `# ///` of the same run of comments.
fn without_script_blocks<'s>(lines: &[At<&'s str>]) -> Vec<At<&'s str>> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match script_block_end(&lines[at..]) {
            Some(length) => at += length,
            None => {
                kept.push(lines[at]);
                at += 1;
            }
        }
    }
    bare(kept)
}

/// How many lines the block has that begins with the first line.
fn script_block_end(lines: &[At<&str>]) -> Option<usize> {
    let first = lines.first()?;
    let kind = first.what.strip_prefix("# /// ")?;
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    let is_next = |(index, line): &(usize, &At<&str>)| {
        usize::try_from(line.line - first.line) == Ok(*index)
            && (line.what == "#" || line.what.starts_with("# "))
    };
    let run = lines.iter().enumerate().skip(1).take_while(is_next);
    run.filter(|(_, line)| line.what == "# ///").last().map(|(index, _)| index + 1)
}

fn bare(lines: Vec<At<&str>>) -> Vec<At<&str>> {
    let strip = |At { line, what }| At { line, what: without_sign(what) };
    lines.into_iter().map(strip).collect()
}

fn without_sign(comment: &str) -> &str {
    comment.strip_prefix('#').unwrap_or(comment)
}
