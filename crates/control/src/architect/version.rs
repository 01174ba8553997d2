//! The identity of a plugin's code.

use protocol::PluginVersion;
use sha2::{Digest, Sha256};

/// SHA-256 of the source; with a lock, of the source, a zero byte and the lock.
pub fn plugin_version(source: &str, lock: Option<&str>) -> PluginVersion {
    let mut hash = Sha256::new();
    hash.update(source);
    if let Some(lock) = lock {
        hash.update([0]);
        hash.update(lock);
    }
    PluginVersion::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_lock_both_count() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(plugin_version("", None).to_string(), empty);
        let a = plugin_version("a", None);
        assert_ne!(a, plugin_version("a", Some("")));
        assert_ne!(plugin_version("a", Some("b")), plugin_version("a", Some("c")));
    }
}
