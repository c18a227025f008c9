//! Requests to providers: one client, guarded against calling the wrong place and against waiting for ever.

pub mod address;

pub use address::AddressRules;
