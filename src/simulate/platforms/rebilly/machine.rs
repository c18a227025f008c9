//! How payout requests and deposit requests go on: the table of section 4.2, allocations, and what the other side decides.

use super::books::{
    Allocation, Asked, Books, By, Cancellation, Deposit, Kind, Part, Payout, Status, Transaction, Verdict, fresh,
};
use super::problem::Problem;
use crate::clock::Micros;
use crate::simulate::platforms::End;

/// The instrument of a payout whose request names none; the manual does not say which one automatic allocation takes.
pub const DEFAULT_INSTRUMENT: &str = "inst_0YVB8KPKNXCBR9EDX7JHSED75N";
/// The gateway account of automatic allocations.
pub const DEFAULT_GATEWAY: &str = "gw_acc_0YVB8KPKNXCBR9EDX7JHSED75N";

/// Whether a payout request may go from one status to another (manual, "Statuses"). The same status again is no transition: a call
/// repeated after a lost answer gets 409 and has to read the request back.
pub fn may_go(from: Status, to: Status) -> bool {
    use Status::{Approved, Canceled, Fulfilled, InProgress, Pending, Ready, Split};
    matches!(
        (from, to),
        (Pending, Ready)
            | (Ready, Pending | Approved)
            | (Approved, Ready | InProgress)
            | (InProgress, InProgress | Fulfilled)
            | (Pending | Ready | Approved, Split | Canceled)
    )
}

/// Whether it may go there now. While it is blocked only the way back to `pending` is open (manual, "Block").
///
/// # Errors
///
/// 409.
pub fn check(payout: &Payout, blocked: bool, to: Status) -> Result<(), Problem> {
    if !may_go(payout.status, to) {
        let (from, to) = (payout.status.name(), to.name());
        return Err(Problem::conflict(format!("a payout request that is {from} cannot become {to}")));
    }
    if blocked && to != Status::Pending {
        return Err(Problem::conflict("the payout request is blocked"));
    }
    Ok(())
}

impl Books {
    /// Moves a payout request to another status.
    ///
    /// # Errors
    ///
    /// 404, 409.
    pub fn advance(&mut self, id: &str, to: Status, at: Micros) -> Result<(), Problem> {
        let payout = self.payouts.get_mut(id).ok_or_else(Problem::not_found)?;
        check(payout, payout.blocked, to)?;
        (payout.status, payout.updated) = (to, at);
        Ok(())
    }

    /// Cancels a payout request.
    ///
    /// # Errors
    ///
    /// 404, 409.
    pub fn cancel(&mut self, id: &str, by: By, description: Option<String>, at: Micros) -> Result<(), Problem> {
        self.advance(id, Status::Canceled, at)?;
        if let Some(payout) = self.payouts.get_mut(id) {
            payout.cancellation = Some(Cancellation { canceled_by: by, description });
        }
        Ok(())
    }

    /// Splits a payout request into parts of these minor units, which sum up to it. They start `pending`.
    ///
    /// # Errors
    ///
    /// 404, 409.
    pub fn split(&mut self, id: &str, amounts: &[i64], reason: &str, at: Micros) -> Result<Vec<String>, Problem> {
        self.advance(id, Status::Split, at)?;
        let whole = self.payouts.get_mut(id).ok_or_else(Problem::not_found)?;
        let parts: Vec<Payout> = amounts
            .iter()
            .map(|amount| Payout {
                id: fresh("pout_req_"),
                amount: *amount,
                status: Status::Pending,
                split_reason: Some(reason.to_owned()),
                split_from: Some(id.to_owned()),
                parts: Vec::new(),
                allocations: Vec::new(),
                created: at,
                updated: at,
                ..whole.clone()
            })
            .collect();
        let ids: Vec<String> = parts.iter().map(|part| part.id.clone()).collect();
        whole.parts.clone_from(&ids);
        for part in parts {
            self.payouts.add(&part.id.clone(), part);
        }
        Ok(ids)
    }

    /// Takes back pending payout requests of a customer, oldest first, until `amount` is reached; all of them without one. The manual
    /// does not say what becomes of one that is needed in part: here it is cancelled whole. Blocked ones stay.
    pub fn reverse(&mut self, customer: &str, currency: &str, amount: Option<i64>, at: Micros) {
        let mut left = amount.unwrap_or(i64::MAX);
        for payout in self.payouts.iter_mut() {
            if left > 0 && is_reversible(payout, customer, currency) {
                left -= payout.amount;
                (payout.status, payout.updated) = (Status::Canceled, at);
                payout.cancellation = Some(Cancellation { canceled_by: By::Customer, description: None });
            }
        }
    }

