//! A payout: made under our id, approved, allocated, started; and every way in which that does not go through.

use super::*;

fn pay(lines: &str, answers: &[(u16, Value)]) -> (Vec<String>, InitiationAnswer) {
    let (rebilly, order) = (rebilly(lines), payout_order());
    let (asked, came) = play(answers, |replies| rebilly.pay(&order, replies));
    (asked, came.expect("it can be written"))
}

fn allocated(part: &str) -> Value {
    with(request("in-progress"), "allocations", json!([allocation("pra_1", part, "100.00", "")]))
}

fn made() -> String {
    format!(
        "Put /payout-requests/{ORDER} {{\"websiteId\":\"web_1\",\"customerId\":\"alice\",\"currency\":\"USD\",\
         \"amount\":100.00,\"description\":\"Withdrawal {ORDER}\"}}"
    )
}

#[test]
fn a_payout_is_made_approved_allocated_and_started() {
    let answers = [
        (201, request("ready")),
        (200, request("approved")),
        (204, Value::Null),
        (200, allocated("pending")),
        (204, Value::Null),
    ];

    let (asked, came) = pay("", &answers);

    let expected = [
        made(),
        format!("Patch /payout-requests/{ORDER} {{\"status\":\"approved\"}}"),
        format!("Post /payout-request-allocations/auto {{\"payoutRequestId\":\"{ORDER}\"}}"),
        format!("Get /payout-requests/{ORDER}"),
        "Post /payout-request-allocations/process {\"allocationIds\":[\"pra_1\"]}".to_owned(),
    ];
    assert_eq!(asked, expected);
    let InitiationAnswer::Accepted(_, facts) = came else { panic!("{came:?}") };
    assert_eq!(facts.get("customer_id").map(String::as_str), Some("alice"));
}

#[test]
fn the_same_order_makes_the_same_bytes_and_carries_what_the_player_chose() {
    let rebilly = rebilly("");
    let mut order = payout_order();
    order.details.insert("payment_instrument_id".to_owned(), "inst_1".to_owned());
    order.optional = vec![(CUSTOMER.to_owned(), "cus_9".to_owned()), ("first_name".to_owned(), "Ann".to_owned())];
    let write = || match rebilly.pay(&order, &[]).unwrap() {
        Step::Call(call) | Step::Prepare(call) => told(&call),
        Step::Done(done) => panic!("{done:?}"),
    };

    assert_eq!(write(), write());
    assert!(write().contains("\"customerId\":\"cus_9\""), "{}", write());
    assert!(write().contains("\"paymentInstrumentId\":\"inst_1\"") && !write().contains("Ann"), "{}", write());
    let jpy = PayoutOrder { amount: money("1500", "JPY"), ..payout_order() };
    let Step::Call(call) = rebilly.pay(&jpy, &[]).unwrap() else { panic!("a call") };
    assert!(told(&call).contains("\"amount\":1500,"), "no more digits than the currency has");
}

#[test]
fn one_that_waits_becomes_ready_first_and_nobody_allocates_where_people_do() {
    let answers = [(200, request("pending")), (200, request("ready")), (200, request("approved"))];

    let (asked, came) = pay("allocate = \"none\"", &answers);

    assert_eq!(asked[1], format!("Patch /payout-requests/{ORDER} {{\"status\":\"ready\"}}"));
    assert_eq!(asked[2], format!("Patch /payout-requests/{ORDER} {{\"status\":\"approved\"}}"));
    assert!(matches!(came, InitiationAnswer::Accepted(..)), "{came:?}");
}

