//! The journal of a grown book: each entry's hash by the product's own form, and the balances that its postings make.

use std::collections::HashMap;

use croupier::ledger::{Sealed, chain_start};

/// Available and held.
pub type Balance = (i64, i64);

/// One entry, as SQL hands it over.
pub type Entry = (i64, String, String, i64, String, i64, i64, bool, i64, bool, i64);

/// Where the journal ends, and what accounts have there.
pub struct Chain {
    head: (i64, [u8; 32]),
    /// By the number of the account.
    balances: HashMap<i64, Balance>,
    /// What the player had after each entry of the day under way, by its cause.
    after: HashMap<String, Balance>,
    house: i64,
}

impl Chain {
    /// An empty journal. Accounts up to number `house` are no player's.
    pub fn new(house: i64) -> Self {
        Self { head: (0, chain_start()), balances: HashMap::new(), after: HashMap::new(), house }
    }

    pub fn begin_day(&mut self) {
        self.after.clear();
    }

    /// How many entries there are.
    pub fn entries(&self) -> i64 {
        self.head.0
    }

    /// Adds an entry and gives its hash; nothing for one that does not follow.
    pub fn append(&mut self, entry: Entry) -> Vec<u8> {
        let (id, kind, cause, player_id, currency, amount, debit, debit_held, credit, credit_held, at) = entry;
        if id != self.head.0 + 1 {
            return Vec::new();
        }
        let (kind, currency, debited, credited) = (&kind, &currency, (debit, debit_held), (credit, credit_held));
        let sealed =
            Sealed { id, kind, cause: &cause, player_id, currency, amount, debit: debited, credit: credited, at };
        self.head = (id, sealed.hash(&self.head.1));
        for ((account, held), by) in [(debited, -amount), (credited, amount)] {
            let balance = self.balances.entry(account).or_default();
            *(if held { &mut balance.1 } else { &mut balance.0 }) += by;
        }
        let own = if debit > self.house { debit } else { credit };
        self.after.insert(cause, self.balance(own));
        self.head.1.to_vec()
    }

    /// What the player had after the entry with this cause, on the day under way.
    pub fn after(&self, cause: &str) -> Balance {
        self.after.get(cause).copied().unwrap_or_default()
    }

    pub fn balance(&self, account: i64) -> Balance {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub fn is_open(&self, account: i64) -> bool {
        self.balances.contains_key(&account)
    }
}
