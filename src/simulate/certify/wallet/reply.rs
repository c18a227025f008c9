//! What the wallet answered, and what a scenario may ask of it.

use serde_json::Value;

use super::super::Stop;
use crate::simulate::caller::Answer;

/// An answer of the wallet.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub answer: Answer,
    /// Whether it says `Idempotent-Replayed: true`.
    pub replayed: bool,
}

impl Reply {
    pub(super) fn status(&self) -> u16 {
        self.answer.status
    }

    /// A member of the answer; null when it is not there.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.answer.json.as_ref().and_then(|json| json.get(name)).unwrap_or(&Value::Null)
    }

    /// Fails with what was expected and what came.
    pub(super) fn failed(&self, expected: &str) -> Stop {
        let body: String = String::from_utf8_lossy(&self.answer.body).chars().take(160).collect();
        Stop::Failed(format!("expected {expected}, got HTTP {} {body}", self.status()))
    }

    /// This and nothing else, or the scenario fails.
    pub(super) fn check(&self, holds: bool, expected: &str) -> Result<(), Stop> {
        if holds { Ok(()) } else { Err(self.failed(expected)) }
    }

    /// HTTP 200 or 201. Which of them is one scenario's business alone.
    pub(super) fn ok(&self, expected: &str) -> Result<(), Stop> {
        self.check(matches!(self.status(), 200 | 201), expected)
    }

    /// A refusal with this status.
    pub(super) fn refused(&self, status: u16) -> Result<(), Stop> {
        self.check(self.status() == status, &format!("HTTP {status}"))
    }

    /// HTTP 400 with the name of what is wrong somewhere in the document.
    pub(super) fn names(&self, field: &str) -> Result<(), Stop> {
        let text = String::from_utf8_lossy(&self.answer.body).to_ascii_lowercase();
        let named = text.contains(&field.to_ascii_lowercase());
        self.check(self.status() == 400 && named, &format!("HTTP 400 that names {field}"))
    }

    /// The integer `available` of an answer.
    pub(super) fn available(&self) -> Result<i64, Stop> {
        self.get("available").as_i64().ok_or_else(|| self.failed("an integer available"))
    }

    /// Whether this is the answer that came first: the same body.
    pub(super) fn repeats(&self, first: &Reply) -> Result<(), Stop> {
        let same = self.answer.json.is_some() && self.answer.json == first.answer.json;
        let body = String::from_utf8_lossy(&first.answer.body);
        self.check(same, &format!("the first answer again ({body})"))
    }
}
