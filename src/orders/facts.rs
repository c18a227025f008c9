//! What a provider told us of an order: its own ids, receipts, and what else is needed to ask about it later.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::db::schema::order_facts;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::providers::Texts;
use crate::providers::purse::mask;

/// The longest fact in characters; longer ones are cut, for nothing hangs on them.
const LONGEST: usize = 2048;

/// The most facts of one order.
const MOST: usize = 64;

/// What is known of an order; empty when nothing is.
///
/// # Errors
///
/// `Internal`: the row is damaged.
pub fn of_order(conn: &mut DbConn, external_id: &str) -> Result<Texts, Error> {
    let row: Option<String> = order_facts::table.find(external_id).select(order_facts::facts).first(conn).optional()?;
    let damaged = |_| Error::Internal(format!("facts of order {external_id}"));
    row.map_or_else(|| Ok(BTreeMap::new()), |text| serde_json::from_str(&text).map_err(damaged))
}

/// Adds what was told now; a newer fact takes the place of an older one of the same name. Card numbers are masked.
///
/// # Errors
///
/// What the database says.
pub fn add(tx: &mut WriteTx<'_>, external_id: &str, told: &Texts) -> Result<(), Error> {
    if told.is_empty() {
        return Ok(());
    }
    let before = of_order(tx.read()?, external_id)?;
    let mut facts = before.clone();
    for (name, text) in told {
        let is_id = name.ends_with("_id") && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        // A provider's own id may look like a card's number; it is asked about by it.
        let cut: String = if is_id { text.into() } else { mask(text) }.chars().take(LONGEST).collect();
        if facts.contains_key(name) || facts.len() < MOST {
            facts.insert(name.clone(), cut);
        }
    }
    if facts == before {
        return Ok(());
    }
    let text = serde_json::to_string(&facts).map_err(|error| Error::Internal(error.to_string()))?;
    if before.is_empty() {
        let row = (order_facts::external_id.eq(external_id), order_facts::facts.eq(text));
        diesel::insert_into(order_facts::table).values(row).execute(tx.conn()?)?;
    } else {
        diesel::update(order_facts::table.find(external_id)).set(order_facts::facts.eq(text)).execute(tx.conn()?)?;
    }
    Ok(())
}
