//! The simulator's own book: what every player must have and how every payout ended. Shares nothing with the ledger.

use std::collections::BTreeMap;

/// A player's money in one currency: login and currency.
pub type Account = (String, String);

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Not yet.
    Open,
    /// The money moved.
    Paid,
    /// It did not.
    Declined,
}

/// A deposit or payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub account: Account,
    /// Minor units.
    pub amount: i64,
    /// How it ended.
    pub end: End,
}

/// What a player must have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// Minor units to play with.
    pub available: i64,
    /// Minor units set aside for payouts.
    pub held: i64,
}

/// The book. Every method that finds a contradiction notes it in [`Book::problems`] instead of stopping.
#[derive(Debug, Clone, Default)]
pub struct Book {
    accounts: BTreeMap<Account, Expected>,
    deposits: BTreeMap<String, Entry>,
    payouts: BTreeMap<String, Entry>,
    problems: Vec<String>,
}

impl Book {
    /// A deposit was accepted. The money comes with [`Book::deposit_paid`].
    pub fn deposit_opened(&mut self, external_id: &str, account: &Account, amount: i64) {
        let entry = Entry { account: account.clone(), amount, end: End::Open };
        if self.deposits.insert(external_id.to_owned(), entry).is_some() || self.payouts.contains_key(external_id) {
            self.problems.push(format!("external_id {external_id} was given to two orders"));
        }
    }

    /// A deposit was paid: the player has the money.
    pub fn deposit_paid(&mut self, external_id: &str) {
        if let Some((account, amount)) = end(&mut self.deposits, external_id, End::Paid, &mut self.problems) {
            self.add(&account, amount, 0);
        }
    }

    /// A deposit was declined.
    pub fn deposit_declined(&mut self, external_id: &str) {
        end(&mut self.deposits, external_id, End::Declined, &mut self.problems);
    }

    /// A payout was accepted: the money is held.
    pub fn payout_held(&mut self, external_id: &str, account: &Account, amount: i64) {
        let entry = Entry { account: account.clone(), amount, end: End::Open };
        if self.payouts.insert(external_id.to_owned(), entry).is_some() || self.deposits.contains_key(external_id) {
            self.problems.push(format!("external_id {external_id} was given to two orders"));
        }
        self.add(account, -amount, amount);
    }

    /// A payout was paid: the held money is gone.
    pub fn payout_paid(&mut self, external_id: &str) {
        if let Some((account, amount)) = end(&mut self.payouts, external_id, End::Paid, &mut self.problems) {
            self.add(&account, 0, -amount);
        }
    }

    /// A payout was declined: the held money is available again.
    pub fn payout_declined(&mut self, external_id: &str) {
        if let Some((account, amount)) = end(&mut self.payouts, external_id, End::Declined, &mut self.problems) {
            self.add(&account, amount, -amount);
        }
    }

    /// Play took or gave money: minor units, negative for a bet.
    pub fn played(&mut self, account: &Account, change: i64) {
        self.add(account, change, 0);
    }

    /// Notes that something did not go as it must.
    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// What a player must have now.
    pub fn expected(&self, account: &Account) -> Expected {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    /// The players' accounts that ever had money.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.keys()
    }

    /// Deposits by external id.
    pub fn deposits(&self) -> &BTreeMap<String, Entry> {
        &self.deposits
    }

    /// Payouts by external id.
    pub fn payouts(&self) -> &BTreeMap<String, Entry> {
        &self.payouts
    }

    /// What did not go as it must, oldest first.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    fn add(&mut self, account: &Account, available: i64, held: i64) {
        let expected = self.accounts.entry(account.clone()).or_default();
        let sums = expected.available.checked_add(available).zip(expected.held.checked_add(held));
        match sums {
            Some((available, held)) if available >= 0 && held >= 0 => *expected = Expected { available, held },
            Some(_) | None => {
                let (login, currency) = account;
                self.problems.push(format!("{login}: a change of {available} {currency} leaves the range"));
            }
        }
    }
}

/// Ends an order once; says whose money it was when this was its first end.
fn end(
    entries: &mut BTreeMap<String, Entry>,
    external_id: &str,
    how: End,
    problems: &mut Vec<String>,
) -> Option<(Account, i64)> {
    match entries.get_mut(external_id) {
        Some(entry) if entry.end == End::Open => {
            entry.end = how;
            Some((entry.account.clone(), entry.amount))
        }
        Some(_) => {
            problems.push(format!("order {external_id} ended twice"));
            None
        }
        None => {
            problems.push(format!("order {external_id} is not in the book"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        ("alice".to_owned(), "USD".to_owned())
    }

    #[test]
    fn money_comes_is_held_and_goes() {
        let mut book = Book::default();

        book.deposit_opened("d", &account(), 1000);
        assert_eq!(book.expected(&account()), Expected::default());
        book.deposit_paid("d");
        book.payout_held("p", &account(), 700);
        assert_eq!(book.expected(&account()), Expected { available: 300, held: 700 });
        book.payout_declined("p");
        book.payout_held("q", &account(), 400);
        book.payout_paid("q");
        book.played(&account(), -100);

        assert_eq!(book.expected(&account()), Expected { available: 500, held: 0 });
        assert_eq!(book.payouts()["p"].end, End::Declined);
        assert!(book.problems().is_empty());
    }

    #[test]
    fn contradictions_are_noted_and_change_nothing() {
        let mut book = Book::default();
        book.deposit_opened("d", &account(), 1000);
        book.deposit_paid("d");

        book.deposit_paid("d");
        book.payout_paid("unknown");
        book.deposit_opened("d", &account(), 5);
        book.played(&account(), -1001);

        assert_eq!(book.expected(&account()).available, 1000);
        assert_eq!(book.problems().len(), 4);
    }
}
