//! Every kind of lie is found, and the truth is not taken for one.

use std::collections::BTreeMap;

use crate::compare::{Facts, Found, compare};
use crate::fault::Leaves;
use crate::service::Standing;

fn standing(stage: &str, status: i64, attempts: &[&str], reviews: usize) -> Standing {
    let attempts = attempts.iter().map(|outcome| (*outcome).to_owned()).collect();
    Standing { status, stage: stage.to_owned(), attempts, reviews }
}

/// Taken, accepted, paid.
fn paid() -> Facts {
    Facts {
        posts: 1,
        taken: true,
        told: Some(true),
        rest: standing("sent", 2, &["accepted"], 0),
        end: standing("done", 3, &["accepted"], 0),
        ..Facts::default()
    }
}

/// Its answer was lost, the Cashier has it, and nobody has said anything.
fn unknown() -> Facts {
    let unknown = standing("unknown", 2, &["unknown"], 1);
    Facts { posts: 1, taken: true, rest: unknown.clone(), end: unknown, ..Facts::default() }
}

/// Refused at the first and only attempt.
fn refused() -> Facts {
    let done = standing("done", 5, &["refused"], 0);
    Facts { posts: 1, refused: true, rest: done.clone(), end: done, ..Facts::default() }
}

fn look(leaves: Leaves, facts: Facts) -> Found {
    compare(leaves, &BTreeMap::from([("p".to_owned(), facts)]))
}

#[test]
fn what_went_as_it_must_is_no_problem() {
    let never_sent = Facts { rest: standing("done", 5, &["not_sent", "refused"], 0), ..refused() };
    let resolved = Facts { taken: false, decided: Some(false), end: standing("done", 5, &[], 0), ..unknown() };
    let told = Facts { told: Some(false), end: standing("done", 5, &[], 0), ..unknown() };
    let good = [
        (Leaves::Clear, paid()),
        (Leaves::Clear, refused()),
        (Leaves::Retried, Facts { end: never_sent.rest.clone(), ..never_sent }),
        (Leaves::Unknown, unknown()),
        (Leaves::Unknown, resolved),
        (Leaves::Unknown, told),
    ];
    for (leaves, facts) in good {
        assert_eq!(look(leaves, facts.clone()), Found::default(), "{facts:?}");
    }
}

#[test]
fn a_second_post_and_a_second_attempt_are_found() {
    let found = look(Leaves::Clear, Facts { posts: 2, ..paid() });
    assert_eq!(found.doubled, 1);
    let again = Facts { rest: standing("sent", 2, &["unknown", "accepted"], 0), ..paid() };
    assert!(!look(Leaves::Clear, again.clone()).problems.is_empty());
    assert!(!look(Leaves::Retried, again).problems.is_empty(), "what may have been received was sent again");
}

#[test]
fn a_release_that_nobody_asked_for_is_found() {
    let done = standing("done", 5, &["unknown"], 0);
    let cases = [
        ("taken and released", Facts { refused: false, taken: true, ..refused() }),
        ("unknown and released", Facts { rest: done.clone(), end: done, ..unknown() }),
        ("released later", Facts { end: standing("done", 5, &["unknown"], 1), ..unknown() }),
        ("released although it was paid", Facts { end: standing("done", 5, &[], 0), ..paid() }),
        ("a person was wrong", Facts { decided: Some(false), end: standing("done", 5, &[], 0), ..unknown() }),
    ];
    for (case, facts) in cases {
        assert_eq!(look(Leaves::Unknown, facts).wrongly_released, 1, "{case}");
    }
}

#[test]
fn what_ends_otherwise_than_somebody_said_or_without_a_review_is_found() {
    let cases = [
        ("paid by nobody", Leaves::Clear, Facts { told: None, ..paid() }),
        ("declined and captured", Leaves::Clear, Facts { told: Some(false), ..paid() }),
        ("paid after a refusal", Leaves::Clear, Facts { told: Some(true), ..refused() }),
        ("no review", Leaves::Unknown, Facts { end: standing("unknown", 2, &["unknown"], 0), ..unknown() }),
        ("still under way", Leaves::Clear, Facts { rest: standing("sending", 2, &["open"], 0), ..paid() }),
        ("clear where nothing can be", Leaves::Unknown, paid()),
        ("unknown where all was clear", Leaves::Clear, unknown()),
        ("sent, and the Cashier never got it", Leaves::Clear, Facts { taken: false, ..paid() }),
    ];
    for (case, leaves, facts) in cases {
        assert!(!look(leaves, facts).problems.is_empty(), "{case}");
    }
}
