//! Reads for commands.
