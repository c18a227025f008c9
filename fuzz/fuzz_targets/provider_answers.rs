//! See `bodies/provider_answers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| croupier_fuzz::provider_answers::run(data));
