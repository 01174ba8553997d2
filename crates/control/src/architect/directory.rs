//! A directory of plugins: its sources, and whether they changed since they were last read.

use super::problem::Problem;
use super::source::{PluginSource, SOURCE_LEN_MAX, refuse_same_names};
use super::sql::SqlCheck;
use protocol::{FileStat, PluginLanguage};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LOCK_LEN_MAX: usize = 8 << 20;

/// What of the directory's state shows a change: the stat of each plugin file, None where there is none to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(Vec<(OsString, Option<FileStat>)>);

/// Reads a plugin directory again when it changed. Cheap enough to ask each second.
#[derive(Debug)]
pub struct PluginDirectory {
    path: PathBuf,
    check: SqlCheck,
    seen: Option<Stamp>,
}

impl PluginDirectory {
    pub fn new(path: impl Into<PathBuf>, check: SqlCheck) -> Self {
        Self { path: path.into(), check, seen: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All plugins of the directory, if anything changed since the last call that succeeded. A directory that does not exist
    /// holds none. `now_ns`: a file that changed in the last two seconds may change again without its stat showing it, so it
    /// counts as changed once more.
    pub fn poll(&mut self, now_ns: i64) -> io::Result<Option<Vec<PluginSource>>> {
        let stamp = stamp(&self.path)?;
        if self.seen.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        let files = read(&self.path, &stamp, self.check);
        self.seen = (!stamp.is_racy(now_ns)).then_some(stamp);
        Ok(Some(files))
    }
}

/// All plugins of a directory, by name.
pub fn read_directory(path: &Path, check: SqlCheck) -> io::Result<Vec<PluginSource>> {
    Ok(read(path, &stamp(path)?, check))
}

impl Stamp {
    fn is_racy(&self, now_ns: i64) -> bool {
        self.0.iter().any(|(_, stat)| stat.is_some_and(|stat| stat.is_racy(now_ns)))
    }
}

/// Locks count too: `x.py.lock` is part of the version of `x.py`.
fn stamp(directory: &Path) -> io::Result<Stamp> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stamp(Vec::new())),
        entries => entries?,
    };
    let mut stamps = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if !is_plugin_file(&name) && !is_lock_file(&name) {
            continue;
        }
        let stat = file_stat(&directory.join(&name));
        stamps.push((name, stat));
    }
    stamps.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(Stamp(stamps))
}

/// Follows a link.
fn file_stat(path: &Path) -> Option<FileStat> {
    let stat = std::fs::metadata(path).ok()?;
    let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    Some(FileStat {
        inode: stat.ino(),
        size: stat.size(),
        mtime_ns: ns(stat.mtime(), stat.mtime_nsec()),
        ctime_ns: ns(stat.ctime(), stat.ctime_nsec()),
    })
}

fn is_plugin_file(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let hidden = bytes.starts_with(b"_") || bytes.starts_with(b".");
    !hidden && language_of(name).is_some()
}

fn language_of(name: &OsStr) -> Option<PluginLanguage> {
    PluginLanguage::of_extension(Path::new(name).extension()?.to_str()?)
}

fn is_lock_file(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".py.lock")
}

fn read(directory: &Path, stamp: &Stamp, check: SqlCheck) -> Vec<PluginSource> {
    let names = stamp.0.iter().map(|(name, _)| name).filter(|name| is_plugin_file(name));
    let mut files: Vec<PluginSource> =
        names.map(|name| read_file(directory, name, check)).collect();
    files.sort_by(|left, right| left.name.cmp(&right.name));
    refuse_same_names(&mut files);
    files
}

fn read_file(directory: &Path, name: &OsStr, check: SqlCheck) -> PluginSource {
    let path = directory.join(name);
    let file = shown(directory, name);
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let lock = || match language_of(name) {
        Some(PluginLanguage::Python) => read_lock(&path),
        _ => Ok(None),
    };
    match read_text(&path, SOURCE_LEN_MAX).and_then(|text| Ok((text, lock()?))) {
        Ok((text, lock)) => PluginSource::read(file, stem, text, lock, check),
        Err(problem) => PluginSource::unreadable(file, stem, problem),
    }
}

fn shown(directory: &Path, name: &OsStr) -> String {
    let directory = directory.file_name().unwrap_or_default().to_string_lossy();
    let shown = Path::new(&*directory).join(name);
    shown.to_string_lossy().chars().map(|char| if char.is_control() { '?' } else { char }).collect()
}

fn read_lock(source: &Path) -> Result<Option<String>, Problem> {
    let mut lock = source.as_os_str().to_owned();
    lock.push(".lock");
    let lock = Path::new(&lock);
    if !lock.exists() {
        return Ok(None);
    }
    let bad_lock = |problem: Problem| Problem::Lock { cause: problem.to_string() };
    read_text(lock, LOCK_LEN_MAX).map(Some).map_err(bad_lock)
}

