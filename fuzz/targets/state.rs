//! See `oomshim_fuzz::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::state(data));
