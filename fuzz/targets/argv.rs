//! See `oomshim_fuzz::argv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::argv(data));
