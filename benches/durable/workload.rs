//! What the load consists of.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::load::Request;
use crate::wire::{self, Question, Turn};

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Questions before a deposit: an order and its event.
    CheckDeposit,
    /// Questions before a payout: the money is held besides.
    RequestPayout,
    /// The success of a deposit that was asked about before: the money is credited.
    Webhook,
    /// Bets of the game server.
    Bet,
    /// What a casino does all day.
    Mix,
}

/// One of the twenty requests that the mix repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Bet,
    Win,
    Check,
    Success,
    Payout,
}

/// Players play many rounds for each deposit, not every round wins, not every deposit that is asked about is paid, and few withdraw:
/// 45 % bets, 25 % wins, 15 % check_deposit, 10 % webhooks, 5 % request_payout.
pub const MIX: [Part; 20] = {
    use Part::{Bet, Check, Payout, Success, Win};
    [
        Bet, Win, Check, Bet, Win, Success, Bet, Bet, Check, Win, Bet, Payout, Bet, Win, Bet, Success, Bet, Check, Win,
        Bet,
    ]
};

/// A deposit that was asked about: the number of its question, and its order.
#[derive(Debug, Clone)]
pub struct Deposit {
    pub number: u64,
    pub external_id: String,
}

impl Workload {
    /// All of them.
    pub fn all() -> [Workload; 5] {
        [Workload::RequestPayout, Workload::CheckDeposit, Workload::Webhook, Workload::Bet, Workload::Mix]
    }

    /// In tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Workload::CheckDeposit => "check_deposit",
            Workload::RequestPayout => "request_payout",
            Workload::Webhook => "webhook",
            Workload::Bet => "wallet bet",
            Workload::Mix => "mix",
        }
    }

    /// Whether those who wrote only the two questions can do it.
    pub fn is_a_question(self) -> bool {
        match self {
            Workload::CheckDeposit | Workload::RequestPayout => true,
            Workload::Webhook | Workload::Bet | Workload::Mix => false,
        }
    }

    /// How many deposits must have been asked about for so many requests.
    pub fn deposits(self, count: usize) -> usize {
        match self {
            Workload::Webhook => count,
            Workload::Mix => (0..count).filter(|index| MIX[index % MIX.len()] == Part::Success).count(),
            Workload::CheckDeposit | Workload::RequestPayout | Workload::Bet => 0,
        }
    }

    /// So many requests, none of which was ever sent. Fewer when there are too few deposits.
    pub fn requests(self, count: usize, deposits: &[Deposit]) -> Vec<Request> {
        let mut deposits = deposits.iter();
        let mut success = || deposits.next().map(|deposit| wire::success(deposit.number, &deposit.external_id));
        let make = |index: usize| match self {
            Workload::CheckDeposit => Some(wire::question(Question::CheckDeposit, fresh())),
            Workload::RequestPayout => Some(wire::question(Question::RequestPayout, fresh())),
            Workload::Webhook => success(),
            Workload::Bet => Some(wire::turn(Turn::Bet, fresh())),
            Workload::Mix => match MIX[index % MIX.len()] {
                Part::Bet => Some(wire::turn(Turn::Bet, fresh())),
                Part::Win => Some(wire::turn(Turn::Win, fresh())),
                Part::Check => Some(wire::question(Question::CheckDeposit, fresh())),
                Part::Success => success(),
                Part::Payout => Some(wire::question(Question::RequestPayout, fresh())),
            },
        };
        (0..count).map_while(make).collect()
    }
}

/// A number that no request of this process had.
pub fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
