//! Faults that are planted on purpose, one at a time, to see that the simulation finds them. What `decide` and the catalog both guard
//! (attempt, session, an abort) is no such fault: each alone is enough, and the catalog's own tests look at its part.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// What was promoted of an attempt that is lost stays where it is.
    LeavesTheLost,
    /// The catalog lets a deposed Sentinel write.
    HearsTheDeposed,
    /// A file goes with the first job of its pack that is lost.
    RetiresWhatOthersNeed,
    /// The files of a compaction leave before the new one is there.
    CompactsAtTheGrant,
}

impl Flaw {
    pub const ALL: [Self; 4] = [
        Self::LeavesTheLost,
        Self::HearsTheDeposed,
        Self::RetiresWhatOthersNeed,
        Self::CompactsAtTheGrant,
    ];

    pub fn shows_as(self) -> &'static str {
        match self {
            Self::LeavesTheLost => "rows doubled",
            Self::RetiresWhatOthersNeed | Self::CompactsAtTheGrant => "rows lost",
            // The one that may write knows nothing of it.
            Self::HearsTheDeposed => "not settled",
        }
    }
}
