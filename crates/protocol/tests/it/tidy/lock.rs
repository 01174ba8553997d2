//! A ceiling on the packages that a build needs. Raise it on purpose, in the change that needs it.

use super::project;

const PACKAGES_MAX: usize = 465;

fn locked(lock: &str) -> usize {
    lock.lines().filter(|line| *line == "[[package]]").count()
}

fn above(lock: &str, max: usize) -> Vec<String> {
    let count = locked(lock);
    let finding = || format!("Cargo.lock holds {count} packages; at most {max} are agreed");
    (count > max).then(finding).into_iter().collect()
}

#[test]
fn one_package_too_many_is_found() {
    let lock = "[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\n";
    assert_eq!(above(lock, 1), ["Cargo.lock holds 2 packages; at most 1 are agreed"]);
    assert!(above(lock, 2).is_empty());
}

#[test]
fn the_locked_packages_stay_below_the_agreed_number() {
    project::expect_none(&above(&project::file("Cargo.lock").text, PACKAGES_MAX));
}
