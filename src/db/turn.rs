//! Whose turn it is where several instances share the books: locks of rows that end with the transaction.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::connection::DbConn;
use super::schema::turns;
use super::scope::Scope;

/// What to do while somebody else has the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Leave it to them.
    No,
    /// Wait until they are done, as long as the session's `lock_timeout` allows.
    Yes,
}

/// Takes a turn until the end of the open transaction. In a file there is nobody else.
///
/// # Errors
///
/// What the database says; a turn that nobody prepared is `NotFound`.
pub fn take_turn(conn: &mut DbConn, name: &str, wait: Wait) -> QueryResult<bool> {
    let DbConn::Postgres(conn) = conn else { return Ok(true) };
    let row = turns::table.find(name).select(turns::name);
    let taken: Option<String> = match wait {
        Wait::Yes => Some(row.for_update().first(conn)?),
        Wait::No => row.for_update().skip_locked().first(conn).optional()?,
    };
    Ok(taken.is_some())
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Locks the rows of everybody whose work this is, in one order, so that two batches never wait for each other in a circle. Returns
/// the numbers of those who exist. What is read after it is what the last holder of the locks committed.
///
/// # Errors
///
/// What the database says.
pub fn lock_players(conn: &mut DbConn, scopes: &[Scope]) -> QueryResult<Vec<i64>> {
    let DbConn::Postgres(conn) = conn else { return Ok(Vec::new()) };
    let (mut sites, mut logins, mut orders, mut numbers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for scope in scopes {
        match scope {
            Scope::Nobody => {}
            Scope::Player(player) | Scope::Question { player, .. } | Scope::Movement { player, .. } => {
                sites.push(player.site.0);
                logins.push(player.login.as_str());
            }
            Scope::Number(id) => numbers.push(*id),
            Scope::Order(id) => orders.push(id.as_str()),
        }
    }
    if sites.is_empty() && orders.is_empty() && numbers.is_empty() {
        return Ok(Vec::new());
    }
    let locked: Vec<Locked> = diesel::sql_query(LOCK)
        .bind::<Array<BigInt>, _>(sites)
        .bind::<Array<Text>, _>(logins)
        .bind::<Array<Text>, _>(orders)
        .bind::<Array<BigInt>, _>(numbers)
        .load(conn)?;
    Ok(locked.into_iter().map(|row| row.id).collect())
}

/// `FOR NO KEY UPDATE`: rows that refer to a player can be added meanwhile by those who need no lock.
const LOCK: &str = "SELECT id FROM players WHERE id = ANY (ARRAY( \
     SELECT p.id FROM unnest($1, $2) AS k (site_id, login) JOIN players p ON p.site_id = k.site_id AND p.login = k.login COLLATE \"C\" \
     UNION SELECT d.player_id FROM unnest($3) AS k (id) JOIN deposits d ON d.external_id = k.id COLLATE \"C\" \
     UNION SELECT o.player_id FROM unnest($3) AS k (id) JOIN payouts o ON o.external_id = k.id COLLATE \"C\" \
     UNION SELECT unnest($4))) \
     ORDER BY id FOR NO KEY UPDATE";
