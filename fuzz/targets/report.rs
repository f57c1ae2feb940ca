//! See `oomshim_fuzz::report`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::report(data));
