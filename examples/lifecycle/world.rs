//! Everything that matters of one player's two payouts and one deposit, ours and the Cashier's, in a few bytes.

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{Attempt, Ending};
use croupier::providers::News;

/// What each payout is worth, in units. The first goes by itself; the second needs two people.
pub const PAYOUTS: [i8; 2] = [1, 2];

/// What the deposit is worth.
pub const DEPOSIT: i8 = 2;

/// What the player has at the beginning: enough for either payout, not for both.
pub const START: i8 = 2;

/// How many people must agree to an act about each payout.
pub const PEOPLE: [usize; 2] = [1, 2];

/// A moment: what is committed, what a process knows besides, what the Cashier has and has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct World {
    /// The player's money.
    pub available: i8,
    /// The same, set aside.
    pub held: i8,
    /// The payouts.
    pub payouts: [Payout; 2],
    /// The deposit.
    pub deposit: Deposit,
    /// How often the process may still stop.
    pub crashes: u8,
}

/// One payout. Everything from `order` to `yes` is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Payout {
    /// Where it stands, once it was asked for.
    pub order: Option<(Status, Stage)>,
    /// Whether its question is recognised.
    pub key: bool,
    /// Its place in the outbox.
    pub outbox: Outbox,
    /// Holds, captures and releases in the ledger.
    pub holds: u8,
    pub captures: u8,
    pub releases: u8,
    /// Whether a person has turned its end round, an odd number of times.
    pub turned: bool,
    /// Attempts that certainly did not go out.
    pub not_sent: u8,
    /// The newest other attempt.
    pub attempt: Tried,
    /// Whether one before that may have reached the Cashier.
    pub earlier: bool,
    /// Notifications that are stored.
    pub seen: Heard,
    /// Notifications that were acknowledged.
    pub acked: Heard,
    /// Who waits for a second person, by [`Act::number`].
    pub yes: [Option<Person>; 3],
    /// What the process that sends it knows.
    pub hand: Hand,
    /// What the Cashier has.
    pub there: There,
    /// What the Cashier has said and may say again, at any time and in any order.
    pub said: Heard,
    /// The Cashier or a person has said what is not so: what follows from that is theirs.
    pub lied: bool,
    /// Initiations that may have reached the Cashier, or did.
    pub reached: u8,
}

/// The deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Deposit {
    /// Where it stands, once it was asked about.
    pub order: Option<Status>,
    /// Credits and reversals in the ledger.
    pub credits: u8,
    pub reversals: u8,
    /// Whether a reversal waits for the payment.
    pub waiting: bool,
    /// Notifications that are stored, and those that were acknowledged.
    pub seen: Heard,
    pub acked: Heard,
    /// A notification that is marked and has no effect yet. The product has no such moment.
    pub half: Option<Told>,
}

/// A place in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Outbox {
    #[default]
    Gone,
    Waits,
    Claimed,
}

/// An attempt in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tried {
    #[default]
    Never,
    Open,
    Settled(Attempt),
}

/// What a process has in hand of a payout; gone with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hand {
    #[default]
    Empty,
    /// It has claimed it and sent nothing.
    Claim,
    /// It knows what became of its request and has not written it down.
    Answer(Attempt),
}

/// What the Cashier has of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum There {
    #[default]
    Nothing,
    /// A request that may arrive, whatever we were told.
    OnTheWay,
    /// It will pay or decline.
    Has,
    Paid,
    Declined,
}

/// Who acts for the casino.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Person {
    Ann,
    Bob,
}

impl Person {
    pub fn name(self) -> &'static str {
        match self {
            Person::Ann => "ann",
            Person::Bob => "bob",
        }
    }
}

/// What two people must want alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    Approve,
    Resolve(Ending),
}

impl Act {
    pub fn number(self) -> usize {
        match self {
            Act::Approve => 0,
            Act::Resolve(Ending::Succeeded) => 1,
            Act::Resolve(Ending::Failed) => 2,
        }
    }
}

/// What the Cashier says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// The money moved.
    Paid,
    /// The same of the same payment, in a message of its own.
    PaidAgain,
    /// It did not, and will not.
    Declined,
    /// The Cashier works on it.
    Pending,
    /// A deposit's money went back.
    Refunded,
}

/// All of them.
pub const TOLD: [Told; 5] = [Told::Paid, Told::PaidAgain, Told::Declined, Told::Pending, Told::Refunded];

impl Told {
    /// What it is in the product's words, about a payout.
    pub fn of_payout(self) -> News {
        match self {
            Told::Paid | Told::PaidAgain => News::PayoutPaid,
            Told::Declined => News::PayoutDeclined,
            Told::Pending => News::PayoutPending,
            Told::Refunded => News::Refunded,
        }
    }

    /// The same about a deposit.
    pub fn of_deposit(self) -> News {
        match self {
            Told::Paid | Told::PaidAgain => News::DepositPaid,
            Told::Declined => News::DepositDeclined,
            Told::Pending => News::DepositPending,
            Told::Refunded => News::Refunded,
        }
    }
}

/// A set of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Heard(u8);

impl Heard {
    pub fn has(self, told: Told) -> bool {
        self.0 & (1 << told as u8) != 0
    }

    pub fn add(&mut self, told: Told) {
        self.0 |= 1 << told as u8;
    }
}

impl World {
    /// Nothing has happened.
    pub fn new(crashes: u8) -> Self {
        Self { available: START, held: 0, payouts: [Payout::default(); 2], deposit: Deposit::default(), crashes }
    }

    /// Whether a process has anything in hand that it would lose.
    pub fn is_under_way(&self) -> bool {
        self.payouts.iter().any(|payout| payout.hand != Hand::Empty) || self.deposit.half.is_some()
    }
}

impl Payout {
    /// Whether an attempt may have reached the Cashier, as far as the books know.
    pub fn may_have_reached(&self) -> bool {
        self.earlier || self.attempt != Tried::Never
    }

    /// Whether an attempt has no outcome yet.
    pub fn is_open(&self) -> bool {
        self.attempt == Tried::Open
    }
}
