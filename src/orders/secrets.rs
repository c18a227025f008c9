//! What belongs to an order and nobody may read in the books: the details that a player gave for a payout, the bytes that went out with
//! them, where a deposit is to be paid to. Sealed as long as they are needed, then gone (threats SEC-2).

use diesel::prelude::*;

use crate::db::schema::order_secrets;
use crate::db::{DbConn, WriteTx, at_home};
use crate::error::Error;
use crate::providers::Texts;
use crate::vault::Vault;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What the player gave for a payout.
    Details,
    /// The bytes of the attempt that may have reached the provider.
    Body,
    /// Where a deposit is to be paid to.
    Requisites,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Kept::Details => "details",
            Kept::Body => "body",
            Kept::Requisites => "requisites",
        }
    }

    fn belongs_to(self, external_id: &str) -> String {
        format!("{} of {external_id}", self.name())
    }
}

/// Keeps something of an order; what was kept before under the same name goes.
///
/// # Errors
///
/// `Conflict` without a key of `[vault]`, or what the database says.
pub fn keep(tx: &mut WriteTx<'_>, vault: &Vault, external_id: &str, what: Kept, text: &[u8]) -> Result<(), Error> {
    let sealed = vault.seal(&what.belongs_to(external_id), text)?;
    let conn = tx.conn()?;
    diesel::delete(order_secrets::table.find((external_id, what.name()))).execute(conn)?;
    let row = (
        order_secrets::external_id.eq(external_id),
        order_secrets::name.eq(what.name()),
        order_secrets::sealed.eq(sealed),
    );
    diesel::insert_into(order_secrets::table).values(row).execute(conn)?;
    Ok(())
}

/// What was kept of an order; `None`: nothing.
///
/// # Errors
///
/// `Internal` when no key opens it.
pub fn open(conn: &mut DbConn, vault: &Vault, external_id: &str, what: Kept) -> Result<Option<Vec<u8>>, Error> {
    let row = order_secrets::table.find((external_id, what.name()));
    let sealed: Option<Vec<u8>> = row.select(order_secrets::sealed).first(conn).optional()?;
    sealed.map(|sealed| vault.open(&what.belongs_to(external_id), &sealed)).transpose()
}

/// Keeps texts by name; see [`keep`].
///
/// # Errors
///
/// As [`keep`].
pub fn keep_texts(tx: &mut WriteTx<'_>, vault: &Vault, id: &str, what: Kept, texts: &Texts) -> Result<(), Error> {
    let json = serde_json::to_vec(texts).map_err(|error| Error::Internal(error.to_string()))?;
    keep(tx, vault, id, what, &json)
}

/// Texts that were kept by name; empty when nothing was.
///
/// # Errors
///
/// As [`open`].
pub fn open_texts(conn: &mut DbConn, vault: &Vault, id: &str, what: Kept) -> Result<Texts, Error> {
    let damaged = |_| Error::Internal(format!("sealed {} of order {id}", what.name()));
    open(conn, vault, id, what)?.map_or_else(|| Ok(Texts::new()), |json| serde_json::from_slice(&json).map_err(damaged))
}

/// The order has ended: nothing of it is needed any more.
///
/// # Errors
///
/// What the database says.
pub fn forget(tx: &mut WriteTx<'_>, external_id: &str) -> QueryResult<()> {
    let rows = order_secrets::table.filter(order_secrets::external_id.eq(external_id));
    at_home!(tx.writing(), |conn| diesel::delete(rows).execute(conn)).map(|_| ())
}
