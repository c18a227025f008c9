//! What needs a person.

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::reviews;
use crate::db::{DbConn, Numbered, WriteTx};
use crate::error::Error;
use crate::events::{self, Kind, New};
use crate::ids::SiteId;
use crate::ledger::PlayerId;

/// One thing that needs a person. Kinds are stable words for programs; notes are sentences for people.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reviews, treat_none_as_default_value = false)]
pub struct Review {
    /// Its number.
    pub id: i64,
    /// What it is about: `unknown_order`, `payout_unknown`, `amount_differs`, …
    pub kind: String,
    /// The site.
    pub site_id: i64,
    /// The order, when there is one.
    pub external_id: Option<String>,
    /// The notification that caused it, when one did.
    pub webhook_id: Option<i64>,
    /// What happened, for people.
    pub note: String,
    /// When it was opened.
    pub opened_at: Micros,
    /// When it was closed.
    pub closed_at: Option<Micros>,
    /// By whom.
    pub closed_by: Option<String>,
    /// Why.
    pub close_reason: Option<String>,
}

/// What a new review is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// A stable word for programs.
    pub kind: &'static str,
    /// The site.
    pub site: SiteId,
    /// The player it concerns.
    pub player: Option<PlayerId>,
    /// The order.
    pub external_id: Option<&'a str>,
    /// The notification that caused it.
    pub webhook_id: Option<i64>,
    /// A sentence for people.
    pub note: &'a str,
}

/// Opens a review, and says so in the log.
///
/// # Errors
///
/// What the database says.
pub fn open(tx: &mut WriteTx<'_>, about: About<'_>, at: Micros) -> Result<i64, Error> {
    let row = Review {
        id: tx.next_number(Numbered::Reviews)?,
        kind: about.kind.to_owned(),
        site_id: about.site.0,
        external_id: about.external_id.map(str::to_owned),
        webhook_id: about.webhook_id,
        note: about.note.to_owned(),
        opened_at: at,
        closed_at: None,
        closed_by: None,
        close_reason: None,
    };
    diesel::insert_into(reviews::table).values(&row).execute(tx.conn()?)?;
    let opened = New {
        kind: Kind::ReviewOpened,
        site: about.site,
        player: about.player,
        external_id: about.external_id,
        standing: None,
        amount: None,
        reason: about.kind,
    };
    events::emit(tx, opened, at)?;
    log::warn!("review {} opened: {}: {}", row.id, row.kind, row.note);
    Ok(row.id)
}

/// Closes a review with a reason.
///
/// # Errors
///
/// `NotFound`, or `Conflict` when it is closed already.
pub fn close(tx: &mut WriteTx<'_>, id: i64, actor: &str, reason: &str, at: Micros) -> Result<Review, Error> {
    let found: Option<Review> = reviews::table.find(id).select(Review::as_select()).first(tx.read()?).optional()?;
    let review = found.ok_or(Error::NotFound("review"))?;
    let closed = || Error::Conflict("the review is closed already".into());
    if review.closed_at.is_some() {
        return Err(closed());
    }
    let set =
        (reviews::closed_at.eq(Some(at)), reviews::closed_by.eq(Some(actor)), reviews::close_reason.eq(Some(reason)));
    let open = reviews::table.find(id).filter(reviews::closed_at.is_null());
    if diesel::update(open).set(set).execute(tx.conn()?)? != 1 {
        return Err(closed());
    }
    let (closed_by, close_reason) = (Some(actor.to_owned()), Some(reason.to_owned()));
    Ok(Review { closed_at: Some(at), closed_by, close_reason, ..review })
}

/// Reviews after the one numbered `after`, oldest first; only open ones unless `closed` says otherwise.
///
/// # Errors
///
/// What the database says.
pub fn list(conn: &mut DbConn, closed: Option<bool>, after: i64, limit: i64) -> QueryResult<Vec<Review>> {
    let mut query = reviews::table.filter(reviews::id.gt(after)).order(reviews::id).limit(limit).into_boxed();
    query = match closed {
        Some(true) => query.filter(reviews::closed_at.is_not_null()),
        Some(false) => query.filter(reviews::closed_at.is_null()),
        None => query,
    };
    query.select(Review::as_select()).load(conn)
}

/// Every review of an order, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, external_id: &str) -> QueryResult<Vec<Review>> {
    reviews::table
        .filter(reviews::external_id.eq(external_id))
        .order(reviews::id)
        .select(Review::as_select())
        .load(conn)
}
