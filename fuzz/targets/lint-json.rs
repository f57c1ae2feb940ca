//! See `oomshim_fuzz::lint_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::lint_json(data));
