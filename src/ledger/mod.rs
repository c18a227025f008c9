//! The ledger: accounts, journal entries and their postings. No other code writes them.
//!
//! Every change is a journal entry: one movement of one currency between two accounts, so its two postings always add up to zero.
//! Entries are chained by hash and never changed. Balances are credit-positive: what we owe a player is positive, what we have at
//! a Cashier is negative, and all of them add up to zero.

mod account;
mod entry;
pub mod lookup;
mod movement;
mod operations;
mod record;
mod seal;
pub mod verify;

pub use account::{Account, Balance, PlayerId};
#[doc(hidden)]
pub use entry::Sealed;
pub use entry::{EntryKind, chain_start};
pub use operations::{
    adjust, bet, bonus, capture, charge_back, correct_payout, credit_deposit, hold, refund_deposit, release,
    roll_back_bet, wallet_refund, win,
};
pub use record::{balance, balances, created, hash_of, head, lock};
pub use seal::{is_unsealed, seal};
