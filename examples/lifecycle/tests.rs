//! The campaign's short form, and what shows that it can fail: policies that are wrong on purpose are found, each by the invariant that
//! it breaks, and a model that believes one of them does not agree with the books.

mod books;
mod campaign;
mod compare;
mod event;
mod invariants;
mod options;
mod policy;
mod replay;
mod report;
mod search;
mod step;
mod world;
mod wrong;

use books::Books;
use clap::Parser;
use croupier::db;
use croupier::error::Error;
use options::{Options, Scope};
use policy::{Policy, Wrong};
use search::{Asked, Limits, Violation};

fn run(arguments: &str) -> report::Report {
    let arguments = ["lifecycle", "--size", "short"].into_iter().chain(arguments.split_whitespace());
    campaign::run(&Options::try_parse_from(arguments).expect("arguments")).expect("the campaign goes on")
}

#[test]
fn every_invariant_holds_in_every_state_and_the_books_do_what_the_model_does() {
    let report = run("--depth 10 --walks 10 --seed 20261121");

    report.print(false);
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.parts.iter().all(|part| part.found.fixpoint && part.found.states > 30), "{:?}", report.parts);
    let steps = |part: &report::Part| part.played.as_ref().map_or(0, |(_, played)| played.steps);
    assert!(report.parts.iter().map(steps).sum::<u64>() > 10_000);
}

#[test]
fn books_that_are_changed_behind_the_model_are_found() {
    let report = run("--depth 2 --walks 3 --seed 1 --sabotage");

    assert!(report.problems.iter().any(|problem| problem.contains("the player has")), "{:?}", report.problems);
}

#[test]
fn what_is_supposed_is_seen_inside_and_taken_back_afterwards() {
    let mut books = Books::open(&Scope::one_payout()).expect("books");
    let rules = books.rules.clone();

    let seen = db::immediately(&mut books.conn, |tx| {
        let inside = tx.supposing(|tx| {
            rules.spoil(tx, 1)?;
            // What is supposed inside of it goes first.
            let innermost = tx.supposing(|tx| rules.spoil(tx, 2).and_then(|()| rules.balance(tx.read()?)))??;
            Ok::<_, Error>((innermost, rules.balance(tx.read()?)?))
        })??;
        Ok::<_, Error>((inside, rules.balance(tx.read()?)?))
    });

    assert_eq!(seen.expect("nothing stands in the way"), (((400, 0), (300, 0)), (200, 0)));
    assert_eq!(rules.balance(&mut books.conn).expect("a balance"), (200, 0));
}

/// The shortest way to harm that a wrong policy does.
fn harm(wrong: Wrong, known: &'static [&'static str]) -> Violation {
    let scope = match wrong {
        Wrong::CreditPerNotification | Wrong::MarkBeforeEffect => Scope::deposit(),
        // Those that need two people.
        Wrong::SamePersonTwice => Scope::together(),
        _ => Scope { lies: false, ..Scope::one_payout() },
    };
    let found =
        search::explore(&scope, Policy::Wrong(wrong), Limits { depth: None, asked: Asked::AllBut(known) }, |_| ()).1;
    found.violation.unwrap_or_else(|| panic!("{wrong:?} was not found in {} states", found.states))
}

#[test]
fn every_wrong_policy_is_found_by_what_it_breaks() {
    use invariants::*;
    // What it breaks first; and what it breaks next, when nobody looks at that.
    let table: [(Wrong, &[&str], &str); 18] = [
        (Wrong::ReleaseOnTimeout, &[], VOUCHED),
        (Wrong::ReleaseOnTimeout, &[VOUCHED], NOT_RELEASED),
        (Wrong::ResendOnUnknown, &[], NOT_YET_SENT),
        (Wrong::ResendOnUnknown, &[NOT_YET_SENT], SENT_ONCE),
        (Wrong::ResendAfterRestart, &[], NOT_YET_SENT),
        (Wrong::ResendAfterRestart, &[NOT_YET_SENT], SENT_ONCE),
        (Wrong::BelieveTheLaterWord, &[], ONE_END),
        (Wrong::BelieveTheLaterWord, &[ONE_END, MONEY], FINAL),
        (Wrong::CreditPerNotification, &[], ONE_CREDIT),
        (Wrong::ForgetTheKeyOnRefusal, &[], REFUSED),
        (Wrong::ForgetTheKeyOnRefusal, &[REFUSED, FINAL], ONE_HOLD),
        (Wrong::MarkBeforeEffect, &[], APPLIED),
        (Wrong::ApproveTwice, &[], NOT_YET_SENT),
        (Wrong::ApproveTwice, &[NOT_YET_SENT], SENT_ONCE),
        (Wrong::SamePersonTwice, &[], TWO_PEOPLE),
        (Wrong::SendAfterDecline, &[], OUTBOX),
        (Wrong::SendAfterDecline, &[OUTBOX, FINAL, ONE_END, MONEY], DECLINED_UNSENT),
        (Wrong::DeclineOnTheWay, &[VOUCHED], DECLINED_UNSENT),
    ];

    for (wrong, known, broken) in table {
        let violation = harm(wrong, known);
        println!("{wrong:?}: {}\n", violation.told());
        assert_eq!(violation.broken, broken, "{wrong:?}: {}", violation.told());
        assert!(violation.trace.len() <= 9, "{wrong:?}: {}", violation.told());
    }
    assert!(wrong::ALL.iter().all(|wrong| table.iter().any(|(tried, ..)| tried == wrong)), "none is left out");
}

#[test]
fn a_model_that_believes_a_wrong_policy_does_not_agree_with_the_books() {
    // What is wrong only in what a model remembers cannot be seen in the books.
    let seen = wrong::ALL.into_iter().filter(|wrong| *wrong != Wrong::MarkBeforeEffect);

    for wrong in seen {
        let scope = match wrong {
            Wrong::CreditPerNotification => Scope::deposit(),
            Wrong::SamePersonTwice => Scope::together_in_short(),
            _ => Scope { lies: false, ..Scope::one_payout() },
        };
        let policy = Policy::Wrong(wrong);
        let depth = if wrong == Wrong::SamePersonTwice { 3 } else { 8 };
        // The model walks on where its invariants would have stopped it.
        let limits = Limits { depth: Some(depth), asked: Asked::None };
        let graph = search::explore(&scope, policy, limits, |_| ()).0;
        let played = replay::every_step(&graph, depth, &scope, policy, &mut |_| ()).expect("the books are there");
        let problem = played.problem.unwrap_or_else(|| panic!("{wrong:?} agrees with the books"));
        println!("{wrong:?}: {problem}\n");
    }
}
