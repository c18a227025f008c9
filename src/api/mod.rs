//! HTTP in JSON, on the private listener: thin handlers that authenticate, call one use case, and translate its answer.

pub mod admin;
pub mod body;
pub mod problem;
