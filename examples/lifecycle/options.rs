//! What a run is told on the command line, and how much of the world it walks through.

use clap::{Parser, ValueEnum};

use crate::world::{TOLD, Told};

/// How much of the world is walked through.
#[derive(Debug, Clone)]
pub struct Scope {
    pub name: &'static str,
    /// How many payouts are asked for.
    pub payouts: u8,
    /// What is said of the deposit; nothing: there is none.
    pub deposit: &'static [Told],
    /// How often the process may stop.
    pub crashes: u8,
    /// How often an attempt at a payout may certainly not go out.
    pub not_sent: u8,
    /// Whether a process may stand still so long that others give its attempt up.
    pub stalls: bool,
    /// Whether staff say how payouts ended.
    pub resolves: bool,
    /// Whether the Cashier says that it paid what it never had.
    pub lies: bool,
    /// Whether the Cashier says that it works on an order.
    pub pending: bool,
    /// Whether the Cashier pays a repeated id once.
    pub deduplicates: bool,
}

impl Scope {
    /// One payout and everything that can befall it.
    pub fn one_payout() -> Self {
        Self {
            name: "one payout, everything",
            payouts: 1,
            deposit: &[],
            crashes: 2,
            not_sent: 2,
            stalls: true,
            resolves: true,
            lies: true,
            pending: true,
            deduplicates: false,
        }
    }

    /// The same where the Cashier pays a repeated id once.
    pub fn one_payout_repeated() -> Self {
        Self { name: "one payout, sent again", deduplicates: true, ..Self::one_payout() }
    }

    /// The same, small enough for every run of the tests.
    pub fn one_payout_repeated_in_short() -> Self {
        Self {
            name: "one payout, sent again, in short",
            not_sent: 1,
            stalls: false,
            pending: false,
            ..Self::one_payout_repeated()
        }
    }

    /// Both payouts and the deposit, with less that can befall each.
    pub fn together() -> Self {
        Self {
            name: "two payouts and a deposit",
            payouts: 2,
            deposit: &[Told::Paid, Told::PaidAgain, Told::Declined, Told::Refunded],
            not_sent: 1,
            stalls: false,
            lies: false,
            pending: false,
            ..Self::one_payout()
        }
    }

    /// The same, small enough for every run of the tests.
    pub fn together_in_short() -> Self {
        Self {
            name: "two payouts and a deposit, in short",
            deposit: &[Told::Paid, Told::Declined, Told::Refunded],
            not_sent: 0,
            resolves: false,
            ..Self::together()
        }
    }

    /// The deposit alone, and everything that is said of it.
    pub fn deposit() -> Self {
        Self { name: "a deposit, everything", payouts: 0, deposit: &TOLD, ..Self::one_payout() }
    }
}

/// Walks through everything that can happen to two payouts and a deposit of one player, in a model and in the real books.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// The longest sequence of events that is played to the real books.
    #[arg(long, default_value_t = 10)]
    pub depth: u32,
    /// How much of the world is walked through.
    #[arg(long, value_enum, default_value_t = Size::Campaign)]
    pub size: Size,
    /// Random sequences of sixty events that are played to the real books besides, none of them cut short.
    #[arg(long, default_value_t = 200)]
    pub walks: u64,
    /// The random sequences come from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Spoils the books at the last step of each random sequence: the run then has to end with exit code 1.
    #[arg(long)]
    pub sabotage: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// How much of the world is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// As in the tests.
    Short,
    /// Everything.
    Campaign,
}
