//! What Rebilly says when it does not do a thing: problem details (manual, "Errors").

use serde_json::{Value, json};

use crate::simulate::platforms::host::Reply;

/// An answer, or why not.
pub type Outcome = Result<Reply, Problem>;

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    status: u16,
    title: &'static str,
    detail: String,
    fields: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), fields: Vec::new(), headers: Vec::new() }
    }

    /// 400: the body is no JSON object, or the filter is bad.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(400, "Bad request", detail)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "the credentials are missing or wrong")
    }

    /// 403.
    pub fn forbidden() -> Self {
        Self::new(403, "Forbidden", "this belongs to another customer")
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(404, "Not found", "there is no such resource")
    }

    /// 405. Not in the manual's table, which lists what the operations themselves answer.
    pub fn wrong_method() -> Self {
        Self::new(405, "Method not allowed", "this resource does not know the method")
    }

    /// 409: the present state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "Conflict", detail)
    }

    /// 422, with what is wrong in which field.
    pub fn invalid(fields: Vec<(String, String)>) -> Self {
        Self { fields, ..Self::new(422, "Validation error", "some fields are not acceptable") }
    }

    /// 422 about one field.
    pub fn field(name: &str, message: &str) -> Self {
        Self::invalid(vec![(name.to_owned(), message.to_owned())])
    }

    /// 429; the header says the moment of the reset in Unix seconds (manual, "Rate limits").
    pub fn too_many(reset_at: i64) -> Self {
        let headers = vec![("x-ratelimit-retry-after", reset_at.to_string())];
        Self { headers, ..Self::new(429, "Too many requests", "the rate limit is reached") }
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::new(503, "Service unavailable", "try again later")
    }

    /// As it goes out.
    pub fn reply(self) -> Reply {
        let mut body =
            json!({"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail});
        if !self.fields.is_empty() {
            let fields = self.fields.iter().map(|(field, message)| json!({"field": field, "message": message}));
            body["invalidFields"] = Value::Array(fields.collect());
        }
        Reply::Json(self.status, self.headers, body)
    }
}
