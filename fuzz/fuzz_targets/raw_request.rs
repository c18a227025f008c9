//! See `bodies/raw_request.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| croupier_fuzz::raw_request::run(data));
