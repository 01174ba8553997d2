//! Just enough of Rust's lexical rules to tell code, string literals and comments apart.

/// A Rust text taken apart. Line numbers begin with 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lexed {
    /// The text with comments and the insides of literals blanked; lines stay where they were.
    pub code: String,
    pub literals: Vec<Literal>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    pub line: usize,
    pub text: String,
}

impl Lexed {
    /// Identifiers, lifetimes and single punctuation marks of the code, each with its line.
    pub fn tokens(&self) -> Vec<(usize, &str)> {
        let mut tokens = Vec::new();
        for (number, line) in self.code.lines().enumerate() {
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next() {
                let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let (token, tail) = rest.split_at(if word > 0 { word } else { first.len_utf8() });
                tokens.push((number + 1, token));
                rest = tail.trim_start();
            }
        }
        tokens
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { text, at: 0, line: 1, lexed: Lexed::default() };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.lexed
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    lexed: Lexed,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn step(&mut self) {
        let rest = self.rest();
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if let Some((open, inside, close)) = string(rest) {
            self.literal(open, inside, close);
        } else if let Some(len) = char_literal(rest) {
            self.blank(len);
        } else {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            self.keep(if word > 0 { word } else { rest.chars().next().map_or(1, char::len_utf8) });
        }
    }

    fn keep(&mut self, len: usize) {
        let part = &self.rest()[..len];
        self.lexed.code.push_str(part);
        self.advance(len);
    }

    fn blank(&mut self, len: usize) {
        let blanks = self.rest()[..len].chars().map(|c| if c == '\n' { '\n' } else { ' ' });
        self.lexed.code.extend(blanks);
        self.advance(len);
    }

    fn literal(&mut self, open: usize, inside: usize, close: usize) {
        let text = self.rest()[open..open + inside].to_owned();
        self.lexed.literals.push(Literal { line: self.line, text });
        self.blank(open);
        self.blank(inside);
        self.blank(close);
    }

    fn advance(&mut self, len: usize) {
        self.line += self.rest()[..len].matches('\n').count();
        self.at += len;
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The lengths of the opening, the inside and the closing of a string literal that begins here.
fn string(text: &str) -> Option<(usize, usize, usize)> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().rfind(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.starts_with('"') || prefix.ends_with('r') && rest.starts_with("#")
        })
    })?;
    let rest = &text[prefix.len()..];
    if !prefix.ends_with('r') {
        let inside = plain_string(&rest[1..]);
        return Some((prefix.len() + 1, inside, usize::from(rest.len() > inside + 1)));
    }
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside_and_rest = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    match inside_and_rest.find(&end) {
        Some(inside) => Some((prefix.len() + hashes + 1, inside, end.len())),
        None => Some((prefix.len() + hashes + 1, inside_and_rest.len(), 0)),
    }
}

fn plain_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// `'x'` and `'\n'`, but not the lifetime `'a`.
fn char_literal(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (_, escaped) = chars.next()?;
        let after = 1 + escaped.len_utf8();
        return rest[after..].find('\'').map(|end| 1 + after + end + 1);
    }
    let after = first.len_utf8();
    rest[after..].starts_with('\'').then_some(1 + after + 1)
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = "let a = \"x \\\" // y\"; // \"no\"\n/* a /* b */ \"c\" */ let b = 'q';\nlet r = r#\"1\n\"2\"#;\nfn f<'a>() {}\n";
    let lexed = lex(text);
    let words: Vec<_> =
        lexed.tokens().iter().map(|(line, token)| format!("{line}{token}")).collect();
    let expected = "1let 1a 1= 1; 2let 2b 2= 2; 3let 3r 3= 4; 5fn 5f 5< 5' 5a 5> 5( 5) 5{ 5}";
    assert_eq!(words.join(" "), expected);
    let literals: Vec<_> = lexed.literals.iter().map(|it| (it.line, it.text.as_str())).collect();
    assert_eq!(literals, [(1, "x \\\" // y"), (3, "1\n\"2")]);
}

#[test]
fn prefixed_strings_and_odd_characters_are_literals() {
    let lexed = lex("f(b\"one\", br\"two\", c\"three\", '\\'', '\"', '\\u{1F600}', \"ü\")");
    let texts: Vec<_> = lexed.literals.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["one", "two", "three", "ü"]);
    assert_eq!(lex("b").code, "b");
    assert_eq!(lex("\"never closed").literals.len(), 1);
}
