//! The calls of a merchant: which there are, and those that make an order.
//!
//! Every answer of the API is JSON with HTTP 200 and a signature, refusals too: the manual names no other status except 404 for an
//! amount that cannot be reserved. An unknown path is 404, another method 405, both without a signature.

use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::{Order, State};
use super::rails::{self, Rail};
use super::{check, services, sign};
use crate::simulate::Params;
use crate::simulate::platforms::host::{Incoming, Reply};
use crate::simulate::platforms::{Answering, Way};

/// Where the player's browser opens the form; the key follows. By analogy with the manual's sample of `redirect_url`.
pub(super) const PAGE: &str = "/api/jsapi/open/";

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A key for the payment form.
    Form,
    /// A deposit without a form.
    Invoice,
    /// A payout.
    Payout,
    /// What the merchant has at the platform.
    Balance,
    /// The same for a project.
    Project,
    /// Takes a deposit back.
    Close,
    /// Takes a cash order back, or changes it.
    Cash,
    /// Reserves an amount.
    Book,
    /// Deposits that failed.
    Failed,
    /// How an order stands. Not published: an extension.
    Status,
}

impl Call {
    /// All of them.
    pub(super) const ALL: [Self; 10] = [
        Self::Form,
        Self::Invoice,
        Self::Payout,
        Self::Balance,
        Self::Project,
        Self::Close,
        Self::Cash,
        Self::Book,
        Self::Failed,
        Self::Status,
    ];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Form => "/api/jsapi/obtain_token/",
            Self::Invoice => "/api/create_invoice/",
            Self::Payout => "/api/payout/",
            Self::Balance => "/api/balance/",
            Self::Project => "/api/balance_project/",
            Self::Close => "/api/close_invoice/",
            Self::Cash => "/api/cash_in/update/",
            Self::Book => "/book_cabinet",
            Self::Failed => "/api/supplier/invoices/failed/",
            Self::Status => "/api/status/",
        }
    }

    pub(super) fn method(self) -> &'static str {
        if self == Self::Failed { "GET" } else { "POST" }
    }

    /// The members without which it is refused before anything else is looked at, in the manual's order.
    pub(super) fn required(self) -> &'static [&'static str] {
        match self {
            Self::Form => &["merchant_id", "site_login", "site_id", "request_id", "amount", "signature", "currency"],
            Self::Invoice => {
                &["merchant_id", "site_login", "site_id", "request_id", "amount", "signature", "currency", "method"]
            }
            Self::Payout => &[
                "merchant_id",
                "site_login",
                "site_id",
                "request_id",
                "amount",
                "signature",
                "currency",
                "method",
                "additional_fields",
            ],
            Self::Balance => &["merchant_id", "site_id", "signature"],
            Self::Project => &["project_id", "merchant_id", "site_id", "signature"],
            Self::Close => &["merchant_id", "site_id", "site_login", "request_id", "signature"],
            Self::Cash => &["site_id", "merchant_id", "request_id", "update_type", "signature"],
            Self::Book => {
                &["request_id", "merchant_id", "site_id", "site_login", "method", "currency", "amount", "signature"]
            }
            // The signature is in the sample only.
            Self::Failed => &["merchant_id", "currency", "signature"],
            Self::Status => &["merchant_id", "site_id", "request_id", "signature"],
        }
    }

    /// The methods of a call that makes an order; none for another.
    pub(super) fn rails(self) -> &'static [Rail] {
        match self {
            Self::Form => rails::FORM,
            Self::Invoice => rails::INVOICE,
            Self::Payout => rails::PAYOUT,
            Self::Balance | Self::Project | Self::Close | Self::Cash | Self::Book | Self::Failed | Self::Status => &[],
        }
    }

    /// Which way the money of the order goes that it makes.
    pub(super) fn way(self) -> Way {
        if self == Self::Payout { Way::Payout } else { Way::Deposit }
    }
}

