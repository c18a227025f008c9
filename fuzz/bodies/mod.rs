//! What the fuzz targets do with bytes. One function each; it panics when something does not hold.
//!
//! Two callers: the targets in `fuzz_targets`, which libFuzzer feeds, and `tests/fuzz`, which feeds the committed corpora and inputs made
//! of them with every `cargo test`. Everything goes through what the crate shows outside, and is judged by `oracle`, which shares no code
//! with it.

pub mod bench;
pub mod form;
pub mod json;
pub mod oracle;
pub mod provider_answers;
pub mod raw_request;
pub mod settings;
pub mod signature;
pub mod signing;

/// What a target does with an input.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also that of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("raw_request", raw_request::run),
    ("form", form::run),
    ("json", json::run),
    ("signature", signature::run),
    ("provider_answers", provider_answers::run),
    ("settings", settings::run),
];
