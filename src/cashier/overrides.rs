//! Exceptions for one player: a method allowed besides the settings, or denied against them. Set by the game server.

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::method_overrides;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::money::Currency;

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The method it is about.
    pub method: String,
    /// For this currency only; `None`: for any.
    pub currency: Option<Currency>,
    /// Allowed, or denied.
    pub allow: bool,
    /// In the place of the method's smallest deposit, minor units.
    pub min_amount: Option<i64>,
    /// In the place of the method's largest deposit, minor units.
    pub max_amount: Option<i64>,
    /// Why, in the words of whoever set it.
    pub reason: String,
    /// Until when it counts; `None`: for good.
    pub expires_at: Option<Micros>,
    /// When it was set.
    pub updated_at: Micros,
}

impl Override {
    /// Whether it is about this method in this currency.
    pub fn concerns(&self, method: &str, currency: Currency) -> bool {
        self.method == method && self.currency.is_none_or(|own| own == currency)
    }

    /// Whether it counts at this moment.
    pub fn is_active(&self, at: Micros) -> bool {
        self.expires_at.is_none_or(|end| at < end)
    }
}

/// One exception denies the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied;

/// The exception that counts for a method in a currency, if there is one. One for this currency says more than one for any.
///
/// # Errors
///
/// Any that denies beats all that allow.
pub fn in_force<'a>(
    all: &'a [Override],
    method: &str,
    currency: Currency,
    at: Micros,
) -> Result<Option<&'a Override>, Denied> {
    let mut concerning = all.iter().filter(|one| one.concerns(method, currency) && one.is_active(at));
    if concerning.clone().any(|one| !one.allow) {
        return Err(Denied);
    }
    let exact = concerning.clone().find(|one| one.currency.is_some());
    Ok(exact.or_else(|| concerning.next()))
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = method_overrides, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Stored {
    player_id: i64,
    method: String,
    currency: String,
    allow: bool,
    min_amount: Option<i64>,
    max_amount: Option<i64>,
    reason: String,
    expires_at: Option<Micros>,
    updated_at: Micros,
}

impl Stored {
    fn of(player: i64, one: &Override) -> Self {
        Self {
            player_id: player,
            method: one.method.clone(),
            currency: code(one.currency),
            allow: one.allow,
            min_amount: one.min_amount,
            max_amount: one.max_amount,
            reason: one.reason.clone(),
            expires_at: one.expires_at,
            updated_at: one.updated_at,
        }
    }

    fn read(self) -> Result<Override, Error> {
        let currency = if self.currency.is_empty() { None } else { Some(Currency::parse(&self.currency)?) };
        Ok(Override {
            method: self.method,
            currency,
            allow: self.allow,
            min_amount: self.min_amount,
            max_amount: self.max_amount,
            reason: self.reason,
            expires_at: self.expires_at,
            updated_at: self.updated_at,
        })
    }
}

/// In the table, any currency is the empty text: part of a key cannot be absent.
fn code(currency: Option<Currency>) -> String {
    currency.map(|currency| currency.code().to_owned()).unwrap_or_default()
}

/// Sets an exception in the place of an earlier one for the same method and currency. Says whether it is new.
///
/// # Errors
///
/// What the database says.
pub fn put(tx: &mut WriteTx<'_>, player: i64, one: &Override) -> Result<bool, Error> {
    let stored = Stored::of(player, one);
    let row = method_overrides::table.find((player, &one.method, &stored.currency));
    if diesel::update(row).set(&stored).execute(tx.conn()?)? == 1 {
        return Ok(false);
    }
    diesel::insert_into(method_overrides::table).values(&stored).execute(tx.conn()?)?;
    Ok(true)
}

/// Takes the exceptions for a method away; with a currency only the one for it. Says how many there were.
///
/// # Errors
///
/// What the database says.
pub fn remove(tx: &mut WriteTx<'_>, player: i64, method: &str, currency: Option<Currency>) -> Result<usize, Error> {
    let of_method = method_overrides::table
        .filter(method_overrides::player_id.eq(player))
        .filter(method_overrides::method.eq(method));
    let conn = tx.conn()?;
    Ok(match currency {
        Some(currency) => {
            diesel::delete(of_method.filter(method_overrides::currency.eq(currency.code()))).execute(conn)?
        }
        None => diesel::delete(of_method).execute(conn)?,
    })
}

/// Every exception for a player, those that have expired too, by method and currency.
///
/// # Errors
///
/// What the database says, or that a row is damaged.
pub fn of_player(conn: &mut DbConn, player: i64) -> Result<Vec<Override>, Error> {
    let rows: Vec<Stored> = method_overrides::table
        .filter(method_overrides::player_id.eq(player))
        .order((method_overrides::method, method_overrides::currency))
        .select(Stored::as_select())
        .load(conn)?;
    rows.into_iter().map(Stored::read).collect()
}
