//! The chart of accounts.

use crate::ids::SiteId;

/// A player's number in our database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayerId(pub i64);

/// A place where money of one currency can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// What a player may bet or withdraw.
    Available(PlayerId),
    /// What is set aside for a player's open payouts.
    Held(PlayerId),
    /// What a provider has of ours, or is owed by us.
    Clearing(&'static str, SiteId),
    /// What the games won from and paid to players.
    Games(SiteId),
    /// What was given away as bonus.
    Promotions(SiteId),
    /// What staff and the game server put right by hand.
    Adjustments(SiteId),
}

impl Account {
    /// The row that carries the balance: a player's available and held money share one.
    pub(super) fn code(self) -> String {
        match self {
            Account::Available(player) | Account::Held(player) => format!("player:{}", player.0),
            Account::Clearing(provider, site) => format!("clearing:{provider}:{site}"),
            Account::Games(site) => format!("games:{site}"),
            Account::Promotions(site) => format!("promotions:{site}"),
            Account::Adjustments(site) => format!("adjustments:{site}"),
        }
    }

    /// The value of the `kind` column.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Account::Available(_) | Account::Held(_) => "player",
            Account::Clearing(..) => "clearing",
            Account::Games(_) => "games",
            Account::Promotions(_) => "promotions",
            Account::Adjustments(_) => "adjustments",
        }
    }

    /// The player whose money it is.
    pub(super) fn player(self) -> Option<PlayerId> {
        match self {
            Account::Available(player) | Account::Held(player) => Some(player),
            Account::Clearing(..) | Account::Games(_) | Account::Promotions(_) | Account::Adjustments(_) => None,
        }
    }

    /// Whether it is the held side of its row.
    pub(super) fn is_held(self) -> bool {
        matches!(self, Account::Held(_))
    }

    /// The account that stands for the whole row.
    pub(super) fn row(self) -> Account {
        match self {
            Account::Held(player) => Account::Available(player),
            other => other,
        }
    }
}

/// A player's money in one currency, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// May be bet or withdrawn. Below zero only after a refund, void, chargeback or adjustment by staff.
    pub available: i64,
    /// Set aside for open payouts; never below zero.
    pub held: i64,
}