#[test]
fn a_repetition_goes_on_where_the_first_one_stopped() {
    let cases: [(&[(u16, Value)], usize); 9] = [
        (&[(200, request("fulfilled"))], 1),
        (&[(200, request("canceled"))], 1),
        (&[(200, request("split"))], 1),
        (&[(200, request("merged"))], 1),
        (&[(200, request("something-new"))], 1),
        (&[(200, allocated("processing"))], 1),
        (&[(200, allocated("completed"))], 1),
        (&[(200, allocated("pending")), (204, Value::Null)], 2),
        (
            &[
                (200, with(request("approved"), "allocations", allocated("pending")["allocations"].clone())),
                (204, Value::Null),
            ],
            2,
        ),
    ];
    for (answers, calls) in cases {
        let (asked, came) = pay("", answers);
        assert_eq!(asked.len(), calls, "{asked:?}");
        assert!(matches!(came, InitiationAnswer::Accepted(..)), "{came:?}");
    }
    // What refuses to be changed is looked at.
    for status in [400, 404, 409, 422] {
        let (asked, came) = pay("", &[problem(status), (200, request("fulfilled"))]);
        assert_eq!(asked[1], format!("Get /payout-requests/{ORDER}"));
        assert!(matches!(came, InitiationAnswer::Accepted(..)), "{status}: {came:?}");
    }
    // Somebody approved it in between.
    let race = [(200, request("ready")), problem(409), (200, request("approved"))];
    assert!(matches!(pay("allocate = \"none\"", &race).1, InitiationAnswer::Accepted(..)));
    // Somebody allocated it in between.
    let race = [(200, request("approved")), problem(409), (200, allocated("queued"))];
    assert!(matches!(pay("", &race).1, InitiationAnswer::Accepted(..)));
}

#[test]
fn only_what_is_not_there_was_refused() {
    for status in [400, 422] {
        let (_, came) = pay("", &[problem(status), problem(404)]);
        let InitiationAnswer::Refused(note) = came else { panic!("{status}: {came:?}") };
        assert!(note.contains("currency: is not supported"), "{note}");
    }
    for status in [401, 403, 429] {
        let (asked, came) = pay("", &[problem(status)]);
        assert!(matches!(came, InitiationAnswer::NotNow(_)) && asked.len() == 1, "{status}: {came:?}");
    }
}

#[test]
fn everything_else_is_unknown() {
    let page = json!("<html></html>");
    let blocked = with(with(request("ready"), "blocked", json!(true)), "blockReason", "aml-review".into());
    let cases: Vec<Vec<(u16, Value)>> = vec![
        vec![(500, Value::Null)],
        vec![(503, problem(503).1)],
        vec![(204, Value::Null)],
        vec![(302, Value::Null)],
        vec![(200, page.clone())],
        vec![(201, json!([]))],
        vec![(201, json!({"id": ORDER}))],
        // Not in Rebilly's own words.
        vec![(401, Value::Null)],
        vec![(403, page.clone())],
        vec![(429, json!({"status": 403}))],
        // Nobody knows whether it is there.
        vec![problem(422), (500, Value::Null)],
        vec![problem(422), (404, Value::Null)],
        vec![problem(422), problem(401)],
        vec![problem(409), problem(404)],
        vec![problem(404), problem(404)],
        // Something else is there.
        vec![(200, with(request("ready"), "amount", "#100.01".into()))],
        vec![(200, with(request("ready"), "amount", "#1E2".into()))],
        vec![(200, with(request("ready"), "amount", "100.00".into()))],
        vec![(200, with(request("ready"), "currency", "EUR".into()))],
        vec![(200, with(request("ready"), "customerId", "bob".into()))],
        vec![(200, with(request("ready"), "customerId", Value::Null))],
        vec![(200, with(request("ready"), "websiteId", "web_2".into()))],
        vec![(200, with(request("ready"), "id", "pout_req_1".into()))],
        // It is there, and does not move.
        vec![(200, blocked)],
        vec![(200, request("ready")), problem(403)],
        vec![(200, request("ready")), problem(409), (200, request("ready"))],
        vec![(200, request("ready")), (200, request("ready")), (200, request("ready")), (200, request("ready"))],
        vec![(200, request("approved")), problem(403)],
        vec![(200, request("approved")), (204, Value::Null), (200, request("approved"))],
        vec![(200, request("approved")), (204, Value::Null), (500, Value::Null)],
        vec![(200, allocated("pending")), problem(422)],
        vec![(200, allocated("pending")), (500, Value::Null)],
    ];
    for answers in cases {
        let (_, came) = pay("", &answers);
        assert!(matches!(came, InitiationAnswer::Unknown(_)), "{answers:?}: {came:?}");
    }
}

#[test]
fn nothing_is_sent_for_a_player_whom_rebilly_cannot_name() {
    let order = PayoutOrder { login: Login::parse("Ann Lee").unwrap(), ..payout_order() };

    let refused = rebilly("").pay(&order, &[]);

    assert!(matches!(refused, Err(Error::Invalid("site_login"))), "{refused:?}");
}
