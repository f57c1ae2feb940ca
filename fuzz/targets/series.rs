//! See `oomshim_fuzz::series`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::series(data));
