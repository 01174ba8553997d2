//! `{a,b}`: one pattern written for several. Each alternative is then a pattern of its own, so `{a/b,c}.csv` means
//! `a/b.csv` from the root and `c.csv` at any depth.

use super::class;
use super::glob::GlobError;

/// Most patterns that one may stand for.
const ALTERNATIVES_MAX: usize = 256;

/// All patterns that `pattern` stands for, in order.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, GlobError> {
    let mut done = Vec::new();
    let mut open = vec![pattern.chars().collect::<Vec<char>>()];
    while let Some(next) = open.pop() {
        match first_group(&next)? {
            None => done.push(next.iter().collect()),
            Some(group) => open.extend(group.alternatives(&next).rev()),
        }
        if done.len() + open.len() > ALTERNATIVES_MAX {
            return Err(GlobError::TooManyAlternatives { max: ALTERNATIVES_MAX });
        }
    }
    Ok(done)
}

/// Where a group's `{`, its `,`s and its `}` stand.
struct Group {
    bounds: Vec<usize>,
}

impl Group {
    fn alternatives<'a>(
        &'a self,
        pattern: &'a [char],
    ) -> impl DoubleEndedIterator<Item = Vec<char>> + 'a {
        let before = &pattern[..self.bounds[0]];
        let after = &pattern[self.bounds[self.bounds.len() - 1] + 1..];
        let middles = self.bounds.windows(2).map(|pair| &pattern[pair[0] + 1..pair[1]]);
        middles.map(move |middle| [before, middle, after].concat())
    }
}

/// The leftmost group; groups inside it belong to its alternatives.
fn first_group(pattern: &[char]) -> Result<Option<Group>, GlobError> {
    let mut bounds = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&char) = pattern.get(at) {
        match char {
            '\\' => at += 1,
            '[' => at = class::end(pattern, at)?,
            '{' => {
                depth += 1;
                if depth == 1 {
                    bounds.push(at);
                }
            }
            ',' if depth == 1 => bounds.push(at),
            '}' if depth == 0 => return Err(GlobError::UnopenedBrace),
            '}' => {
                depth -= 1;
                if depth == 0 {
                    bounds.push(at);
                    return Ok(Some(Group { bounds }));
                }
            }
            _ => {}
        }
        at += 1;
    }
    if depth > 0 { Err(GlobError::UnclosedBrace) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        assert_eq!(expand(pattern).unwrap(), expected, "{pattern}");
    }

    #[test]
    fn each_alternative_becomes_a_pattern() {
        check("*.{csv,tsv}", &["*.csv", "*.tsv"]);
        check("{a,b}{1,2}", &["a1", "a2", "b1", "b2"]);
        check("x{,.gz}", &["x", "x.gz"]);
        check("{a/b,c}.csv", &["a/b.csv", "c.csv"]);
        check("{a}", &["a"]);
    }

    #[test]
    fn groups_nest() {
        check("{a,b{1,{2,3}}}c", &["ac", "b1c", "b2c", "b3c"]);
    }

    #[test]
    fn an_escaped_brace_and_a_brace_in_a_class_are_themselves() {
        check(r"\{a,b\}", &[r"\{a,b\}"]);
        check("[{]a,b[}]", &["[{]a,b[}]"]);
        check(r"{a\,b,c}", &[r"a\,b", "c"]);
        check("a,b", &["a,b"]);
    }

    #[test]
    fn the_number_of_alternatives_is_bounded() {
        let many = "{a,b}".repeat(40);
        assert_eq!(expand(&many), Err(GlobError::TooManyAlternatives { max: 256 }));
        assert_eq!(expand(&"{a,b}".repeat(8)).unwrap().len(), 256);
    }
}
