//! Staff put a player's balance right by hand. It may go below zero, which a review flags; from the site's four-eyes limit on, two
//! people must want it.

use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{Player, time_ordered};
use crate::ledger::{self, Balance};
use crate::money::{Currency, MAX_MINOR, Money};
use crate::orders::reviews::{self, About};
use crate::players;
use crate::settings::Site;
use crate::staff::approvals::{self, Agreement};
use crate::staff::audit;

/// What is to be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Whose balance.
    pub player: Player,
    /// Minor units: positive gives, negative takes.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Why, in the words of who does it.
    pub reason: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adjusted {
    /// Somebody else must want exactly the same.
    Waiting {
        /// How many have said yes.
        approvals: usize,
        /// How many must.
        required: usize,
    },
    /// It is booked.
    Done {
        /// The cause of the ledger's entry.
        id: String,
        /// The balance after it.
        balance: Balance,
    },
}

/// Adjusts a balance, or notes the first of two people who want it. Two adjustments are the same when player, currency and amount
/// are; nothing else makes a repetition recognisable, so asking twice adjusts twice.
///
/// # Errors
///
/// `UnsupportedCurrency`, `InvalidAmount`, `UnknownPlayer`, `Conflict` when the same person asks again, `OutOfRange`, in this
/// order.
pub fn adjust(
    tx: &mut WriteTx<'_>,
    site: &Site,
    wanted: &Adjustment,
    actor: &str,
    at: Micros,
) -> Result<Adjusted, Error> {
    let Adjustment { player, amount, currency, reason } = wanted;
    if !site.currencies.contains(currency) {
        return Err(Error::UnsupportedCurrency);
    }
    // The size is checked before `abs`, which the smallest of all integers does not have.
    if *amount == 0 || !(-MAX_MINOR..=MAX_MINOR).contains(amount) {
        return Err(Error::InvalidAmount);
    }
    let known = players::find(tx, player)?.ok_or(Error::UnknownPlayer)?;
    let money = Money::new(amount.abs(), *currency)?;
    let required = if site.four_eyes_at(*amount, *currency) { 2 } else { 1 };
    let agreement = approvals::agree(tx, &subject(wanted), "adjust", actor, reason, required, at)?;
    let about = format!("player:{}:{}", player.site, player.login);
    match agreement {
        Agreement::Waiting { approvals, required } => {
            let detail = format!("{amount} {currency}, {approvals} of {required}: {reason}");
            audit::append(tx, actor, "player.adjust", &about, &detail, at)?;
            Ok(Adjusted::Waiting { approvals, required })
        }
        Agreement::Agreed { by } => {
            let id = time_ordered();
            let balance = ledger::adjust(tx, &id, player.site, known.id, *amount > 0, money, true, at)?;
            let detail = format!("{amount} {currency}, booked as {id} for {}: {reason}", by.join(" and "));
            audit::append(tx, actor, "player.adjust", &about, &detail, at)?;
            if balance.available < 0 {
                let note = format!("adjustment {id} by {actor} took {player} below zero");
                let (kind, site) = ("below_zero", player.site);
                let player = Some(known.id);
                reviews::open(tx, About { kind, site, player, external_id: None, webhook_id: None, note: &note }, at)?;
            }
            Ok(Adjusted::Done { id, balance })
        }
    }
}

/// Everything that two people must want alike. The login comes last: it may hold any character.
fn subject(wanted: &Adjustment) -> String {
    format!("adjust:{}:{}:{}:{}", wanted.player.site, wanted.currency, wanted.amount, wanted.player.login)
}
