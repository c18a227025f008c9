//! One instance pushes for all: the one that has the lease (threats WLT-4).
//!
//! Its holder renews it while it pushes. Whoever sees it unchanged for its whole length, by a clock of their own that never jumps, takes it
//! over; what the clocks of two machines say does not matter. A holder that stood still meanwhile may send events once more, with the same
//! ids; what it sent is not recorded, so none is lost.

use std::time::{Duration, Instant};

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::leases;
use crate::db::{DbConn, WriteTx};
use crate::instance::Me;

/// Its name in the table.
const NAME: &str = "pushes";

/// How long it is good. Longer, and events come late when its holder is gone; shorter, and a database that is slow for a moment makes it
/// change hands.
const LENGTH: Duration = Duration::from_secs(15);

/// How often its holder renews it.
pub(super) const RENEW: Duration = Duration::from_secs(5);

/// How often others look at it.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A lease as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = leases, treat_none_as_default_value = false)]
pub(super) struct Lease {
    name: String,
    owner: String,
    until: Micros,
}

/// What to do about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody has it, it is ours, or its holder is gone.
    Take,
    /// Somebody else has it.
    Leave,
}

/// What an instance knows of the lease.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// When it was last renewed here; `None`: it is not ours.
    renewed: Option<Instant>,
    /// Somebody else's, since when it looks like this, and when it was looked at.
    seen: Option<(Lease, Instant, Instant)>,
}

impl Known {
    /// Whose turn it is, given what the table says now.
    pub fn judge(&mut self, found: Option<&Lease>, me: &Me, now: Instant) -> Turn {
        let Some(found) = found.filter(|lease| lease.owner != *me.id) else {
            self.seen = None;
            return Turn::Take;
        };
        let since = match &self.seen {
            Some((seen, since, _)) if seen == found => *since,
            Some(_) | None => now,
        };
        self.seen = Some((found.clone(), since, now));
        if now.saturating_duration_since(since) >= LENGTH { Turn::Take } else { Turn::Leave }
    }

    /// Notes whether it is ours now. Says whether it was before.
    pub fn settle(&mut self, ours: bool, now: Instant) -> bool {
        std::mem::replace(&mut self.renewed, ours.then_some(now)).is_some()
    }

    /// Whether it was renewed so lately that nothing is to be done.
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.renewed.is_some_and(|renewed| now.saturating_duration_since(renewed) < RENEW)
    }

    /// Whether somebody else had it so lately that it need not be looked at again.
    pub fn is_elsewhere(&self, now: Instant) -> bool {
        let looked = self.seen.as_ref().map(|(_, _, looked)| *looked);
        self.renewed.is_none() && looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK)
    }
}

/// The lease as it stands; `None`: nobody has it.
pub(super) fn find(conn: &mut DbConn) -> QueryResult<Option<Lease>> {
    leases::table.find(NAME).select(Lease::as_select()).first(conn).optional()
}

/// Takes or renews the lease if it still stands as it was `found`. Says whether it is ours now.
pub(super) fn take(tx: &mut WriteTx<'_>, found: Option<&Lease>, me: &Me, at: Micros) -> QueryResult<bool> {
    let until = at.saturating_add(i64::try_from(LENGTH.as_micros()).unwrap_or(Micros::MAX));
    let Some(found) = found else {
        if find(tx.read()?)?.is_some() {
            return Ok(false);
        }
        let lease = Lease { name: NAME.to_owned(), owner: me.id.to_string(), until };
        return diesel::insert_into(leases::table).values(&lease).execute(tx.conn()?).map(|taken| taken == 1);
    };
    // Other than before, so that everybody sees that its holder lives, also when the clock stands still.
    let until = if until == found.until { until + 1 } else { until };
    let as_found =
        leases::table.find(NAME).filter(leases::owner.eq(&found.owner)).filter(leases::until.eq(found.until));
    let set = (leases::owner.eq(&*me.id), leases::until.eq(until));
    diesel::update(as_found).set(set).execute(tx.conn()?).map(|taken| taken == 1)
}

/// Whether the lease is still ours, and stays so until the commit: its row is locked.
pub(super) fn keep(tx: &mut WriteTx<'_>, me: &Me) -> QueryResult<bool> {
    let own = leases::table.find(NAME).filter(leases::owner.eq(&*me.id));
    diesel::update(own).set(leases::until.eq(leases::until + 1)).execute(tx.conn()?).map(|kept| kept == 1)
}

/// Gives the lease back.
pub(super) fn release(tx: &mut WriteTx<'_>, me: &Me) -> QueryResult<()> {
    let own = leases::table.find(NAME).filter(leases::owner.eq(&*me.id));
    diesel::delete(own).execute(tx.conn()?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(owner: &str, until: Micros) -> Lease {
        Lease { name: NAME.into(), owner: owner.into(), until }
    }

    #[test]
    fn a_lease_is_taken_when_free_own_or_unchanged_for_its_whole_length() {
        let (me, start) = (Me::new("a", false), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (free, own, other, renewed) = (None, lease("a", 7), lease("b", 7), lease("b", 8));
        let table = [
            (free, 0, Turn::Take),
            (Some(&own), 0, Turn::Take),
            (Some(&other), 0, Turn::Leave),
            (Some(&other), 14, Turn::Leave),
            (Some(&renewed), 15, Turn::Leave),
            (Some(&renewed), 29, Turn::Leave),
            (Some(&renewed), 30, Turn::Take),
            (Some(&own), 31, Turn::Take),
            (Some(&renewed), 32, Turn::Leave),
        ];
        let mut known = Known::default();
        for (found, seconds, turn) in table {
            assert_eq!(known.judge(found, &me, at(seconds)), turn, "{found:?} after {seconds} s");
        }
    }

    #[test]
    fn what_was_renewed_or_seen_lately_costs_nothing() {
        let (me, start) = (Me::new("a", false), Instant::now());
        let mut known = Known::default();
        assert!(!known.is_fresh(start) && !known.is_elsewhere(start));
        known.judge(Some(&lease("b", 1)), &me, start);
        assert!(known.is_elsewhere(start) && !known.is_elsewhere(start + LOOK));
        assert!(!known.settle(true, start));
        assert!(known.is_fresh(start) && !known.is_fresh(start + RENEW) && !known.is_elsewhere(start));
        assert!(known.settle(false, start));
        assert!(!known.is_fresh(start));
    }
}
