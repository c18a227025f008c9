//! A journal entry before it is written, and its place in the hash chain.

use sha2::{Digest, Sha256};

use super::account::{Account, PlayerId};
use crate::clock::Micros;
use crate::money::Money;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A paid deposit reaches the player.
    Deposit,
    /// A deposit goes back: refund or void.
    DepositRefund,
    /// A deposit is taken back by the card's bank.
    Chargeback,
    /// Money is set aside for a payout.
    Hold,
    /// The payout was paid: the hold is taken.
    Capture,
    /// The payout was not paid: the hold is given back.
    Release,
    /// A person decides that a finished payout ended the other way.
    PayoutCorrection,
    /// A bet.
    Bet,
    /// A win.
    Win,
    /// Money back from the game server.
    WalletRefund,
    /// A bonus.
    Bonus,
    /// Put right by hand.
    Adjustment,
    /// A bet undone.
    Rollback,
}

/// Every kind with its name in the `kind` column.
pub(super) const KINDS: [(EntryKind, &str); 13] = [
    (EntryKind::Deposit, "deposit"),
    (EntryKind::DepositRefund, "deposit_refund"),
    (EntryKind::Chargeback, "chargeback"),
    (EntryKind::Hold, "hold"),
    (EntryKind::Capture, "capture"),
    (EntryKind::Release, "release"),
    (EntryKind::PayoutCorrection, "payout_correction"),
    (EntryKind::Bet, "bet"),
    (EntryKind::Win, "win"),
    (EntryKind::WalletRefund, "refund"),
    (EntryKind::Bonus, "bonus"),
    (EntryKind::Adjustment, "adjustment"),
    (EntryKind::Rollback, "rollback"),
];

impl EntryKind {
    /// The name in the `kind` column.
    pub fn name(self) -> &'static str {
        let found = KINDS.iter().find(|(kind, _)| *kind == self);
        found.expect("every kind has a name").1
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether an entry of this kind may leave a player's available money below zero (contract, "Money rules" 3).
    pub fn may_overdraw(self) -> bool {
        match self {
            EntryKind::DepositRefund | EntryKind::Chargeback | EntryKind::PayoutCorrection | EntryKind::Adjustment => {
                true
            }
            EntryKind::Deposit
            | EntryKind::Hold
            | EntryKind::Capture
            | EntryKind::Release
            | EntryKind::Bet
            | EntryKind::Win
            | EntryKind::WalletRefund
            | EntryKind::Bonus
            | EntryKind::Rollback => false,
        }
    }
}

/// One movement about to be recorded.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub kind: EntryKind,
    /// Unique for ever: a second entry with the same cause cannot be written.
    pub cause: String,
    pub player: PlayerId,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
    pub overdraft: Overdraft,
    pub at: Micros,
}

/// Whether the debit may take a player below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdraft {
    Refused,
    Allowed,
}

/// The columns that an entry's hash covers, besides the hash before it.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// Its number in the chain.
    pub id: i64,
    /// The name of its [`EntryKind`].
    pub kind: &'a str,
    /// What caused it.
    pub cause: &'a str,
    /// Whose it is.
    pub player_id: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Minor units.
    pub amount: i64,
    /// The debit account, and whether its held side moves.
    pub debit: (i64, bool),
    /// The credit account, and whether its held side moves.
    pub credit: (i64, bool),
    /// When.
    pub at: Micros,
}

impl Sealed<'_> {
    /// SHA-256 over the hash before and every column; texts carry their length, so no two entries read alike.
    pub fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(before);
        for text in [self.kind, self.cause, self.currency] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let numbers = [
            self.id,
            self.player_id,
            self.amount,
            self.debit.0,
            i64::from(self.debit.1),
            self.credit.0,
            i64::from(self.credit.1),
            self.at,
        ];
        for number in numbers {
            hasher.update(number.to_be_bytes());
        }
        hasher.finalize().into()
    }
}

/// What stands before the first entry of the chain.
pub fn chain_start() -> [u8; 32] {
    Sha256::digest(b"croupier journal").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_name() {
        for (kind, name) in KINDS {
            assert_eq!((kind.name(), EntryKind::from_name(name)), (name, Some(kind)));
        }
        assert_eq!(EntryKind::from_name("gift"), None);
    }

    #[test]
    fn every_column_is_sealed() {
        let entry = Sealed {
            id: 1,
            kind: "bet",
            cause: "c",
            player_id: 2,
            currency: "USD",
            amount: 3,
            debit: (4, false),
            credit: (5, false),
            at: 6,
        };
        let before = chain_start();
        let others = [
            Sealed { id: 9, ..entry },
            Sealed { kind: "win", ..entry },
            Sealed { cause: "d", ..entry },
            Sealed { player_id: 9, ..entry },
            Sealed { currency: "EUR", ..entry },
            Sealed { amount: 9, ..entry },
            Sealed { debit: (4, true), ..entry },
            Sealed { debit: (9, false), ..entry },
            Sealed { credit: (5, true), ..entry },
            Sealed { credit: (9, false), ..entry },
            Sealed { at: 9, ..entry },
            Sealed { kind: "betc", cause: "", ..entry },
        ];

        assert!(others.iter().all(|other| other.hash(&before) != entry.hash(&before)));
        assert_ne!(entry.hash(&before), entry.hash(&[0; 32]));
    }
}