    /// What a customer can take back, minor units.
    pub fn reversible(&self, customer: &str, currency: &str) -> i64 {
        self.payouts.iter().filter(|one| is_reversible(one, customer, currency)).map(|one| one.amount).sum()
    }

    /// Allocates a part of an approved payout request, minor units.
    ///
    /// # Errors
    ///
    /// 404, 409; 422 when less is available.
    pub fn allocate(&mut self, id: &str, way: (&str, &str), amount: i64, at: Micros) -> Result<String, Problem> {
        let payout = self.payouts.get(id).ok_or_else(Problem::not_found)?;
        check(payout, payout.blocked, Status::InProgress)?;
        if amount > self.available(payout) {
            return Err(Problem::field("amount", "is more than what is available"));
        }
        self.advance(id, Status::InProgress, at)?;
        Ok(self.add_allocation(id, way, amount, at))
    }

    fn add_allocation(&mut self, id: &str, (instrument, gateway): (&str, &str), amount: i64, at: Micros) -> String {
        let own = fresh("pra_");
        let Some(payout) = self.payouts.get_mut(id) else { return own };
        payout.allocations.push(own.clone());
        let allocation = Allocation {
            id: own.clone(),
            payout: id.to_owned(),
            instrument: instrument.to_owned(),
            gateway: gateway.to_owned(),
            amount,
            currency: payout.currency.clone(),
            status: Part::Pending,
            transaction: None,
            created: at,
            updated: at,
        };
        self.allocations.add(&own, allocation);
        own
    }

    /// Starts a pending allocation of a request that is not blocked; says whether it did.
    pub fn process(&mut self, id: &str, at: Micros) -> bool {
        let Some(allocation) = self.allocations.get(id) else { return false };
        let blocked = self.payouts.get(&allocation.payout).is_some_and(|payout| payout.blocked);
        let starts = allocation.status == Part::Pending && !blocked;
        if starts {
            self.end_allocation(id, Part::Processing, at);
        }
        starts
    }

