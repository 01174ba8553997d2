//! Route patterns, beside a matcher that goes through pattern and path part by part and character by character.

use control::route::{Glob, Router};

/// Pattern, a zero byte, path: the router says what the plain reading says.
pub fn check(data: &[u8]) {
    let zero = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(pattern) = std::str::from_utf8(&data[..zero]) else { return };
    let path = data.get(zero + 1..).unwrap_or_default();
    if !is_path(path) {
        return;
    }
    let parsed = Glob::parse(pattern);
    let router = Router::new([(pattern, "t")]);
    // A pattern that is in order can be too much for the memory that rules may take.
    assert!(parsed.is_ok() || router.is_err(), "{pattern:?}");
    let Ok(router) = router else { return };
    let matches = !router.matching(path).is_empty();
    let expected = alternatives(&chars(pattern)).iter().any(|one| matches_plainly(one, path));
    assert_eq!(matches, expected, "{pattern:?} and {:?}", path.escape_ascii().to_string());
}

/// As the walk makes them.
fn is_path(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// A character with a meaning of its own (`*` but not `\*`), or one that is only itself; a set as a whole.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Sign(char),
    Plain(char),
    Set(Vec<char>),
}

fn chars(pattern: &str) -> Vec<Token> {
    let mut rest = pattern.chars().collect::<Vec<_>>();
    rest.reverse();
    let mut tokens = Vec::new();
    while let Some(char) = rest.pop() {
        tokens.push(match char {
            '\\' => Token::Plain(rest.pop().unwrap()),
            '[' => Token::Set(set(&mut rest)),
            '*' | '?' | '/' | '{' | '}' | ',' => Token::Sign(char),
            _ => Token::Plain(char),
        });
    }
    tokens
}

/// What stands between the brackets; `rest` is backwards.
fn set(rest: &mut Vec<char>) -> Vec<char> {
    let mut content = Vec::new();
    if matches!(rest.last(), Some('!' | '^')) {
        content.extend(rest.pop());
    }
    if rest.last() == Some(&']') {
        content.extend(rest.pop());
    }
    while let Some(char) = rest.pop() {
        match char {
            ']' => break,
            '\\' => content.extend([Some('\\'), rest.pop()].into_iter().flatten()),
            '[' => {
                content.push('[');
                let name =
                    rest.iter().rev().skip(1).take_while(|c| c.is_ascii_alphabetic()).count();
                let at = |back: usize| rest.len().checked_sub(back).map(|index| rest[index]);
                let is_named =
                    (at(1), at(name + 2), at(name + 3)) == (Some(':'), Some(':'), Some(']'));
                if is_named {
                    (0..name + 3).for_each(|_| content.extend(rest.pop()));
                }
            }
            _ => content.push(char),
        }
    }
    content
}

fn alternatives(pattern: &[Token]) -> Vec<Vec<Token>> {
    let Some(open) = pattern.iter().position(|token| *token == Token::Sign('{')) else {
        return vec![pattern.to_vec()];
    };
    let (mut depth, mut bounds) = (0, vec![open]);
    for (at, token) in pattern.iter().enumerate().skip(open) {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => depth -= 1,
            Token::Sign(',') if depth == 1 => bounds.push(at),
            _ => {}
        }
        if depth == 0 {
            bounds.push(at);
            break;
        }
    }
    let after = &pattern[bounds[bounds.len() - 1] + 1..];
    let middles = bounds.windows(2).map(|pair| &pattern[pair[0] + 1..pair[1]]);
    middles.flat_map(|middle| alternatives(&[&pattern[..open], middle, after].concat())).collect()
}

fn matches_plainly(pattern: &[Token], path: &[u8]) -> bool {
    let mut parts = pattern.split(|token| *token == Token::Sign('/')).collect::<Vec<_>>();
    let below_only = parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty());
    if below_only {
        parts.pop();
    }
    let is_rooted = parts.len() > 1;
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let any_depth = [Token::Sign('*'), Token::Sign('*')];
    if !is_rooted {
        parts.insert(0, &any_depth);
    }
    let path = path.split(|byte| *byte == b'/').map(letters).collect::<Vec<_>>();
    // Itself, or a directory that it lies in.
    let wholes = if below_only { 1..path.len() } else { 1..path.len() + 1 };
    wholes.into_iter().any(|len| parts_match(&parts, &path[..len]))
}

