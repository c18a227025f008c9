//! What became of a deposit: the decision table of the manual, and whose transaction it is.

use super::*;
use crate::providers::{News, Notification};

const KNOWN: [(&str, &str); 2] = [("customer_id", "alice"), ("deposit_request_id", "dep_req_1")];

fn ask_of(order: &OpenOrder, answers: &[(u16, Value)]) -> (Vec<String>, Inquired) {
    let rebilly = rebilly("");
    let (asked, came) = play(answers, |replies| rebilly.ask(order, replies));
    (asked, came.expect("it can be asked"))
}

fn ask(answers: &[(u16, Value)]) -> Inquired {
    ask_of(&open_order(Direction::Deposit, &KNOWN, None), answers).1
}

#[track_caller]
fn says(inquired: Inquired) -> Notification {
    let Inquired::Says(notification, _) = inquired else { panic!("{inquired:?}") };
    assert!(notification.signed && notification.external_id == ORDER);
    *notification
}

fn one(status: &str, transaction: Value) -> Notification {
    says(ask(&[(200, deposit_request(status, &["txn_1"])), (200, transaction)]))
}

fn sale(status: &str, result: &str) -> Value {
    transaction("txn_1", "sale", status, result)
}

#[test]
fn every_row_of_the_decision_table() {
    let disputed = |status: &str, word: &str| {
        with(with(sale(status, "approved"), "isDisputed", json!(true)), "disputeStatus", word.into())
    };
    let cases = [
        (sale("completed", "approved"), News::DepositPaid),
        (transaction("txn_1", "capture", "completed", "approved"), News::DepositPaid),
        (sale("completed", "declined"), News::DepositPending),
        (sale("completed", "canceled"), News::DepositPending),
        (sale("completed", "abandoned"), News::DepositPending),
        (sale("completed", "unknown"), News::DepositPending),
        (sale("completed", "something-new"), News::DepositPending),
        (sale("refunded", "approved"), News::Refunded),
        (sale("voided", "approved"), News::Refunded),
        (sale("partially-refunded", "approved"), News::Refunded),
        (sale("disputed", "approved"), News::Dispute),
        (disputed("completed", "response-needed"), News::Dispute),
        (disputed("completed", "under-review"), News::Dispute),
        (disputed("disputed", "unknown"), News::Dispute),
        (disputed("completed", "lost"), News::ChargedBack),
        (disputed("disputed", "forfeited"), News::ChargedBack),
        (disputed("completed", "won"), News::DepositPaid),
    ];
    for (value, news) in cases {
        assert_eq!(one("attempted", value.clone()).news, news, "{value}");
    }
    let waits = [
        "pending",
        "offsite",
        "sending",
        "timeout",
        "conn-error",
        "never-sent",
        "waiting-approval",
        "waiting-capture",
        "waiting-gateway",
        "waiting-refund",
        "suspended",
        "something-new",
    ];
    for status in waits {
        for result in ["approved", "declined", "unknown"] {
            assert_eq!(one("expired", sale(status, result)).news, News::DepositPending, "{status} {result}");
        }
    }
    for kind in ["authorize", "credit", "refund", "void", "setup", "3ds-authentication", "something-new"] {
        let other = with(transaction("txn_1", kind, "completed", "approved"), "depositRequestId", "dep_req_1".into());
        assert_eq!(one("attempted", other).news, News::DepositPending, "{kind}");
    }
}

#[test]
fn a_declined_attempt_ends_nothing_before_the_request_ends() {
    let declined = || (200, sale("completed", "declined"));
    let news = |status: &str, transactions: &[&str], more: &[(u16, Value)]| {
        let mut answers = vec![(200, deposit_request(status, transactions))];
        answers.extend_from_slice(more);
        ask(&answers)
    };
    for status in ["created", "pending", "initiated", "attempted"] {
        assert_eq!(says(news(status, &[], &[])).news, News::DepositPending, "{status}");
    }
    assert_eq!(says(news("expired", &[], &[])).news, News::DepositCancelled);
    assert_eq!(says(news("expired", &["txn_1"], &[declined()])).news, News::DepositDeclined);
    assert_eq!(says(news("something-new", &[], &[])).news, News::NotKnown);
    assert!(matches!(news("completed", &[], &[]), Inquired::Unclear(_)));
    assert!(matches!(news("completed", &["txn_1"], &[declined()]), Inquired::Unclear(_)));
    let second = (200, with(sale("completed", "approved"), "id", "txn_2".into()));
    let said = says(news("completed", &["txn_1", "txn_2"], &[second, declined()]));
    assert_eq!((said.news, said.transaction_id.as_str()), (News::DepositPaid, "txn_2"));
}