/// Answers a request.
pub(super) async fn answer(state: Arc<State>, incoming: Incoming) -> Reply {
    let Some(call) = Call::ALL.into_iter().find(|call| call.path() == incoming.path && state.serves(*call)) else {
        return page(&state, &incoming);
    };
    if call.method() != incoming.method {
        return Reply::Json(405, vec![("allow", call.method().to_owned())], json!({"detail": "Method not allowed"}));
    }
    let params = match check::admitted(&incoming, call, &state.account) {
        Ok(params) => params,
        Err(reason) => return refused(&state, &reason),
    };
    let answered = match call {
        Call::Form | Call::Invoice | Call::Payout => return make(&state, call, params),
        Call::Status => return services::status(&state, &params),
        Call::Book => services::book(&state, &params),
        Call::Balance => services::balance(&state, &params),
        Call::Project => services::project(&state, &params),
        Call::Close => services::close(&state, &params),
        Call::Cash => services::cash(&state, &params),
        Call::Failed => services::failed(&state, &params),
    };
    match answered {
        Ok(members) => accepted(&state, members),
        Err(services::Refusal::Because(reason)) => refused(&state, &reason),
        Err(services::Refusal::NothingFree) => {
            Reply::Json(404, Vec::new(), signed(&state, false, message("No free amount")))
        }
        Err(services::Refusal::Final(members)) => Reply::ok(signed(&state, false, members)),
    }
}

/// `success` true with these members, signed.
pub(super) fn accepted(state: &State, members: Params) -> Reply {
    Reply::ok(signed(state, true, members))
}

/// `success` false with a reason, signed.
pub(super) fn refused(state: &State, reason: &str) -> Reply {
    Reply::ok(signed(state, false, message(reason)))
}

fn message(text: &str) -> Params {
    Params::from_iter([("message".to_owned(), Value::from(text))])
}

fn signed(state: &State, success: bool, mut members: Params) -> Value {
    members.insert("success".to_owned(), success.into());
    Value::Object(sign::signed(members, state.account.salt.expose()))
}

/// Takes an order and answers as it was told to.
fn make(state: &State, call: Call, params: Params) -> Reply {
    let wanted = match check::wanted(&params, call) {
        Ok(wanted) => wanted,
        Err(reason) => return refused(state, &reason),
    };
    let answering = state.desk().answerings.of(&wanted.id);
    // A repetition arrives even when it is refused; a new order does not come to be.
    let not_taken = |reply: Reply| {
        state.desk().arrived(&wanted.id);
        reply
    };
    match &answering {
        Answering::Refuse => return not_taken(refused(state, "No requisites or operator at the moment")),
        Answering::Vanish => return not_taken(Reply::Hangup),
        Answering::Redirect(to) => return not_taken(Reply::Redirect(to.clone())),
        Answering::Accept
        | Answering::Slow(_)
        | Answering::Hangup
        | Answering::Reset
        | Answering::Status(_)
        | Answering::Html
        | Answering::BrokenJson
        | Answering::Endless => {}
    }
    let answer = match state.take(call, wanted, params) {
        Ok(members) => accepted(state, members),
        Err(reason) => return refused(state, &reason),
    };
    match answering {
        Answering::Accept | Answering::Refuse | Answering::Vanish | Answering::Redirect(_) => answer,
        Answering::Slow(pause) => Reply::Late(pause, Box::new(answer)),
        Answering::Hangup => Reply::Hangup,
        Answering::Reset => Reply::Reset,
        Answering::Status(status) => Reply::Raw(status, "text/plain", Vec::new()),
        Answering::Html => Reply::Raw(200, "text/html", b"<html><body>It works!</body></html>".to_vec()),
        Answering::BrokenJson => Reply::Raw(200, "application/json", br#"{"success": true, "invoice_id": "#.to_vec()),
        Answering::Endless => Reply::Endless,
    }
}

/// What the player sees of a deposit with a key. There is nothing to press: whoever plays the platform decides how it ends.
fn page(state: &State, incoming: &Incoming) -> Reply {
    let key = incoming.path.strip_prefix(PAGE).and_then(|rest| rest.strip_suffix('/'));
    let desk = state.desk();
    let order: Option<&Order> =
        key.and_then(|key| desk.orders().iter().find(|order| order.key.as_deref() == Some(key)));
    match order {
        Some(order) if incoming.method == "GET" => {
            let (id, taken) = (order.invoice_id, &order.taken);
            let page =
                format!("<html><body>Invoice {id}: {} minor units of {}</body></html>", taken.amount, taken.currency);
            Reply::Raw(200, "text/html", page.into_bytes())
        }
        Some(_) => Reply::Json(405, vec![("allow", "GET".to_owned())], json!({"detail": "Method not allowed"})),
        None => Reply::Json(404, Vec::new(), json!({"detail": "Not found"})),
    }
}
