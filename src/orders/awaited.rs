//! Orders whose end we wait for, and when each is asked about next. A row is here from the moment an order has left us, or may have,
//! until it ends.

use diesel::prelude::*;

use crate::clock::{DAY_MICROS, Micros};
use crate::db::schema::inquiries;
use crate::db::{DbConn, WriteTx, at_home};
use crate::ids::SiteId;

/// The `due_at` of an order about which somebody says that there is something to ask: before all others, however lately it was asked about.
pub const AT_ONCE: Micros = 0;

/// Nothing is put off for longer than a day and a little. What is due later than this was written under another clock, and is due.
const FAR: Micros = 2 * DAY_MICROS;

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
    if find(tx.written(), external_id)?.is_some() {
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
    diesel::insert_into(inquiries::table).values(row).execute(tx.writing()).map(|_| ())
}

/// Somebody says that there is something to ask about an order: it is due at once. `about` takes the place of what was named before.
///
/// # Errors
///
/// What the database says.
pub fn hint(
    tx: &mut WriteTx<'_>,
    external_id: &str,
    (provider, site): (&str, SiteId),
    about: Option<&str>,
    at: Micros,
) -> QueryResult<()> {
    add(tx, external_id, provider, site, at)?;
    let row = inquiries::table.find(external_id);
    diesel::update(row).set(inquiries::due_at.eq(AT_ONCE)).execute(tx.conn()?)?;
    if about.is_some() {
        diesel::update(row).set(inquiries::about.eq(about)).execute(tx.conn()?)?;
    }
    Ok(())
}

/// Puts off an order that is due at `seen`. Says whether it still was: of several instances that see it due, one puts it off and has it.
///
/// # Errors
///
/// What the database says.
pub fn put_off(tx: &mut WriteTx<'_>, external_id: &str, seen: Micros, due_at: Micros) -> QueryResult<bool> {
    let row = inquiries::table.find(external_id).filter(inquiries::due_at.eq(seen));
    Ok(diesel::update(row).set(inquiries::due_at.eq(due_at)).execute(tx.conn()?)? == 1)
}

/// What came of a question.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The `due_at` with which it was claimed.
    pub claimed: Micros,
    /// When the answer came.
    pub at: Micros,
    /// What it was, for people.
    pub answer: &'a str,
    /// When the next question is due.
    pub due_at: Micros,
    /// Whether what a hint named is told now.
    pub told: bool,
}

/// Notes what came of a question. A hint that came meanwhile stays due: the answer may be older.
///
/// # Errors
///
/// What the database says.
pub fn answered(tx: &mut WriteTx<'_>, external_id: &str, what: Answered<'_>) -> QueryResult<()> {
    let row = inquiries::table.find(external_id);
    let set = (
        inquiries::asked.eq(inquiries::asked + 1),
        inquiries::last_asked_at.eq(Some(what.at)),
        inquiries::last_answer.eq(what.answer),
    );
    diesel::update(row).set(set).execute(tx.conn()?)?;
    if put_off(tx, external_id, what.claimed, what.due_at)? && what.told {
        diesel::update(row).set(inquiries::about.eq(None::<String>)).execute(tx.conn()?)?;
    }
    Ok(())
}

/// Notes for people why an order cannot be asked about.
///
/// # Errors
///
/// What the database says.
pub fn note(tx: &mut WriteTx<'_>, external_id: &str, answer: &str) -> QueryResult<()> {
    let set = inquiries::last_answer.eq(answer);
    diesel::update(inquiries::table.find(external_id)).set(set).execute(tx.conn()?).map(|_| ())
}

/// People are told that its notification is missing.
///
/// # Errors
///
/// What the database says.
pub fn set_alarmed(tx: &mut WriteTx<'_>, external_id: &str) -> QueryResult<()> {
    let row = inquiries::table.find(external_id);
    diesel::update(row).set(inquiries::alarmed.eq(true)).execute(tx.conn()?).map(|_| ())
}

/// The order has ended.
///
/// # Errors
///
/// What the database says.
pub fn remove(tx: &mut WriteTx<'_>, external_id: &str) -> QueryResult<()> {
    at_home!(tx.writing(), |conn| diesel::delete(inquiries::table.find(external_id)).execute(conn)).map(|_| ())
}

/// The order has ended, and what it was claimed for is told; a hint that came meanwhile stays.
///
/// # Errors
///
/// What the database says.
pub fn remove_claimed(tx: &mut WriteTx<'_>, external_id: &str, claimed: Micros) -> QueryResult<()> {
    let row = inquiries::table.find(external_id).filter(inquiries::due_at.eq(claimed));
    diesel::delete(row).execute(tx.conn()?).map(|_| ())
}

/// The order, when its end is waited for.
///
/// # Errors
///
/// What the database says.
pub fn find(conn: &mut DbConn, external_id: &str) -> QueryResult<Option<Awaited>> {
    inquiries::table.find(external_id).select(Awaited::as_select()).first(conn).optional()
}

/// The providers, each with a site, that have orders which are due.
///
/// # Errors
///
/// What the database says.
pub fn due_of(conn: &mut DbConn, now: Micros) -> QueryResult<Vec<(String, i64)>> {
    inquiries::table
        .filter(inquiries::due_at.le(now).or(inquiries::due_at.gt(now + FAR)))
        .select((inquiries::provider, inquiries::site_id))
        .distinct()
        .load(conn)
}

/// Orders of a provider and site that are due, longest waiting first.
///
/// # Errors
///
/// What the database says.
pub fn due(conn: &mut DbConn, (provider, site): (&str, i64), now: Micros, most: i64) -> QueryResult<Vec<Awaited>> {
    inquiries::table
        .filter(inquiries::due_at.le(now).or(inquiries::due_at.gt(now + FAR)))
        .filter(inquiries::provider.eq(provider))
        .filter(inquiries::site_id.eq(site))
        .order((inquiries::due_at, inquiries::external_id))
        .limit(most)
        .select(Awaited::as_select())
        .load(conn)
}

/// Every order whose end is waited for, longest waiting first.
///
/// # Errors
///
/// What the database says.
pub fn all(conn: &mut DbConn) -> QueryResult<Vec<Awaited>> {
    inquiries::table.order((inquiries::since, inquiries::external_id)).select(Awaited::as_select()).load(conn)
}

/// How many orders of each provider are waited for.
///
/// # Errors
///
/// What the database says.
pub fn counts(conn: &mut DbConn) -> QueryResult<Vec<(String, i64)>> {
    let count = diesel::dsl::count_star();
    inquiries::table.group_by(inquiries::provider).select((inquiries::provider, count)).load(conn)
}
