//! Translation between a provider's wire and our words. Nothing here touches the ledger, the database or a clock.

pub mod cabbagino;
pub mod cactus;
pub mod carouseller;
mod driver;
pub mod exotic;
pub mod purse;
pub mod rebilly;
pub mod registry;
mod signed;

pub use driver::{
    BALANCE_AVAILABLE, BALANCE_HELD, Call, DepositOrder, Desk, DeskCall, Heard, Hint, InitiationAnswer, Inquired,
    Ladder, Manners, OpenOrder, Opened, Opening, PATIENCE, PayoutOrder, Provider, Said, SiteFacts, Step, Surplus,
    Texts, Told, Verb,
};
pub use registry::Providers;

use std::net::IpAddr;

use crate::error::Error;
use crate::ids::{Login, SiteId};
use crate::money::Money;

/// A request as it came: nothing parsed, nothing trusted.
#[derive(Debug, Clone, Copy)]
pub struct RawRequest<'a> {
    /// The `Content-Type` header, when there is one.
    pub content_type: Option<&'a str>,
    /// The query string without its question mark, still encoded.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The caller's address; behind a trusted proxy the one it forwards for.
    pub peer: IpAddr,
    /// The request's path, still encoded.
    pub path: &'a str,
    /// What stands in the path behind the provider's name and its slash, still encoded; empty for most messages.
    pub tail: &'a str,
    /// The `Authorization` header, when there is one.
    pub authorization: Option<&'a str>,
}

impl<'a> RawRequest<'a> {
    /// A message at an address that says nothing, without an `Authorization` header.
    pub fn plain(content_type: Option<&'a str>, query: &'a str, body: &'a [u8], peer: IpAddr) -> Self {
        Self { content_type, query, body, peer, path: "", tail: "", authorization: None }
    }
}

/// Why a message was not accepted. Nothing is stored for any of these but a counter and a log line.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read as one set of parameters. Carries what is wrong, without quoting the message.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// It can be read, but not as one set of parameters of the protocol: a name twice, an odd name, two sources, too much. Carries
    /// what is wrong, without quoting the message.
    #[error("not one set of parameters: {0}")]
    NotOneSet(&'static str),
    /// Neither JSON nor a form.
    #[error("neither JSON nor a form")]
    UnsupportedMedia,
    /// `action` is not one of this route, or is missing.
    #[error("unknown action")]
    UnknownAction,
    /// No such site.
    #[error("unknown site")]
    UnknownSite,
    /// The caller is not on the site's list.
    #[error("address is not allowed")]
    AddressNotAllowed,
    /// Missing, wrong, or right for a text that could also be read as other parameters.
    #[error("invalid signature")]
    InvalidSignature,
    /// The signature holds, a field does not: what is wrong, and the name of the field on the wire.
    #[error(transparent)]
    Field(Error),
}

/// A question from a Cashier, verified and typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which of the two questions it is.
    pub direction: Direction,
    /// The site it is about.
    pub site: SiteId,
    /// The player there.
    pub login: Login,
    /// How much.
    pub amount: Money,
    /// The Cashier's `transaction_id`, when it sent one: what makes a repetition recognisable.
    pub transaction_id: Option<String>,
    /// SHA-256 over the known fields in one normal form: equal for equal content, however it was dressed.
    pub fingerprint: [u8; 32],
    /// The destination of a payout, masked: never a full card number.
    pub purse: Option<String>,
    /// The other known fields that came, masked, by their name on the wire.
    pub details: Vec<(String, String)>,
}

/// Which way the money of an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the player to the casino.
    Deposit,
    /// From the casino to the player.
    Payout,
}

/// A notification about an order, typed. Says what the provider told us, not what we do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The provider's name in URLs, settings and tables.
    pub provider: &'static str,
    /// The site it is about.
    pub site: SiteId,
    /// Whether a signature vouches for it; without one it is only a hint.
    pub signed: bool,
    /// The order it is about; empty: it names none, which only a provider says that makes orders of money it found ([`Surplus`]).
    pub external_id: String,
    /// The player it names.
    pub login: String,
    /// The order's amount in minor units and its upper-cased currency text, as the provider states them.
    pub amount_minor: i64,
    /// The currency as stated, upper-cased.
    pub currency: String,
    /// Amount and currency in the channel, when stated.
    pub real: Option<(i64, String)>,
    /// The provider's own transaction id.
    pub transaction_id: String,
    /// What it says happened.
    pub news: News,
    /// The provider's own codes for it, for people: `type 11 status 4`.
    pub codes: String,
    /// SHA-256 over the whole content in one normal form: equal for equal content, however it was dressed.
    pub digest: [u8; 32],
    /// What came, by name, masked.
    pub content: Vec<(String, String)>,
}

