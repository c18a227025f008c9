//! Attempts whose answer nobody waits for any more: which, and when.
//!
//! An instance settles its own at its start. Others it settles when it has seen them open for longer than any attempt can last, measured
//! by its own clock that never jumps: what the clocks of two machines say does not matter (threats OPS-1).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::outbox::Open;
use crate::instance::Me;

/// How often it is looked for open attempts.
pub const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Open for so long, an attempt has nobody who waits for its answer: an attempt ends after 30 s, and what came of it is written down at
/// once. Shorter, and a database that fails for a minute makes payouts unknown that are not; longer, and a player whose instance is gone
/// waits longer for a person.
const PATIENCE: Duration = Duration::from_secs(120);

/// What this process knows of an open attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The process has only just started: nothing is under way in it.
    AtStart,
    /// It waits for the answer itself, however long that takes.
    UnderWayHere,
    /// It has seen it open for so long.
    For(Duration),
}

/// Whether nobody waits for the answer of an open attempt any more.
pub fn is_orphaned(owner: &str, me: &Me, seen: Seen) -> bool {
    match seen {
        Seen::AtStart => me.alone || owner == &*me.id,
        Seen::UnderWayHere => false,
        Seen::For(time) => time >= PATIENCE,
    }
}

/// The payouts that this process sends now, from before the claim until the outcome is recorded.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// One of them; it is none any more when this goes away.
#[derive(Debug)]
pub struct Here {
    all: UnderWay,
    external_id: String,
}

impl UnderWay {
    /// Takes one on.
    pub fn enter(&self, external_id: &str) -> Here {
        self.ids().insert(external_id.to_owned());
        Here { all: self.clone(), external_id: external_id.to_owned() }
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.all.ids().remove(&self.external_id);
    }
}

/// What this process has seen of open attempts.
#[derive(Debug, Default)]
pub struct Watch {
    since: HashMap<(String, i64), Instant>,
}

impl Watch {
    /// Takes what is open now. Gives back those that are orphaned.
    pub fn look(&mut self, open: Vec<Open>, me: &Me, here: &UnderWay, now: Instant) -> Vec<Open> {
        let key = |one: &Open| (one.external_id.clone(), one.number);
        let mut before = std::mem::take(&mut self.since);
        let here = here.ids();
        let is_orphaned = |one: &Open| {
            let since = before.remove(&key(one)).unwrap_or(now);
            let under_way = here.contains(&one.external_id) && (me.alone || *one.owner == *me.id);
            // What came back and goes out again is seen anew.
            let since = if under_way { now } else { since };
            self.since.insert(key(one), since);
            let seen = if under_way { Seen::UnderWayHere } else { Seen::For(now.saturating_duration_since(since)) };
            is_orphaned(&one.owner, me, seen)
        };
        open.into_iter().filter(is_orphaned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1_000_000);

    fn open(external_id: &str, owner: &str) -> Open {
        Open { external_id: external_id.into(), number: 1, owner: owner.into() }
    }

    #[test]
    fn at_the_start_only_own_attempts_are_orphaned_and_later_only_old_ones_that_are_not_under_way() {
        let (one, alone) = (Me::new("a", false), Me::new("a", true));
        let (short, enough) = (Seen::For(PATIENCE - Duration::from_micros(1)), Seen::For(PATIENCE));
        let table = [
            ("a", &one, Seen::AtStart, true),
            ("b", &one, Seen::AtStart, false),
            ("", &one, Seen::AtStart, false),
            ("b", &alone, Seen::AtStart, true),
            ("", &alone, Seen::AtStart, true),
            ("a", &one, Seen::UnderWayHere, false),
            ("a", &alone, Seen::UnderWayHere, false),
            ("b", &one, Seen::For(Duration::ZERO), false),
            ("b", &one, short, false),
            ("a", &one, short, false),
            ("b", &one, enough, true),
            ("a", &one, enough, true),
            ("", &one, enough, true),
            ("b", &alone, Seen::For(LONG), true),
        ];
        for (owner, me, seen, orphaned) in table {
            assert_eq!(is_orphaned(owner, me, seen), orphaned, "{owner:?} {me:?} {seen:?}");
        }
    }

    #[test]
    fn an_attempt_is_orphaned_once_it_was_seen_open_all_the_time() {
        let (me, here, mut watch, start) = (Me::new("a", false), UnderWay::default(), Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut look = |open, seconds| watch.look(open, &me, &here, at(seconds));
        let one = || vec![open("x", "b")];

        assert_eq!(look(one(), 0), []);
        assert_eq!(look(one(), 60), []);
        // It came back and went out again as another attempt: that one is young.
        assert_eq!(look(vec![Open { number: 2, ..open("x", "b") }], 125), []);
        assert_eq!(look(one(), 130), [], "the first one was gone and is seen anew");
        assert_eq!(look(one(), 249), []);
        assert_eq!(look(one(), 250), one());
        assert_eq!(look(Vec::new(), 260), []);
        assert!(watch.since.is_empty(), "what has ended is forgotten");
    }

    #[test]
    fn what_is_under_way_here_is_left_alone_however_long_it_takes() {
        let (me, here, mut watch, start) = (Me::new("a", false), UnderWay::default(), Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let own = || vec![open("x", "a")];
        let under_way = here.enter("x");

        for seconds in [0, 130, 10_000] {
            assert_eq!(watch.look(own(), &me, &here, at(seconds)), []);
        }
        drop(under_way);
        assert_eq!(watch.look(own(), &me, &here, at(10_100)), []);
        assert_eq!(watch.look(own(), &me, &here, at(10_120)), own(), "a claim that nobody knew of");
        let _other = here.enter("y");
        assert_eq!(watch.look(vec![open("y", "b")], &me, &here, at(20_000)), [], "seen for the first time");
        assert_eq!(watch.look(vec![open("y", "b")], &me, &here, at(20_120)).len(), 1, "another instance's");
    }
}
