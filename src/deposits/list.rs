//! Lists of deposits for people: oldest first, with the login of the player.

use diesel::prelude::*;

use super::Deposit;
use crate::db::DbConn;
use crate::db::schema::{deposits, players};
use crate::orders::filter::Filter;
use crate::orders::of_player;

/// A deposit and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The row.
    pub order: Deposit,
    /// The player's login on the site.
    pub login: String,
}

/// Deposits that pass the filter.
///
/// # Errors
///
/// What the database says.
pub fn list(conn: &mut DbConn, filter: &Filter) -> QueryResult<Vec<Listed>> {
    filter.list(conn, of_player::deposits, |conn, limit, ids| page(conn, filter, limit, ids))
}

/// The first `limit` deposits that pass, of these ids where there are some.
fn page(conn: &mut DbConn, filter: &Filter, limit: i64, ids: Option<&[String]>) -> QueryResult<Vec<Listed>> {
    let mut query = deposits::table
        .inner_join(players::table)
        .select((Deposit::as_select(), players::login))
        .order(deposits::external_id)
        .limit(limit)
        .into_boxed();
    if let Some(ids) = ids {
        query = query.filter(deposits::external_id.eq_any(ids));
    }
    if let Some(after) = &filter.after {
        query = query.filter(deposits::external_id.gt(after));
    }
    if let Some(status) = filter.status {
        query = query.filter(deposits::status.eq(status.code()));
    }
    if let Some(site) = filter.site {
        query = query.filter(deposits::site_id.eq(site.0));
    }
    let rows: Vec<(Deposit, String)> = query.load(conn)?;
    Ok(rows.into_iter().map(|(order, login)| Listed { order, login }).collect())
}

/// One deposit with the login of its player.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Listed>> {
    let row: Option<(Deposit, String)> = deposits::table
        .inner_join(players::table)
        .filter(deposits::external_id.eq(external_id))
        .select((Deposit::as_select(), players::login))
        .first(conn)
        .optional()?;
    Ok(row.map(|(order, login)| Listed { order, login }))
}
