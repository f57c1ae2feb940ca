//! See `oomshim_fuzz::kmsg`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oomshim_fuzz::kmsg(data));
