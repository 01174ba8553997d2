//! Paths as they are shown.

use super::clean::clean_bytes;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path below a source root, from the file system's root.
pub fn absolute(root: &[u8], path: &[u8]) -> Vec<u8> {
    if root == b"/" { [root, path].concat() } else { [root, path].join(&b'/') }
}

/// Cleaned, and without the project's own path where it begins with that.
pub fn shown(path: &[u8], project: &Path) -> String {
    let project = [project.as_os_str().as_bytes(), b"/"].concat();
    clean_bytes(path.strip_prefix(project.as_slice()).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_the_project_is_shown_from_there() {
        let project = Path::new("/p/shop");
        assert_eq!(shown(b"/p/shop/data/a.csv", project), "data/a.csv");
        assert_eq!(shown(b"/p/shopping/a.csv", project), "/p/shopping/a.csv");
        assert_eq!(shown(b"/p/shop/\n", project), r"\x0a");
    }

    #[test]
    fn a_path_below_the_root_of_all_has_one_slash() {
        assert_eq!(absolute(b"/", b"a"), b"/a");
        assert_eq!(absolute(b"/x", b"a/b"), b"/x/a/b");
    }
}
