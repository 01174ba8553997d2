//! Bounds of a reading.

#[derive(Debug, Clone)]
pub struct Settings {
    /// Rows of a block at most.
    pub rows_max: usize,
    /// Bytes of input of a block, about. A single record may be larger, up to `record_bytes_max`.
    pub block_bytes: usize,
    /// A larger record is refused.
    pub record_bytes_max: usize,
    /// Up to here the types of text columns are proven by all of the file, beyond by samples of it.
    pub proven_bytes_max: u64,
    /// Of what is unpacked; a packed file that gives more is taken for a bomb.
    pub unpacked_bytes_max: u64,
    /// Threads that make columns of records, besides the one that reads.
    pub threads: usize,
    /// Names of the columns that are wanted; None: all. A row is never refused for what stands in another column.
    pub columns: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rows_max: 1 << 16,
            block_bytes: 1 << 20,
            record_bytes_max: 64 << 20,
            proven_bytes_max: 8 << 20,
            unpacked_bytes_max: 1 << 40,
            threads: 1,
            columns: None,
        }
    }
}
