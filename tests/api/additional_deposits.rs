//! Money that Cactus found and made an invoice of its own of: shown to a person, or credited once for ever and shown afterwards.

use croupier::ids::ExternalId;
use croupier::money::MAX_MINOR;
use croupier::orders::Status;
use croupier::providers::Direction;
use croupier::simulate::platforms::cactus::{Additional, Manners};
use croupier::simulate::platforms::{End, Platform, Twist};
use diesel::RunQueryDsl;
use serde_json::{Value, json};

use crate::provider_cactus::Both;

const CREDIT: &str = "additional_deposits = \"credit\"";

async fn credits() -> Both {
    Both::with(Manners::default(), CREDIT).await
}

impl Both {
    async fn tells(&self, found: &Additional) {
        let answer = self.cactus.notify_additional(found, Twist::None).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.summary());
    }

    /// Deposits that were made of found money.
    async fn made(&self) -> i64 {
        self.app.count("deposits WHERE details LIKE '%\"asked_by\":\"provider\"%'").await
    }
}

#[tokio::test]
async fn a_person_decides_unless_the_settings_say_otherwise() {
    let both = Both::new().await;
    let paid = both.paid().await;

    let second = both.cactus.additional_under(&paid.id).expect("the order");
    let loose = both.cactus.additional_of("alice", 700, "USD");
    for found in [&second, &loose, &second, &loose] {
        both.tells(found).await;
    }

    assert_eq!(both.app.balance("alice").await, (101_000, 0), "nothing is booked");
    assert_eq!(both.app.reviews().await, ["paid_twice", "additional_deposit"], "once each");
    assert_eq!((both.made().await, both.app.count("deposits").await), (0, 1));
}

#[tokio::test]
async fn a_second_payment_of_a_paid_order_is_a_deposit_of_its_own() {
    let both = credits().await;
    let paid = both.paid().await;
    let found = Additional { amount: 700, ..both.cactus.additional_under(&paid.id).expect("the order") };

    both.tells(&found).await;

    assert_eq!(both.app.balance("alice").await, (101_700, 0), "what came, not what was ordered");
    assert_eq!((both.made().await, both.app.deposit_status(&paid).await), (1, Status::Credited));
    assert_eq!(both.app.reviews().await, ["additional_deposit"], "and a person looks at it");
    let rows = both.app.front("alice").await.get("/cashier/transactions").await.json["rows"].clone();
    assert_eq!((&rows[0]["status"], &rows[0]["amount"]), (&json!(3), &json!(7.0)), "{rows}");
    both.tells(&found).await;
    let third = Additional { amount: 1_000, ..both.cactus.additional_under(&paid.id).expect("the order") };
    both.tells(&third).await;
    assert_eq!(
        (both.app.balance("alice").await, both.made().await),
        ((102_700, 0), 2),
        "another invoice is other money"
    );
    both.app.holds().await;
}

#[tokio::test]
async fn an_invoice_is_credited_once_for_ever_whatever_is_said_of_it() {
    let both = credits().await;
    let paid = both.paid().await;
    let own: i64 = both.taken(&paid.id).await.own_id.parse().expect("a number");
    let loose = both.cactus.additional_of("alice", 1_000, "USD");
    both.tells(&loose).await;
    assert_eq!(both.app.balance("alice").await, (102_000, 0));

    let nameless = ("request_id", Value::Null);
    for (invoice, named) in [(loose.invoice_id, false), (loose.invoice_id, true), (own, false), (own, true)] {
        for text in ["Manual created payment", "again", "and again"] {
            let mut more = vec![("description", json!(text))];
            more.extend((!named).then(|| nameless.clone()));
            assert_eq!(both.callback(&paid.id, invoice, 3, &more).await.0, 200);
            more.push(("is_payout", json!(false)));
            assert_eq!(both.callback(&paid.id, invoice, 3, &more).await.0, 200);
        }
    }
    assert_eq!((both.app.balance("alice").await, both.made().await), ((102_000, 0), 1));
    assert_eq!(both.app.reviews().await, ["additional_deposit"]);

    let Both { app, cactus } = both;
    let both = Both { app: app.restart().await, cactus };
    both.cactus.set_merchant(&both.app.public);
    assert_eq!(both.callback("", loose.invoice_id, 3, &[nameless.clone(), ("note", json!("later"))]).await.0, 200);
    let waiting = both.deposit("cactus_card").await.id();
    assert_eq!(both.callback(&waiting, loose.invoice_id, 3, &[]).await.0, 200);
    assert_eq!(both.app.balance("alice").await, (102_000, 0), "an open order does not make it other money");
    assert_eq!(both.app.reviews().await, ["additional_deposit", "paid_twice"]);
    both.says(&waiting, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (103_000, 0), "its own invoice credits it");
}