/// What a person must look at is made to disagree with the order.
#[test]
fn amounts_come_from_the_transaction_and_doubts_are_parked() {
    let approved = || sale("completed", "approved");
    let said = one("completed", with(approved(), "amount", "#99.99".into()));
    assert_eq!((said.news, said.amount_minor), (News::DepositPaid, 9_999));
    let said = one("completed", with(approved(), "currency", "EUR".into()));
    assert_eq!((said.news, said.currency.as_str()), (News::DepositPaid, "EUR"));
    let said = one("completed", with(approved(), "hasAmountAdjustment", json!(true)));
    assert_eq!(said.currency, "USD ADJUSTED");
    assert_eq!(one("completed", sale("partially-refunded", "approved")).currency, "USD PARTIALLY REFUNDED");
    assert_eq!(one("completed", with(approved(), "customerId", "bob".into())).login, "customer bob");
    let whole = deposit_request("completed", &["txn_1", "txn_2"]);
    let answers = [(200, whole), (200, with(approved(), "id", "txn_2".into())), (200, approved())];
    assert_eq!(says(ask(&answers)).currency, "USD PAID MORE THAN ONCE");
    for amount in ["#1E2", "100.00", "#0", "#-5"] {
        let answers =
            [(200, deposit_request("completed", &["txn_1"])), (200, with(approved(), "amount", amount.into()))];
        assert!(matches!(ask(&answers), Inquired::Unclear(_)), "{amount}");
    }
}

#[test]
fn a_hint_names_a_transaction_that_must_be_of_this_order() {
    let hinted = |facts: &[(&str, &str)]| open_order(Direction::Deposit, facts, Some("txn_7"));
    let named = with(sale("completed", "approved"), "id", "txn_7".into());
    let request = || (200, deposit_request("initiated", &[]));

    let (asked, came) = ask_of(&hinted(&KNOWN), &[(200, named.clone()), request()]);
    assert_eq!(asked, ["Get /transactions/txn_7", "Get /deposit-requests/dep_req_1"]);
    assert_eq!(says(came).news, News::DepositPaid, "the request is behind its transaction");

    let other = with(named.clone(), "depositRequestId", "dep_req_2".into());
    let said = says(ask_of(&hinted(&KNOWN), &[(200, other), request()]).1);
    assert_eq!(said.news, News::DepositPending, "another order's money is not this one's");
    let none = with(named.clone(), "depositRequestId", Value::Null);
    assert_eq!(says(ask_of(&hinted(&KNOWN), &[(200, none), request()]).1).news, News::DepositPending);
    assert_eq!(says(ask_of(&hinted(&KNOWN), &[problem(404), request()]).1).news, News::DepositPending);

    // Nobody knows the deposit request: what leads to it must report to this order.
    let (_, came) = ask_of(&hinted(&[]), &[(200, named.clone()), request()]);
    assert_eq!(says(came).news, News::DepositPaid);
    let foreign =
        with(deposit_request("completed", &[]), "notificationUrl", notification_url().replace('f', "0").into());
    assert!(matches!(ask_of(&hinted(&[]), &[(200, named), (200, foreign)]).1, Inquired::Unclear(_)));
}

