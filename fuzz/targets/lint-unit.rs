//! See `oomshim_fuzz::lint_unit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::lint_unit(data));
