//! See `oomshim_fuzz::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::json(data));