#[test]
fn a_lost_opening_is_found_by_the_address_it_reports_to() {
    let lost = open_order(Direction::Deposit, &[], None);
    let ours = deposit_request("completed", &["txn_1"]);
    let others = with(deposit_request("completed", &[]), "notificationUrl", Value::Null);

    let answers = [(200, json!([others.clone(), ours.clone()])), (200, sale("completed", "approved"))];
    let (asked, came) = ask_of(&lost, &answers);
    let list = "Get /deposit-requests?filter=customerId%3Aalice%3Bcurrency%3AUSD&sort=-createdTime&limit=10";
    assert_eq!(asked, [list, "Get /transactions/txn_1"]);
    let Inquired::Says(said, facts) = came else { panic!("{came:?}") };
    assert_eq!(said.news, News::DepositPaid);
    assert_eq!(facts.get("deposit_request_id").map(String::as_str), Some("dep_req_1"));

    assert!(matches!(ask_of(&lost, &[(200, json!([others]))]).1, Inquired::NotFound(_)));
    let twice = [(200, json!([ours.clone(), with(ours, "id", "dep_req_2".into())]))];
    assert!(matches!(ask_of(&lost, &twice).1, Inquired::Unclear(_)));
    let bob = (200, with(sale("completed", "approved"), "customerId", "bob".into()));
    let said = says(ask_of(&lost, &[(200, json!([deposit_request("completed", &["txn_1"])])), bob]).1);
    assert_eq!(said.login, "customer bob", "paid by somebody else");
    let unnamed = OpenOrder { login: Login::parse("Ann Lee").unwrap(), ..lost };
    assert!(matches!(ask_of(&unnamed, &[]).1, Inquired::NotFound(_)));
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let unclear = [
        (200, Value::Null),
        (200, json!({"id": "dep_req_1"})),
        (200, with(deposit_request("created", &[]), "id", "dep_req_2".into())),
        (200, with(deposit_request("created", &[]), "websiteId", "web_2".into())),
        (500, Value::Null),
    ];
    for answer in unclear {
        assert!(matches!(ask(std::slice::from_ref(&answer)), Inquired::Unclear(_)), "{answer:?}");
    }
    assert!(matches!(ask(&[problem(404)]), Inquired::NotFound(_)));
    assert!(matches!(ask(&[problem(429)]), Inquired::Later(_)));
    let request = || (200, deposit_request("completed", &["txn_1"]));
    assert!(matches!(
        ask(&[request(), (200, with(sale("completed", "approved"), "id", "txn_2".into()))]),
        Inquired::Unclear(_)
    ));
    assert!(matches!(
        ask(&[request(), (200, with(sale("completed", "approved"), "result", Value::Null))]),
        Inquired::Unclear(_)
    ));
    assert!(matches!(ask(&[request(), problem(503)]), Inquired::Unclear(_)));
}

#[test]
fn many_attempts_are_looked_at_from_the_newest_on() {
    let ids: Vec<String> = (0..30).map(|n| format!("txn_{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut answers = vec![(200, deposit_request("attempted", &ids))];
    answers.extend((20..30).rev().map(|n| (200, with(sale("completed", "declined"), "id", format!("txn_{n}").into()))));

    let (asked, came) = ask_of(&open_order(Direction::Deposit, &KNOWN, None), &answers);

    assert_eq!((asked.len(), asked[1].as_str()), (11, "Get /transactions/txn_29"));
    assert_eq!(says(came).news, News::DepositPending);
}

#[test]
fn a_revision_without_news_says_nothing_new() {
    let digest = |value: Value| one("completed", value).digest;
    let paid = digest(sale("completed", "approved"));

    assert_eq!(paid, digest(with(sale("completed", "approved"), "revision", json!(9))));
    let hinted = open_order(Direction::Deposit, &KNOWN, Some("txn_1"));
    let failed = || (200, with(sale("completed", "declined"), "id", "txn_0".into()));
    let approved = || (200, sale("completed", "approved"));
    let request = || (200, deposit_request("completed", &["txn_1", "txn_0"]));
    let by_hint = says(ask_of(&hinted, &[approved(), request(), failed()]).1);
    assert_eq!(by_hint.digest, says(ask(&[request(), failed(), approved()])).digest, "however it was come upon");
    assert_ne!(paid, digest(sale("refunded", "approved")));
    assert_ne!(paid, digest(with(sale("completed", "approved"), "amount", "#100.01".into())));
}
