//! What we ask about an order, and what an answer is worth.

use reqwest::header::HeaderValue;

use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::outgoing::Reply;
use crate::providers::{Call, Direction, Heard, Inquired, News, OpenOrder, Step, Texts};

const STATUS_URL: &str = "status_url = \"https://api.example/v1/payments/status/\"";
const OWN_ID: &str = "217742619264065507927945843197";

fn dialect() -> Carouseller {
    with_account(STATUS_URL).0
}

fn order(direction: Direction) -> OpenOrder {
    OpenOrder {
        external_id: ExternalId::parse("order_1").unwrap(),
        site: SiteId(SITE),
        login: Login::parse("user_test").unwrap(),
        amount: Money::new(2050, Currency::parse("USD").unwrap()).unwrap(),
        direction,
        rail: None,
        facts: Texts::new(),
        about: None,
    }
}

fn knowing(facts: &[(&str, &str)]) -> OpenOrder {
    let facts = facts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    OpenOrder { facts, ..order(Direction::Payout) }
}

/// The manual's sample, about our order.
fn sample(status_id: i64) -> Message {
    Message::of(json!({"success": true, "order_id": OWN_ID, "payment_group_id": 1027, "external_id": "order_1",
        "status_id": status_id, "amount": 2050, "currency": "USD", "real_amount": 2050, "real_currency": "USD"}))
}

fn question(order: &OpenOrder) -> Call {
    match dialect().ask(order, &[]).unwrap() {
        Step::Call(call) => *call,
        Step::Prepare(_) | Step::Done(_) => panic!("a question"),
    }
}

fn answered_to(dialect: &Carouseller, order: &OpenOrder, reply: Reply) -> Inquired {
    match dialect.ask(order, &[reply]).unwrap() {
        Step::Done(inquired) => inquired,
        Step::Prepare(_) | Step::Call(_) => panic!("an end"),
    }
}

fn answered(order: &OpenOrder, answer: &Message) -> Inquired {
    answered_to(&dialect(), order, Reply::new(200, answer.json()))
}

