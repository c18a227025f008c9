//! What is checked of every call before it means anything, in the order of the description: content type and JSON, required members,
//! who asks, signature; then amount, currency, method and its additional fields.
//!
//! The manual gives one text of a refusal, [`UNREADABLE`]; the other texts are our choice.

use serde_json::Value;

use super::calls::Call;
use super::rails::{self, Rail};
use super::{Account, sign};
use crate::simulate::Params;
use crate::simulate::platforms::host::Incoming;

/// The manual's, "Transport".
pub(super) const UNREADABLE: &str = "Invalid ContentType or json format";

/// The listed currencies, and that of the samples, which is not listed.
pub(super) const CURRENCIES: [&str; 9] = ["USD", "EUR", "RUB", "UAH", "USDT", "IDR", "AZN", "VND", "KZT"];

/// Minor units. The manual gives no limit.
const LARGEST: i64 = 1_000_000_000_000_000;

/// An order as it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) id: String,
    pub(super) login: String,
    /// As this module's tables spell it.
    pub(super) method: &'static str,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) fields: Params,
}

/// The members of a call that may be acted on, or why it is refused.
pub(super) fn admitted(incoming: &Incoming, call: Call, account: &Account) -> Result<Params, String> {
    let params = read(incoming)?;
    if let Some(missing) = call.required().iter().find(|name| !is_given(params.get(**name))) {
        return Err(format!("Missing parameter {missing}"));
    }
    let site = params.get("site_id").map(sign::text);
    let site_holds = site.map_or(call == Call::Failed, |site| site == account.site_id.to_string());
    if text(&params, "merchant_id") != Some(&account.merchant_id) || !site_holds {
        return Err("Unknown merchant or site".to_owned());
    }
    if !sign::holds(&params, account.salt.expose()) {
        return Err("Invalid signature".to_owned());
    }
    match params.iter().find(|(_, value)| imitates(value)) {
        Some((name, _)) => Err(format!("Invalid parameter {name}")),
        None => Ok(params),
    }
}

fn read(incoming: &Incoming) -> Result<Params, String> {
    if incoming.method == "GET" {
        let pairs: Result<Vec<(String, String)>, _> = serde_urlencoded::from_str(&incoming.query);
        let pairs = pairs.map_err(|_| "Invalid query".to_owned())?;
        return Ok(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    let kind = incoming.content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(UNREADABLE.to_owned());
    }
    serde_json::from_slice(&incoming.body).map_err(|_| UNREADABLE.to_owned())
}

/// Neither absent nor null nor blank. An empty object counts: a payout without details has one.
fn is_given(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

/// Whether the signed text of a value could be read as a further member: nothing in it is escaped.
fn imitates(value: &Value) -> bool {
    match value {
        Value::String(text) => text.split_once(';').is_some_and(|(_, rest)| rest.contains(':')),
        Value::Array(elements) => elements.iter().any(imitates),
        Value::Object(members) => members.values().any(imitates),
        _ => false,
    }
}

/// A member that is a text with something in it.
pub(super) fn text<'p>(params: &'p Params, name: &str) -> Option<&'p str> {
    params.get(name)?.as_str().filter(|text| !text.trim().is_empty())
}

/// The same, where the call cannot be answered without it.
pub(super) fn needed(params: &Params, name: &str) -> Result<String, String> {
    text(params, name).map(str::to_owned).ok_or_else(|| format!("Invalid parameter {name}"))
}

/// Minor units: an integer and not a text of digits, from 1 up.
pub(super) fn amount(params: &Params) -> Result<i64, String> {
    let amount = params.get("amount").and_then(Value::as_i64);
    amount.filter(|amount| (1..=LARGEST).contains(amount)).ok_or_else(|| "Invalid amount".to_owned())
}

/// A currency that the platform knows, in capitals.
pub(super) fn currency(params: &Params) -> Result<String, String> {
    let currency = needed(params, "currency")?;
    if CURRENCIES.contains(&currency.as_str()) { Ok(currency) } else { Err("Unsupported currency".to_owned()) }
}

/// The method of a call that has these.
pub(super) fn method(params: &Params, rails: &'static [Rail]) -> Result<&'static Rail, String> {
    rails::find(rails, &needed(params, "method")?).ok_or_else(|| "Unsupported method".to_owned())
}

/// The order that an admitted call asks for.
pub(super) fn wanted(params: &Params, call: Call) -> Result<Wanted, String> {
    let (id, login) = (needed(params, "request_id")?, needed(params, "site_login")?);
    let (amount, currency) = (amount(params)?, currency(params)?);
    let rails = call.rails();
    // Only the form may leave the method open: the player chooses on the page, and this one pays by card.
    let is_open = call == Call::Form && !is_given(params.get("method"));
    let rail = if is_open { rails::find(rails, "card").ok_or("Unsupported method")? } else { method(params, rails)? };
    let fields = match params.get("additional_fields").filter(|fields| is_given(Some(fields))) {
        None => Params::new(),
        Some(Value::Object(fields)) => fields.clone(),
        Some(_) => return Err("Invalid parameter additional_fields".to_owned()),
    };
    if call == Call::Invoice { rail.check_invoice(&fields) } else { rail.check(&fields) }?;
    Ok(Wanted { id, login, method: rail.name, amount, currency, fields })
}
