//! Whose work a write is.

use crate::ids::{ExternalId, Player};

/// Whose work a write is. Where several instances write to the same books, the player's row is locked before the work runs, so what it
/// reads of the player stays true until its commit. Work that moves a player's money under another scope is refused there.
///
/// What a scope says besides is read in with one look-up for a whole batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Nobody's: of staff, of the service itself. What it reads and then changes must be guarded where it is changed.
    Nobody,
    /// A player's, who may not exist yet.
    Player(Player),
    /// A player's, by our number.
    Number(i64),
    /// That of the player whose order it is. Without such an order it is nobody's.
    Order(String),
    /// A player's, about whom a Cashier asks under this key.
    Question {
        /// Whose money it is about.
        player: Player,
        /// The provider that asks.
        provider: &'static str,
        /// What makes the question recognisable.
        key: String,
    },
    /// A player's, whose money the game server moves under this key.
    Movement {
        /// Whose money.
        player: Player,
        /// The idempotency key.
        key: String,
        /// The game server's name for what it belongs to.
        reference: String,
    },
}

impl Scope {
    /// The player, where the scope names one.
    pub fn player(&self) -> Option<&Player> {
        match self {
            Scope::Player(player) | Scope::Question { player, .. } | Scope::Movement { player, .. } => Some(player),
            Scope::Nobody | Scope::Number(_) | Scope::Order(_) => None,
        }
    }
}

impl Scope {
    /// The same without what is looked up besides: equal for all work of one player that names the player.
    pub(super) fn whose(&self) -> Self {
        self.player().map_or_else(|| self.clone(), Scope::from)
    }
}

impl From<&Player> for Scope {
    fn from(player: &Player) -> Self {
        Scope::Player(player.clone())
    }
}

impl From<&ExternalId> for Scope {
    fn from(id: &ExternalId) -> Self {
        Scope::Order(id.as_str().to_owned())
    }
}
