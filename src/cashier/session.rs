//! A player's session: a token for one player of one site, good for a while. The player's row is read at every use, so that whoever is
//! blocked is out at once.

use diesel::prelude::*;

use super::token::{self, Claims};
use crate::clock::Micros;
use crate::db::schema::meta;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::ids::{Login, Player, SiteId, time_ordered};
use crate::players::{self, PlayerRow};

/// Where the key that signs tokens is kept: in the books, so that every instance has the same. Taking it away ends every session.
const KEY: &str = "players_token_key";

const SECOND: Micros = 1_000_000;

/// A new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What the player's front end sends.
    pub token: String,
    /// From when on it is good no more.
    pub expires_at: Micros,
    /// Whose it is.
    pub player: PlayerRow,
}

/// Opens a session of `seconds` for an active player.
///
/// # Errors
///
/// `UnknownPlayer`, `PlayerBlocked`, or what the database says.
pub fn open(tx: &mut WriteTx<'_>, player: &Player, seconds: i64, at: Micros) -> Result<Opened, Error> {
    let row = players::read(tx.read()?, player)?.ok_or(Error::UnknownPlayer)?;
    if row.status != "active" {
        return Err(Error::PlayerBlocked);
    }
    let key = match stored_key(tx.read()?)? {
        Some(key) => key,
        None => make_key(tx)?,
    };
    let claims = Claims::new(row.id, row.site_id, &row.login, at.div_euclid(SECOND), seconds, time_ordered());
    let token = token::write(&claims, &key)?;
    Ok(Opened { token, expires_at: claims.exp.saturating_mul(SECOND), player: row })
}

/// Whose session a token is; `None` when it is no good token. The row says whether the player may still do anything.
///
/// # Errors
///
/// What the database says.
pub fn holder(conn: &mut DbConn, token: &str, at: Micros) -> Result<Option<PlayerRow>, Error> {
    let Some(key) = stored_key(conn)? else { return Ok(None) };
    let Some(claims) = token::read(token, &key, at.div_euclid(SECOND)) else { return Ok(None) };
    let Ok(login) = Login::parse(&claims.site_login) else { return Ok(None) };
    let row = players::read(conn, &Player { site: SiteId(claims.site), login })?;
    Ok(row.filter(|row| row.id.to_string() == claims.sub))
}

fn stored_key(conn: &mut DbConn) -> Result<Option<[u8; 32]>, Error> {
    let stored: Option<String> = meta::table.find(KEY).select(meta::value).first(conn).optional()?;
    let Some(text) = stored else { return Ok(None) };
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map_err(|_| Error::Internal("the key of session tokens is damaged".into()))?;
    Ok(Some(key))
}

fn make_key(tx: &mut WriteTx<'_>) -> Result<[u8; 32], Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    let row = (meta::name.eq(KEY), meta::value.eq(hex::encode(key)));
    diesel::insert_into(meta::table).values(row).execute(tx.conn()?)?;
    Ok(key)
}
