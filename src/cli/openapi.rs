//! `croupier openapi`: the OpenAPI document of every API of croupier, as JSON.

use super::{Failure, Outcome};
use crate::api;

/// Prints the document.
///
/// # Errors
///
/// `WrongUse` when it cannot be written.
pub fn run() -> Outcome {
    let text = api::document().to_pretty_json();
    println!("{}", text.map_err(|error| Failure::WrongUse(format!("the document cannot be written: {error}")))?);
    Ok(())
}
