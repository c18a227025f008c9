//! What the comparison finds: each test breaks one thing of books that agree.

use super::*;

fn alice() -> Purse {
    Purse::of("alice")
}

/// Books in which something of every kind has happened, and a service that agrees with them.
fn agreeing() -> (Book, Seen) {
    let mut book = Book::default();
    book.played(&alice(), "purse", 10_000);
    book.played(&alice(), "bet-1", -300);
    book.undone(&alice(), "bet-1", 300);
    book.deposit_opened("d1", &alice(), 500);
    book.deposit_paid("d1");
    book.deposit_opened("d2", &alice(), 600);
    for (order, amount) in [("paid", 100), ("declined", 200), ("refused", 308), ("open", 400), ("lost", 507)] {
        book.payout_held(order, &alice(), amount, false);
    }
    book.payout_told("paid", true);
    book.payout_told("declined", false);
    book.payout_held("cancelled", &alice(), 7_000, true);
    book.decided("cancelled", Decision::Declined);
    let statement = [
        ("purse", (10_000, 0)),
        ("bet-1", (-300, 0)),
        ("bet-1:rollback", (300, 0)),
        ("d1:credit", (500, 0)),
        ("paid:hold", (-100, 100)),
        ("declined:hold", (-200, 200)),
        ("refused:hold", (-308, 308)),
        ("open:hold", (-400, 400)),
        ("lost:hold", (-507, 507)),
        ("cancelled:hold", (-7_000, 7_000)),
        ("paid:end", (0, -100)),
        ("declined:end", (200, -200)),
        ("refused:end", (308, -308)),
        ("cancelled:end", (7_000, -7_000)),
    ];
    let told = [
        ("deposit.created", "d1"),
        ("deposit.created", "d2"),
        ("deposit.credited", "d1"),
        ("payout.held", "paid"),
        ("payout.held", "declined"),
        ("payout.held", "refused"),
        ("payout.held", "open"),
        ("payout.held", "lost"),
        ("payout.held", "cancelled"),
        ("payout.sent", "paid"),
        ("payout.succeeded", "paid"),
        ("payout.failed", "declined"),
        ("payout.failed", "refused"),
        ("payout.cancelled", "cancelled"),
        ("review.opened", "lost"),
    ];
    let event = |(number, (kind, order)): (u64, (&str, &str))| Told {
        number,
        id: format!("evt_{number}"),
        kind: kind.to_owned(),
        order: Some(order.to_owned()),
    };
    let feed: Vec<Told> = (1..).zip(told).map(event).collect();
    let payouts = [
        ("paid", 3, "done"),
        ("declined", 5, "done"),
        ("refused", 5, "done"),
        ("open", 1, "sent"),
        ("lost", 9, "unknown"),
        ("cancelled", 6, "done"),
    ];
    let initiated = ["paid", "declined", "refused", "open", "lost"];
    let seen = Seen {
        balances: BTreeMap::from([(alice(), (9_493, 907))]),
        statements: BTreeMap::from([(
            alice(),
            statement.map(|(cause, change)| Line { cause: cause.to_owned(), change }).to_vec(),
        )]),
        deposits: BTreeMap::from([("d1".to_owned(), 3), ("d2".to_owned(), 0)]),
        payouts: payouts.map(|(order, status, stage)| (order.to_owned(), (status, stage.to_owned()))).into(),
        initiations: initiated.map(|order| (order.to_owned(), 1)).into(),
        refused: BTreeSet::from(["refused".to_owned()]),
        feeds: vec![feed.clone(), feed],
    };
    (book, seen)
}

/// The only problem of books with one thing broken.
fn found(spoil: impl FnOnce(&mut Book, &mut Seen)) -> Vec<String> {
    let (mut book, mut seen) = agreeing();
    spoil(&mut book, &mut seen);
    compare(&book, &seen)
}

fn lines(seen: &mut Seen) -> &mut Vec<Line> {
    seen.statements.get_mut(&alice()).expect("she is there")
}

fn expect(problems: &[String], words: &str) {
    assert!(problems.iter().any(|problem| problem.contains(words)), "{words}: {problems:?}");
}

#[test]
fn books_that_agree_have_no_problem() {
    assert_eq!(found(|_, _| {}), Vec::<String>::new());
}

