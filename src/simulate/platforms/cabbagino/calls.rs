//! The calls of API 2.0 that a merchant makes: deposit, payout, status (manual, "Host to host integration", "Transaction status").
//!
//! Checked in this order: path, method, content type, `MERCHANT_KEY`, a JSON object, the signature, each field, a known `external_id`.
//!
//! The manual does not say how a call is refused. Here it is HTTP 403 for key and signature, 404 for an unknown order, 415 for another
//! content type, 409 for an `external_id` used with other content, 400 for the rest, all with
//! `{"success":false,"errors":"…"}`, the family's form. A payment that is refused although the call is in order is answered with
//! HTTP 200 and the platform's own decline: `status` 5 with `reason_code` and `reason`, and no `order_id`, since nothing was taken.

use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::methods::{self, Method, Shown};
use super::{Account, sign};
use crate::simulate::Params;
use crate::simulate::platforms::host::{Incoming, Reply};
use crate::simulate::platforms::shelf::{Answers, Draft, Shelf, evasion};
use crate::simulate::platforms::{End, Taken, Way};

/// Where deposits are made.
pub(super) const DEPOSIT: &str = "/v2/payment/deposit/";
/// Where payouts are made.
pub(super) const PAYOUT: &str = "/v2/payment/payout/";
/// Where orders are asked about.
pub(super) const STATUS: &str = "/status/";
/// Where a player is sent to pay.
const PAGE: &str = "/3ds/";

/// `status`: created.
const INITIAL: i64 = 1;
/// `status`: under way.
const PROCESSING: i64 = 3;
/// `status`: done; the only success.
const SUCCESS: i64 = 4;
/// `status`: declined, final.
const DECLINE: i64 = 5;

/// `external_id` and other texts are not longer, in characters.
const LONGEST: usize = 256;

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    http: u16,
    why: String,
}

impl Refusal {
    fn new(http: u16, why: impl Into<String>) -> Self {
        Self { http, why: why.into() }
    }

    /// A parameter is not what it has to be.
    pub(super) fn invalid(name: &str) -> Self {
        Self::new(400, format!("Invalid parameter {name}"))
    }

    /// A parameter is not there, or blank.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(400, format!("Missing parameter {name}"))
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Reply::Json(refusal.http, Vec::new(), json!({"success": false, "errors": refusal.why}))
    }
}

/// What answers calls.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) account: Account,
    pub(super) shelf: Shelf,
    pub(super) address: OnceLock<SocketAddr>,
}

impl Desk {
    /// Answers a request.
    pub(super) fn serve(&self, incoming: &Incoming) -> Reply {
        let method = incoming.method.as_str();
        let answered = match incoming.path.as_str() {
            DEPOSIT | PAYOUT | STATUS if method != "POST" => Err(Refusal::new(405, "Method not allowed")),
            DEPOSIT => self.admitted(incoming).and_then(|params| self.make(Way::Deposit, params)),
            PAYOUT => self.admitted(incoming).and_then(|params| self.make(Way::Payout, params)),
            STATUS => self.admitted(incoming).and_then(|params| self.status(&params)),
            path => path.strip_prefix(PAGE).ok_or_else(not_found).and_then(|own_id| self.page(method, own_id)),
        };
        answered.unwrap_or_else(Reply::from)
    }

    /// The parameters of a call whose sender is the merchant.
    fn admitted(&self, incoming: &Incoming) -> Result<Params, Refusal> {
        let media = incoming.content_type.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::new(415, "Unsupported content type"));
        }
        if incoming.header("merchant_key") != Some(self.account.merchant_key.expose()) {
            return Err(Refusal::new(403, "Invalid merchant key"));
        }
        let params: Params =
            serde_json::from_slice(&incoming.body).map_err(|_| Refusal::new(400, "The body is not a JSON object"))?;
        if sign::verifies(&params, self.account.salt.expose()) {
            Ok(params)
        } else {
            Err(Refusal::new(403, "Invalid signature"))
        }
    }

    fn make(&self, way: Way, params: Params) -> Result<Reply, Refusal> {
        let (draft, method) = draft(way, params)?;
        let declined = json!({"status": DECLINE, "type": kind(way), "external_id": draft.id,
            "reason_code": "001", "reason": "General decline"});
        let taken = |order: &Taken| self.accepted(order, method);
        let answers = Answers {
            taken: &taken,
            refused: Reply::ok(declined),
            conflict: Refusal::new(409, "external_id was used with other parameters").into(),
        };
        Ok(self.shelf.make(draft, &|number| format!("173805987126016235868{number:09}"), answers))
    }

    /// The answer that takes an order. That of a payout is not in the manual: the same without what a player is shown.
    fn accepted(&self, order: &Taken, method: &Method) -> Value {
        let mut answer = json!({"status": fresh(order), "type": kind(order.way), "external_id": order.id,
            "order_id": order.own_id});
        match (order.way, method.shown) {
            (Way::Payout, _) => {}
            (Way::Deposit, Shown::Page) => {
                let here = self.address.get().map(ToString::to_string).unwrap_or_default();
                answer["redirect"] = format!("http://{here}{PAGE}{}", order.own_id).into();
            }
            (Way::Deposit, Shown::Requisites) => {
                answer["display_data"] =
                    json!({"card": "5555555555554444", "card_holder": "Jane Roe", "bank_name": "First Bank"});
            }
        }
        answer
    }

    /// By `order_id` alone, as this brand's manual says; by `external_id` too when the account has it so.
    fn status(&self, params: &Params) -> Result<Reply, Refusal> {
        let by_ours = self.account.status_by_external_id && params.contains_key("external_id");
        let found = if by_ours {
            let id = text(params, "external_id")?;
            (id.to_owned(), self.shelf.order(id))
        } else {
            let own_id = text(params, "order_id")?;
            let found = self.shelf.by_own_id(own_id);
            (found.as_ref().map_or_else(|| own_id.to_owned(), |order| order.id.clone()), found)
        };
        let (id, order) = found;
        if let Some(reply) = evasion(self.shelf.question(&id), not_found().into()) {
            return Ok(reply);
        }
        let order = order.ok_or_else(not_found)?;
        Ok(Reply::ok(Value::Object(sign::sealed(told(&order, order.end), self.account.salt.expose()))))
    }

    fn page(&self, method: &str, own_id: &str) -> Result<Reply, Refusal> {
        if method != "GET" {
            return Err(Refusal::new(405, "Method not allowed"));
        }
        let order = self.shelf.by_own_id(own_id).ok_or_else(not_found)?;
        let page = format!("<html><body>The player pays order {} here.</body></html>", order.own_id);
        Ok(Reply::Raw(200, "text/html", page.into_bytes()))
    }
}

