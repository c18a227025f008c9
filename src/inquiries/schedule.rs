//! When an order is asked about, and when its last notification is due: pure functions. Time comes in, and so does chance.

use crate::clock::{DAY_MICROS, Micros};
use crate::orders::awaited::{AT_ONCE, Awaited};
use crate::providers::Manners;

const SECOND: Micros = 1_000_000;

/// How long after the last repetition was due a person is called. Shorter, and a provider whose clock or queue is a little late calls
/// somebody in vain; longer, and a player waits in vain.
const MARGIN: Micros = 15 * 60 * SECOND;

/// What was written so much later than now was written under another clock (threats OPS-1).
const ANOTHER_CLOCK: Micros = 5 * 60 * SECOND;

/// A pause is longer by up to this percentage, so that the orders of one outage do not come back together.
const MOST_PERCENT: i64 = 20;

/// When the next question about an order is due; `None`: the provider cannot be asked. First it is left alone, then the pause doubles
/// with every question up to a day. `percent` is any number that chance gives: pauses only grow by it. A hint makes it due at once.
pub fn next_question(manners: &Manners, order: &Awaited, percent: i64) -> Option<Micros> {
    if !manners.tells_status {
        return None;
    }
    if order.due_at == AT_ONCE {
        return Some(AT_ONCE);
    }
    let (from, pause) = match order.last_asked_at {
        None => (order.since, seconds(manners.patience)),
        Some(last) => (last, pause_after(manners, order.asked)),
    };
    Some(from.saturating_add(pause / 100 * percent.rem_euclid(MOST_PERCENT + 1)).saturating_add(pause))
}

/// The pause after so many questions.
fn pause_after(manners: &Manners, asked: i64) -> Micros {
    let between = seconds(manners.between.max(1));
    let doublings = asked.clamp(1, 32) - 1;
    between.saturating_mul(1 << doublings).min(DAY_MICROS.max(between))
}

/// Whether the next question is due now. What was noted under a clock that is ahead is not waited for.
pub fn is_question_due(manners: &Manners, order: &Awaited, at: Micros) -> bool {
    let from = order.last_asked_at.unwrap_or(order.since);
    let due = next_question(manners, order, 0);
    due.is_some_and(|due| due <= at || from > at.saturating_add(ANOTHER_CLOCK))
}

/// When the provider repeats for the last time what it said first when we began to wait.
pub fn last_notification_due(manners: &Manners, since: Micros) -> Micros {
    since.saturating_add(seconds(manners.ladder.last_after()))
}

/// When a person is called because nothing came.
pub fn alarm_at(manners: &Manners, order: &Awaited) -> Micros {
    last_notification_due(manners, order.since).saturating_add(MARGIN)
}

/// Whether a person is to be called now: once, and not before the last repetition is overdue.
pub fn is_alarm_due(manners: &Manners, order: &Awaited, at: Micros) -> bool {
    !order.alarmed && alarm_at(manners, order) <= at
}

/// When an order that is not asked about now is looked at next: for its question, for the alarm where there can be one, and at least once
/// a day.
pub fn next_look(manners: &Manners, order: &Awaited, may_alarm: bool, at: Micros, percent: i64) -> Micros {
    let alarm = (may_alarm && !order.alarmed).then(|| alarm_at(manners, order));
    let first = [next_question(manners, order, percent), alarm].into_iter().flatten().min();
    first.unwrap_or(Micros::MAX).clamp(at.saturating_add(SECOND), at.saturating_add(DAY_MICROS))
}

/// When the question after this one is due: `order` as it was before. Not before the provider wants it (`not_before`, in seconds); and
/// soon when it does not say yet what a hint has said (`behind`).
pub fn after_answer(
    manners: &Manners,
    order: &Awaited,
    (not_before, behind): (u64, bool),
    at: Micros,
    percent: i64,
) -> Micros {
    let asked = if behind { 1 } else { order.asked.saturating_add(1) };
    let after = Awaited { due_at: at, asked, last_asked_at: Some(at), ..order.clone() };
    let wanted = at.saturating_add(seconds(not_before)).min(at.saturating_add(DAY_MICROS));
    next_look(manners, &after, false, at, percent).max(wanted)
}

