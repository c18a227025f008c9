//! Players: who they are and what they may do. Their money is the ledger's.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::players;
use crate::db::{DbConn, Memory, Numbered, WriteTx, at_home, next_number};
use crate::error::Error;
use crate::ids::{Login, Player, SiteId};
use crate::ledger::{self, PlayerId};

/// Profile fields a player may have, by their names on the Cashier's wire (Carouseller manual, pay-out initiation and authlink);
/// the last one is the player's id at Rebilly, where it is not the login.
pub const PROFILE_FIELDS: [&str; 20] = [
    "first_name",
    "last_name",
    "birthdate",
    "billing_phone",
    "owner_name",
    "owner_phone",
    "owner_address",
    "bank",
    "document_id",
    "user_preset_id",
    "external_value1",
    "user_name",
    "user_email",
    "user_phone",
    "user_city",
    "user_address",
    "user_postal",
    "language",
    "timezone",
    "rebilly_customer_id",
];

/// Players remembered at most; more are forgotten all at once and read again.
const REMEMBERED: usize = 100_000;

/// A player's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = players, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct PlayerRow {
    /// Our number.
    pub id: i64,
    /// The site.
    pub site_id: i64,
    /// The login there.
    pub login: String,
    /// `active`, `blocked` or `closed`.
    pub status: String,
    /// Whether deposits are allowed.
    pub deposit_allowed: bool,
    /// Whether payouts are allowed.
    pub withdrawal_allowed: bool,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Profile fields as a JSON object.
    pub profile: String,
    /// When the row was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// Until when deposits are blocked by self-exclusion or cool-off.
    pub excluded_until: Option<Micros>,
    /// Whether there are deposit limits of the player's own.
    pub limited: bool,
}

impl PlayerRow {
    /// The player by name.
    ///
    /// # Errors
    ///
    /// `Invalid`: the row is damaged.
    pub fn named(&self) -> Result<Player, Error> {
        Ok(Player { site: SiteId(self.site_id), login: Login::parse(&self.login)? })
    }

    /// The profile by field name.
    ///
    /// # Errors
    ///
    /// `Internal`: the stored profile is damaged.
    pub fn profile(&self) -> Result<BTreeMap<String, String>, Error> {
        serde_json::from_str(&self.profile).map_err(|_| Error::Internal(format!("profile of player {}", self.id)))
    }
}

/// What decisions need to know of a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Our number.
    pub id: PlayerId,
    /// Neither blocked nor closed.
    pub active: bool,
    /// Whether deposits are allowed.
    pub deposit_allowed: bool,
    /// Whether payouts are allowed.
    pub withdrawal_allowed: bool,
    /// Until when deposits are blocked by self-exclusion or cool-off.
    pub excluded_until: Option<Micros>,
    /// Whether there are deposit limits of the player's own.
    pub limited: bool,
}

impl Known {
    /// Whether deposits are blocked by self-exclusion or cool-off.
    pub fn is_excluded(&self, at: Micros) -> bool {
        self.excluded_until.is_some_and(|until| at < until)
    }
}

impl From<&PlayerRow> for Known {
    fn from(row: &PlayerRow) -> Self {
        Self {
            id: PlayerId(row.id),
            active: row.status == "active",
            deposit_allowed: row.deposit_allowed,
            withdrawal_allowed: row.withdrawal_allowed,
            excluded_until: row.excluded_until,
            limited: row.limited,
        }
    }
}

/// What to change of a player; `None` and absent fields stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// `active`, `blocked` or `closed`.
    pub status: Option<String>,
    /// Whether deposits are allowed.
    pub deposit_allowed: Option<bool>,
    /// Whether payouts are allowed.
    pub withdrawal_allowed: Option<bool>,
    /// ISO 3166-1 alpha-2; an empty text removes it.
    pub country: Option<String>,
    /// Profile fields to set; an empty text removes one.
    pub profile: BTreeMap<String, String>,
}

/// The player as the open transaction sees it.
///
/// # Errors
///
/// What the database says.
pub fn find(tx: &mut WriteTx<'_>, player: &Player) -> Result<Option<Known>, Error> {
    let (recent, conn) = tx.memory::<Recent>();
    if let Some(known) = recent.known.get(player) {
        return Ok(Some(*known));
    }
    if recent.absent.contains(player) {
        return Ok(None);
    }
    let found = read(conn, player)?;
    Ok(found.map(|row| {
        let known = Known::from(&row);
        recent.known.insert(player.clone(), known);
        known
    }))
}

/// Reads in the players of a batch whose rows are locked. A player of `named` who is not among them does not exist as far as this
/// batch knows: one who is created meanwhile is met when the row is inserted.
///
/// # Errors
///
/// What the database says.
pub fn warm(tx: &mut WriteTx<'_>, locked: &[PlayerId], named: Vec<Player>) -> Result<(), Error> {
    let (recent, conn) = tx.memory::<Recent>();
    recent.absent.extend(named);
    if locked.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = locked.iter().map(|player| player.0).collect();
    let rows: Vec<PlayerRow> =
        players::table.filter(players::id.eq_any(ids)).select(PlayerRow::as_select()).load(conn)?;
    for row in rows {
        let player = row.named()?;
        recent.absent.remove(&player);
        recent.known.insert(player, Known::from(&row));
    }
    Ok(())
}

