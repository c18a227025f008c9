//! Protection of players: limits of their own, self-exclusion and cool-off. They block deposits, never payouts; they get stricter at
//! once, and milder only after a time. Every change is kept as evidence.

pub mod exclusion;
pub mod own_limits;

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::protection_log;
use crate::db::{DbConn, Numbered, WriteTx};
use crate::deposits;
use crate::error::Error;
use crate::ledger::PlayerId;
use crate::limits::{self, Period};
use crate::money::Money;
use crate::players::Known;
use crate::settings::Site;

/// Whether a deposit fits into the day, the week and the month, by the site's limits and by the player's own.
///
/// # Errors
///
/// `AboveMaximum`, or what the database says.
pub fn check_deposit(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: &Known,
    amount: Money,
    at: Micros,
) -> Result<(), Error> {
    let (of_site, currency) = (site.limits(amount.currency()), amount.currency());
    let own = if player.limited { own_limits::of(tx.read()?, player.id)? } else { Vec::new() };
    for period in Period::all() {
        let own = own.iter().find(|limit| limit.currency == currency.code() && limit.period == period);
        let most = [limits::deposit_max(&of_site, period), own.and_then(|limit| limit.in_force(at))];
        let Some(most) = most.into_iter().flatten().min() else { continue };
        let so_far = deposits::asked_since(tx.read()?, player.id, currency, period.start(at), at)?;
        limits::fits(Some(most), so_far, amount.minor())?;
    }
    Ok(())
}

/// One change of a player's protection.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = protection_log, treat_none_as_default_value = false)]
pub struct LogRow {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub player_id: i64,
    /// What was done: `limit`, `cool_off`, `self_exclusion`.
    pub act: String,
    /// In words.
    pub detail: String,
    /// When.
    pub at: Micros,
}

/// The newest changes of a player's protection, newest first.
///
/// # Errors
///
/// What the database says.
pub fn history(conn: &mut DbConn, player: PlayerId, most: i64) -> QueryResult<Vec<LogRow>> {
    protection_log::table
        .filter(protection_log::player_id.eq(player.0))
        .order(protection_log::id.desc())
        .limit(most)
        .select(LogRow::as_select())
        .load(conn)
}

fn note(tx: &mut WriteTx<'_>, player: PlayerId, act: &str, detail: String, at: Micros) -> QueryResult<()> {
    let id = tx.next_number(Numbered::ProtectionLog)?;
    let row = LogRow { id, player_id: player.0, act: act.to_owned(), detail, at };
    diesel::insert_into(protection_log::table).values(row).execute(tx.conn()?).map(|_| ())
}
