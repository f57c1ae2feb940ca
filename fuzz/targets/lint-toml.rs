//! See `oomshim_fuzz::lint_toml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::lint_toml(data));
