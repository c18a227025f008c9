//! Orders whose end we wait for, and when each is asked about next. A row is here from the moment an order has left us, or may have,
//! until it ends.

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::inquiries;
use crate::db::{DbConn, WriteTx};
use crate::ids::SiteId;

/// An order whose end we wait for.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = inquiries, treat_none_as_default_value = false)]
pub struct Awaited {
    /// Our order.
    pub external_id: String,
    /// Through whom.
    pub provider: String,
    /// The site.
    pub site_id: i64,
    /// Since when we wait.
    pub since: Micros,
    /// When it is asked about, or looked at, next.
    pub due_at: Micros,
    /// How often it was asked about.
    pub asked: i64,
    /// When it was asked about last.
    pub last_asked_at: Option<Micros>,
    /// What the last answer was, for people.
    pub last_answer: String,
    /// The provider's id of what changed, as a hint named it.
    pub about: Option<String>,
    /// Whether people were told that its notification is missing.
    pub alarmed: bool,
}

/// Waits for the end of an order from now on; one that is waited for already stays as it is.
///
/// # Errors
///
/// What the database says.
pub fn add(tx: &mut WriteTx<'_>, external_id: &str, provider: &str, site: SiteId, at: Micros) -> QueryResult<()> {
    if find(tx.read()?, external_id)?.is_some() {
        return Ok(());
    }
    let row = Awaited {
        external_id: external_id.to_owned(),
        provider: provider.to_owned(),
        site_id: site.0,
        since: at,
        due_at: at,
        asked: 0,
        last_asked_at: None,
        last_answer: String::new(),
        about: None,
        alarmed: false,
    };
    diesel::insert_into(inquiries::table).values(row).execute(tx.conn()?).map(|_| ())
}

/// The order has ended.
///
/// # Errors
///
/// What the database says.
pub fn remove(tx: &mut WriteTx<'_>, external_id: &str) -> QueryResult<()> {
    diesel::delete(inquiries::table.find(external_id)).execute(tx.conn()?).map(|_| ())
}

/// The order, when its end is waited for.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Awaited>> {
    inquiries::table.find(external_id).select(Awaited::as_select()).first(conn).optional()
}
