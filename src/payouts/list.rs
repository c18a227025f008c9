//! Lists of payouts for people: oldest first, with the login of the player.

use diesel::prelude::*;

use super::{Payout, Stage};
use crate::db::DbConn;
use crate::db::schema::{payouts, players};
use crate::orders::filter::Filter;
use crate::orders::of_player;

/// A payout and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The row.
    pub order: Payout,
    /// The player's login on the site.
    pub login: String,
}

/// Payouts that pass the filter and, when it is given, are at this stage.
///
/// # Errors
///
/// What the database says.
pub fn list(conn: &mut DbConn, filter: &Filter, stage: Option<Stage>) -> QueryResult<Vec<Listed>> {
    filter.list(conn, of_player::payouts, |conn, limit, ids| page(conn, filter, stage, limit, ids))
}

/// The first `limit` payouts that pass, of these ids where there are some.
fn page(
    conn: &mut DbConn,
    filter: &Filter,
    stage: Option<Stage>,
    limit: i64,
    ids: Option<&[String]>,
) -> QueryResult<Vec<Listed>> {
    let mut query = payouts::table
        .inner_join(players::table)
        .select((Payout::as_select(), players::login))
        .order(payouts::external_id)
        .limit(limit)
        .into_boxed();
    if let Some(ids) = ids {
        query = query.filter(payouts::external_id.eq_any(ids));
    }
    if let Some(after) = &filter.after {
        query = query.filter(payouts::external_id.gt(after));
    }
    if let Some(status) = filter.status {
        query = query.filter(payouts::status.eq(status.code()));
    }
    if let Some(stage) = stage {
        query = query.filter(payouts::stage.eq(stage.name()));
    }
    if let Some(site) = filter.site {
        query = query.filter(payouts::site_id.eq(site.0));
    }
    let rows: Vec<(Payout, String)> = query.load(conn)?;
    Ok(rows.into_iter().map(|(order, login)| Listed { order, login }).collect())
}

/// One payout with the login of its player.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Listed>> {
    let row: Option<(Payout, String)> = payouts::table
        .inner_join(players::table)
        .filter(payouts::external_id.eq(external_id))
        .select((Payout::as_select(), players::login))
        .first(conn)
        .optional()?;
    Ok(row.map(|(order, login)| Listed { order, login }))
}
