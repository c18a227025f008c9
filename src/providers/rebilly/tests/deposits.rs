//! A deposit begins: by a deposit request of its own, or by the player's cashier.

use super::*;

fn open_with(lines: &str, order: &DepositOrder, answers: &[(u16, Value)]) -> (Vec<String>, Opening) {
    let rebilly = rebilly(lines);
    let (asked, came) = play(answers, |replies| rebilly.open(order, replies));
    (asked, came.expect("it can be written"))
}

fn open(lines: &str, answers: &[(u16, Value)]) -> (Vec<String>, Opening) {
    open_with(lines, &deposit_order(), answers)
}

fn cashier(notification_url: &str) -> Value {
    json!({"id": "cashier_1", "customerId": "alice", "websiteId": "web_1", "currency": "USD",
        "notificationUrl": notification_url, "lastDepositRequestId": "dep_req_1", "cashierToken": "a-jwt"})
}

fn head() -> String {
    let address = notification_url();
    format!(
        "{{\"websiteId\":\"web_1\",\"customerId\":\"alice\",\"currency\":\"USD\",\
         \"redirectUrl\":\"https://casino.example/done\",\"notificationUrl\":\"{address}\""
    )
}

fn own() -> String {
    format!("Post /deposit-requests {},\"amounts\":[100.00],\"customAmount\":null}}", head())
}

fn behind_cashier(extra: &str) -> String {
    format!("Post /cashiers {},\"depositLimits\":{{\"minimum\":100.00,\"maximum\":100.00}}{extra}}}", head())
}

#[track_caller]
fn is_open(came: &Opening, request: &str) {
    let Opening::Open(opened) = came else { panic!("{came:?}") };
    assert_eq!(opened.redirect_url.as_deref(), Some("https://portal.example/deposit/1"));
    assert_eq!(opened.facts.get("deposit_request_id").map(String::as_str), Some(request));
    assert_eq!(opened.facts.get("customer_id").map(String::as_str), Some("alice"));
    assert!(!format!("{opened:?}").contains("a-jwt"), "the customer's token is kept nowhere");
}

#[test]
fn the_player_is_sent_to_a_request_of_exactly_the_amount() {
    let (asked, came) = open("", &[(201, deposit_request("created", &[]))]);

    assert_eq!(asked, [own()]);
    is_open(&came, "dep_req_1");
}

#[test]
fn what_did_not_begin_clearly_is_not_known() {
    for status in [400, 401, 403, 404, 409, 422, 429] {
        assert!(matches!(open("", &[problem(status)]).1, Opening::Refused(_)), "{status}");
        assert!(matches!(open("", &[(status, Value::Null)]).1, Opening::Unknown(_)), "{status} without a word");
    }
    let good = || deposit_request("created", &[]);
    let link = |href: &str| with(good(), "_links", json!([{"rel": "deposit", "href": href}]));
    let unclear = [
        (500, Value::Null),
        (200, good()),
        (201, Value::Null),
        (201, json!([])),
        (201, with(good(), "id", Value::Null)),
        (201, with(good(), "customerId", "bob".into())),
        (201, with(good(), "_links", json!([]))),
        (201, link("javascript:alert(1)")),
        (201, link("ftp://portal.example/")),
        (201, link("https://user@portal.example/")),
        (201, link("/deposit/1")),
    ];
    for answer in unclear {
        assert!(matches!(open("", std::slice::from_ref(&answer)).1, Opening::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn a_new_cashier_leads_to_its_own_request() {
    for status in [200, 201] {
        let answers = [(status, cashier(&notification_url())), (200, deposit_request("created", &[]))];
        let (asked, came) = open("deposit_by = \"cashier\"", &answers);
        assert_eq!(asked, [behind_cashier(""), "Get /deposit-requests/dep_req_1".to_owned()]);
        is_open(&came, "dep_req_1");
    }
}

/// A cashier lives an hour and reports to the order it was made for; the next order must not be paid through it.
#[test]
fn a_cashier_of_an_earlier_order_is_not_this_orders() {
    let earlier = notification_url().replace(ORDER, "0192f0c1a2b37c3d8e4f5a6b7c8d9e00");
    let fresh = with(deposit_request("created", &[]), "id", "dep_req_2".into());

    let (asked, came) = open("deposit_by = \"cashier\"", &[(200, cashier(&earlier)), (201, fresh.clone())]);
    assert_eq!(asked, [behind_cashier(""), own()]);
    is_open(&came, "dep_req_2");

    let without = with(cashier(&notification_url()), "lastDepositRequestId", Value::Null);
    assert_eq!(open("deposit_by = \"cashier\"", &[(201, without), (201, fresh.clone())]).0[1], own());
    for status in ["completed", "expired"] {
        let ended = (200, deposit_request(status, &[]));
        let answers = [(200, cashier(&notification_url())), ended, (201, fresh.clone())];
        is_open(&open("deposit_by = \"cashier\"", &answers).1, "dep_req_2");
    }
    let others = with(cashier(&notification_url()), "customerId", "bob".into());
    assert!(matches!(open("deposit_by = \"cashier\"", &[(200, others)]).1, Opening::Unknown(_)));
}

#[test]
fn balances_are_sent_once_and_left_out_when_they_are_refused() {
    let lines = "deposit_by = \"cashier\"\nsend_balances = true";
    let mut order = deposit_order();
    order.optional = vec![("balance_available".into(), "-150".into()), ("balance_held".into(), "2500".into())];
    let balances = ",\"balance\":0.00,\"bonusBalance\":0,\"pendingPayoutTotal\":25.00";
    let wrong = json!([{"field": "bonusBalance", "message": "is not accepted"}]);
    let refused = (422, json!({"status": 422, "title": "Validation error", "invalidFields": wrong}));
    let good = [(201, cashier(&notification_url())), (200, deposit_request("created", &[]))];

    let (asked, came) = open_with(lines, &order, &good);
    assert_eq!(asked[0], behind_cashier(balances));
    is_open(&came, "dep_req_1");

    let answers = [refused.clone(), good[0].clone(), good[1].clone()];
    let (asked, came) = open_with(lines, &order, &answers);
    assert_eq!([&asked[0], &asked[1]], [&behind_cashier(balances), &behind_cashier("")]);
    is_open(&came, "dep_req_1");

    let (asked, came) = open_with(lines, &order, &[refused.clone(), refused.clone()]);
    assert_eq!(asked.len(), 2, "once");
    assert!(matches!(came, Opening::Refused(_)), "{came:?}");
    let (asked, came) = open_with(lines, &order, &[problem(422)]);
    assert!(asked.len() == 1 && matches!(came, Opening::Refused(_)), "another field is wrong: {came:?}");
    assert_eq!(open(lines, &good).0[0], behind_cashier(""), "what is not known is not sent");
}
