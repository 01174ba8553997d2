//! Names of columns, each once.

use std::collections::HashSet;

/// A second `a` is `a_2`, unless another column is called that; the third column without a name is `column_3`.
pub(crate) fn names<'a>(found: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let given: HashSet<&str> = found.clone().map(str::trim).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut names = Vec::new();
    for (at, found) in found.enumerate() {
        let word = found.trim();
        let base = if word.is_empty() { format!("column_{}", at + 1) } else { word.to_owned() };
        let mut name = base.clone();
        let mut number = 2;
        while taken.contains(&name) || name != word && given.contains(name.as_str()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_are_told_apart_and_none_is_taken_from_another() {
        assert_eq!(names(["a", "a", "b", "a"].into_iter()), ["a", "a_2", "b", "a_3"]);
        assert_eq!(names(["a", "a", "a_2"].into_iter()), ["a", "a_3", "a_2"]);
        assert_eq!(names(["", " x ", ""].into_iter()), ["column_1", "x", "column_3"]);
    }
}