fn seconds(count: u64) -> Micros {
    Micros::try_from(count).unwrap_or(Micros::MAX).saturating_mul(SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Ladder;

    const LADDER: Ladder = Ladder { pauses: &[45, 120, 300, 600, 1800], then: (3600, 24) };

    const MANNERS: Manners = Manners {
        tells_status: true,
        deduplicates: false,
        lost_opening_counts: true,
        patience: 60,
        between: 300,
        pace: 1000,
        ladder: LADDER,
    };

    const START: Micros = 1_700_000_000 * SECOND;

    fn order() -> Awaited {
        Awaited {
            external_id: "x".into(),
            provider: "fake".into(),
            site_id: 332,
            since: START,
            due_at: START,
            asked: 0,
            last_asked_at: None,
            last_answer: String::new(),
            about: None,
            alarmed: false,
        }
    }

    fn asked(times: i64) -> Awaited {
        Awaited { asked: times, last_asked_at: Some(START), ..order() }
    }

    #[test]
    fn an_order_is_left_alone_first_and_asked_about_ever_more_rarely() {
        assert_eq!(next_question(&MANNERS, &order(), 0), Some(START + 60 * SECOND));
        let pauses = [(1, 300), (2, 600), (3, 1200), (4, 2400), (9, 76_800), (10, 86_400), (11, 86_400)];
        for (times, pause) in pauses {
            assert_eq!(next_question(&MANNERS, &asked(times), 0), Some(START + pause * SECOND), "{times}");
        }
    }

    #[test]
    fn chance_makes_a_pause_longer_and_never_shorter() {
        for times in 0..200 {
            let order = if times == 0 { order() } else { asked(times) };
            let plain = next_question(&MANNERS, &order, 0).unwrap();
            for percent in [0, 1, 20, 21, -1, i64::MAX, i64::MIN] {
                let due = next_question(&MANNERS, &order, percent).unwrap();
                let pause = plain - START;
                assert!(due >= plain && due <= plain + pause / 5, "{times} {percent}");
                assert!(pause >= if times == 0 { 60 } else { 300 } * SECOND && pause <= DAY_MICROS);
            }
        }
    }

    #[test]
    fn a_question_is_due_at_its_time_and_not_a_moment_before() {
        for order in [order(), asked(1), asked(5), asked(50)] {
            let due = next_question(&MANNERS, &order, 0).unwrap();
            assert!(!is_question_due(&MANNERS, &order, due - 1));
            assert!(is_question_due(&MANNERS, &order, due));
        }
    }

    #[test]
    fn a_hint_is_asked_at_once_however_lately_others_were() {
        for order in [order(), asked(1), asked(50)] {
            let hinted = Awaited { due_at: AT_ONCE, ..order };
            assert!(is_question_due(&MANNERS, &hinted, START));
        }
    }

    #[test]
    fn a_provider_without_a_status_call_is_never_asked() {
        let mute = Manners { tells_status: false, ..MANNERS };
        for order in [order(), asked(3), Awaited { due_at: AT_ONCE, ..order() }] {
            assert_eq!(next_question(&mute, &order, 0), None);
            assert!(!is_question_due(&mute, &order, Micros::MAX));
        }
    }

    #[test]
    fn the_last_notification_is_due_when_the_ladder_says() {
        assert_eq!(last_notification_due(&MANNERS, START), START + (45 + 120 + 300 + 600 + 1800 + 24 * 3600) * SECOND);
        let silent = Manners { ladder: Ladder { pauses: &[], then: (0, 0) }, ..MANNERS };
        assert_eq!(last_notification_due(&silent, START), START + DAY_MICROS, "what is not documented counts as a day");
    }

    #[test]
    fn the_alarm_comes_once_and_after_the_last_notification_is_overdue() {
        let (order, due) = (order(), last_notification_due(&MANNERS, START));
        for early in [START, due, due + MARGIN - 1] {
            assert!(!is_alarm_due(&MANNERS, &order, early));
        }
        assert!(is_alarm_due(&MANNERS, &order, due + MARGIN));
        assert!(!is_alarm_due(&MANNERS, &Awaited { alarmed: true, ..order }, due + MARGIN));
    }

    #[test]
    fn the_next_look_is_never_in_the_past_and_never_more_than_a_day_away() {
        let silent = Manners { tells_status: false, ..MANNERS };
        for manners in [MANNERS, silent] {
            for times in [0, 1, 7, 60] {
                for at in [START - DAY_MICROS, START, START + 3600 * SECOND, START + 40 * DAY_MICROS] {
                    for (may_alarm, alarmed) in [(false, false), (true, false), (true, true)] {
                        let order = Awaited { alarmed, ..asked(times) };
                        let look = next_look(&manners, &order, may_alarm, at, 7);
                        assert!(look > at && look <= at + DAY_MICROS);
                    }
                }
            }
        }
        let near = alarm_at(&silent, &order()) - 5 * SECOND;
        assert_eq!(next_look(&silent, &order(), true, near, 0), near + 5 * SECOND, "the alarm is looked for in time");
    }

    #[test]
    fn the_next_question_waits_as_long_as_the_provider_wants() {
        let after = |not_before, behind| after_answer(&MANNERS, &asked(6), (not_before, behind), START, 0) - START;
        assert_eq!(after(0, false), 64 * 300 * SECOND);
        assert_eq!(after(30_000, false), 30_000 * SECOND);
        assert_eq!(after(u64::MAX, false), DAY_MICROS);
        assert_eq!(after(0, true), 300 * SECOND, "a hint knows more than the answer: soon again");
    }

    #[test]
    fn a_clock_that_was_ahead_stalls_nothing() {
        let ahead = START + 365 * DAY_MICROS;
        let noted = Awaited { last_asked_at: Some(ahead), asked: 3, due_at: ahead, ..order() };
        assert!(is_question_due(&MANNERS, &noted, START));
        assert!(is_question_due(&MANNERS, &Awaited { since: ahead, ..order() }, START));
        assert!(!is_question_due(&MANNERS, &Awaited { last_asked_at: Some(START + SECOND), ..asked(1) }, START));
    }

    #[test]
    fn no_number_is_too_large() {
        let huge = Manners { patience: u64::MAX, between: u64::MAX, ..MANNERS };
        for order in [order(), asked(i64::MAX), Awaited { since: Micros::MAX, ..order() }] {
            assert!(next_question(&huge, &order, i64::MAX).unwrap() > START);
            assert!(next_look(&huge, &order, true, START, i64::MAX) <= START + DAY_MICROS);
        }
    }
}
