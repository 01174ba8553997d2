//! Which commit the project is at, read from the files of its repository: starting git for it would cost more than all else at start.

use std::fs;
use std::path::{Path, PathBuf};

/// Empty when the project is in no repository, or in one that keeps its refs in another way.
pub fn commit_of(project: &Path) -> String {
    let repository =
        project.ancestors().find_map(|directory| repository_at(&directory.join(".git")));
    repository.and_then(|repository| head(&repository)).unwrap_or_default()
}

/// `.git` is a directory, or in a worktree a file that names one.
fn repository_at(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let text = fs::read_to_string(path).ok()?;
    let named = Path::new(text.strip_prefix("gitdir: ")?.trim_end());
    Some(path.parent()?.join(named))
}

fn head(repository: &Path) -> Option<String> {
    let head = fs::read_to_string(repository.join("HEAD")).ok()?;
    let Some(reference) = head.trim_end().strip_prefix("ref: ") else { return hash(&head) };
    let shared = fs::read_to_string(repository.join("commondir")).ok();
    let shared = shared.map_or_else(|| repository.to_owned(), |it| repository.join(it.trim_end()));
    let loose = fs::read_to_string(shared.join(reference)).ok();
    loose.and_then(|text| hash(&text)).or_else(|| packed(&shared, reference))
}

fn packed(repository: &Path, reference: &str) -> Option<String> {
    let text = fs::read_to_string(repository.join("packed-refs")).ok()?;
    let line =
        text.lines().find(|line| line.split_once(' ').is_some_and(|(_, it)| it == reference));
    hash(line?.split_once(' ')?.0)
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim_end();
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_found_from_below_loose_and_packed() {
        let directory = tempfile::tempdir().unwrap();
        let git = directory.path().join(".git");
        let project = directory.path().join("deep/project");
        fs::create_dir_all(&project).unwrap();
        assert_eq!(repository_at(&git), None);
        fs::create_dir_all(git.join("refs/heads")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let (packed, loose) = ("a".repeat(40), "b".repeat(40));
        fs::write(git.join("packed-refs"), format!("# x\n{packed} refs/heads/main\n")).unwrap();
        assert_eq!(commit_of(&project), packed);
        fs::write(git.join("refs/heads/main"), format!("{loose}\n")).unwrap();
        assert_eq!(commit_of(&project), loose);
        fs::write(git.join("HEAD"), "not a hash\n").unwrap();
        assert_eq!(commit_of(&project), "");
    }
}
