//! What an answer means, and how long to wait after it. Pure functions, so that days of waiting are tested in no time.

use crate::clock::{DAY_MICROS, Micros};

const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;

/// How long an event waits after each refusal; after the last one it is given up. Together about three days: time enough for people to
/// mend a receiver over a weekend.
const LADDER: [Micros; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// The longest wait of an endpoint that fails. Longer, and events come late when it is back; shorter, and a dead one is pestered.
const LONGEST_BACKOFF: Micros = 5 * MINUTE;

/// After failing for so long an endpoint is paused, and a person is called.
const PATIENCE: Micros = DAY_MICROS;

/// How often a paused endpoint is tried.
const PROBE: Micros = 15 * MINUTE;

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx: the game server has it.
    Delivered,
    /// It answered, and does not have it.
    Refused,
    /// No byte left us.
    NotSent,
    /// It may have it: sent again with the same id.
    Unknown,
}

/// Every outcome with its word in the table and in the metrics.
const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Delivered, "delivered"),
    (Outcome::Refused, "refused"),
    (Outcome::NotSent, "not_sent"),
    (Outcome::Unknown, "unknown"),
];

impl Outcome {
    /// The word in the table and in the metrics.
    pub fn name(self) -> &'static str {
        OUTCOMES.iter().find(|(outcome, _)| *outcome == self).expect("every outcome has a word").1
    }

    /// What an answer with this status means.
    pub fn of_status(status: u16) -> Self {
        if (200..300).contains(&status) { Outcome::Delivered } else { Outcome::Refused }
    }
}

/// Whose fault it is that a push was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This event's: others may go through.
    Event,
    /// The endpoint's: it is down, it is busy, or it is the wrong address or key. All events wait; none is given up for it.
    Endpoint,
}

/// Whose fault an outcome is that is no delivery.
pub fn fault(outcome: Outcome, http_status: Option<u16>) -> Fault {
    match (outcome, http_status) {
        // Where to go, who we are, not now: nothing of this is about the event.
        (Outcome::Refused, Some(401 | 403 | 404 | 405 | 407 | 408 | 410 | 421 | 425 | 426 | 429 | 431 | 451)) => {
            Fault::Endpoint
        }
        (Outcome::Refused, Some(400..=499)) => Fault::Event,
        (Outcome::Refused | Outcome::NotSent | Outcome::Unknown | Outcome::Delivered, _) => Fault::Endpoint,
    }
}

/// How long an event waits after it was refused `refusals` times; `None`: it is given up.
pub fn after_refusal(refusals: i64) -> Option<Micros> {
    let step = usize::try_from(refusals).unwrap_or(0).checked_sub(1)?;
    LADDER.get(step).copied()
}

/// How long the endpoint rests after failing `failures` times in a row: a second, doubled up to five minutes, a fifth more or less so
/// that many senders do not come back together.
pub fn after_failure(failures: i64, percent: i64) -> Micros {
    let doublings = failures.clamp(1, 10) - 1;
    let plain = (SECOND << doublings).min(LONGEST_BACKOFF);
    plain / 100 * (80 + percent.rem_euclid(41))
}

/// How long a paused endpoint rests between two tries.
pub fn between_probes() -> Micros {
    PROBE
}

/// Whether an endpoint has failed for so long that it is paused.
pub fn is_too_long(failing_since: Micros, at: Micros) -> bool {
    at - failing_since >= PATIENCE
}

/// Whether something that waits until `due` may go. A time further away than any wait was written under a clock that was wrong
/// (threats OPS-1), and holds nothing up.
pub fn is_due(due: Micros, at: Micros) -> bool {
    due <= at || due > latest(at)
}

/// The latest time that a wait which begins now can end.
pub fn latest(at: Micros) -> Micros {
    at + DAY_MICROS + HOUR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_event_is_tried_for_about_three_days_and_then_given_up() {
        let waits: Vec<_> = (1..).map_while(after_refusal).collect();

        assert_eq!(waits.len(), 9);
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "each longer than the one before");
        assert!((3 * DAY_MICROS..4 * DAY_MICROS).contains(&waits.iter().sum()));
        assert_eq!((after_refusal(0), after_refusal(-1), after_refusal(10)), (None, None, None));
    }

    #[test]
    fn an_endpoint_rests_a_second_then_twice_as_long_up_to_five_minutes() {
        let seconds: Vec<_> = (1..=11).map(|failures| after_failure(failures, 20) / SECOND).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn every_answer_has_its_meaning() {
        let of = |status| (Outcome::of_status(status), fault(Outcome::of_status(status), Some(status)));
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status).0, Outcome::Delivered, "{status}");
        }
        for status in [400, 402, 406, 409, 411, 413, 415, 418, 422, 499] {
            assert_eq!(of(status), (Outcome::Refused, Fault::Event), "{status}");
        }
        for status in [100, 199, 300, 301, 302, 307, 308, 401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(of(status), (Outcome::Refused, Fault::Endpoint), "{status}");
        }
        assert_eq!(fault(Outcome::NotSent, None), Fault::Endpoint);
        assert_eq!(fault(Outcome::Unknown, None), Fault::Endpoint);
    }

    #[test]
    fn a_time_under_a_clock_that_was_wrong_holds_nothing_up() {
        let at = 1_000 * DAY_MICROS;
        assert!(is_due(at, at) && is_due(0, at) && is_due(at + 300 * DAY_MICROS, at) && is_due(Micros::MAX, at));
        assert!(!is_due(at + 1, at) && !is_due(at + DAY_MICROS, at));
        assert!(is_too_long(at, at + DAY_MICROS) && !is_too_long(at, at + DAY_MICROS - 1));
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_what_counts_as_one(failures in any::<i64>(), percent in any::<i64>()) {
            let at = 1_000 * DAY_MICROS;
            let wait = after_failure(failures, percent);
            prop_assert!((SECOND * 4 / 5..=LONGEST_BACKOFF * 6 / 5).contains(&wait));
            for wait in [wait, between_probes(), after_refusal(failures).unwrap_or(1)] {
                prop_assert!(!is_due(at + wait, at), "{wait}");
            }
        }
    }
}