fn said(inquired: Inquired) -> (Notification, Texts) {
    match inquired {
        Inquired::Says(notification, facts) => (*notification, facts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_asked_about_by_the_cashiers_id_where_it_is_whole_and_else_by_ours() {
    let by_ours = question(&order(Direction::Payout));
    let by_theirs = question(&knowing(&[("order_id", OWN_ID)]));
    let masked = question(&knowing(&[("order_id", "411111...1111")]));

    assert_eq!(by_ours.url.as_str(), "https://api.example/v1/payments/status/");
    // SHA-1 of `external_id:order_1;site_id:332;site_login:user_test;test_salt`.
    let expected =
        "{\"external_id\":\"order_1\",\"signature\":\"SIGNED\",\"site_id\":332,\"site_login\":\"user_test\"}";
    let signed = |text: &str| {
        use sha1::{Digest, Sha1};
        hex::encode(Sha1::digest(format!("{text};test_salt")))
    };
    let right = signed("external_id:order_1;site_id:332;site_login:user_test");
    assert_eq!(String::from_utf8(by_ours.body.clone()).unwrap(), expected.replace("SIGNED", &right));
    let right = signed(&format!("order_id:{OWN_ID};site_id:332;site_login:user_test"));
    let theirs = String::from_utf8(by_theirs.body).unwrap();
    assert!(theirs.contains(&format!("\"order_id\":\"{OWN_ID}\"")) && theirs.contains(&right), "{theirs}");
    assert_eq!(masked.body, by_ours.body);
}

#[test]
fn nothing_is_asked_without_an_address_or_with_two_readings() {
    let two_readings = OpenOrder { login: Login::parse("a;order_id:1").unwrap(), ..order(Direction::Payout) };

    assert!(matches!(dialect().ask(&two_readings, &[]), Err(Error::Invalid("site_login"))));
    let without = with_account("").0;
    assert!(matches!(without.ask(&order(Direction::Payout), &[]), Err(Error::Conflict(_))));
    assert!(!without.manners(SiteId(SITE)).tells_status && dialect().manners(SiteId(SITE)).tells_status);
}

#[test]
fn the_sample_of_the_manual_says_what_became_of_our_order() {
    let (notification, facts) = said(answered(&order(Direction::Payout), &sample(4)));

    assert_eq!((notification.provider, notification.site, notification.signed), ("carouseller", SiteId(SITE), true));
    assert_eq!((notification.external_id.as_str(), notification.login.as_str()), ("order_1", "user_test"));
    assert_eq!((notification.amount_minor, notification.currency.as_str()), (2050, "USD"));
    assert_eq!(notification.real, Some((2050, "USD".to_owned())));
    assert_eq!((notification.news, notification.codes.as_str()), (News::PayoutPaid, "status 4"));
    assert_eq!(notification.transaction_id, "", "it names none");
    assert_eq!(facts, Texts::from([("order_id".to_owned(), OWN_ID.to_owned())]));
    let deposit = said(answered(&order(Direction::Deposit), &sample(4))).0;
    assert_eq!(deposit.news, News::DepositPaid, "the direction is the order's");
}

#[test]
fn a_transaction_is_named_by_the_answer_or_by_what_we_know() {
    let known = knowing(&[("transaction_id", "117580048")]);

    assert_eq!(said(answered(&known, &sample(4))).0.transaction_id, "117580048");
    assert_eq!(said(answered(&known, &sample(4).with("transaction_id", 5))).0.transaction_id, "5");
}

#[test]
fn the_same_statement_is_the_same_and_another_one_is_not() {
    let digest = |answer: Message| said(answered(&order(Direction::Payout), &answer)).0.digest;
    let first = digest(sample(2));

    assert_eq!(digest(sample(2).with("asked_at", "2026-01-01").with("order_id", "5")), first);
    for other in [
        sample(4),
        sample(2).with("amount", 2051),
        sample(2).with("currency", "EUR"),
        sample(2).with("real_amount", 1),
        sample(2).with("real_currency", "EUR"),
        sample(2).with("site_login", "somebody"),
    ] {
        assert_ne!(digest(other.clone()), first, "{}", other.json());
    }
    assert_ne!(tell(&Message::news(11, 4).signed()).unwrap().digest, digest(sample(4)));
}

#[test]
fn only_a_whole_answer_about_this_very_order_says_anything() {
    let unclear = [
        sample(4).with("success", false),
        sample(4).with("success", "true"),
        sample(4).without("success"),
        sample(4).with("external_id", "order_2"),
        sample(4).without("external_id"),
        sample(4).without("status_id"),
        sample(4).with("status_id", "four"),
        sample(4).with("status_id", 4.0),
        sample(4).with("status_id", -4),
        sample(4).with("status_id", true),
        sample(4).without("amount"),
        sample(4).with("amount", 20.5),
        sample(4).with("amount", "20.50"),
        sample(4).with("amount", 0),
        sample(4).with("amount", -2050),
        sample(4).with("amount", json!([2050])),
        sample(4).without("currency"),
        sample(4).with("currency", "DOLLARS"),
        sample(4).with("real_amount", "a lot"),
        sample(4).with("real_amount", -1),
        sample(4).with("transaction_id", "1;2"),
    ];
    for answer in unclear {
        let inquired = answered(&order(Direction::Payout), &answer);
        assert!(matches!(inquired, Inquired::Unclear(_)), "{}: {inquired:?}", answer.json());
    }
    let other = answered(&knowing(&[("order_id", "5")]), &sample(4));
    assert!(matches!(other, Inquired::Unclear(_)), "{other:?}");
    for (http, body) in [
        (200, "".to_owned()),
        (200, "[]".to_owned()),
        (200, "<html>".to_owned()),
        (200, sample(4).json().replace("\"status_id\":4", "\"status_id\":4,\"status_id\":6")),
        (500, sample(4).json()),
        (302, sample(4).json()),
        (403, r#"{"success":false,"errors":"Invalid signature","code":403}"#.to_owned()),
    ] {
        let inquired = answered_to(&dialect(), &order(Direction::Payout), Reply::new(http, body.clone()));
        assert!(matches!(inquired, Inquired::Unclear(_)), "{http} {body}: {inquired:?}");
    }
}

#[test]
fn what_differs_from_the_order_is_said_as_it_came_so_that_it_is_parked() {
    let differs = sample(4).with("amount", 1000).with("currency", "eur").with("site_login", "somebody");
    let (notification, _) = said(answered(&order(Direction::Payout), &differs));

    assert_eq!((notification.amount_minor, notification.currency.as_str()), (1000, "EUR"));
    assert_eq!(notification.login, "somebody");
    let nothing_moved = said(answered(&order(Direction::Payout), &sample(6).with("real_amount", 0))).0;
    assert_eq!(nothing_moved.real, Some((0, "USD".to_owned())));
    let unstated = said(answered(&order(Direction::Payout), &sample(6).without("real_amount"))).0;
    assert_eq!(unstated.real, None);
}

#[test]
fn not_found_and_too_often_are_what_they_are() {
    let reply = |status: u16, body: &str| Reply::new(status, body);
    let not_found = reply(404, r#"{"success":false,"errors":"no order 4111111111111111","code":404}"#);
    let mut often = reply(429, "");
    let rests = |reply: Reply| answered_to(&dialect(), &order(Direction::Payout), reply);

    assert_eq!(
        rests(not_found),
        Inquired::NotFound("HTTP status 404 errors: no order 411111...1111".to_owned()),
        "masked, for people"
    );
    assert_eq!(rests(reply(404, "<html>")), Inquired::NotFound("HTTP status 404".to_owned()));
    assert_eq!(rests(often.clone()), Inquired::Later(600));
    for (header, seconds) in [("30", 30), ("0", 1), ("99999999", 86_400), ("soon", 600), ("-1", 600)] {
        often.headers.insert("retry-after", HeaderValue::from_str(header).unwrap());
        assert_eq!(rests(often.clone()), Inquired::Later(seconds), "{header}");
    }
}

#[test]
fn amounts_in_major_units_are_read_digit_by_digit_where_the_settings_say_so() {
    let (dialect, problems) = with_account(&format!("{STATUS_URL}\nstatus_amounts = \"major\""));
    assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
    let answered = |answer: &str| answered_to(&dialect, &order(Direction::Payout), Reply::new(200, answer));
    let text = |amount: &str, real: &str| {
        format!(
            "{{\"success\":true,\"external_id\":\"order_1\",\"status_id\":4,\"amount\":{amount},\"currency\":\"USD\",{real}}}"
        )
    };
    let real = "\"real_amount\":20.50,\"real_currency\":\"USD\"";

    for amount in ["20.5", "20.50", "\"20.5\"", "20.500"] {
        let notification = said(answered(&text(amount, real))).0;
        assert_eq!((notification.amount_minor, notification.real), (2050, Some((2050, "USD".to_owned()))), "{amount}");
    }
    for amount in ["20.505", "2.05e1", "-20.5", "0", "0.00", "true", "null", "\" 20.5\""] {
        assert!(matches!(answered(&text(amount, real)), Inquired::Unclear(_)), "{amount}");
    }
    let channel = said(answered(&text("20.5", "\"real_amount\":0.001,\"real_currency\":\"USDT\""))).0;
    assert_eq!(channel.real, None, "how many decimals it has nobody knows");
    let nothing = said(answered(&text("20.5", "\"real_amount\":0.00,\"real_currency\":\"USD\""))).0;
    assert_eq!(nothing.real, Some((0, "USD".to_owned())));
}

#[test]
fn an_unsigned_notification_is_a_hint_where_it_can_be_confirmed_and_a_review_where_not() {
    let listed = "accept_unsigned_webhooks = true\nallow_from = [\"198.51.100.0/24\"]\n";
    let (asks, plain) = (with_account(&format!("{listed}{STATUS_URL}")).0, with_account(listed).0);
    let hear = |dialect: &Carouseller, message: &Message| {
        let text = message.json();
        let raw = RawRequest { peer: CASHIER.parse().unwrap(), ..json_body(&text) };
        dialect.read(&raw).unwrap()
    };

    let Heard::Hint(hint) = hear(&asks, &Message::news(11, 13)) else { panic!("a hint") };
    assert_eq!((hint.site, hint.external_id.as_str(), hint.about), (SiteId(SITE), "order_1", None));
    assert_eq!((hint.claims.as_str(), hint.news), ("type 11 status 13", News::PayoutUnclear));
    for (type_id, status_id, news) in [
        (1, 4, News::DepositPaid),
        (3, 6, News::DepositDeclined),
        (11, 4, News::PayoutPaid),
        (11, 2, News::PayoutPending),
    ] {
        let Heard::Hint(hint) = hear(&asks, &Message::news(type_id, status_id)) else { panic!("a hint") };
        assert_eq!(hint.news, news);
    }
    // Money that went back is nothing that the answer about an order could say.
    for (type_id, status_id) in [(5, 4), (7, 4), (4, 4), (2, 4), (99, 4), (3, 22)] {
        let heard = hear(&asks, &Message::news(type_id, status_id));
        assert!(matches!(heard, Heard::Notification(told) if !told.signed), "{type_id} {status_id}");
    }
    let heard = hear(&plain, &Message::news(11, 4));
    assert!(matches!(heard, Heard::Notification(told) if !told.signed), "nobody can be asked");
    let heard = hear(&asks, &Message::news(11, 4).signed());
    assert!(matches!(heard, Heard::Notification(told) if told.signed), "a signature needs no confirmation");
}
