//! Attempts whose process is gone: who settles them, and when.
//!
//! An instance settles its own at its start. Those of others it settles when it has seen them open for longer than any attempt can
//! last, measured by its own clock that never jumps: what the clocks of two machines say does not matter (threats OPS-1).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::outbox::Open;
use crate::instance::Me;

/// How often it is looked for attempts that others have left open.
pub const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Open for so long, an attempt of another instance has nobody who waits for its answer: an attempt ends after 30 s, and what came of it is
/// written down at once. Shorter, and a database that fails for a minute makes payouts unknown that are not; longer, and a player whose
/// instance is gone waits longer for a person.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether nobody waits for the answer of an open attempt any more. `seen_for`: how long this process has seen it open; `None`: this
/// process has only just started, and nothing is under way in it.
pub fn is_orphaned(owner: &str, me: &Me, seen_for: Option<Duration>) -> bool {
    let own = me.alone || owner == &*me.id;
    match seen_for {
        None => own,
        // This process waits for it itself, however long that takes.
        Some(_) if own => false,
        Some(seen_for) => seen_for >= PATIENCE,
    }
}

/// What this process has seen of others' open attempts.
#[derive(Debug, Default)]
pub struct Watch {
    since: HashMap<(String, i64), Instant>,
}

impl Watch {
    /// Takes what is open now. Gives back those that are orphaned.
    pub fn look(&mut self, open: Vec<Open>, me: &Me, now: Instant) -> Vec<Open> {
        let key = |one: &Open| (one.external_id.clone(), one.number);
        let before = std::mem::take(&mut self.since);
        self.since = open.iter().map(|one| (key(one), before.get(&key(one)).copied().unwrap_or(now))).collect();
        let seen_for = |one: &Open| self.since.get(&key(one)).map(|since| now.saturating_duration_since(*since));
        open.into_iter()
            .filter(|one| seen_for(one).is_some_and(|seen| is_orphaned(&one.owner, me, Some(seen))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(external_id: &str, owner: &str) -> Open {
        Open { external_id: external_id.into(), number: 1, owner: owner.into() }
    }

    #[test]
    fn at_the_start_only_own_attempts_are_orphaned_and_later_only_old_ones_of_others() {
        let (one, alone) = (Me::new("a", false), Me::new("a", true));
        let (short, long) = (Duration::from_secs(119), Duration::from_secs(120));
        let ages = Duration::from_secs(1_000_000);
        let table = [
            ("a", &one, None, true),
            ("b", &one, None, false),
            ("", &one, None, false),
            ("b", &alone, None, true),
            ("", &alone, None, true),
            ("a", &one, Some(ages), false),
            ("b", &one, Some(Duration::ZERO), false),
            ("b", &one, Some(short), false),
            ("b", &one, Some(long), true),
            ("", &one, Some(long), true),
            ("a", &alone, Some(ages), false),
            ("b", &alone, Some(ages), false),
        ];
        for (owner, me, seen_for, orphaned) in table {
            assert_eq!(is_orphaned(owner, me, seen_for), orphaned, "{owner:?} {me:?} {seen_for:?}");
        }
    }

    #[test]
    fn an_attempt_is_orphaned_once_it_was_seen_open_all_the_time() {
        let (me, mut watch, start) = (Me::new("a", false), Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let both = || vec![open("x", "b"), open("y", "a")];

        assert_eq!(watch.look(both(), &me, at(0)), []);
        assert_eq!(watch.look(both(), &me, at(60)), []);
        // It came back and went out again as another attempt: that one is young.
        let second = Open { number: 2, ..open("x", "b") };
        assert_eq!(watch.look(vec![second.clone()], &me, at(125)), []);
        assert_eq!(watch.look(both(), &me, at(130)), [], "the first one was gone and is seen anew");
        assert_eq!(watch.look(both(), &me, at(249)), []);
        assert_eq!(watch.look(both(), &me, at(250)), [open("x", "b")]);
        assert_eq!(watch.look(Vec::new(), &me, at(260)), []);
        assert!(watch.since.is_empty(), "what has ended is forgotten");
    }
}
