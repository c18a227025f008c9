//! A player's own deposit limits: lower at once, higher or none only after the cooling period.

use diesel::prelude::*;

use crate::clock::{Micros, rfc3339};
use crate::db::schema::player_limits;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::ids::Player;
use crate::ledger::PlayerId;
use crate::limits::Period;
use crate::money::Currency;
use crate::players;

/// An hour in microseconds.
const HOUR: Micros = 3_600_000_000;

/// What a player may deposit in a currency within a period, now and later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// ISO 4217.
    pub currency: String,
    /// Over which time.
    pub period: Period,
    /// Minor units; `None`: none in force.
    pub amount: Option<i64>,
    /// What takes its place, and when.
    pub next: Option<(Option<i64>, Micros)>,
}

impl Limit {
    /// What holds at a moment: what was to come may have come.
    pub fn in_force(&self, at: Micros) -> Option<i64> {
        match self.next {
            Some((next, from)) if from <= at => next,
            Some(_) | None => self.amount,
        }
    }

    /// What is still to come.
    pub fn to_come(&self, at: Micros) -> Option<(Option<i64>, Micros)> {
        self.next.filter(|(_, from)| at < *from)
    }

    /// The limit after `wanted` was asked for. `None` is no limit, the mildest of all. A wish that goes no further than one that waits
    /// already does not wait longer than that one.
    pub fn changed(&self, wanted: Option<i64>, cooling: Micros, at: Micros) -> Self {
        let now = self.in_force(at);
        let (amount, next) = if is_milder(wanted, now) {
            let cooled = at.saturating_add(cooling);
            let waited = self.to_come(at).filter(|(next, _)| !is_milder(wanted, *next)).map(|(_, from)| from);
            (now, Some((wanted, waited.map_or(cooled, |from| from.min(cooled)))))
        } else {
            (wanted, None)
        };
        Self { amount, next, ..self.clone() }
    }
}

/// Whether a limit lets more through than another.
fn is_milder(limit: Option<i64>, than: Option<i64>) -> bool {
    match (limit, than) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(limit), Some(than)) => limit > than,
    }
}

/// Every limit a player has or had.
///
/// # Errors
///
/// What the database says.
pub fn of(conn: &mut DbConn, player: PlayerId) -> Result<Vec<Limit>, Error> {
    let rows: Vec<LimitRow> = player_limits::table
        .filter(player_limits::player_id.eq(player.0))
        .order((player_limits::currency, player_limits::period))
        .select(LimitRow::as_select())
        .load(conn)?;
    rows.into_iter().map(Limit::try_from).collect()
}

/// Changes a player's limit, as far as that is possible now.
///
/// # Errors
///
/// `UnknownPlayer`, or what the database says.
pub fn set(
    tx: &mut WriteTx<'_>,
    player: &Player,
    (currency, period): (Currency, Period),
    wanted: Option<i64>,
    cooling_hours: i64,
    at: Micros,
) -> Result<Limit, Error> {
    let row = players::read(tx.read()?, player)?.ok_or(Error::UnknownPlayer)?;
    let id = PlayerId(row.id);
    let known = of(tx.read()?, id)?;
    let known = known.into_iter().find(|limit| limit.currency == currency.code() && limit.period == period);
    let is_new = known.is_none();
    let none = || Limit { currency: currency.code().to_owned(), period, amount: None, next: None };
    let before = known.unwrap_or_else(none);
    let after = before.changed(wanted, cooling_hours.saturating_mul(HOUR), at);
    if after == before {
        return Ok(before);
    }
    let stored = LimitRow {
        player_id: id.0,
        currency: after.currency.clone(),
        period: period.name().to_owned(),
        amount: after.amount,
        next_amount: after.next.and_then(|(amount, _)| amount),
        next_at: after.next.map(|(_, from)| from),
        updated_at: at,
    };
    let conn = tx.conn()?;
    if is_new {
        diesel::insert_into(player_limits::table).values(&stored).execute(conn)?;
    } else {
        let place = player_limits::table.find((id.0, currency.code(), period.name()));
        diesel::update(place).set(&stored).execute(conn)?;
    }
    super::note(tx, id, "limit", in_words(&after), at)?;
    if !row.limited {
        players::protect(tx, player, row.excluded_until, true, at)?;
    }
    Ok(after)
}

