//! All rules as one matcher.

use super::glob::{Glob, GlobError};
use super::tag::{TagError, check_tag};
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use std::borrow::Cow;

/// Room for the compiled rules, and for each thread's cache of states that paths have led to.
const COMPILED_BYTES_MAX: usize = 64 << 20;
const CACHE_BYTES: usize = 8 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("rule '{pattern}' -> {tag}: {source}")]
    BadGlob { pattern: String, tag: String, source: GlobError },
    #[error("rule '{pattern}': {source}")]
    BadTag { pattern: String, source: TagError },
    #[error("the {rules} rules together need more than 64 MB: use fewer or simpler patterns")]
    TooManyRules { rules: usize, source: Box<BuildError> },
}

/// Compiled (pattern, tag) rules. Shared by threads without a lock.
#[derive(Debug)]
pub struct Router {
    regex: Regex,
    /// Distinct and sorted, so that a set of their indexes in order is a sorted set of tags.
    tags: Vec<String>,
    /// The tag of each rule, as an index.
    rule_tags: Vec<usize>,
}

impl Router {
    /// Fails on the first rule that cannot be compiled.
    pub fn new<P: AsRef<str>, T: AsRef<str>>(
        rules: impl IntoIterator<Item = (P, T)>,
    ) -> Result<Self, RouteError> {
        let mut globs = Vec::new();
        let mut names = Vec::new();
        for (pattern, tag) in rules {
            let (pattern, tag) = (pattern.as_ref(), tag.as_ref());
            globs.push(Glob::parse(pattern).map_err(|source| RouteError::BadGlob {
                pattern: pattern.to_owned(),
                tag: tag.to_owned(),
                source,
            })?);
            check_tag(tag)
                .map_err(|source| RouteError::BadTag { pattern: pattern.to_owned(), source })?;
            names.push(tag.to_owned());
        }
        let mut tags = names.clone();
        tags.sort_unstable();
        tags.dedup();
        let place = |name: &String| tags.partition_point(|tag| tag < name);
        let rule_tags = names.iter().map(place).collect();
        Ok(Self { regex: compile(&globs)?, tags, rule_tags })
    }

    /// The tags of a path relative to its source root (`/` between its parts): distinct and sorted.
    pub fn tags(&self, path: &[u8]) -> Vec<&str> {
        let mut found: Vec<usize> =
            self.matching(path).into_iter().map(|rule| self.rule_tags[rule]).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|tag| self.tags[tag].as_str()).collect()
    }

    /// The rules that match a path, by their place in what the router was made from.
    pub fn matching(&self, path: &[u8]) -> Vec<usize> {
        let mut matched = PatternSet::new(self.regex.pattern_len());
        let path = characters(path);
        let input = Input::new(&path[..]).anchored(Anchored::Yes);
        self.regex.which_overlapping_matches(&input, &mut matched);
        matched.iter().map(|pattern| pattern.as_usize()).collect()
    }
}

/// Each byte that is not UTF-8 as one character, from the end of a range that nobody uses: so no pattern takes a part of a character for a whole.
fn characters(path: &[u8]) -> Cow<'_, [u8]> {
    const LAST: u32 = 0x10_FFFF;
    if str::from_utf8(path).is_ok() {
        return Cow::Borrowed(path);
    }
    let mut text = String::with_capacity(path.len() * 2);
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        let stand_ins = chunk.invalid().iter().map(|byte| LAST - u32::from(u8::MAX - byte));
        text.extend(stand_ins.filter_map(char::from_u32));
    }
    Cow::Owned(text.into_bytes())
}