/// A question goes past what callbacks go through: its answer is judged where the money is credited.
#[tokio::test]
async fn what_was_credited_as_found_is_not_credited_once_more_when_its_order_is_asked_about() {
    let both = credits().await;
    let waiting = both.deposit("cactus_card").await.id();
    let own: i64 = both.taken(&waiting).await.own_id.parse().expect("a number");
    assert_eq!(both.callback("", own, 3, &[("request_id", Value::Null)]).await.0, 200);
    assert_eq!((both.app.balance("alice").await, both.made().await), ((101_000, 0), 1));

    both.cactus.set(&waiting, End::Paid);
    let id = ExternalId::parse(&waiting).expect("an id");
    let said = both.app.state.asker.ask_now(&id, Direction::Deposit).await.expect("it can be asked");

    assert!(said.contains("status 3"), "{said}");
    assert_eq!(both.app.balance("alice").await, (101_000, 0), "one payment");
    assert_eq!(both.app.reviews().await, ["additional_deposit", "paid_twice"]);
    both.app.holds().await;
}

#[tokio::test]
async fn one_invoice_cannot_pay_two_orders() {
    let both = Both::new().await;
    let (paid, waiting) = (both.paid().await, both.deposit("cactus_card").await.id());
    let own: i64 = both.taken(&paid.id).await.own_id.parse().expect("a number");

    assert_eq!(both.callback(&waiting, own, 3, &[]).await.0, 200);

    assert_eq!(
        (both.app.balance("alice").await, both.app.reviews().await),
        ((101_000, 0), vec!["paid_twice".to_owned()])
    );
    both.says(&waiting, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (102_000, 0), "its own invoice does");
}

#[tokio::test]
async fn what_contradicts_a_made_deposit_is_shown_to_a_person() {
    let both = credits().await;
    both.app.player("bob").await;
    let loose = both.cactus.additional_of("alice", 1_000, "USD");
    both.tells(&loose).await;
    let nameless = ("request_id", Value::Null);

    for (status, more, kind) in [
        (4, vec![], "decline_after_credit"),
        (3, vec![("amount", json!(1_001)), ("received_amount", json!(1_001))], "amount_differs"),
        (3, vec![("site_login", json!("bob"))], "other_player"),
        (3, vec![("is_payout", json!(true))], "other_direction"),
        (3, vec![("received_currency", json!("EUR"))], "currency_differs"),
    ] {
        let more = [more, vec![nameless.clone()]].concat();
        assert_eq!(both.callback("", loose.invoice_id, status, &more).await.0, 200);
        assert_eq!(both.app.reviews().await.last().map(String::as_str), Some(kind));
    }
    assert_eq!((both.app.balance("alice").await, both.app.balance("bob").await), ((101_000, 0), (0, 0)));
    assert_eq!(both.made().await, 1);
}

