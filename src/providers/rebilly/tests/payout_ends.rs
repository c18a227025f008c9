//! What became of a payout: every status, every allocation, every way of being split.

use super::super::payout_status::standing;
use super::super::request::{Request, Status};
use super::super::wire::Doc;
use super::*;
use crate::providers::{News, Notification};

fn ask_of(order: &OpenOrder, answers: &[(u16, Value)]) -> (Vec<String>, Inquired) {
    let rebilly = rebilly("");
    let (asked, came) = play(answers, |replies| rebilly.ask(order, replies));
    (asked, came.expect("it can be asked"))
}

fn ask(answers: &[(u16, Value)]) -> Inquired {
    ask_of(&open_order(Direction::Payout, &[("customer_id", "alice")], None), answers).1
}

#[track_caller]
fn says(inquired: Inquired) -> Notification {
    let Inquired::Says(notification, _) = inquired else { panic!("{inquired:?}") };
    assert!(notification.signed && notification.provider == "rebilly" && notification.external_id == ORDER);
    *notification
}

fn read(value: &Value) -> Request {
    let text = digits(value);
    let doc = Doc::read(text.as_bytes()).unwrap();
    Request::read(doc.thing().unwrap()).unwrap()
}

fn parts(all: &[(&str, &str)]) -> Value {
    all.iter()
        .enumerate()
        .map(|(at, (status, amount))| allocation(&format!("pra_{at}"), status, amount, &format!("txn_{at}")))
        .collect()
}

fn paid(amount: &str, id: &str) -> (u16, Value) {
    (200, with(transaction(id, "credit", "completed", "approved"), "amount", format!("#{amount}").into()))
}

#[test]
fn every_status_of_every_edition_means_what_it_meant() {
    let by = |status: &str, by: &str| with(request(status), "cancellationReason", json!({"canceledBy": by}));
    let and = |status: &str, allocations: &[(&str, &str)]| with(request(status), "allocations", parts(allocations));
    let cases = [
        (request("pending"), News::PayoutPending),
        (request("accepted"), News::PayoutPending),
        (request("instrument-selected"), News::PayoutPending),
        (request("ready"), News::PayoutPending),
        (request("approved"), News::PayoutPending),
        (request("in-progress"), News::PayoutPending),
        (request("partially-fulfilled"), News::PayoutPending),
        (request("fulfilled"), News::PayoutPaid),
        (request("canceled"), News::PayoutCancelled),
        (request("rejected"), News::PayoutCancelled),
        (request("customer-reversed"), News::PayoutCancelled),
        (request("admin-reversed"), News::PayoutCancelled),
        (request("system-reversed"), News::PayoutCancelled),
        (by("canceled", "merchant"), News::PayoutCancelled),
        (by("canceled", "customer"), News::PayoutCancelled),
        (by("canceled", "system"), News::PayoutDeclined),
        (request("merged"), News::PayoutUnclear),
        (request("cancelled"), News::NotKnown),
        (request("FULFILLED"), News::NotKnown),
        (request("paid"), News::NotKnown),
        (and("approved", &[("declined", "100")]), News::PayoutUnclear),
        (and("in-progress", &[("failed", "100")]), News::PayoutUnclear),
        (and("in-progress", &[("declined", "50"), ("processing", "50")]), News::PayoutPending),
        (and("in-progress", &[("declined", "50"), ("completed", "50")]), News::PayoutUnclear),
        (and("in-progress", &[("completed", "50")]), News::PayoutPending),
        (and("in-progress", &[("declined", "50"), ("pending", "50")]), News::PayoutPending),
        (and("in-progress", &[("waiting-completion", "100")]), News::PayoutPending),
        (and("canceled", &[("canceled", "100")]), News::PayoutCancelled),
        (and("canceled", &[("declined", "100")]), News::PayoutCancelled),
        (and("canceled", &[("completed", "50")]), News::PayoutUnclear),
        (and("canceled", &[("processing", "50")]), News::PayoutUnclear),
        (and("canceled", &[("something-new", "50")]), News::PayoutUnclear),
    ];
    for (value, news) in cases {
        assert_eq!(standing(&[read(&value)]), news, "{value}");
    }
}

#[test]
fn parts_with_different_ends_are_for_a_person() {
    let news = |words: &[&str]| standing(&words.iter().map(|word| read(&request(word))).collect::<Vec<_>>());

    assert_eq!(news(&["fulfilled", "fulfilled"]), News::PayoutPaid);
    assert_eq!(news(&["canceled", "canceled"]), News::PayoutCancelled);
    assert_eq!(news(&["fulfilled", "canceled"]), News::PayoutUnclear);
    assert_eq!(news(&["fulfilled", "in-progress", "canceled"]), News::PayoutPending);
    assert_eq!(news(&["fulfilled", "merged", "pending"]), News::PayoutUnclear);
    assert_eq!(news(&["fulfilled", "something-new"]), News::NotKnown);
    assert_eq!(news(&[]), News::PayoutUnclear);
}