    /// Puts an allocation, and its transaction, where they shall be.
    pub fn end_allocation(&mut self, id: &str, status: Part, at: Micros) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        (allocation.status, allocation.updated) = (status, at);
        let allocation = allocation.clone();
        let verdict = match status {
            Part::Processing => Verdict::Waiting,
            Part::Completed => Verdict::Approved,
            Part::Declined => Verdict::Declined,
            Part::Canceled => Verdict::Canceled,
            Part::Pending | Part::Failed => return,
        };
        match allocation.transaction {
            Some(transaction) => self.decide(&transaction, verdict, at),
            // What is stopped before its processing never had one.
            None if status == Part::Canceled => {}
            None => {
                let customer = self.payouts.get(&allocation.payout).map(|payout| payout.customer.clone());
                let transaction = Transaction {
                    customer: customer.unwrap_or_default(),
                    payout: Some(allocation.payout),
                    ..blank(Kind::Credit, verdict, allocation.amount, &allocation.currency, at)
                };
                if let Some(allocation) = self.allocations.get_mut(id) {
                    allocation.transaction = Some(transaction.id.clone());
                }
                self.transactions.add(&transaction.id.clone(), transaction);
            }
        }
    }

    /// Puts a transaction where it shall be.
    pub fn decide(&mut self, id: &str, verdict: Verdict, at: Micros) {
        if let Some(transaction) = self.transactions.get_mut(id)
            && transaction.verdict != verdict
        {
            transaction.verdict = verdict;
            transaction.revision += 1;
            transaction.processed = (verdict != Verdict::Waiting).then_some(at);
        }
    }

    /// Decides a payout request, whatever stood in between; of one that was split the parts that are open.
    pub fn end_payout(&mut self, id: &str, end: End, at: Micros) {
        let Some(payout) = self.payouts.get(id) else { return };
        let (parts, allocations, status) = (payout.parts.clone(), payout.allocations.clone(), payout.status);
        if !parts.is_empty() {
            for part in parts {
                if self.end_of(&part) == End::Pending {
                    self.end_payout(&part, end, at);
                }
            }
            return;
        }
        let (status, by, allocated) = match end {
            End::Pending if status.is_open() => return,
            End::Pending => (Status::Ready, None, Part::Canceled),
            End::Paid => (Status::Fulfilled, None, Part::Completed),
            End::Declined | End::Expired => (Status::Canceled, Some(By::System), Part::Declined),
            End::Cancelled => (Status::Canceled, Some(By::Customer), Part::Canceled),
        };
        for allocation in allocations {
            if self.allocations.get(&allocation).is_some_and(|one| one.status.counts()) {
                self.end_allocation(&allocation, allocated, at);
            }
        }
        if end == End::Paid {
            self.pay_the_rest(id, at);
        }
        if let Some(payout) = self.payouts.get_mut(id) {
            (payout.status, payout.updated) = (status, at);
            payout.cancellation = by.map(|canceled_by| Cancellation { canceled_by, description: None });
        }
    }

    fn pay_the_rest(&mut self, id: &str, at: Micros) {
        let Some(payout) = self.payouts.get(id) else { return };
        let (rest, instrument) = (self.available(payout), payout.instrument.clone());
        if rest > 0 {
            let instrument = instrument.as_deref().unwrap_or(DEFAULT_INSTRUMENT);
            let allocation = self.add_allocation(id, (instrument, DEFAULT_GATEWAY), rest, at);
            self.end_allocation(&allocation, Part::Completed, at);
        }
    }

    /// The player begins to pay: the deposit request has a transaction from now on. Gives its id.
    pub fn begin_deposit(&mut self, id: &str, at: Micros) -> Option<String> {
        let deposit = self.deposits.get_mut(id)?;
        if let Some(transaction) = deposit.transactions.last() {
            return Some(transaction.clone());
        }
        (deposit.status, deposit.updated) = (Asked::Initiated, at);
        self.try_deposit(id, at)
    }

    /// One more attempt to pay a deposit request.
    fn try_deposit(&mut self, id: &str, at: Micros) -> Option<String> {
        let deposit = self.deposits.get_mut(id)?;
        let transaction = Transaction {
            customer: deposit.customer.clone(),
            deposit: Some(id.to_owned()),
            ..blank(Kind::Sale, Verdict::Waiting, deposit.amount, &deposit.currency, at)
        };
        let own = transaction.id.clone();
        deposit.transactions.push(own.clone());
        self.transactions.add(&own, transaction);
        Some(own)
    }

    /// Decides a deposit request and its transaction. One that is refused or cancelled is `attempted`, which is not final: when it is
    /// paid after all, that is another transaction. One whose time ran out before the player began has none.
    pub fn end_deposit(&mut self, id: &str, end: End, at: Micros) {
        let Some(deposit) = self.deposits.get(id) else { return };
        let begun = !deposit.transactions.is_empty();
        if begun || matches!(end, End::Paid | End::Declined | End::Cancelled) {
            let Some(mut transaction) = self.begin_deposit(id, at) else { return };
            let failed =
                |one: &Transaction| matches!(one.verdict, Verdict::Declined | Verdict::Canceled | Verdict::Abandoned);
            if end == End::Paid && self.transactions.get(&transaction).is_some_and(failed) {
                transaction = self.try_deposit(id, at).unwrap_or(transaction);
            }
            self.decide(&transaction, Verdict::of(end), at);
        }
        if let Some(deposit) = self.deposits.get_mut(id) {
            deposit.status = match end {
                End::Pending if begun => Asked::Initiated,
                End::Pending => Asked::Created,
                End::Paid => Asked::Completed,
                End::Declined | End::Cancelled => Asked::Attempted,
                End::Expired => Asked::Expired,
            };
            (deposit.end, deposit.updated) = (end, at);
        }
    }

    /// Lets a deposit request end whose time is over.
    pub fn expire_deposit(&mut self, id: &str, at: Micros) {
        let over = |deposit: &Deposit| deposit.end == End::Pending && deposit.expires <= at;
        if self.deposits.get(id).is_some_and(over) {
            self.end_deposit(id, End::Expired, at);
        }
    }

    /// The transaction a notice about a deposit request names: there is one from now on.
    pub fn noticed_deposit(&mut self, id: &str, at: Micros) -> Option<String> {
        let (status, end) = self.deposits.get(id).map(|deposit| (deposit.status, deposit.end))?;
        let transaction = self.begin_deposit(id, at)?;
        if end == End::Expired {
            self.decide(&transaction, Verdict::Abandoned, at);
            self.deposits.get_mut(id)?.status = status;
        }
        Some(transaction)
    }
}

fn is_reversible(payout: &Payout, customer: &str, currency: &str) -> bool {
    payout.status == Status::Pending && !payout.blocked && payout.customer == customer && payout.currency == currency
}

/// A new transaction of nobody yet.
pub fn blank(kind: Kind, verdict: Verdict, amount: i64, currency: &str, at: Micros) -> Transaction {
    Transaction {
        id: fresh("txn_"),
        kind,
        verdict,
        amount,
        currency: currency.to_owned(),
        customer: String::new(),
        deposit: None,
        payout: None,
        revision: 1,
        created: at,
        processed: (verdict != Verdict::Waiting).then_some(at),
    }
}