/// What the platform says of an order, in an answer to a question and, with the purse, in a notification. Not yet signed.
pub(super) fn told(order: &Taken, end: End) -> Params {
    let status = match end {
        End::Pending => fresh(order),
        End::Paid => SUCCESS,
        End::Declined | End::Cancelled | End::Expired => DECLINE,
    };
    let mut told = Params::new();
    let mut put = |name: &str, value: Value| {
        told.insert(name.to_owned(), value);
    };
    put("status", status.into());
    put("type", kind(order.way).into());
    put("external_id", order.id.as_str().into());
    put("order_id", order.own_id.as_str().into());
    put("amount", order.amount.into());
    put("currency", order.currency.as_str().into());
    put("customer_id", order.login.as_str().into());
    let reason = match (end, order.way) {
        (End::Pending | End::Paid, _) => None,
        (End::Cancelled | End::Expired, Way::Deposit) => Some(("051", "User did not finish the payment")),
        (End::Declined | End::Cancelled | End::Expired, _) => Some(("001", "General decline")),
    };
    if let Some((code, text)) = reason {
        put("reason_code", code.into());
        put("reason", text.into());
    }
    told
}

/// `type`
pub(super) fn kind(way: Way) -> i64 {
    match way {
        Way::Deposit => 1,
        Way::Payout => 2,
    }
}

/// `status` of an order before its end: deposits on a page are being processed, everything else is only created.
fn fresh(order: &Taken) -> i64 {
    match (order.way, methods::on_wire(&order.method).map(|method| method.shown)) {
        (Way::Deposit, Some(Shown::Page)) => PROCESSING,
        (Way::Deposit, Some(Shown::Requisites) | None) | (Way::Payout, _) => INITIAL,
    }
}

fn draft(way: Way, params: Params) -> Result<(Draft, &'static Method), Refusal> {
    let method =
        methods::on_wire(text(&params, "payment_system")?).ok_or_else(|| Refusal::invalid("payment_system"))?;
    let id = text(&params, "external_id")?.to_owned();
    let amount = params.get("amount").ok_or_else(|| Refusal::missing("amount"))?;
    let amount = amount.as_i64().filter(|amount| *amount > 0).ok_or_else(|| Refusal::invalid("amount"))?;
    let currency = text(&params, "currency")?.to_ascii_uppercase();
    if !letters(&currency, 3) {
        return Err(Refusal::invalid("currency"));
    }
    let login = customer(&params)?;
    method.check(way, params.get("payment_data"))?;
    Ok((Draft { id, way, login, method: method.wire.to_owned(), amount, currency, params }, method))
}

/// The customer's id. All four members are listed, and none as optional.
fn customer(params: &Params) -> Result<String, Refusal> {
    let customer = params.get("customer").ok_or_else(|| Refusal::missing("customer"))?;
    let customer = customer.as_object().ok_or_else(|| Refusal::invalid("customer"))?;
    for name in ["first_name", "last_name"] {
        text(customer, name)?;
    }
    if !letters(text(customer, "country")?, 2) {
        return Err(Refusal::invalid("country"));
    }
    Ok(text(customer, "customer_id")?.to_owned())
}

fn letters(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A text that is needed.
fn text<'p>(params: &'p Params, name: &str) -> Result<&'p str, Refusal> {
    let text = params.get(name).ok_or_else(|| Refusal::missing(name))?;
    let text = text.as_str().ok_or_else(|| Refusal::invalid(name))?;
    match text.trim().is_empty() {
        true => Err(Refusal::missing(name)),
        false if text.chars().count() > LONGEST => Err(Refusal::invalid(name)),
        false => Ok(text),
    }
}

fn not_found() -> Refusal {
    Refusal::new(404, "Not found")
}