fn in_words(limit: &Limit) -> String {
    let amount = |amount: Option<i64>| amount.map_or("none".to_owned(), |minor| minor.to_string());
    let now = format!("{} a {}: {}", limit.currency, limit.period.name(), amount(limit.amount));
    match limit.next {
        Some((next, from)) => format!("{now}; {} from {}", amount(next), rfc3339(from)),
        None => now,
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = player_limits, treat_none_as_default_value = false, treat_none_as_null = true)]
struct LimitRow {
    player_id: i64,
    currency: String,
    period: String,
    amount: Option<i64>,
    next_amount: Option<i64>,
    next_at: Option<Micros>,
    updated_at: Micros,
}

impl TryFrom<LimitRow> for Limit {
    type Error = Error;

    fn try_from(row: LimitRow) -> Result<Self, Error> {
        let damaged = || Error::Internal(format!("a limit of player {}", row.player_id));
        let period = Period::from_name(&row.period).ok_or_else(damaged)?;
        let next = row.next_at.map(|from| (row.next_amount, from));
        Ok(Self { currency: row.currency, period, amount: row.amount, next })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(amount: Option<i64>, next: Option<(Option<i64>, Micros)>) -> Limit {
        Limit { currency: "USD".into(), period: Period::Day, amount, next }
    }

    #[test]
    fn lower_holds_at_once_and_higher_only_after_the_cooling_period() {
        let at = 1_000;
        assert_eq!(limit(None, None).changed(Some(50), 10, at), limit(Some(50), None));
        assert_eq!(limit(Some(50), None).changed(Some(40), 10, at), limit(Some(40), None));
        assert_eq!(limit(Some(50), None).changed(Some(60), 10, at), limit(Some(50), Some((Some(60), 1_010))));
        assert_eq!(limit(Some(50), None).changed(None, 10, at), limit(Some(50), Some((None, 1_010))));
        let raised = limit(Some(50), Some((Some(60), 1_010)));
        assert_eq!((raised.in_force(1_009), raised.in_force(1_010)), (Some(50), Some(60)));
        assert_eq!(raised.changed(Some(60), 10, 1_005), raised, "asking again does not begin again");
        assert_eq!(raised.changed(Some(55), 10, 1_005), limit(Some(50), Some((Some(55), 1_010))));
        assert_eq!(raised.changed(Some(70), 10, 1_005), limit(Some(50), Some((Some(70), 1_015))));
        assert_eq!(raised.changed(Some(50), 10, at), limit(Some(50), None), "the wish is taken back");
        assert_eq!(raised.changed(Some(55), 10, 2_000), limit(Some(55), None), "lower than what has come into force");
    }

    fn a_limit() -> impl Strategy<Value = Limit> {
        let amount = || proptest::option::of(0..100_i64);
        (amount(), proptest::option::of((amount(), 0..100_i64))).prop_map(|(amount, next)| limit(amount, next))
    }

    proptest! {
        #[test]
        fn no_wish_makes_it_milder_before_the_cooling_period_is_over(
            before in a_limit(), wanted in proptest::option::of(0..100_i64), at in 0..100_i64, later in 0..50_i64,
        ) {
            let mild = |amount: Option<i64>| amount.unwrap_or(i64::MAX);
            let after = before.changed(wanted, 50, at);

            let was = mild(before.in_force(at)).max(mild(before.in_force(at + later)));
            prop_assert!(mild(after.in_force(at + later)) <= was);
            prop_assert_eq!(after.in_force(at + 50), wanted);
        }
    }
}
