//! What must hold of a row: pure functions over what the proxy counted, what the Cashier has in its book, and what the service says.

use std::collections::BTreeMap;

use crate::fault::Leaves;
use crate::service::Standing;

/// The status of a payout that was paid, and of one that was not.
const PAID: i64 = 3;
const FAILED: i64 = 5;

/// One payout, as everybody knows it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whole requests that left us, counted where they come out of the service.
    pub posts: usize,
    /// Whether the Cashier has taken it.
    pub taken: bool,
    /// Whether the Cashier has refused it, and never taken it.
    pub refused: bool,
    /// The Cashier's final word, when it was given and acknowledged: whether it paid.
    pub told: Option<bool>,
    /// What a person has said of one that was unknown: whether it was paid.
    pub decided: Option<bool>,
    /// How it stood before anything was told or decided.
    pub rest: Standing,
    /// How it stands at the end.
    pub end: Standing,
}

/// What does not hold, and how much of it is the worst that can happen.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    pub doubled: usize,
    pub wrongly_released: usize,
    pub problems: Vec<String>,
}

/// Compares the payouts of a row.
pub fn compare(leaves: Leaves, payouts: &BTreeMap<String, Facts>) -> Found {
    let mut found = Found::default();
    for (id, facts) in payouts {
        let mut say = |text: String| found.problems.push(format!("payout {id}: {text}"));
        if facts.posts > 1 {
            say(format!("left us {} times", facts.posts));
        }
        if let Some(text) = released_without_reason(facts) {
            say(text);
            found.wrongly_released += 1;
        }
        found.doubled += usize::from(facts.posts > 1);
        let mut say = |text: String| found.problems.push(format!("payout {id}: {text}"));
        attempts(facts).into_iter().for_each(&mut say);
        at_rest(leaves, facts).into_iter().for_each(&mut say);
        at_the_end(facts).into_iter().for_each(&mut say);
    }
    found
}

/// The hold may only end because of a clear no, the Cashier's word or a person's.
fn released_without_reason(facts: &Facts) -> Option<String> {
    let released = |standing: &Standing| standing.stage == "done" && standing.status != PAID;
    let clear_no = facts.refused && facts.rest.attempts.last().is_some_and(|outcome| outcome == "refused");
    if released(&facts.rest) && !clear_no {
        return Some(format!("released at {:?} although nobody had said no", facts.rest.attempts));
    }
    let no = clear_no || facts.told == Some(false) || facts.told.is_none() && facts.decided == Some(false);
    if released(&facts.end) && !no {
        return Some("released at the end although nobody had said no".to_owned());
    }
    let mistaken = facts.taken && facts.decided == Some(false) && facts.told != Some(false);
    mistaken.then(|| "a person released what the Cashier has taken".to_owned())
}

/// At most one attempt may have reached the Cashier, and it is the last one.
fn attempts(facts: &Facts) -> Option<String> {
    let (last, before) = facts.rest.attempts.split_last()?;
    let reached = before.iter().any(|outcome| outcome != "not_sent");
    (reached || last == "open").then(|| format!("its attempts came to {:?}", facts.rest.attempts))
}

/// What the row must have left before anything was told.
fn at_rest(leaves: Leaves, facts: &Facts) -> Option<String> {
    let Standing { stage, status, attempts, reviews } = &facts.rest;
    let retried = attempts.len() > 1;
    let as_it_must = match (leaves, stage.as_str()) {
        (Leaves::Unknown, "unknown") => !retried && *reviews == 1,
        (Leaves::UnknownAtLast, "unknown") => *reviews == 1,
        (Leaves::Clear, "sent") => !retried && facts.taken && facts.posts == 1,
        (Leaves::Clear, "done") => !retried && *status == FAILED && facts.posts == 1,
        (Leaves::Retried, "sent") => retried && facts.taken && facts.posts == 1,
        (Leaves::Retried, "done") => retried && *status == FAILED && facts.posts == 1,
        (Leaves::Unknown | Leaves::UnknownAtLast | Leaves::Clear | Leaves::Retried, _) => false,
    };
    let told = if facts.taken {
        "taken"
    } else if facts.refused {
        "refused"
    } else {
        "never got"
    };
    (!as_it_must).then(|| {
        format!("rests as {stage} {status} after {attempts:?} with {reviews} reviews; the Cashier has {told} it")
    })
}

/// The Cashier's word counts, then a person's; what nobody said anything about stays as it was.
fn at_the_end(facts: &Facts) -> Option<String> {
    let Standing { stage, status, reviews, .. } = &facts.end;
    let as_it_must = match facts.told.or(facts.decided) {
        Some(paid) => stage == "done" && *status == if paid { PAID } else { FAILED },
        None => *stage == facts.rest.stage && *status == facts.rest.status && (stage != "unknown" || *reviews > 0),
    };
    (!as_it_must).then(|| {
        let (told, decided) = (facts.told, facts.decided);
        format!("ends as {stage} {status}; the Cashier's word was {told:?}, a person's {decided:?}")
    })
}