#[test]
fn paid_is_what_is_fulfilled_down_to_every_minor_unit() {
    let whole = with(request("fulfilled"), "allocations", parts(&[("completed", "60.00"), ("completed", "40.00")]));
    let order = open_order(Direction::Payout, &[], None);

    let (asked, came) = ask_of(&order, &[(200, whole), paid("60.00", "txn_0"), paid("40.00", "txn_1")]);

    let expected = ["Get /payout-requests/ORDER", "Get /transactions/txn_0", "Get /transactions/txn_1"];
    assert_eq!(asked, expected.map(|path| path.replace("ORDER", ORDER)));
    let said = says(came);
    assert_eq!((said.news, said.amount_minor, said.currency.as_str()), (News::PayoutPaid, 10_000, "USD"));
    assert_eq!((said.real, said.login.as_str()), (Some((10_000, "USD".to_owned())), "alice"));
}

#[test]
fn what_is_fulfilled_and_not_paid_is_unclear() {
    let one = |status: &str, amount: &str| with(request("fulfilled"), "allocations", parts(&[(status, amount)]));
    let good = || transaction("txn_0", "credit", "completed", "approved");
    let cases: Vec<Vec<(u16, Value)>> = vec![
        vec![(200, request("fulfilled"))],
        vec![(200, one("processing", "100.00"))],
        vec![(200, one("completed", "99.99")), paid("99.99", "txn_0")],
        vec![(200, one("completed", "200.00")), paid("200.00", "txn_0")],
        vec![(200, one("completed", "100.00")), problem(404)],
        vec![(200, one("completed", "100.00")), (200, with(good(), "type", "sale".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "status", "pending".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "result", "declined".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "amount", "#99.00".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "currency", "EUR".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "customerId", "bob".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "payoutRequestId", "pout_req_2".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "websiteId", "web_2".into()))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "hasAmountAdjustment", json!(true)))],
        vec![(200, one("completed", "100.00")), (200, with(good(), "id", "txn_9".into()))],
    ];
    for answers in cases {
        assert_eq!(says(ask(&answers)).news, News::PayoutUnclear, "{answers:?}");
    }
    let many: Vec<_> = (0..20).map(|_| ("completed", "5.00")).collect();
    let many = with(request("fulfilled"), "allocations", parts(&many));
    assert_eq!(says(ask(&[(200, many)])).news, News::PayoutUnclear, "more than can be looked at");
}

/// The core compares what is said with the order, so that it must be said.
#[test]
fn what_differs_from_the_order_is_said_as_it_is() {
    let said = says(ask(&[(200, with(request("canceled"), "amount", "#1.00".into()))]));
    assert_eq!(said.amount_minor, 100);
    let said = says(ask(&[(200, with(request("canceled"), "currency", "EUR".into()))]));
    assert_eq!(said.currency, "EUR");
    let said = says(ask(&[(200, with(request("canceled"), "customerId", "bob".into()))]));
    assert_eq!(said.login, "customer bob");
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let unclear = [
        (200, Value::Null),
        (200, json!([])),
        (200, with(request("ready"), "status", Value::Null)),
        (200, with(request("ready"), "amount", "100".into())),
        (200, with(request("ready"), "amount", "#0".into())),
        (200, with(request("ready"), "currency", "XYZ".into())),
        (200, with(request("ready"), "id", "pout_req_9".into())),
        (200, with(request("ready"), "websiteId", "web_2".into())),
        (302, Value::Null),
        (401, problem(401).1),
        (503, Value::Null),
    ];
    for answer in unclear {
        assert!(matches!(ask(std::slice::from_ref(&answer)), Inquired::Unclear(_)), "{answer:?}");
    }
    assert!(matches!(ask(&[problem(404)]), Inquired::NotFound(_)));
    assert!(matches!(ask(&[problem(429)]), Inquired::Later(60)));
    let twice = digits(&request("fulfilled")).replacen('{', "{\"status\":\"canceled\",", 1);
    let rebilly = rebilly("");
    let order = open_order(Direction::Payout, &[], None);
    let came = rebilly.ask(&order, &[Reply::new(200, twice)]).unwrap();
    assert!(matches!(came, Step::Done(Inquired::Unclear(_))), "a name twice has two readings: {came:?}");
}

fn child(id: &str, of: &str, amount: &str, status: &str) -> Value {
    let one = with(with(request(status), "id", id.into()), "amount", format!("#{amount}").into());
    let number = id.rsplit('_').next().unwrap();
    let paid = if status == "fulfilled" {
        json!([allocation("pra", "completed", amount, &format!("txn_{number}"))])
    } else {
        json!([])
    };
    with(with(one, "splitFromPayoutRequestId", of.into()), "allocations", paid)
}