#[test]
fn an_effect_that_is_lost_is_found() {
    let problems = found(|_, seen| {
        lines(seen).retain(|line| line.cause != "d1:credit");
        seen.balances.insert(alice(), (8_993, 907));
    });
    assert_eq!(problems, ["332/alice USD: d1:credit (500, 0) was acknowledged and is lost"]);
}

#[test]
fn an_effect_that_is_doubled_is_found() {
    let twice = |cause: &'static str| {
        move |_: &mut Book, seen: &mut Seen| {
            let again = lines(seen).iter().find(|line| line.cause == "bet-1").cloned().expect("it is there");
            lines(seen).push(Line { cause: cause.to_owned(), ..again });
            seen.balances.insert(alice(), (9_193, 907));
        }
    };
    assert_eq!(found(twice("bet-1")), ["332/alice USD: bet-1 is doubled"]);
    assert_eq!(found(twice("bet-2")), ["332/alice USD: bet-2 (-300, 0) was never acknowledged"]);
}

#[test]
fn an_effect_that_differs_and_a_balance_that_does_not_add_up_are_found() {
    let problems = found(|_, seen| lines(seen)[0].change.0 += 1);
    expect(&problems, "purse is (10001, 0) and must be (10000, 0)");
    expect(&problems, "the lines of the statement add up to (9494, 907)");
}

#[test]
fn an_effect_that_the_book_forgot_is_found() {
    expect(&found(|book, _| book.forget_one()), "was never acknowledged");
}

#[test]
fn a_payout_that_is_sent_twice_lost_or_released_though_paid_is_found() {
    let sent_twice = found(|_, seen| {
        seen.initiations.insert("open".to_owned(), 2);
    });
    expect(&sent_twice, "payout open of 400: initiated 2 times");
    expect(
        &found(|_, seen| {
            seen.payouts.remove("open");
        }),
        "payout open of 400: is lost",
    );
    let released = found(|_, seen| {
        seen.payouts.insert("paid".to_owned(), (5, "done".to_owned()));
    });
    expect(&released, "the Cashier's word was acknowledged and is lost");
    let unasked = found(|_, seen| {
        seen.payouts.insert("lost".to_owned(), (5, "done".to_owned()));
    });
    expect(&unasked, "nobody has said so");
    let sent_after_all = found(|_, seen| {
        seen.initiations.insert("cancelled".to_owned(), 1);
    });
    expect(&sent_after_all, "declined by staff and sent");
    let stuck = found(|_, seen| {
        seen.payouts.insert("open".to_owned(), (1, "sending".to_owned()));
    });
    expect(&stuck, "nobody has said so");
}

#[test]
fn orders_and_initiations_that_nobody_asked_for_are_found() {
    let order = found(|_, seen| {
        seen.deposits.insert("d9".to_owned(), 0);
    });
    assert_eq!(order, ["order d9 was never acknowledged"]);
    let initiation = found(|_, seen| {
        seen.initiations.insert("p9".to_owned(), 1);
    });
    assert_eq!(initiation, ["p9 was initiated and never acknowledged"]);
}

#[test]
fn gaps_other_orders_and_missing_ends_of_a_feed_are_found() {
    expect(
        &found(|_, seen| {
            seen.feeds[1].remove(3);
        }),
        "reader 1: event evt_5 where 4 must be",
    );
    expect(&found(|_, seen| seen.feeds[1].swap(3, 4)), "reader 1 has evt_5 where the first one has evt_4");
    expect(
        &found(|_, seen| {
            seen.feeds[1].pop();
        }),
        "reader 1 has 14 events, the first one 15",
    );
}

#[test]
fn an_event_that_is_missing_or_told_twice_is_found() {
    let missing = found(|_, seen| {
        for feed in &mut seen.feeds {
            feed.retain(|told| told.kind != "payout.succeeded");
            feed.iter_mut().zip(1..).for_each(|(told, number)| told.number = number);
        }
    });
    assert_eq!(missing, ["payout.succeeded of paid was told 0 times instead of 1"]);
    let twice = found(|_, seen| {
        for feed in &mut seen.feeds {
            let again = Told { number: 16, id: "evt_16".to_owned(), ..feed[2].clone() };
            feed.push(again);
        }
    });
    assert_eq!(twice, ["deposit.credited of d1 was told 2 times instead of 1"]);
}