fn compile(globs: &[Glob]) -> Result<Regex, RouteError> {
    let config = Regex::config()
        .match_kind(MatchKind::All)
        .utf8_empty(false)
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES);
    let patterns: Vec<&str> = globs.iter().map(Glob::regex).collect();
    Regex::builder()
        .syntax(syntax::Config::new().utf8(false))
        .configure(config)
        .build_many(&patterns)
        .map_err(|source| RouteError::TooManyRules { rules: globs.len(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], other: &[&str]) {
        let router = Router::new([(pattern, "t")]).unwrap();
        for path in matching {
            assert_eq!(router.tags(path.as_bytes()), ["t"], "{pattern} should match {path:?}");
        }
        for path in other {
            assert!(router.tags(path.as_bytes()).is_empty(), "{pattern} should not match {path:?}");
        }
    }

    fn refused(pattern: &str) -> String {
        Router::new([(pattern, "t")]).unwrap_err().to_string()
    }

    #[test]
    fn a_name_without_a_slash_matches_at_any_depth() {
        check(
            "*.csv",
            &["a.csv", "x/y/a.csv", ".csv", "x/.hidden.csv", "a.csv.csv"],
            &["a.csv2", "a.CSV", "csv", "a.csv/"],
        );
        check("data", &["data", "x/data", "data/x/y.csv", "x/data/y"], &["data2", "xdata", "dat"]);
        check("a?c", &["abc", "x/aéc", "a c"], &["ac", "a/c", "abbc"]);
    }

    #[test]
    fn a_slash_inside_or_in_front_ties_the_pattern_to_the_root() {
        check(
            "finance/*.csv",
            &["finance/a.csv", "finance/d.csv/x"],
            &["x/finance/a.csv", "finance/x/a.csv", "a.csv"],
        );
        check("/x.csv", &["x.csv"], &["a/x.csv"]);
        check("/a/b", &["a/b", "a/b/c"], &["x/a/b", "a/bc"]);
    }

    #[test]
    fn a_trailing_slash_means_what_lies_below_a_directory() {
        check(
            "finance/",
            &["finance/a", "finance/x/y", "old/finance/a"],
            &["finance", "finances/a"],
        );
        check("/finance/", &["finance/a"], &["old/finance/a", "finance"]);
        check("a/b/", &["a/b/c"], &["a/b", "x/a/b/c"]);
    }

    #[test]
    fn two_stars_cross_directories() {
        check("**", &["a", "a/b"], &[]);
        check("**/", &["a/b"], &["a"]);
        check("**/x.csv", &["x.csv", "a/b/x.csv"], &["ax.csv"]);
        check("a/**", &["a/b", "a/b/c"], &["a", "x/a/b"]);
        check("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "z", "a/bz"]);
        check(
            "exports/**/orders_*.csv",
            &["exports/orders_1.csv", "exports/2024/01/orders_x.csv"],
            &["x/exports/orders_1.csv"],
        );
        check("a/**/**/z", &["a/z", "a/b/c/z"], &["a"]);
        check("a**z", &["az", "abcz", "x/a-z"], &["a/z"]);
        check("***", &["a", "a/b"], &[]);
        check("a/***/z", &["a/z", "a/b/z"], &["az"]);
        check("/***", &["a", "a/b"], &[]);
    }

    #[test]
    fn one_star_and_a_question_mark_stop_at_a_slash() {
        check("a/*", &["a/b", "a/b/c", "a/.b"], &["a", "b/a/c"]);
        check("/a*c", &["ac", "abc", "a\nc"], &["a/c"]);
        check("a/?/c", &["a/b/c"], &["a//c", "a/bb/c"]);
    }

    #[test]
    fn a_class_is_one_character_and_never_a_slash() {
        check("[0-9].csv", &["0.csv", "x/9.csv"], &["a.csv", "10.csv"]);
        check("[!0-9].csv", &["a.csv", "é.csv", "!.csv"], &["1.csv", "ab.csv"]);
        check("[^a]b", &["bb"], &["ab"]);
        check("x[+-9]y", &["x.y", "x5y"], &["x/y"]);
        check("x[!a]y", &["xby"], &["x/y", "xay"]);
        check("[]a]x", &["]x", "ax"], &["bx"]);
        check("[a-]x", &["-x", "ax"], &["bx"]);
        check("[é-ü]x", &["éx", "ñx"], &["\u{c2}x", "ex"]);
        check("[[:digit:][:upper:]_]x", &["1x", "Ax", "_x"], &["ax", ":x"]);
        check(r"[\]\\]x", &["]x", r"\x"], &["ax"]);
        check("[[]x", &["[x"], &["x"]);
        check("[&&a]x", &["&x", "ax"], &["bx"]);
        check("[~~||]x", &["~x", "|x"], &["bx"]);
    }

    #[test]
    fn braces_stand_for_several_patterns() {
        check("*.{csv,tsv}", &["a.csv", "x/a.tsv"], &["a.", "a.csv,tsv"]);
        check("{finance,sales}/**/*.csv", &["finance/a.csv", "sales/x/a.csv"], &["x/sales/a.csv"]);
        check("a{,.gz}", &["a", "a.gz"], &["a.g"]);
        check("{a/b,c}.csv", &["a/b.csv", "c.csv", "x/c.csv"], &["x/a/b.csv"]);
    }

    #[test]
    fn an_escape_takes_the_meaning_away() {
        check(r"\*.csv", &["*.csv", "x/*.csv"], &["a.csv"]);
        check(r"a\?", &["a?"], &["ab"]);
        check(r"\[0-9]", &["[0-9]"], &["5"]);
        check(r"\{a,b\}", &["{a,b}"], &["a", "b"]);
        check(r"\!important", &["!important"], &["important"]);
        check(r"a\\b", &[r"a\b"], &["ab"]);
        check(r"a\b", &["ab"], &[r"a\b"]);
        check(r"a\ b", &["a b"], &["ab"]);
    }

    #[test]
    fn other_characters_are_themselves() {
        check("a b,c (1).csv", &["a b,c (1).csv"], &["a.csv"]);
        check("a+b$^|.csv", &["a+b$^|.csv", "x/a+b$^|.csv"], &["aab.csv"]);
        check("#x", &["#x"], &["x"]);
        check(" x", &[" x"], &["x"]);
        check("a!b", &["a!b"], &["ab"]);
        check(".*", &[".hidden", "x/.git/config"], &["a.b"]);
        check("été.csv", &["été.csv"], &["ete.csv"]);
        check("a\tb", &["a\tb"], &["a b"]);
    }

    #[test]
    fn names_are_bytes() {
        let router = Router::new([("*.csv", "star"), ("?.csv", "one"), ("[!a].csv", "not_a")]);
        let router = router.unwrap();
        assert_eq!(router.tags(b"\xff.csv"), ["not_a", "one", "star"]);
        assert_eq!(router.tags(b"dir\xfe/\xff\xfe.csv"), ["star"]);
        assert_eq!(router.tags("\u{e9}\u{e9}.csv".as_bytes()), ["star"]);
        assert_eq!(router.tags(b"a\nb\n.csv"), ["star"]);
        assert_eq!(router.tags(b"line\nbreak/\n.csv"), ["not_a", "one", "star"]);
        assert_eq!(router.tags(b"a\0b.csv"), ["star"]);
    }

    #[test]
    fn a_very_long_path_is_matched_to_its_end() {
        let long = format!("{}x.csv", "directory-with-a-name/".repeat(10_000));
        check("*.csv", &[&long], &[]);
        check("**/directory-with-a-name/x.csv", &[&long], &[]);
        check("*.tsv", &[], &[&long]);
    }

    #[test]
    fn all_matching_rules_give_their_tag_once_and_in_order() {
        let rules = [("*.csv", "z"), ("finance/", "a"), ("f*", "z"), ("*.tsv", "m")];
        let router = Router::new(rules).unwrap();
        assert_eq!(router.tags(b"finance/x.csv"), ["a", "z"]);
        assert_eq!(router.matching(b"finance/x.csv"), [0, 1, 2]);
        assert!(router.tags(b"x").is_empty());
        assert!(Router::new::<&str, &str>([]).unwrap().tags(b"x").is_empty());
    }

    #[test]
    fn a_bad_pattern_is_named_with_its_cure() {
        assert_eq!(
            refused("!x.csv"),
            r"rule '!x.csv' -> t: a pattern cannot start with '!': it can only ask for files. List what to leave out in .casparianignore, or write \! for a name that starts with '!'"
        );
        assert!(refused("{!a,b}").contains("cannot start with '!'"));
        assert!(refused("").contains("is empty"));
        assert!(refused("/").contains("is empty"));
        assert!(refused("[a-z.csv").contains("a '[' has no ']'"));
        assert!(refused("[[:word:]]").contains("'[:word:]' is not a class"));
        assert!(refused("[z-a]").contains("'z-a' runs backwards"));
        assert!(refused("*.{csv").contains("a '{' has no '}': close it, or write \\{"));
        assert!(refused("*.csv}").contains("a '}' has no '{' before it"));
        assert!(refused("a\\").contains("escapes nothing"));
        assert!(refused("a\\/b").contains("which no name contains: leave it out"));
        assert!(refused("./a").contains("'.' cannot be a part of a path"));
        assert!(refused("../a").contains("'..' cannot be"));
        assert!(refused("a//b").contains("'//' matches no path"));
        assert!(refused(&"a".repeat(1001)).contains("longer than 1000 bytes"));
        assert!(
            Router::new([("a", "b,c")]).unwrap_err().to_string().contains("'b,c' is not a tag")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_and_no_path_panics(pattern in r"[a-c*?/\[\]{}!,\\.é:-]{0,20}", path: Vec<u8>) {
            if let Ok(router) = Router::new([(&pattern, "t")]) {
                router.tags(&path);
            }
        }

        #[test]
        fn an_escaped_path_matches_itself_and_what_lies_below(name in "[^/\\\\\0]{1,30}") {
            let pattern: String = name.chars().flat_map(|char| ['\\', char]).collect();
            let router = Router::new([(&pattern, "t")]).unwrap();
            proptest::prop_assert_eq!(router.tags(name.as_bytes()), ["t"]);
            proptest::prop_assert_eq!(router.tags(format!("x/{name}/y").as_bytes()), ["t"]);
        }
    }
}
