//! What instances that share a database do besides their work: lock and read in what a batch is about, and seal what was committed.

use crate::db::{Hooks, Scope, Sealed, WriteTx, lock_players};
use crate::error::Error;
use crate::events;
use crate::ledger::{self, PlayerId};

/// What a server's lanes run.
pub const HOOKS: Hooks = Hooks { warm, seal };

/// Locks the players of a batch and reads in what it will ask about them, in few round trips for all of it.
fn warm(tx: &mut WriteTx<'_>, scopes: &[Scope]) -> Result<(), Error> {
    let players: Vec<PlayerId> = lock_players(tx.read()?, scopes)?.into_iter().map(PlayerId).collect();
    ledger::lock(tx, &players)
}

/// Puts what was committed into its order: the chain of entries, the log of events.
fn seal(tx: &mut WriteTx<'_>) -> Result<Sealed, Error> {
    let more_entries = ledger::seal(tx)?;
    let more_events = events::number(tx)?;
    Ok(Sealed { more: more_entries || more_events, newest: events::newest(tx.read()?)? })
}