/// What a notification says happened, in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The player paid a deposit.
    DepositPaid,
    /// A deposit definitely failed.
    DepositDeclined,
    /// A deposit ended without money and without a decline: expired, or given up by the player.
    DepositCancelled,
    /// A deposit failed in a way that a person should look at.
    DepositBroken,
    /// The provider works on a deposit.
    DepositPending,
    /// A deposit's money went back: refund or void.
    Refunded,
    /// A deposit's money was taken back by the card's bank.
    ChargedBack,
    /// The player has the money of a payout.
    PayoutPaid,
    /// A payout definitely failed.
    PayoutDeclined,
    /// A payout was taken back before it was paid, by the player or the casino.
    PayoutCancelled,
    /// The provider works on a payout.
    PayoutPending,
    /// A payout ended in a way the documents do not define: hold the money, ask a person.
    PayoutUnclear,
    /// The money of an order moved, whichever way it was to go: the message does not say, the order does.
    Paid,
    /// The same: it definitely failed.
    Declined,
    /// The same: the provider works on it.
    Pending,
    /// A dispute moved; money does not by itself.
    Dispute,
    /// Says nothing about money.
    Informative,
    /// A code we do not know.
    NotKnown,
}

impl News {
    /// Everything a notification can say.
    pub const ALL: [News; 18] = [
        News::DepositPaid,
        News::DepositDeclined,
        News::DepositCancelled,
        News::DepositBroken,
        News::DepositPending,
        News::Refunded,
        News::ChargedBack,
        News::PayoutPaid,
        News::PayoutDeclined,
        News::PayoutCancelled,
        News::PayoutPending,
        News::PayoutUnclear,
        News::Paid,
        News::Declined,
        News::Pending,
        News::Dispute,
        News::Informative,
        News::NotKnown,
    ];

    /// Whether it says that money moved.
    pub fn moves_money(self) -> bool {
        matches!(self, News::DepositPaid | News::PayoutPaid | News::Paid | News::Refunded | News::ChargedBack)
    }

    /// What it says of an order whose money goes this way. Only what leaves the way open is settled by it; a message that says another
    /// way goes on saying so.
    #[must_use]
    pub fn of(self, direction: Direction) -> News {
        match (self, direction) {
            (News::Paid, Direction::Deposit) => News::DepositPaid,
            (News::Paid, Direction::Payout) => News::PayoutPaid,
            (News::Declined, Direction::Deposit) => News::DepositDeclined,
            (News::Declined, Direction::Payout) => News::PayoutDeclined,
            (News::Pending, Direction::Deposit) => News::DepositPending,
            (News::Pending, Direction::Payout) => News::PayoutPending,
            (
                said @ (News::DepositPaid
                | News::DepositDeclined
                | News::DepositCancelled
                | News::DepositBroken
                | News::DepositPending
                | News::Refunded
                | News::ChargedBack
                | News::PayoutPaid
                | News::PayoutDeclined
                | News::PayoutCancelled
                | News::PayoutPending
                | News::PayoutUnclear
                | News::Dispute
                | News::Informative
                | News::NotKnown),
                Direction::Deposit | Direction::Payout,
            ) => said,
        }
    }

    /// The direction of the orders this can be said of; `None`: of any.
    pub fn direction(self) -> Option<Direction> {
        match self {
            News::DepositPaid
            | News::DepositDeclined
            | News::DepositCancelled
            | News::DepositBroken
            | News::DepositPending
            | News::Refunded
            | News::ChargedBack => Some(Direction::Deposit),
            News::PayoutPaid
            | News::PayoutDeclined
            | News::PayoutCancelled
            | News::PayoutPending
            | News::PayoutUnclear => Some(Direction::Payout),
            News::Paid | News::Declined | News::Pending | News::Dispute | News::Informative | News::NotKnown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_without_a_way_is_settled_by_the_order_and_nothing_else_is() {
        for (open, deposit, payout) in [
            (News::Paid, News::DepositPaid, News::PayoutPaid),
            (News::Declined, News::DepositDeclined, News::PayoutDeclined),
            (News::Pending, News::DepositPending, News::PayoutPending),
        ] {
            assert_eq!((open.of(Direction::Deposit), open.of(Direction::Payout)), (deposit, payout));
        }
        let open = [News::Paid, News::Declined, News::Pending];
        for news in News::ALL {
            for direction in [Direction::Deposit, Direction::Payout] {
                let settled = news.of(direction);
                assert!(!open.contains(&settled), "{news:?}");
                assert_eq!(settled.moves_money(), news.moves_money(), "{news:?}");
                assert_eq!(settled == news, !open.contains(&news), "{news:?}");
            }
        }
    }
}
