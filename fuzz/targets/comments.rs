#![no_main]

#[path = "../checks/comments.rs"]
mod comments;

libfuzzer_sys::fuzz_target!(|data: &[u8]| comments::check(data));
