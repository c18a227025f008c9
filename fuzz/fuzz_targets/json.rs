//! See `bodies/json.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| croupier_fuzz::json::run(data));
