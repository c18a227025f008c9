//! How fast a provider is asked for a site: by the monotonic clock, in this process. Each instance keeps it for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ids::SiteId;

/// A provider and a site.
pub type Account = (String, SiteId);

/// Nobody rests for longer, whatever a provider says.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// When each may be asked next.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    free_at: HashMap<Account, Instant>,
    /// How many have or hold the turn.
    under_way: HashMap<Account, usize>,
}

/// One at a time is asked about by the schedule, so that a provider that does not answer takes no place from others. This is that one, or
/// somebody whom the schedule lets go first; it ends when this goes away.
#[derive(Debug)]
pub struct Turn {
    pace: Pace,
    account: Account,
}

impl Pace {
    /// Takes the next place, when it is at most `patience` away: gives back how long to wait for it. Otherwise gives back how long it is
    /// away, and takes nothing.
    ///
    /// # Errors
    ///
    /// How long the next place is away.
    pub fn reserve(
        &self,
        account: &Account,
        pace: Duration,
        patience: Duration,
        now: Instant,
    ) -> Result<Duration, Duration> {
        let mut known = self.known();
        let free_at = known.free_at.get(account).copied().unwrap_or(now).max(now);
        let wait = free_at.duration_since(now);
        if wait > patience {
            return Err(wait);
        }
        known.free_at.insert(account.clone(), free_at + pace);
        Ok(wait)
    }

    /// Whether the next place is there now.
    pub fn is_free(&self, account: &Account, now: Instant) -> bool {
        let known = self.known();
        known.free_at.get(account).is_none_or(|free_at| *free_at <= now) && !known.under_way.contains_key(account)
    }

    /// Takes the schedule's turn, unless it is taken.
    pub fn turn(&self, account: &Account) -> Option<Turn> {
        let mut known = self.known();
        if known.under_way.contains_key(account) {
            return None;
        }
        known.under_way.insert(account.clone(), 1);
        Some(Turn { pace: self.clone(), account: account.clone() })
    }

    /// Keeps the schedule from its next turn: what is about to be asked by somebody else is not taken from them.
    pub fn hold(&self, account: &Account) -> Turn {
        *self.known().under_way.entry(account.clone()).or_default() += 1;
        Turn { pace: self.clone(), account: account.clone() }
    }

    /// Asks nothing more for so long: the provider wants it.
    pub fn rest(&self, account: &Account, time: Duration, now: Instant) {
        let until = now + time.min(LONGEST_REST);
        let mut known = self.known();
        let free_at = known.free_at.entry(account.clone()).or_insert(until);
        *free_at = until.max(*free_at);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut known = self.pace.known();
        if let Some(count) = known.under_way.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                known.under_way.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_millis(1000);
    const NOW: Duration = Duration::ZERO;

    fn account(site: i64) -> Account {
        ("fake".into(), SiteId(site))
    }

    #[test]
    fn two_questions_are_never_closer_than_the_pace() {
        let (pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.reserve(&account(1), PACE, NOW, start), Ok(NOW));
        assert_eq!(pace.reserve(&account(1), PACE, NOW, start), Err(PACE));
        let later = start + Duration::from_millis(999);
        assert_eq!(pace.reserve(&account(1), PACE, NOW, later), Err(Duration::from_millis(1)));
        assert_eq!(pace.reserve(&account(1), PACE, NOW, start + PACE), Ok(NOW));
    }

    #[test]
    fn whoever_waits_gets_a_place_of_its_own() {
        let (pace, start) = (Pace::default(), Instant::now());
        let patience = Duration::from_millis(2000);
        let places: Vec<_> = (0..4).map(|_| pace.reserve(&account(1), PACE, patience, start)).collect();
        assert_eq!(places, [Ok(NOW), Ok(PACE), Ok(PACE * 2), Err(PACE * 3)]);
        assert!(!pace.is_free(&account(1), start + PACE * 2));
    }

    #[test]
    fn sites_do_not_wait_for_each_other() {
        let (pace, start) = (Pace::default(), Instant::now());
        pace.reserve(&account(1), PACE, NOW, start).unwrap();
        assert_eq!(pace.reserve(&account(2), PACE, NOW, start), Ok(NOW));
    }

    #[test]
    fn a_provider_that_wants_rest_gets_it_within_bounds() {
        let (pace, start) = (Pace::default(), Instant::now());
        pace.rest(&account(1), Duration::from_secs(30), start);
        pace.rest(&account(1), Duration::from_secs(10), start);
        assert_eq!(pace.reserve(&account(1), PACE, NOW, start), Err(Duration::from_secs(30)));
        pace.rest(&account(1), Duration::MAX, start);
        assert!(pace.is_free(&account(1), start + LONGEST_REST));
    }

    #[test]
    fn the_schedule_waits_for_all_who_hold_its_turn() {
        let pace = Pace::default();
        let (turn, first) = (pace.turn(&account(1)), pace.hold(&account(1)));
        let second = pace.hold(&account(1));
        for held in [turn, Some(first), Some(second)] {
            assert!(pace.turn(&account(1)).is_none());
            drop(held);
        }
        assert!(pace.turn(&account(1)).is_some());
    }

    #[test]
    fn the_schedule_asks_one_at_a_time() {
        let (pace, now) = (Pace::default(), Instant::now());
        let turn = pace.turn(&account(1));
        assert!(turn.is_some() && pace.turn(&account(1)).is_none() && !pace.is_free(&account(1), now));
        assert!(pace.turn(&account(2)).is_some());
        drop(turn);
        assert!(pace.is_free(&account(1), now) && pace.turn(&account(1)).is_some());
    }
}