fn credit(number: &str, amount: &str) -> (u16, Value) {
    let one = with(
        transaction(&format!("txn_{number}"), "credit", "completed", "approved"),
        "amount",
        format!("#{amount}").into(),
    );
    (200, with(one, "payoutRequestId", format!("pout_req_{number}").into()))
}

#[test]
fn a_split_request_is_paid_when_its_parts_are() {
    let page = json!([
        child("pout_req_1", ORDER, "70.00", "fulfilled"),
        child("pout_req_9", "other", "1.00", "ready"),
        child("pout_req_2", ORDER, "30.00", "fulfilled")
    ]);
    let order = open_order(Direction::Payout, &[], None);

    let answers = [(200, request("split")), (200, page), credit("1", "70.00"), credit("2", "30.00")];
    let (asked, came) = ask_of(&order, &answers);

    let list = "Get /payout-requests?filter=customerId%3Aalice%3Bcurrency%3AUSD&sort=-createdTime&limit=10&offset=0";
    assert_eq!(asked[1], list);
    let said = says(came);
    assert_eq!((said.news, said.real), (News::PayoutPaid, Some((10_000, "USD".to_owned()))));
}

#[test]
fn while_a_part_is_open_the_whole_is_and_parts_must_add_up() {
    let split = || (200, request("split"));
    let page = |parts: &[Value]| (200, Value::Array(parts.to_vec()));
    let news = |answers: &[(u16, Value)]| says(ask(answers)).news;
    let fulfilled = child("pout_req_1", ORDER, "70.00", "fulfilled");

    let open = child("pout_req_2", ORDER, "30.00", "pending");
    assert_eq!(news(&[split(), page(&[fulfilled.clone(), open])]), News::PayoutPending);
    let canceled = child("pout_req_2", ORDER, "30.00", "canceled");
    assert_eq!(news(&[split(), page(&[fulfilled.clone(), canceled.clone()])]), News::PayoutUnclear);
    let both = [child("pout_req_1", ORDER, "70.00", "canceled"), canceled];
    assert_eq!(news(&[split(), page(&both)]), News::PayoutCancelled);
    let again = [
        child("pout_req_1", ORDER, "70.00", "split"),
        child("pout_req_2", ORDER, "30.00", "canceled"),
        child("pout_req_3", "pout_req_1", "70.00", "canceled"),
    ];
    assert_eq!(news(&[split(), page(&again)]), News::PayoutCancelled);
    let few = [split(), page(std::slice::from_ref(&fulfilled))];
    assert!(matches!(ask(&few), Inquired::Unclear(_)));
    let many = [fulfilled.clone(), child("pout_req_2", ORDER, "30.01", "fulfilled")];
    assert!(matches!(ask(&[split(), page(&many)]), Inquired::Unclear(_)));
    let circle = [child(ORDER, ORDER, "100.00", "split")];
    assert!(matches!(ask(&[split(), page(&circle)]), Inquired::Unclear(_)));
    assert!(matches!(ask(&[split(), problem(500)]), Inquired::Unclear(_)));
    assert!(matches!(ask(&[split(), problem(429)]), Inquired::Later(_)));
    let unpaid = [
        split(),
        page(&[fulfilled, child("pout_req_2", ORDER, "30.00", "fulfilled")]),
        credit("1", "70.00"),
        problem(404),
    ];
    assert_eq!(news(&unpaid), News::PayoutUnclear);
}

#[test]
fn parts_are_looked_for_on_further_pages_and_not_for_ever() {
    let strangers: Vec<Value> = (10..20).map(|n| child(&format!("pout_req_{n}"), "other", "1.00", "ready")).collect();
    let found = vec![child("pout_req_1", ORDER, "70.00", "canceled"), child("pout_req_2", ORDER, "30.00", "canceled")];
    let page = |parts: &[Value]| (200, Value::Array(parts.to_vec()));
    assert_eq!(says(ask(&[(200, request("split")), page(&strangers), page(&found)])).news, News::PayoutCancelled);

    let mut endless = vec![(200, request("split"))];
    endless.extend((0..8).map(|_| page(&strangers)));
    assert!(matches!(ask(&endless), Inquired::Unclear(_)));
}

#[test]
fn the_same_again_is_the_same_and_another_state_is_not() {
    let digest = |value: Value| says(ask(&[(200, value)])).digest;
    let ready = digest(request("ready"));

    assert_eq!(ready, digest(with(request("ready"), "updatedTime", "2026-08-22T00:00:00Z".into())));
    assert_ne!(ready, digest(request("approved")));
    assert_ne!(ready, digest(with(request("ready"), "blocked", json!(true))));
    assert_ne!(ready, digest(with(request("ready"), "amount", "#100.01".into())));
    assert_eq!(Status::of("fulfilled"), Status::Fulfilled);
}
