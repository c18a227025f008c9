//! What instances that share a database do besides their work: lock and read in what a batch is about, and seal what was committed.

use crate::cashier::intents;
use crate::db::{DbConn, Hooks, Scope, Sealed, WriteTx, lock_players};
use crate::error::Error;
use crate::events;
use crate::ids::{Player, SiteId};
use crate::ledger::{self, PlayerId};
use crate::orders::keys::{self, Key};
use crate::players;
use crate::wallet::{rollback, transactions};

/// What a server's lanes run.
pub const HOOKS: Hooks = Hooks { warm, look, seal };

/// Locks the players of a batch and reads in what it will ask about them: one round trip for each kind of thing, however large the batch.
fn warm(tx: &mut WriteTx<'_>, scopes: &[Scope]) -> Result<(), Error> {
    let locked: Vec<PlayerId> = lock_players(tx.written(), scopes)?.into_iter().map(PlayerId).collect();
    let named: Vec<Player> = scopes.iter().filter_map(Scope::player).cloned().collect();
    players::warm(tx, &locked, named)?;
    ledger::lock(tx, &locked)?;
    let (mut asked, mut moved, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for scope in scopes {
        match scope {
            Scope::Question { player, provider, key } => asked.push(Key::stored(provider, player.site, key.clone())),
            Scope::Movement { player, key, reference } => {
                moved.push((player.site, key.clone()));
                references.push(reference.clone());
            }
            Scope::Nobody | Scope::Player(_) | Scope::Number(_) | Scope::Order(_) => {}
        }
    }
    warm_questions(tx, &locked, asked)?;
    warm_movements(tx, &locked, moved, references)
}

fn warm_questions(tx: &mut WriteTx<'_>, locked: &[PlayerId], asked: Vec<Key>) -> Result<(), Error> {
    if asked.is_empty() {
        return Ok(());
    }
    keys::warm(tx, asked)?;
    Ok(intents::warm(tx, locked)?)
}

fn warm_movements(
    tx: &mut WriteTx<'_>,
    locked: &[PlayerId],
    moved: Vec<(SiteId, String)>,
    references: Vec<String>,
) -> Result<(), Error> {
    if moved.is_empty() {
        return Ok(());
    }
    transactions::warm(tx, moved)?;
    Ok(rollback::warm(tx, locked, references)?)
}

/// Whether something was committed that has no place in the order yet.
fn look(conn: &mut DbConn) -> Result<Sealed, Error> {
    let more = ledger::is_unsealed(conn)? || events::is_unnumbered(conn)?;
    Ok(Sealed { more, newest: events::newest(conn)? })
}

/// Puts what was committed into its order: the chain of entries, the log of events.
fn seal(tx: &mut WriteTx<'_>) -> Result<Sealed, Error> {
    let more_entries = ledger::seal(tx)?;
    let more_events = events::number(tx)?;
    Ok(Sealed { more: more_entries || more_events, newest: events::newest(tx.read()?)? })
}
