//! What staff may have Rebilly do.

use super::super::desk::CALLS;
use super::*;

type Given<'a> = &'a [(&'a str, &'a str)];

fn call(
    name: &str,
    direction: Direction,
    given: &[(&str, &str)],
    answers: &[(u16, Value)],
) -> (Vec<String>, Result<Value, Error>) {
    let rebilly = rebilly("");
    let desk = Desk {
        site: SITE,
        order: Some(open_order(direction, &[("deposit_request_id", "dep_req_1")], None)),
        parameters: given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    };
    play(answers, |replies| rebilly.call(name, &desk, replies))
}

#[test]
fn every_call_is_the_one_of_the_manual() {
    let (payout, ok) = (Direction::Payout, (200, json!({"id": "x"})));
    let at = |rest: &str| format!("/payout-requests/{ORDER}{rest}");
    let cases: [(&str, Given<'_>, String); 10] = [
        ("payout_request", &[], format!("Get {}", at(""))),
        ("timeline", &[], format!("Get {}", at("/timeline"))),
        ("instruments", &[], format!("Get {}", at("/payment-instruments"))),
        ("approve", &[], format!("Patch {} {{\"status\":\"approved\"}}", at(""))),
        ("cancel", &[], format!("Post {} {{\"canceledBy\":\"merchant\"}}", at("/cancel"))),
        (
            "cancel",
            &[("description", "duplicate")],
            format!("Post {} {{\"canceledBy\":\"merchant\",\"description\":\"duplicate\"}}", at("/cancel")),
        ),
        (
            "block",
            &[("block_reason", "aml-review")],
            format!("Patch {} {{\"blocked\":true,\"blockReason\":\"aml-review\"}}", at("")),
        ),
        ("unblock", &[], format!("Patch {} {{\"blocked\":false}}", at(""))),
        (
            "split",
            &[("amounts", "50.00, 30,20"), ("split_reason", "payment-instrument-limit")],
            format!(
                "Post {} {{\"amounts\":[50.00,30.00,20.00],\"splitReason\":\"payment-instrument-limit\"}}",
                at("/split")
            ),
        ),
        ("query_transaction", &[("transaction_id", "txn_1")], "Post /transactions/txn_1/query {}".to_owned()),
    ];
    for (name, given, expected) in cases {
        let (asked, came) = call(name, payout, given, std::slice::from_ref(&ok));
        assert_eq!(asked, [expected], "{name}");
        assert_eq!(came.unwrap(), json!({"id": "x"}), "{name}");
    }
    let (asked, _) = call("deposit_request", Direction::Deposit, &[], std::slice::from_ref(&ok));
    assert_eq!(asked, ["Get /deposit-requests/dep_req_1"]);
}

#[test]
fn what_is_left_is_allocated_and_started() {
    let waiting = with(request("in-progress"), "allocations", json!([allocation("pra_1", "pending", "100.00", "")]));
    let answers = [(204, Value::Null), (200, waiting.clone()), (204, Value::Null)];
    let (asked, came) = call("allocate", Direction::Payout, &[], &answers);
    assert_eq!(asked[0], format!("Post /payout-request-allocations/auto {{\"payoutRequestId\":\"{ORDER}\"}}"));
    assert_eq!(asked[2], "Post /payout-request-allocations/process {\"allocationIds\":[\"pra_1\"]}");
    assert_eq!(came.unwrap(), json!({"started": ["pra_1"]}));

    let by_hand = [("payment_instrument_id", "inst_1"), ("gateway_account_id", "gw_acc_1"), ("amount", "40")];
    let answers = [(201, json!({})), (200, waiting.clone()), (204, Value::Null)];
    let (asked, _) = call("allocate", Direction::Payout, &by_hand, &answers);
    let body = format!(
        "{{\"payoutRequestId\":\"{ORDER}\",\"paymentInstrumentId\":\"inst_1\",\"gatewayAccountId\":\"gw_acc_1\",\"amount\":40.00}}"
    );
    assert_eq!(asked[0], format!("Post /payout-request-allocations {body}"));

    let (asked, came) = call("allocate", Direction::Payout, &[], &[problem(409), (200, waiting), (204, Value::Null)]);
    assert!(asked.len() == 3 && came.is_ok(), "what was allocated before is started: {came:?}");
    let (_, came) = call("allocate", Direction::Payout, &[], &[problem(409), (200, request("approved"))]);
    assert!(matches!(came, Err(Error::Provider(_))), "{came:?}");
}

#[test]
fn what_is_wrong_is_not_sent() {
    let long = "x".repeat(256);
    let cases: [(&str, Direction, Given<'_>, &str); 15] = [
        ("refund", Direction::Payout, &[], "no such call"),
        ("payout_request", Direction::Deposit, &[], "external_id is not acceptable"),
        ("deposit_request", Direction::Payout, &[], "external_id is not acceptable"),
        ("cancel", Direction::Payout, &[("canceledBy", "system")], "parameters is not acceptable"),
        ("cancel", Direction::Payout, &[("description", &long)], "description is not acceptable"),
        ("block", Direction::Payout, &[], "block_reason is missing"),
        ("block", Direction::Payout, &[("block_reason", "because")], "block_reason is not acceptable"),
        ("split", Direction::Payout, &[("split_reason", "other")], "amounts is missing"),
        ("split", Direction::Payout, &[("amounts", "100.00"), ("split_reason", "other")], "amounts is not acceptable"),
        (
            "split",
            Direction::Payout,
            &[("amounts", "50,50.01"), ("split_reason", "other")],
            "amounts is not acceptable",
        ),
        ("split", Direction::Payout, &[("amounts", "100,0"), ("split_reason", "other")], "amounts is not acceptable"),
        ("split", Direction::Payout, &[("amounts", "50,50"), ("split_reason", "x")], "split_reason is not acceptable"),
        ("allocate", Direction::Payout, &[("amount", "40")], "payment_instrument_id is missing"),
        ("query_transaction", Direction::Payout, &[], "transaction_id is missing"),
        ("query_transaction", Direction::Payout, &[("transaction_id", "a/b")], "transaction_id is not acceptable"),
    ];
    for (name, direction, given, why) in cases {
        let (asked, came) = call(name, direction, given, &[]);
        assert!(asked.is_empty(), "{name}");
        assert_eq!(came.unwrap_err().to_string(), why, "{name}");
    }
}

#[test]
fn a_no_is_told_in_rebillys_words() {
    let (_, came) = call("cancel", Direction::Payout, &[], &[problem(409)]);
    let told = came.unwrap_err().to_string();
    assert!(told.contains("409") && told.contains("Not so"), "{told}");
    let (_, came) = call("cancel", Direction::Payout, &[], &[(200, Value::Null)]);
    assert!(matches!(came, Err(Error::Provider(_))), "{came:?}");
}

#[test]
fn what_changes_something_says_so() {
    let changing: Vec<&str> = CALLS.iter().filter(|call| call.changes).map(|call| call.name).collect();

    assert_eq!(changing, ["approve", "cancel", "block", "unblock", "split", "allocate", "query_transaction"]);
    assert!(CALLS.iter().all(|call| call.of_order));
}
