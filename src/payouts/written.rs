//! A payout written for its provider, and its bytes in the books: there before the first of them goes out (threats OUT-2), and the same
//! when it goes again (threats OUT-9).
//!
//! Most orders are made by their first request, whose bytes are written down with the claim. Where a provider wants a request before that
//! one, as for a session, the bytes are known only then: they are written down in a commit of their own, which fails when somebody has
//! settled the attempt meanwhile. An attempt without bytes was certainly not sent.

use diesel::prelude::*;

use super::outbox::{self, Claim};
use crate::db::schema::payout_attempts;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::orders::secrets::{self, Kept};
use crate::providers::purse::mask;
use crate::providers::{Call, PayoutOrder, Step};
use crate::vault::Vault;

use super::lifecycle::Attempt;

/// What stands in the books for a text that nobody may read there.
const HIDDEN: &str = "***";

/// A payout written for its provider.
#[derive(Debug, Clone)]
pub struct Written {
    /// What the driver goes on with.
    pub order: PayoutOrder,
    /// Its first request.
    pub call: Call,
    /// Whether that one only prepares the one that makes the order.
    pub prepares: bool,
    /// The bytes of that one when an earlier attempt with them may have reached the provider.
    pub earlier: Option<Vec<u8>>,
}

impl Written {
    /// A payout whose first request makes the order.
    pub fn new(order: PayoutOrder, call: Call) -> Self {
        Self { order, call, prepares: false, earlier: None }
    }

    /// A payout with what its driver wants first.
    ///
    /// # Errors
    ///
    /// `Internal`: the driver wants nothing, or its request has nothing in it that could make an order.
    pub fn begin<T>(order: PayoutOrder, step: Step<T>) -> Result<Self, Error> {
        let broken = |what| Error::Internal(format!("payout {}: its driver sends {what}", order.external_id));
        match step {
            Step::Call(call) if call.body.is_empty() => Err(broken("a request without a body")),
            Step::Call(call) => Ok(Self::new(order, *call)),
            Step::Prepare(call) => Ok(Self { prepares: true, ..Self::new(order, *call) }),
            Step::Done(_) => Err(broken("nothing")),
        }
    }

    /// Whether its bytes hold what the player gave: nobody may read them in the books.
    fn is_confidential(&self) -> bool {
        !self.order.details.is_empty()
    }

    /// The bytes of a request as people may see them.
    fn shown(&self, call: &Call) -> Vec<u8> {
        if !self.is_confidential() && call.hidden.is_empty() {
            return call.body.clone();
        }
        let mut text = String::from_utf8_lossy(&call.body).into_owned();
        for hidden in call.hidden.iter().filter(|hidden| !hidden.expose().is_empty()) {
            for dress in dresses(hidden.expose()) {
                text = text.replace(&dress, HIDDEN);
            }
        }
        mask(&text).into_owned().into_bytes()
    }

    /// What is written down with the claim: nothing yet when the first request only prepares.
    pub(super) fn shown_now(&self) -> Vec<u8> {
        if self.prepares { Vec::new() } else { self.shown(&self.call) }
    }

    /// Seals what nobody may read but has to go again as it was, with the claim.
    pub(super) fn seal_now(&self, tx: &mut WriteTx<'_>, vault: &Vault) -> Result<(), Error> {
        if self.prepares { Ok(()) } else { self.seal(tx, vault, &self.call) }
    }

    fn seal(&self, tx: &mut WriteTx<'_>, vault: &Vault, call: &Call) -> Result<(), Error> {
        if !self.is_confidential() && call.hidden.is_empty() {
            return Ok(());
        }
        secrets::keep(tx, vault, self.order.external_id.as_str(), Kept::Body, &call.body)
    }
}

/// A text as it may stand in a body: plain, in JSON, and in a form.
fn dresses(text: &str) -> [String; 3] {
    let json = serde_json::Value::from(text).to_string();
    let form = serde_urlencoded::to_string([("", text)]).unwrap_or_default();
    [json[1..json.len() - 1].to_owned(), form.trim_start_matches('=').to_owned(), text.to_owned()]
}

/// Writes the bytes of the request that makes the order down, before it goes. Says whether it may go: not when the attempt was settled, or
/// its payout moved on, since the claim. Whoever settles it and this one are one after another, so exactly one of them wins.
///
/// # Errors
///
/// What the database says; then it may not go.
pub fn write_down(tx: &mut WriteTx<'_>, vault: &Vault, claim: &Claim, call: &Call) -> Result<bool, Error> {
    let id = claim.payout.external_id.as_str();
    if !outbox::is_under_way(tx.read()?, id, claim.attempt)? {
        return Ok(false);
    }
    let open = payout_attempts::table.find((id, claim.attempt)).filter(payout_attempts::outcome.is_null());
    let body = claim.written.shown(call);
    if diesel::update(open).set(payout_attempts::body.eq(body)).execute(tx.conn()?)? != 1 {
        return Ok(false);
    }
    claim.written.seal(tx, vault, call)?;
    Ok(true)
}

/// Whether an attempt has no bytes that could make the order.
pub(super) fn is_prepared_only(tx: &mut WriteTx<'_>, id: &str, number: i64) -> QueryResult<bool> {
    let row = payout_attempts::table.find((id, number)).select(payout_attempts::body);
    let body: Option<Vec<u8>> = row.first(tx.read()?).optional()?;
    Ok(body.is_some_and(|body| body.is_empty()))
}

/// The same, with the bytes of an attempt that may have reached the provider when there was one.
pub(super) fn with_earlier_bytes(
    conn: &mut DbConn,
    vault: &Vault,
    id: &str,
    mut written: Written,
) -> Result<Written, Error> {
    if let Some(earlier) = reached_with(conn, id)? {
        let bytes = secrets::open(conn, vault, id, Kept::Body)?.unwrap_or(earlier);
        if written.prepares {
            written.earlier = Some(bytes);
        } else {
            written.call.body = bytes;
        }
    }
    Ok(written)
}

/// The bytes with which an attempt may have reached the provider.
fn reached_with(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Vec<u8>>> {
    let not_sent = Some(Attempt::NotSent.name());
    payout_attempts::table
        .filter(payout_attempts::external_id.eq(external_id))
        .filter(payout_attempts::outcome.is_null().or(payout_attempts::outcome.ne(not_sent)))
        .filter(payout_attempts::body.ne(Vec::new()))
        .order(payout_attempts::number)
        .select(payout_attempts::body)
        .first(conn)
        .optional()
}
