//! Self-exclusion and cool-off: no deposits until a time, or ever again. They can be made longer at any time, and never shorter.

use crate::clock::{Micros, rfc3339};
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::Player;
use crate::ledger::PlayerId;
use crate::players::{self, PlayerRow};

/// An exclusion without an end.
pub const FOR_EVER: Micros = Micros::MAX;

/// What it is called; both do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A short rest.
    CoolOff,
    /// The player has had enough.
    SelfExclusion,
}

impl Kind {
    /// The word of the API and of the log.
    pub fn name(self) -> &'static str {
        match self {
            Kind::CoolOff => "cool_off",
            Kind::SelfExclusion => "self_exclusion",
        }
    }

    /// The kind with this word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Kind::CoolOff, Kind::SelfExclusion].into_iter().find(|kind| kind.name() == name)
    }
}

/// Until when deposits are blocked after `wanted` was asked for.
///
/// # Errors
///
/// `Invalid` when it is over already; `Conflict` when it would end an exclusion that is in force sooner.
pub fn decide(current: Option<Micros>, wanted: Micros, at: Micros) -> Result<Micros, Error> {
    if wanted <= at {
        return Err(Error::Invalid("until"));
    }
    match current.filter(|until| at < *until) {
        Some(until) if wanted < until => Err(Error::Conflict("an exclusion in force cannot be made shorter".into())),
        Some(_) | None => Ok(wanted),
    }
}

/// Blocks a player's deposits.
///
/// # Errors
///
/// `UnknownPlayer`, and as [`decide`].
pub fn exclude(
    tx: &mut WriteTx<'_>,
    player: &Player,
    kind: Kind,
    wanted: Micros,
    at: Micros,
) -> Result<PlayerRow, Error> {
    let row = players::read(tx.read()?, player)?.ok_or(Error::UnknownPlayer)?;
    let until = decide(row.excluded_until, wanted, at)?;
    if row.excluded_until == Some(until) {
        return Ok(row);
    }
    let shown = if until == FOR_EVER { "for ever".to_owned() } else { format!("until {}", rfc3339(until)) };
    super::note(tx, PlayerId(row.id), kind.name(), shown, at)?;
    players::protect(tx, player, Some(until), row.limited, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_is_made_longer_at_once_and_never_shorter() {
        let table = [
            (None, 5, Some(5)),
            (None, 10, Some(10)),
            (Some(20), 30, Some(30)),
            (Some(20), FOR_EVER, Some(FOR_EVER)),
            (Some(20), 20, Some(20)),
            (Some(20), 19, None),
            (Some(FOR_EVER), 1_000, None),
            (Some(3), 5, Some(5)),
            (None, 4, None),
            (None, 3, None),
        ];
        for (current, wanted, expected) in table {
            assert_eq!(decide(current, wanted, 4).ok(), expected, "{current:?} {wanted}");
        }
    }
}
