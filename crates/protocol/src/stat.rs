//! What `lstat` tells of a file, as far as a change shows in it.

use serde::{Deserialize, Serialize};

/// The stat tuple: a file counts as changed when any of these differs. Times are nanoseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStat {
    pub inode: u64,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
}

impl FileStat {
    /// A file whose ctime is not older than this before its hashing began may change again without its stat changing.
    pub const RACY_WINDOW_NS: i64 = 2_000_000_000;

    /// Whether content read from `read_began_ns` on could be changed later within the same clock tick.
    pub fn is_racy(&self, read_began_ns: i64) -> bool {
        self.ctime_ns >= read_began_ns - Self::RACY_WINDOW_NS
    }
}
