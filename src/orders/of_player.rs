//! Which orders a player has.
//!
//! The indexes that know are written in shelves of three days: the orders whose ids begin with the same five digits
//! (migration `orders_of_players`). Only the newest shelf is written to, so an order changes a page of what three days brought and not of all
//! that was ever asked; and whoever looks goes from shelf to shelf, a hundred and twenty of them in a year.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::{DbConn, Fixed, Gives, Value, at_home};
use crate::ledger::PlayerId;

/// Digits of an id that name its shelf. The migration has the same number: of the 48 bits of milliseconds with which an id begins they are
/// the first 20, and count steps of 2²⁸ ms.
const SHELF: usize = 5;

/// Orders looked up by their ids at once, wherever ids from here are followed.
pub const PAGE: usize = 500;

/// Asks the index itself which shelf comes next, so that a gap of years costs nothing.
macro_rules! from_shelf_to_shelf {
    ($table:literal) => {
        &[
            concat!(
                "WITH RECURSIVE shelf (name) AS (SELECT (SELECT substr(external_id, 1, 5) FROM ",
                $table,
                " WHERE substr(external_id, 1, 5) >= "
            ),
            concat!(
                " ORDER BY substr(external_id, 1, 5) LIMIT 1) UNION ALL SELECT (SELECT substr(external_id, 1, 5) FROM ",
                $table,
                " WHERE substr(external_id, 1, 5) > shelf.name ORDER BY substr(external_id, 1, 5) LIMIT 1)",
                " FROM shelf WHERE shelf.name IS NOT NULL) SELECT external_id FROM shelf CROSS JOIN ",
                $table,
                " WHERE substr(external_id, 1, 5) = shelf.name AND external_id >= "
            ),
            " AND player_id = ",
        ]
    };
}

struct Asking<Orders>(PhantomData<Orders>);
struct Deposits;
struct Payouts;

impl<Orders> Gives for Asking<Orders> {
    type Row = Text;
}

/// The ids of a player's deposits from this one on, in order. Ids begin with their time ([`crate::ids::lowest_at`]).
///
/// # Errors
///
/// What the database says.
pub fn deposits(conn: &mut DbConn, player: PlayerId, from: &str) -> QueryResult<Vec<String>> {
    asking::<Deposits>(conn, from_shelf_to_shelf!("deposits"), player, from)
}

/// The ids of a player's payouts from this one on, in order.
///
/// # Errors
///
/// What the database says.
pub fn payouts(conn: &mut DbConn, player: PlayerId, from: &str) -> QueryResult<Vec<String>> {
    asking::<Payouts>(conn, from_shelf_to_shelf!("payouts"), player, from)
}

fn asking<Orders: 'static>(
    conn: &mut DbConn,
    text: &'static [&'static str],
    player: PlayerId,
    from: &str,
) -> QueryResult<Vec<String>> {
    let shelf = from.get(..SHELF).unwrap_or("");
    let values = [Value::Text(shelf), Value::Text(from), Value::Number(player.0)];
    let ids = Fixed::<Asking<Orders>>::new(text, &values);
    let mut ids: Vec<String> = at_home!(conn, |conn| ids.load(conn))?;
    ids.sort_unstable();
    Ok(ids)
}