/// Creates or changes a player. The second value says whether it was created.
///
/// # Errors
///
/// What the database says.
pub fn put(tx: &mut WriteTx<'_>, player: &Player, change: &Change, at: Micros) -> Result<(PlayerRow, bool), Error> {
    let existing = find_row(tx, player)?;
    let conn = tx.conn()?;
    let created = existing.is_none();
    let mut row = match existing {
        Some(row) => row,
        None => new_row(next_number(conn, Numbered::Players)?, player, at),
    };
    apply(&mut row, change, at)?;
    if created {
        diesel::insert_into(players::table).values(&row).execute(conn)?;
        ledger::created(tx, PlayerId(row.id));
    } else {
        diesel::update(players::table.find(row.id)).set(&row).execute(conn)?;
    }
    let (recent, _) = tx.memory::<Recent>();
    recent.changed.push(player.clone());
    recent.known.insert(player.clone(), Known::from(&row));
    Ok((row, created))
}

/// The player's row, to be written as a whole. One that somebody made after this batch had locked its players is not locked: then
/// somebody else was first.
fn find_row(tx: &mut WriteTx<'_>, player: &Player) -> Result<Option<PlayerRow>, Error> {
    let row = read(tx.read()?, player)?;
    let (recent, _) = tx.memory::<Recent>();
    if row.is_some() && recent.absent.contains(player) && !recent.known.contains_key(player) {
        let made = Box::new(format!("{player} was made meanwhile"));
        let first = diesel::result::DatabaseErrorKind::SerializationFailure;
        return Err(Error::Database(diesel::result::Error::DatabaseError(first, made)));
    }
    Ok(row)
}

/// Blocks deposits until then, and says whether there are limits of the player's own. What may be shortened or
/// lifted is decided before.
///
/// # Errors
///
/// `UnknownPlayer`, or what the database says.
pub fn protect(
    tx: &mut WriteTx<'_>,
    player: &Player,
    excluded_until: Option<Micros>,
    limited: bool,
    at: Micros,
) -> Result<PlayerRow, Error> {
    let row = find_row(tx, player)?.ok_or(Error::UnknownPlayer)?;
    let conn = tx.conn()?;
    let row = PlayerRow { excluded_until, limited, updated_at: at, ..row };
    diesel::update(players::table.find(row.id)).set(&row).execute(conn)?;
    let (recent, _) = tx.memory::<Recent>();
    recent.changed.push(player.clone());
    recent.known.insert(player.clone(), Known::from(&row));
    Ok(row)
}

/// A player's row, as this connection sees it.
///
/// # Errors
///
/// What the database says.
pub fn read(conn: &mut DbConn, player: &Player) -> QueryResult<Option<PlayerRow>> {
    players::table
        .filter(players::site_id.eq(player.site.0))
        .filter(players::login.eq(player.login.as_str()))
        .select(PlayerRow::as_select())
        .first(conn)
        .optional()
}

/// The player with this number.
///
/// # Errors
///
/// What the database says; a missing player is an error, for nothing deletes players.
pub fn by_id(conn: &mut DbConn, id: PlayerId) -> QueryResult<PlayerRow> {
    let row = players::table.find(id.0);
    at_home!(conn, |conn| row.select(PlayerRow::as_select()).first(conn))
}

fn new_row(id: i64, player: &Player, at: Micros) -> PlayerRow {
    PlayerRow {
        id,
        site_id: player.site.0,
        login: player.login.as_str().to_owned(),
        status: "active".to_owned(),
        deposit_allowed: true,
        withdrawal_allowed: true,
        country: None,
        profile: "{}".to_owned(),
        created_at: at,
        updated_at: at,
        excluded_until: None,
        limited: false,
    }
}

fn apply(row: &mut PlayerRow, change: &Change, at: Micros) -> Result<(), Error> {
    if let Some(status) = &change.status {
        row.status.clone_from(status);
    }
    row.deposit_allowed = change.deposit_allowed.unwrap_or(row.deposit_allowed);
    row.withdrawal_allowed = change.withdrawal_allowed.unwrap_or(row.withdrawal_allowed);
    if let Some(country) = &change.country {
        row.country = Some(country.clone()).filter(|country| !country.is_empty());
    }
    let mut profile = row.profile()?;
    profile.extend(change.profile.clone());
    profile.retain(|_, value| !value.is_empty());
    row.profile = serde_json::to_string(&profile).map_err(|error| Error::Internal(error.to_string()))?;
    row.updated_at = at;
    Ok(())
}

#[derive(Default)]
struct Recent {
    known: HashMap<Player, Known>,
    /// Players of this batch who have no row, where others may make one at any time.
    absent: HashSet<Player>,
    changed: Vec<Player>,
}

impl Memory for Recent {
    fn order(&self) -> u8 {
        10
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {
        self.changed.clear();
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
    }

    fn rolled_back(&mut self) {
        for player in self.changed.drain(..) {
            self.known.remove(&player);
        }
    }
}