#[tokio::test]
async fn only_sound_money_of_a_player_who_may_deposit_is_credited() {
    let both = credits().await;
    for login in ["blocked", "closed_gate"] {
        both.app.player(login).await;
    }
    both.app.wallet().put("blocked", json!({"status": "blocked"})).await;
    both.app.wallet().put("closed_gate", json!({"deposit_allowed": false})).await;
    let nameless = ("request_id", Value::Null);

    let doubtful = [
        vec![("site_login", json!("nobody"))],
        vec![("site_login", json!("blocked"))],
        vec![("site_login", json!("closed_gate"))],
        vec![("received_amount", json!(999))],
        vec![("received_currency", json!("EUR"))],
        vec![("currency", json!("KZT")), ("received_currency", json!("KZT"))],
        vec![("currency", json!("USDT")), ("received_currency", json!("USDT"))],
    ];
    for (nth, more) in (1..).zip(doubtful) {
        let more = [more, vec![nameless.clone()]].concat();
        assert_eq!(both.callback("", 7_000 + nth, 3, &more).await.0, 200);
        assert_eq!(
            both.app.reviews().await,
            vec!["additional_deposit"; usize::try_from(nth).expect("a few")],
            "{more:?}"
        );
    }
    for (status, more) in [(4, vec![]), (2, vec![]), (1, vec![]), (9, vec![])] {
        let more = [more, vec![nameless.clone()]].concat();
        assert_eq!(both.callback("", 8_000, status, &more).await.0, 200);
    }
    assert_eq!(both.app.reviews().await.len(), 7, "what says nothing of money is only kept");
    assert_eq!(both.callback("", 8_001, 3, &[nameless.clone(), ("is_payout", json!(true))]).await.0, 200);
    assert_eq!(both.app.reviews().await.last().map(String::as_str), Some("unknown_order"), "a payout is never found");
    assert_eq!((both.app.balance("alice").await, both.made().await), ((100_000, 0), 0));
    assert_eq!(both.app.count("deposits").await, 0);
    let unknown = both.callback("an-order-of-nobody", 8_002, 3, &[]).await;
    assert_eq!((unknown.0, both.app.reviews().await.last().map(String::as_str)), (200, Some("unknown_order")));
}

#[tokio::test]
async fn a_second_payment_of_an_order_that_is_not_paid_or_is_a_payout_is_no_additional_one() {
    let both = credits().await;
    let open = both.deposit("cactus_card").await.id();
    let payout = both.sent("cactus_mts").await;
    both.says(&payout.id, End::Paid).await;

    let other = both.cactus.additional_under(&open).expect("the order");
    both.tells(&other).await;
    assert_eq!((both.app.balance("alice").await, both.made().await), ((96_000, 0), 0), "it pays the order");
    let of_payout = both.cactus.additional_under(&payout.id).expect("the order");
    both.tells(&of_payout).await;
    let unsaid =
        both.callback(&payout.id, 9_000, 3, &[("amount", json!(5_000)), ("received_amount", json!(5_000))]).await;
    assert_eq!(unsaid.0, 200);
    assert_eq!((both.app.balance("alice").await, both.made().await), ((96_000, 0), 0));
    assert_eq!(both.app.reviews().await, ["other_direction", "paid_twice"]);
}

#[tokio::test]
async fn a_made_deposit_whose_balance_would_overflow_waits_for_a_person() {
    let both = credits().await;
    both.app.player("rich").await;
    both.app.fill("rich", 999).await;
    // What alice has won is on the other side of the same account of the house.
    both.app.wallet().play("rich", "win", MAX_MINOR - 100_000, "the rest").await;

    both.tells(&both.cactus.additional_of("rich", 100_001, "USD")).await;

    assert_eq!(both.app.reviews().await, ["credit_failed", "additional_deposit"]);
    assert_eq!(both.app.count("deposits WHERE status = 4").await, 1);
    both.app.holds().await;
}

#[tokio::test]
async fn the_books_do_not_hold_when_nobody_vouches_for_a_made_deposit() {
    let both = credits().await;
    both.tells(&both.cactus.additional_of("alice", 700, "USD")).await;
    let mut conn = both.app.database().connect();
    let run = |conn: &mut croupier::db::DbConn, sql: &str| {
        diesel::sql_query(sql.to_owned()).execute(conn).expect("it is changed")
    };

    run(&mut conn, "UPDATE webhooks SET news = 'declined' WHERE verdict = 'applied'");
    let report = both.app.state.db.read(|conn| croupier::verify::verify(conn, |_| ())).await.expect("a report");
    assert!(report.problems.iter().any(|problem| problem.contains("nobody vouches")), "{:?}", report.problems);
    run(&mut conn, "UPDATE webhooks SET news = 'deposit_paid' WHERE verdict = 'applied'");
    both.app.holds().await;
}
