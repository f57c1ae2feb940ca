//! See `oomshim_fuzz::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::record(data));