fn parts_match(parts: &[&[Token]], path: &[Vec<Letter>]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return path.is_empty() };
    if part.len() > 1 && part.iter().all(|token| *token == Token::Sign('*')) {
        let least = usize::from(rest.is_empty());
        return (least..=path.len()).any(|taken| parts_match(rest, &path[taken..]));
    }
    path.split_first()
        .is_some_and(|(name, below)| name_matches(part, name) && parts_match(rest, below))
}

/// A character of a name, or a byte that is part of none.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Letter {
    Char(char),
    Byte,
}

fn letters(name: &[u8]) -> Vec<Letter> {
    let mut letters = Vec::new();
    for chunk in name.utf8_chunks() {
        letters.extend(chunk.valid().chars().map(Letter::Char));
        letters.extend(chunk.invalid().iter().map(|_| Letter::Byte));
    }
    letters
}

/// The places in the name that the pattern can have come to, token by token.
fn name_matches(pattern: &[Token], name: &[Letter]) -> bool {
    let mut places = vec![false; name.len() + 1];
    places[0] = true;
    for token in pattern {
        let mut next = vec![false; places.len()];
        for at in (0..places.len()).filter(|at| places[*at]) {
            if *token == Token::Sign('*') {
                next[at..].fill(true);
            } else if at < name.len() && one_matches(token, name[at]) {
                next[at + 1] = true;
            }
        }
        places = next;
    }
    places[name.len()]
}

fn one_matches(token: &Token, letter: Letter) -> bool {
    match (token, letter) {
        (Token::Sign('?'), _) => true,
        (Token::Plain(char) | Token::Sign(char), letter) => letter == Letter::Char(*char),
        (Token::Set(content), letter) => in_set(content, letter),
    }
}

fn in_set(content: &[char], letter: Letter) -> bool {
    let negated = matches!(content.first(), Some('!' | '^'));
    let mut rest = &content[usize::from(negated)..];
    let mut found = false;
    while !rest.is_empty() {
        let (is_in, after) = first_member(rest, letter);
        found |= is_in;
        rest = after;
    }
    found != negated
}

/// Whether the first member of a set holds the letter, and the members behind it.
fn first_member(content: &[char], letter: Letter) -> (bool, &[char]) {
    let Letter::Char(char) = letter else { return (false, &[]) };
    if let ['[', ':', named @ ..] = content {
        let name = named.iter().take_while(|c| c.is_ascii_alphabetic()).collect::<String>();
        if let [':', ']', after @ ..] = &named[name.len()..] {
            return (is_of_class(&name, char), after);
        }
    }
    let (from, rest) = member(content);
    match rest {
        ['-', to @ ..] if !to.is_empty() => {
            let (to, rest) = member(to);
            ((from..=to).contains(&char), rest)
        }
        _ => (from == char, rest),
    }
}

fn member(content: &[char]) -> (char, &[char]) {
    match content {
        ['\\', char, rest @ ..] | [char, rest @ ..] => (*char, rest),
        [] => unreachable!("a set's member"),
    }
}

fn is_of_class(name: &str, char: char) -> bool {
    match name {
        "alnum" => char.is_ascii_alphanumeric(),
        "alpha" => char.is_ascii_alphabetic(),
        "blank" => matches!(char, ' ' | '\t'),
        "cntrl" => char.is_ascii_control(),
        "digit" => char.is_ascii_digit(),
        "graph" => char.is_ascii_graphic(),
        "lower" => char.is_ascii_lowercase(),
        "print" => char.is_ascii_graphic() || char == ' ',
        "punct" => char.is_ascii_punctuation(),
        "space" => char.is_ascii_whitespace() || char == '\u{b}',
        "upper" => char.is_ascii_uppercase(),
        "xdigit" => char.is_ascii_hexdigit(),
        _ => panic!("[:{name}:] was taken"),
    }
}
