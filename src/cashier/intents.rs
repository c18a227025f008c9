//! Deposits that a player has begun here and the Cashier has not asked about yet. Its question takes the newest one over that it fits: the
//! order goes on under the id it has, and the row goes. What nobody asks about in a day is ended.

use std::collections::{BTreeMap, HashSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::question::method_of;
use crate::clock::{DAY_MICROS, Micros};
use crate::db::schema::{cashier_requests, deposit_intents, deposits, inquiries};
use crate::db::{DbConn, Memory, WriteTx};
use crate::error::Error;
use crate::ids::ExternalId;
use crate::ledger::PlayerId;
use crate::orders::{RAIL, Status};
use crate::providers::Question;
use crate::settings::Site;

/// How old a beginning may be to be taken over. Shorter, and a player who went to fetch a card gets a second order; longer, and what was
/// given up long ago is mistaken for what is asked now.
const OLDEST: Micros = DAY_MICROS;

/// How long what went straight to its provider waits for the provider's word. Longer than any provider lets a deposit live; one that is paid
/// after it is credited all the same (threats LIF-5).
const OLDEST_DIRECT: Micros = 8 * DAY_MICROS;

/// Players remembered at most; more are forgotten all at once and read again.
const REMEMBERED: usize = 100_000;

/// A deposit that waits for the Cashier's question.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = deposit_intents, treat_none_as_default_value = false)]
pub struct Intent {
    /// Whose.
    pub player_id: i64,
    /// The order.
    pub external_id: String,
    /// Through whom.
    pub provider: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was begun.
    pub created_at: Micros,
}

/// Writes a beginning down.
///
/// # Errors
///
/// What the database says.
pub fn add(tx: &mut WriteTx<'_>, intent: &Intent) -> QueryResult<()> {
    diesel::insert_into(deposit_intents::table).values(intent).execute(tx.conn()?)?;
    if let Some(players) = &mut tx.memory::<Begun>().0.players {
        players.insert(intent.player_id);
    }
    Ok(())
}

/// Players who may have begun something: nearly all questions are about others, and they are answered without a look-up. Who is in it
/// wrongly costs one; so nobody is taken out, and a rollback changes nothing.
#[derive(Default)]
struct Begun {
    players: Option<HashSet<i64>>,
}

impl Memory for Begun {
    fn order(&self) -> u8 {
        50
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {
        if self.players.as_ref().is_some_and(|players| players.len() > REMEMBERED) {
            self.players = None;
        }
    }

    fn rolled_back(&mut self) {}
}

/// Looks up which players of a batch have begun something: the only ones it asks about.
///
/// # Errors
///
/// What the database says.
pub fn warm(tx: &mut WriteTx<'_>, players: &[PlayerId]) -> QueryResult<()> {
    let (begun, conn) = tx.memory::<Begun>();
    let ids: Vec<i64> = players.iter().map(|player| player.0).collect();
    let rows = deposit_intents::table.filter(deposit_intents::player_id.eq_any(ids));
    let have: Vec<i64> = rows.select(deposit_intents::player_id).distinct().load(conn)?;
    begun.players = Some(have.into_iter().collect());
    Ok(())
}

/// Whether a player may have begun a deposit. Rows of this table never wait to be written.
fn may_have_begun(tx: &mut WriteTx<'_>, player: PlayerId) -> QueryResult<bool> {
    let (begun, conn) = tx.memory::<Begun>();
    let players = match &mut begun.players {
        Some(players) => players,
        None => {
            let all: Vec<i64> = deposit_intents::table.select(deposit_intents::player_id).distinct().load(conn)?;
            begun.players.insert(all.into_iter().collect())
        }
    };
    Ok(players.contains(&player.0))
}

/// The beginning that a question takes over, if there is one whose order is open: of equal amount, by the method that the question names
/// before others, and the newest, for whoever begins again has given up what they began before. Rows of this table never wait to be
/// written, and neither do their orders, so this is one look-up in the index and flushes nothing.
///
/// # Errors
///
/// What the database says.
pub fn find(
    tx: &mut WriteTx<'_>,
    player: PlayerId,
    provider: &str,
    site: &Site,
    question: &Question,
    at: Micros,
) -> QueryResult<Option<Intent>> {
    if !may_have_begun(tx, player)? {
        return Ok(None);
    }
    let amount = question.amount;
    let fitting: Vec<(Intent, String, String)> = deposit_intents::table
        .inner_join(cashier_requests::table.on(cashier_requests::external_id.eq(deposit_intents::external_id)))
        .inner_join(deposits::table.on(deposits::external_id.eq(deposit_intents::external_id)))
        .filter(deposits::status.eq_any([Status::Created.code(), Status::PendingPayment.code()]))
        .filter(deposits::transaction_id.is_null())
        .filter(deposit_intents::player_id.eq(player.0))
        .filter(deposit_intents::provider.eq(provider))
        .filter(deposit_intents::amount.eq(amount.minor()))
        .filter(deposit_intents::currency.eq(amount.currency().code()))
        .filter(deposit_intents::created_at.gt(at - OLDEST))
        .order(deposit_intents::external_id.desc())
        .select((Intent::as_select(), cashier_requests::method, deposits::details))
        .load(tx.written())?;
    // What goes host to host has no page of the Cashier's behind it that could ask.
    let fitting: Vec<(Intent, String)> =
        fitting.into_iter().filter(|(_, _, details)| !has_a_rail(details)).map(|(one, name, _)| (one, name)).collect();
    let named = method_of(site, question).map(|method| method.name.as_str());
    let has_a_group =
        |name: &str| site.methods.iter().any(|method| method.name == name && method.payment_group_id.is_some());
    let by_method = fitting.iter().find(|(_, method)| Some(method.as_str()) == named);
    // What was begun by a method that the question would have named is about something else.
    let by_nothing = || fitting.iter().find(|(_, method)| named.is_none() || !has_a_group(method));
    Ok(by_method.or_else(by_nothing).map(|(intent, _)| intent.clone()))
}

/// Whether an order was begun by a method on the provider's wire. Damaged details have none; whoever takes the order over says so.
fn has_a_rail(details: &str) -> bool {
    serde_json::from_str::<BTreeMap<String, serde_json::Value>>(details).is_ok_and(|details| details.contains_key(RAIL))
}

/// How many beginnings of a player could be taken over.
///
/// # Errors
///
/// What the database says.
pub fn open_of_player(tx: &mut WriteTx<'_>, player: i64, at: Micros) -> QueryResult<i64> {
    deposit_intents::table
        .filter(deposit_intents::player_id.eq(player))
        .filter(deposit_intents::created_at.gt(at - OLDEST))
        .count()
        .get_result(tx.written())
}

/// The oldest of those that are too old to be taken over.
///
/// # Errors
///
/// What the database says.
pub fn expired(conn: &mut DbConn, at: Micros, most: i64) -> QueryResult<Vec<Intent>> {
    let direct = inquiries::table.filter(inquiries::external_id.eq(deposit_intents::external_id));
    deposit_intents::table
        .filter(deposit_intents::created_at.le(at - OLDEST))
        .filter(not(exists(direct)).or(deposit_intents::created_at.le(at - OLDEST_DIRECT)))
        .order(deposit_intents::created_at)
        .limit(most)
        .select(Intent::as_select())
        .load(conn)
}

/// Lets a beginning go on as the order that the question is about.
///
/// # Errors
///
/// `Internal` when the order is not open, or what the database says.
pub fn take_over(tx: &mut WriteTx<'_>, intent: &Intent, question: &Question, at: Micros) -> Result<ExternalId, Error> {
    let id = ExternalId::parse(&intent.external_id)?;
    let open = [Status::Created.code(), Status::PendingPayment.code()];
    let row = deposits::table.find(id.as_str()).filter(deposits::status.eq_any(open));
    let own: Option<String> = row.select(deposits::details).first(tx.read()?).optional()?;
    let broken = || Error::Internal(format!("deposit {id} was begun and is not open"));
    let details = with_question(&own.ok_or_else(broken)?, question)?;
    let set = (
        deposits::transaction_id.eq(&question.transaction_id),
        deposits::details.eq(details),
        // Limits count a deposit in the period in which it was checked.
        deposits::created_at.eq(at),
        deposits::updated_at.eq(at),
    );
    let row = deposits::table.find(id.as_str()).filter(deposits::transaction_id.is_null());
    if diesel::update(row).set(set).execute(tx.conn()?)? != 1 {
        return Err(broken());
    }
    remove(tx, intent.player_id, &intent.external_id)?;
    Ok(id)
}

/// What was known of the order, and what the question adds.
fn with_question(own: &str, question: &Question) -> Result<String, Error> {
    let damaged = |_| Error::Internal("the details of a deposit are damaged".into());
    let mut details: BTreeMap<String, String> = serde_json::from_str(own).map_err(damaged)?;
    details.extend(question.details.iter().cloned());
    serde_json::to_string(&details).map_err(damaged)
}

/// Takes a beginning away: it goes on as an order of the Cashier's, or has failed. Says whether it was there.
///
/// # Errors
///
/// What the database says.
pub fn remove(tx: &mut WriteTx<'_>, player: i64, external_id: &str) -> QueryResult<bool> {
    let row = deposit_intents::table.find((player, external_id));
    Ok(diesel::delete(row).execute(tx.conn()?)? == 1)
}