fn read_text(path: &Path, len_max: usize) -> Result<String, Problem> {
    let unreadable = |error: io::Error| Problem::Unreadable { cause: error.to_string() };
    // Opening a fifo would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Problem::Unreadable { cause: "it is not a regular file".to_owned() });
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > len_max {
        return Err(Problem::TooLarge { max_kib: len_max >> 10 });
    }
    String::from_utf8(bytes).map_err(|_| Problem::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::super::sql::tests::CHECK;
    use super::super::version::plugin_version;
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    const GOOD: &str = "# PATTERN: *.csv\n# TOPIC: t\nclass Handler: pass\n";
    /// Later than any file of a test, and not within the racy window.
    const LONG_AFTER_NS: i64 = i64::MAX;

    fn directory_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    fn stems(directory: &Path) -> Vec<String> {
        read_directory(directory, CHECK).unwrap().into_iter().map(|file| file.name).collect()
    }

    fn errors(directory: &Path) -> Vec<String> {
        let shown = directory.file_name().unwrap().to_str().unwrap();
        let files = read_directory(directory, CHECK).unwrap();
        let errors = files.into_iter().filter_map(|file| file.declared.err());
        errors.map(|errors| errors.to_string().replace(shown, "plugins")).collect()
    }

    #[test]
    fn the_plugins_of_a_directory_are_its_own_python_and_sql_files() {
        let directory = directory_with(&[
            ("b.py", GOOD.as_bytes()),
            ("a.sql", b"SELECT 1"),
            ("_shared.py", b"x = 1"),
            (".hidden.py", b"x = 1"),
            ("notes.txt", b""),
            ("c.pyc", b""),
        ]);
        fs::create_dir_all(directory.path().join("inner")).unwrap();
        fs::write(directory.path().join("inner/d.py"), GOOD).unwrap();
        assert_eq!(stems(directory.path()), ["a", "b"]);
    }

    #[test]
    fn one_bad_file_is_named_and_the_others_go_on() {
        let directory = directory_with(&[
            ("a.py", GOOD.as_bytes()),
            ("big.py", &vec![b'#'; SOURCE_LEN_MAX + 1]),
            ("latin.py", b"# \xe9"),
            ("my plugin.py", GOOD.as_bytes()),
        ]);
        fs::create_dir(directory.path().join("folder.py")).unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("link.py")).unwrap();
        let odd = OsStr::from_bytes(b"odd\xff\n.py");
        fs::write(directory.path().join(odd), GOOD).unwrap();
        let errors = errors(directory.path());
        for (error, expected) in errors.iter().zip([
            "plugins/big.py: is larger than 1024 KiB: move data and tables out of the source",
            "plugins/folder.py: cannot be read: it is not a regular file",
            "plugins/latin.py: is not UTF-8: save it as UTF-8",
            "plugins/link.py: cannot be read: No such file or directory (os error 2)",
            "plugins/my plugin.py: 'my plugin' is not a plugin name",
            "plugins/odd\u{fffd}?.py: 'odd\u{fffd}?' is not a plugin name",
        ]) {
            assert!(error.starts_with(expected), "{error}");
        }
        assert_eq!(errors.len(), 6);
    }

    #[test]
    fn two_files_of_one_name_are_both_refused() {
        let directory = directory_with(&[("a.py", GOOD.as_bytes()), ("a.sql", b"SELECT 1")]);
        let expected = [
            "plugins/a.py: 'plugins/a.sql' is a plugin of the same name: rename one of the two",
            "plugins/a.sql: 'plugins/a.py' is a plugin of the same name: rename one of the two",
        ];
        assert_eq!(errors(directory.path()), expected);
    }

    #[test]
    fn a_lock_is_part_of_the_version() {
        let directory = directory_with(&[("a.py", GOOD.as_bytes()), ("a.py.lock", b"pandas==2")]);
        let file = read_directory(directory.path(), CHECK).unwrap().remove(0);
        assert_eq!(file.version, plugin_version(GOOD, Some("pandas==2")));
        assert_eq!(file.declared.unwrap().version, file.version);
        fs::write(directory.path().join("a.py.lock"), b"\xff").unwrap();
        let expected = "plugins/a.py: its lock is not UTF-8: save it as UTF-8";
        assert_eq!(errors(directory.path()), [expected]);
    }

    #[test]
    fn a_directory_is_read_again_only_when_it_changed() {
        let directory = directory_with(&[("a.py", GOOD.as_bytes())]);
        let mut plugins = PluginDirectory::new(directory.path(), CHECK);
        assert_eq!(plugins.poll(LONG_AFTER_NS).unwrap().unwrap().len(), 1);
        assert_eq!(plugins.poll(LONG_AFTER_NS).unwrap(), None);
        fs::write(directory.path().join("notes.txt"), "").unwrap();
        assert_eq!(plugins.poll(LONG_AFTER_NS).unwrap(), None);
        fs::write(directory.path().join("a.py"), "x = 1").unwrap();
        assert!(plugins.poll(LONG_AFTER_NS).unwrap().is_some());
        fs::write(directory.path().join("a.py.lock"), "").unwrap();
        assert!(plugins.poll(LONG_AFTER_NS).unwrap().is_some());
        fs::remove_file(directory.path().join("a.py")).unwrap();
        assert_eq!(plugins.poll(LONG_AFTER_NS).unwrap(), Some(Vec::new()));
        assert_eq!(plugins.poll(LONG_AFTER_NS).unwrap(), None);
    }

    #[test]
    fn a_file_that_just_changed_is_read_once_more() {
        let directory = directory_with(&[("a.py", GOOD.as_bytes())]);
        let mut plugins = PluginDirectory::new(directory.path(), CHECK);
        assert!(plugins.poll(0).unwrap().is_some());
        assert!(plugins.poll(0).unwrap().is_some());
        assert!(plugins.poll(LONG_AFTER_NS).unwrap().is_some());
        assert!(plugins.poll(LONG_AFTER_NS).unwrap().is_none());
    }

    #[test]
    fn a_directory_that_does_not_exist_holds_no_plugins() {
        let directory = directory_with(&[]);
        let missing = directory.path().join("plugins");
        assert_eq!(read_directory(&missing, CHECK).unwrap(), Vec::new());
        fs::write(&missing, "").unwrap();
        assert!(read_directory(&missing, CHECK).is_err());
    }
}
