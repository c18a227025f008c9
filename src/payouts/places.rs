//! Places for payouts under way: a provider that does not answer takes those of its own account, and none of the others' (threats OUT-8).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Payouts under way at once. More would take more memory when many providers are slow, 64 KB each at most; fewer, and fewer slow accounts
/// would hold up the others.
const AT_ONCE: usize = 256;

/// Payouts of one account under way at once. More would burden a provider that is in trouble; fewer, and a slow one pays out slowly.
pub(super) const OF_AN_ACCOUNT: usize = 32;

/// Whose place it is: provider and site.
pub(super) type Account = (String, i64);

/// All places.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Inner>);

struct Inner {
    all: Arc<Semaphore>,
    taken: Mutex<BTreeMap<Account, usize>>,
    /// Told whenever a place becomes free.
    freed: Notify,
}

impl Default for Inner {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), taken: Mutex::default(), freed: Notify::new() }
    }
}

/// One payout's place. Free again when it is dropped.
pub(super) struct Place {
    account: Account,
    places: Places,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// How many are free altogether.
    pub(super) fn free(&self) -> usize {
        self.0.all.available_permits()
    }

    /// Accounts that have no place left.
    pub(super) fn full(&self) -> Vec<Account> {
        let full = |(account, taken): (&Account, &usize)| (*taken >= OF_AN_ACCOUNT).then(|| account.clone());
        self.taken().iter().filter_map(full).collect()
    }

    /// A place for a payout of this account, when there is one.
    pub(super) fn take(&self, account: &Account) -> Option<Place> {
        let mut taken = self.taken();
        let count = taken.entry(account.clone()).or_default();
        if *count >= OF_AN_ACCOUNT {
            return None;
        }
        let Ok(permit) = self.0.all.clone().try_acquire_owned() else { return None };
        *count += 1;
        Some(Place { account: account.clone(), places: self.clone(), _permit: permit })
    }

    /// Completes when a place has become free, also one that did since the last time.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }

    /// Completes when all of them are free.
    pub(super) async fn all_free(&self) {
        let all = u32::try_from(AT_ONCE).expect("a small number");
        let _nobody_closes_it = self.0.all.acquire_many(all).await;
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<Account, usize>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.account) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(taken.remove(&self.account)),
        }
        drop(taken);
        self.places.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(site: i64) -> Account {
        ("carouseller".to_owned(), site)
    }

    #[test]
    fn an_account_that_is_full_leaves_the_others_their_places() {
        let places = Places::default();
        let mut held: Vec<Place> = (0..OF_AN_ACCOUNT).filter_map(|_| places.take(&account(1))).collect();

        assert!(places.take(&account(1)).is_none(), "it has its share");
        assert_eq!((places.full(), places.free()), (vec![account(1)], AT_ONCE - OF_AN_ACCOUNT));
        held.extend(places.take(&account(2)));
        assert_eq!(held.len(), OF_AN_ACCOUNT + 1);

        drop(held);
        assert_eq!((places.full(), places.free()), (Vec::new(), AT_ONCE));
        assert!(places.take(&account(1)).is_some());
    }

    #[test]
    fn all_places_together_have_a_bound() {
        let places = Places::default();
        let sites = 0..i64::try_from(2 * AT_ONCE).expect("a small number");
        let held: Vec<Place> = sites.filter_map(|site| places.take(&account(site))).collect();

        assert_eq!((held.len(), places.free()), (AT_ONCE, 0));
    }
}
