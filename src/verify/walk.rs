//! The whole check in steps that are short enough to be taken beside a service that works.

use diesel::prelude::*;

use super::kept::Kept;
use super::orders::{Deposits, Payouts};
use super::telling::Events;
use super::told::Told;
use super::wallet::Transactions;
use super::{MOST_PROBLEMS, Report, asked, telling};
use crate::db::DbConn;
use crate::db::schema::players;
use crate::error::Error;
use crate::events;
use crate::ledger::verify;
use crate::marks::Mark;
use crate::staff::audit;

/// Entries at the end that are not counted against their orders when the books change meanwhile: on a server a number is taken before its
/// commit, so one of the last may come after a higher one. Far more than all lanes of all instances can have under way.
const UNDER_WAY: i64 = 100_000;

/// The whole check, a step at a time. Each step must see one moment ([`crate::db::snapshot`]); the steps need not see the same, and then
/// the result is right all the same, whatever a sound service has written meanwhile:
///
/// - entries are never changed, and balances are compared in the step that reaches the end of the chain;
/// - an order changes in one commit with its entries, notifications and changes, and all of these are read in one step;
/// - entries are counted against orders up to a number that was passed before the first step, and orders are never deleted.
pub struct Walk {
    /// What is still to be checked, the next one last.
    left: Vec<At>,
    ledger: verify::Walk,
    counted_to: i64,
    /// Not one of the halves of another.
    is_whole: bool,
    /// Nobody writes between the steps, so what was counted in one agrees with what was counted in another.
    is_one_moment: bool,
    payouts: Payouts,
    deposits: Deposits,
    wallet: Transactions,
    requests: asked::Requests,
    events: Events,
    told: Told,
    kept: Kept,
    audit: (i64, (i64, [u8; 32])),
    problems: Vec<String>,
}

/// A part of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Ledger,
    Payouts,
    Deposits,
    Wallet,
    Requests,
    Events,
    Told,
    Kept,
    Others,
    Audit,
}

/// The first half: the journal, and what is kept of the game server in nearly as many rows.
const JOURNAL: [At; 3] = [At::Ledger, At::Wallet, At::Kept];

/// The other one: orders, and everything else.
const ORDERS: [At; 7] = [At::Payouts, At::Deposits, At::Requests, At::Events, At::Told, At::Others, At::Audit];

impl Walk {
    /// All steps are taken in one transaction.
    pub fn of_one_moment() -> Self {
        Self { is_one_moment: true, ..Self::counting_to(i64::MAX) }
    }

    /// Others write between the steps.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn beside_a_service(conn: &mut DbConn) -> Result<Self, Error> {
        let under_way = if conn.is_shared() { UNDER_WAY } else { 0 };
        Ok(Self::counting_to(verify::newest_number(conn)? - under_way))
    }

    fn counting_to(counted_to: i64) -> Self {
        Self {
            left: JOURNAL.into_iter().chain(ORDERS).rev().collect(),
            ledger: verify::Walk::new(counted_to),
            counted_to,
            is_whole: true,
            is_one_moment: false,
            payouts: Payouts::default(),
            deposits: Deposits::default(),
            wallet: Transactions::default(),
            requests: asked::Requests::default(),
            events: Events::default(),
            told: Told::default(),
            kept: Kept::default(),
            audit: (0, (0, audit::chain_start())),
            problems: Vec::new(),
        }
    }

    /// Takes a step. `false`: everything was checked.
    ///
    /// # Errors
    ///
    /// What the database says; the walk is of no use then. What does not hold is in the report.
    pub fn step(&mut self, conn: &mut DbConn) -> Result<bool, Error> {
        let (to, problems) = (self.counted_to, &mut self.problems);
        let Some(at) = self.left.last().copied() else { return Ok(false) };
        let more = match at {
            At::Ledger => {
                let more = self.ledger.step(conn)?;
                problems.extend(self.ledger.take_problems());
                more
            }
            At::Payouts => self.payouts.step(conn, to, problems)?,
            At::Deposits => self.deposits.step(conn, to, problems)?,
            At::Wallet => self.wallet.step(conn, to, problems)?,
            At::Requests => self.requests.step(conn, problems)?,
            At::Events => self.events.step(conn, problems)?,
            At::Told => {
                let more = self.told.step(conn, problems)?;
                if !more && self.is_one_moment {
                    self.told.end(conn, problems)?;
                }
                more
            }
            At::Kept => self.kept.step(conn, problems)?,
            At::Others => {
                asked::intents(conn, problems)?;
                telling::pushes(conn, problems)?;
                telling::protection(conn, problems)?;
                false
            }
            At::Audit => {
                let audit = audit::verify(conn)?;
                problems.extend(audit.problems);
                self.audit = (audit.rows, audit.head);
                false
            }
        };
        if !more {
            self.left.pop();
        }
        self.problems.truncate(MOST_PROBLEMS);
        if self.left.is_empty() && self.is_whole {
            self.totals();
        }
        Ok(!self.left.is_empty())
    }

    /// Divides the work of a walk that has not begun: the journal stays, orders and everything else may be checked by somebody else at
    /// the same time, on another connection. [`Walk::join`] puts both together.
    pub fn split(mut self) -> (Self, Self) {
        let mut orders = Self { is_one_moment: self.is_one_moment, ..Self::counting_to(self.counted_to) };
        orders.left = ORDERS.into_iter().rev().collect();
        self.left = JOURNAL.into_iter().rev().collect();
        (self.is_whole, orders.is_whole) = (false, false);
        (self, orders)
    }

    /// The end of a walk that was divided, once both halves have come to theirs.
    pub fn join(mut self, orders: Self) -> Self {
        self.payouts = orders.payouts;
        self.deposits = orders.deposits;
        self.audit = orders.audit;
        self.problems.extend(orders.problems);
        self.totals();
        self
    }

    /// No entry is without its order or transaction.
    fn totals(&mut self) {
        let kinds = self.ledger.kinds();
        self.payouts.totals(kinds, &mut self.problems);
        self.deposits.totals(kinds, &mut self.problems);
        self.wallet.totals(kinds, &mut self.problems);
        if self.is_one_moment {
            self.wallet.undone(kinds, &mut self.problems);
        }
        self.problems.truncate(MOST_PROBLEMS);
    }

    /// Journal entries read.
    pub fn entries(&self) -> i64 {
        self.ledger.entries()
    }

    /// What is being checked, for whoever waits.
    pub fn now(&self) -> &'static str {
        match self.left.last() {
            Some(At::Ledger) => "the journal",
            Some(At::Payouts) => "payouts",
            Some(At::Deposits) => "deposits",
            Some(At::Wallet) => "the game server's transactions",
            Some(At::Requests) => "requests of players",
            Some(At::Events | At::Told) => "events",
            Some(At::Kept) => "what is kept for repetitions",
            Some(At::Others | At::Audit) | None => "what else must hold",
        }
    }

    /// What was found so far, the first first.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// What the walk came to, once it has ended.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn report(self, conn: &mut DbConn) -> Result<Report, Error> {
        let (audit_rows, audit) = self.audit;
        Ok(Report {
            ok: self.problems.is_empty(),
            entries: self.ledger.entries(),
            postings: self.ledger.entries() * 2,
            players: players::table.count().get_result(conn)?,
            audit_rows,
            problems: self.problems,
            mark: Mark { ledger: self.ledger.head(), audit, event: events::newest_name(conn)? },
        })
    }
}
