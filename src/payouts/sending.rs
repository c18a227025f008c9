//! Whether payouts go out at all. A database that was restored or copied may not know what was sent after the copy was made, so it
//! holds everything back until a person confirms (threats R5, R8): approved payouts queue up, and none is claimed.

use diesel::prelude::*;

use super::approve::By;
use super::lifecycle::Stage;
use crate::clock::Micros;
use crate::db::schema::{meta, outbox, payouts};
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::staff::audit;

/// The row of `meta` that holds sending back. Its value says why.
const HELD: &str = "sending_held";

/// What an act on sending as a whole is about, in the audit.
const SUBJECT: &str = "sending";

/// What would go out when a person confirms, and why it does not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Why it is held; `None`: it is not.
    pub held: Option<String>,
    /// Payouts that wait to be sent.
    pub queued: i64,
    /// Payouts that wait for a person's approval.
    pub awaiting_approval: i64,
    /// Payouts of which nobody knows whether they were sent. Confirming does not send them.
    pub unknown: i64,
    /// When the oldest one that waits was asked for.
    pub oldest: Option<Micros>,
}

/// Why sending is held; `None`: it is not.
///
/// # Errors
///
/// What the database says.
pub fn held(conn: &mut DbConn) -> QueryResult<Option<String>> {
    meta::table.find(HELD).select(meta::value).first(conn).optional()
}

/// Why sending is held and how many payouts wait for it; `None`: it is not held. Reads nothing that grows with the books.
///
/// # Errors
///
/// What the database says.
pub fn held_back(conn: &mut DbConn) -> QueryResult<Option<(String, i64)>> {
    let Some(why) = held(conn)? else { return Ok(None) };
    let queued = outbox::table.filter(outbox::claimed.eq(false)).count().get_result(conn)?;
    Ok(Some((why, queued)))
}

/// Where sending stands.
///
/// # Errors
///
/// What the database says.
pub fn look(conn: &mut DbConn) -> QueryResult<Sending> {
    let waiting = outbox::table.filter(outbox::claimed.eq(false));
    let queued = waiting.count().get_result(conn)?;
    let oldest = waiting
        .inner_join(payouts::table.on(payouts::external_id.eq(outbox::external_id)))
        .select(diesel::dsl::min(payouts::created_at))
        .first(conn)?;
    let at = |stage: Stage| payouts::table.filter(payouts::stage.eq(stage.name())).count();
    let awaiting_approval = at(Stage::AwaitingApproval).get_result(conn)?;
    let unknown = at(Stage::Unknown).get_result(conn)?;
    Ok(Sending { held: held(conn)?, queued, awaiting_approval, unknown, oldest })
}

/// Holds sending back from this commit on. Holding what is held keeps the first reason: it is the one a person has to judge.
///
/// # Errors
///
/// What the database says.
pub fn hold(tx: &mut WriteTx<'_>, why: &str) -> QueryResult<()> {
    if held(tx.read()?)?.is_none() {
        let row = (meta::name.eq(HELD), meta::value.eq(why));
        diesel::insert_into(meta::table).values(row).execute(tx.conn()?)?;
    }
    Ok(())
}

/// A person has made sure that what waits was not sent before: it goes out from this commit on. Gives back why it was held.
///
/// # Errors
///
/// `Conflict` when sending is not held.
pub fn confirm(tx: &mut WriteTx<'_>, by: By<'_>, at: Micros) -> Result<String, Error> {
    let not_held = || Error::Conflict("sending is not held: payouts go out".into());
    let why = held(tx.read()?)?.ok_or_else(not_held)?;
    if diesel::delete(meta::table.find(HELD)).execute(tx.conn()?)? != 1 {
        return Err(not_held());
    }
    audit::append(tx, by.actor, "sending.confirm", SUBJECT, &format!("{} (it was held: {why})", by.reason), at)?;
    Ok(why)
}
