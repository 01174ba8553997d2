//! What must hold of any bytes that come from outside: for libFuzzer (`fuzz/targets`) and for the short run in the tests of `control`.

pub mod comments;
pub mod header;
pub mod patterns;
pub mod payload;
