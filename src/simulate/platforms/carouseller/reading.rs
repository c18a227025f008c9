//! A call as it came, and its fields.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::simulate::platforms::host::{Incoming, Reply};
use crate::simulate::{Brand, Params, sign};

/// Ids and texts are not longer, in characters.
const LONGEST: usize = 256;

/// Why a call is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    http: u16,
    code: u16,
    why: String,
}

impl Refusal {
    /// With this HTTP status, which is the `code` too.
    pub(super) fn new(http: u16, why: impl Into<String>) -> Self {
        Self { http, code: http, why: why.into() }
    }

    /// A parameter is not what it has to be.
    pub(super) fn invalid(name: &str) -> Self {
        Self::new(400, format!("Invalid parameter {name}"))
    }

    /// A parameter is not there, or blank.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(400, format!("Missing parameter {name}"))
    }

    /// The key of an API 1.0 call is not one of ours.
    pub(super) fn session() -> Self {
        Self::new(403, "Invalid session key")
    }

    /// The order's id was used before.
    pub(super) fn conflict() -> Self {
        Self { http: 200, code: 500, why: "external_id was used with other parameters".to_owned() }
    }

    /// A payment that is refused although the call is in order.
    pub(super) fn declined() -> Self {
        Self { http: 200, code: 500, why: "Refused".to_owned() }
    }

    /// The same with HTTP 200, where `success` alone says it.
    pub(super) fn softly(self) -> Self {
        Self { http: 200, ..self }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let body = json!({"success": false, "errors": refusal.why, "error": refusal.why, "transaction": null,
            "code": refusal.code, "message_for_user": "Refused"});
        Reply::Json(refusal.http, Vec::new(), body)
    }
}

/// Parameters of a call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) params: Params,
    /// `amount` as it was written: a number's digits or a text.
    pub(super) amount: Option<String>,
}

impl Call {
    /// A JSON object; nothing else.
    pub(super) fn json(incoming: &Incoming) -> Result<Self, Refusal> {
        if !is(incoming, "application/json") {
            return Err(Refusal::new(415, "Unsupported content type"));
        }
        let broken = |_| Refusal::new(400, "The body is not a JSON object");
        let params: Params = serde_json::from_slice(&incoming.body).map_err(broken)?;
        let written: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&incoming.body).map_err(broken)?;
        let amount = match params.get("amount") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => written.get("amount").map(|raw| raw.get().to_owned()),
            None => None,
        };
        Ok(Self { params, amount })
    }

    /// A JSON object or a form.
    pub(super) fn json_or_form(incoming: &Incoming) -> Result<Self, Refusal> {
        if !is(incoming, "application/x-www-form-urlencoded") {
            return Self::json(incoming);
        }
        Self::pairs(&incoming.body)
    }

    /// A query string.
    pub(super) fn query(incoming: &Incoming) -> Result<Self, Refusal> {
        Self::pairs(incoming.query.as_bytes())
    }

    fn pairs(text: &[u8]) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(text).map_err(|_| Refusal::new(400, "The parameters are not a form"))?;
        let params: Params = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let amount = params.get("amount").map(sign::text);
        Ok(Self { params, amount })
    }

    /// The call, when the merchant of this brand wrote it. A number is signed as the reference writes it: the shortest text.
    pub(super) fn signed_by(self, brand: &Brand) -> Result<Self, Refusal> {
        let ours = self.params.get("site_id").map(sign::text) == Some(brand.site_id.to_string());
        if ours && sign::holds(&self.params, brand.salt.expose()) {
            Ok(self)
        } else {
            Err(Refusal::new(403, "Invalid signature"))
        }
    }

    /// A text that may be there. A blank one is not.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.params.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Refusal::invalid(name))?;
        match text.chars().count() > LONGEST {
            true => Err(Refusal::invalid(name)),
            false => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        }
    }

    /// A text that is needed.
    pub(super) fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// Three letters, given in upper case.
    pub(super) fn currency(&self) -> Result<String, Refusal> {
        let code = self.text("currency")?.to_ascii_uppercase();
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_code { Ok(code) } else { Err(Refusal::invalid("currency")) }
    }

    /// The main parameters of both calls that obtain a key; `actions` are the values that `force_action` may have.
    pub(super) fn player(&self, actions: &[i64]) -> Result<Player, Refusal> {
        let login = self.text("site_login")?.to_owned();
        let ip = self.text("customer_ip")?;
        ip.parse::<IpAddr>().map_err(|_| Refusal::invalid("customer_ip"))?;
        let currency = self.currency()?;
        let forced = self.params.get("force_action").map(sign::text).filter(|text| !text.trim().is_empty());
        match forced.is_none_or(|forced| actions.iter().any(|action| action.to_string() == forced)) {
            true => Ok(Player { login, currency }),
            false => Err(Refusal::invalid("force_action")),
        }
    }
}

/// For whom a key is.
#[derive(Debug, Clone)]
pub(super) struct Player {
    /// `site_login`
    pub(super) login: String,
    /// Upper case.
    pub(super) currency: String,
}

fn is(incoming: &Incoming, media: &str) -> bool {
    incoming.content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media)
}
