//! The record of every change of an order after its creation.

use diesel::prelude::*;

use super::Status;
use crate::clock::Micros;
use crate::db::schema::transitions;
use crate::db::{DbConn, WriteTx, at_home};

/// Who caused a change that no person caused.
pub const SYSTEM: &str = "croupier";

/// One change of an order: what, why, who.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = transitions, treat_none_as_default_value = false)]
pub struct Transition {
    /// The order.
    pub external_id: String,
    /// 1 for its first change.
    pub number: i64,
    /// Status before, as number.
    pub from_status: i64,
    /// Status after, as number.
    pub to_status: i64,
    /// Stage before, for payouts.
    pub from_stage: Option<String>,
    /// Stage after, for payouts.
    pub to_stage: Option<String>,
    /// What caused it: `webhook 17`, `approve`, `answer`.
    pub cause: String,
    /// Who caused it.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: Micros,
}

/// Why an order changes.
#[derive(Debug, Clone, Copy)]
pub struct Because<'a> {
    /// What caused it.
    pub cause: &'a str,
    /// Who caused it.
    pub actor: &'a str,
    /// Why, in words; may be empty.
    pub reason: &'a str,
}

/// What staff do; what they write about it is for staff.
const BY_STAFF: [&str; 4] = ["approve", "decline", "retry", "resolve"];

impl<'a> Because<'a> {
    /// The reason as others may read it: the game server, and whom it tells.
    pub fn told(&self) -> &'a str {
        if BY_STAFF.contains(&self.cause) { "" } else { self.reason }
    }
}

/// Where an order stands: status, and for payouts the stage.
pub type Standing<'a> = (Status, Option<&'a str>);

/// Writes a change down.
///
/// # Errors
///
/// What the database says.
pub fn record(
    tx: &mut WriteTx<'_>,
    external_id: &str,
    from: Standing<'_>,
    to: Standing<'_>,
    why: Because<'_>,
    at: Micros,
) -> QueryResult<()> {
    let last = transitions::table
        .filter(transitions::external_id.eq(external_id))
        .select(diesel::dsl::max(transitions::number));
    let last: Option<i64> = at_home!(tx.written(), |conn| last.first(conn))?;
    let row = Transition {
        external_id: external_id.to_owned(),
        number: last.unwrap_or(0) + 1,
        from_status: from.0.code(),
        to_status: to.0.code(),
        from_stage: from.1.map(str::to_owned),
        to_stage: to.1.map(str::to_owned),
        cause: why.cause.to_owned(),
        actor: why.actor.to_owned(),
        reason: why.reason.to_owned(),
        at,
    };
    at_home!(tx.writing(), |conn| diesel::insert_into(transitions::table).values(row).execute(conn)).map(|_| ())
}

/// Every change of an order, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, external_id: &str) -> QueryResult<Vec<Transition>> {
    transitions::table
        .filter(transitions::external_id.eq(external_id))
        .order(transitions::number)
        .select(Transition::as_select())
        .load(conn)
}

/// How many changes an order has had.
///
/// # Errors
///
/// What the database says.
pub fn count(conn: &mut DbConn, external_id: &str) -> QueryResult<i64> {
    transitions::table.filter(transitions::external_id.eq(external_id)).count().get_result(conn)
}
