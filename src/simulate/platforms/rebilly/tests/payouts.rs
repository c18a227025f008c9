//! Payout requests, from the first call to the last part.

use super::*;

async fn status(rebilly: &Rebilly, id: &str) -> String {
    ask(rebilly, "GET", &format!("/payout-requests/{id}"), "").await.text_of("status")
}

#[tokio::test]
async fn a_payout_is_made_once_and_shown_ever_after() {
    let rebilly = start().await;

    let first = ask(&rebilly, "PUT", "/payout-requests/w-1", &payout_body("100.10")).await;
    let again = ask(&rebilly, "PUT", "/payout-requests/w-1", &payout_body("100.1")).await;

    assert_eq!((first.status, again.status), (201, 200));
    assert!(first.text.contains(r#""amount":100.10,"availableAmount":100.10,"#), "{}", first.text);
    assert_eq!(first.header("location"), Some(&*format!("{}/payout-requests/w-1", rebilly.state.root())));
    assert_eq!((first.text_of("id"), first.text_of("status")), ("w-1".into(), "ready".into()));
    let orders = rebilly.orders();
    let one = &orders[0];
    assert_eq!(
        (orders.len(), one.asked, one.amount, one.login.as_str(), one.end),
        (1, 2, 10_010, CUSTOMER, End::Pending)
    );
    assert_eq!(one.params["amount"], "100.10");
}

#[tokio::test]
async fn another_content_under_the_same_id_is_refused() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &[]).await;
    for (from, to, field) in
        [("100.00", "100.01", "amount"), ("USD", "EUR", "currency"), (CUSTOMER, "cus_bob", "customerId")]
    {
        let body = payout_body("100.00").replace(from, to);
        let back = ask(&rebilly, "PUT", "/payout-requests/w-1", &body).await;
        assert_eq!((back.status, back.fields()), (422, vec![field.to_owned()]), "{body}");
    }
    assert_eq!((rebilly.orders()[0].amount, rebilly.orders()[0].asked), (10_000, 4));
}

#[tokio::test]
async fn a_post_twice_is_two_payouts() {
    let rebilly = start().await;

    let first = ask(&rebilly, "POST", "/payout-requests", &payout_body("5")).await;
    let second = ask(&rebilly, "POST", "/payout-requests", &payout_body("5")).await;

    assert_ne!(first.text_of("id"), second.text_of("id"));
    assert_eq!(
        rebilly.orders().iter().map(|one| one.id.clone()).collect::<Vec<_>>(),
        [first.text_of("id"), second.text_of("id")]
    );
}

#[tokio::test]
async fn an_approved_payout_is_allocated_processed_and_paid() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &["approved"]).await;
    let body = r#"{"payoutRequestId":"w-1"}"#;

    assert_eq!(ask(&rebilly, "POST", "/payout-request-allocations/auto", body).await.status, 204);

    let read = ask(&rebilly, "GET", "/payout-requests/w-1", "").await;
    assert!(read.text.contains(r#""availableAmount":0.00"#), "{}", read.text);
    let part = read.json()["allocations"][0]["id"].as_str().expect("an allocation").to_owned();
    assert_eq!(
        (read.text_of("status"), read.json()["allocations"][0]["status"].clone()),
        ("in-progress".into(), json!("pending"))
    );
    let process = json!({"allocationIds": [part]}).to_string();
    assert_eq!(ask(&rebilly, "POST", "/payout-request-allocations/process", &process).await.status, 204);
    let begun = ask(&rebilly, "GET", &format!("/payout-request-allocations/{part}"), "").await;
    assert_eq!((begun.text_of("status"), begun.text_of("transactionResult")), ("processing".into(), "unknown".into()));

    rebilly.set("w-1", End::Paid);

    let done = ask(&rebilly, "GET", "/payout-requests?filter=id:w-1", "").await.json()[0].clone();
    assert_eq!((&done["status"], &done["allocations"][0]["status"]), (&json!("fulfilled"), &json!("completed")));
    let credit = format!("/transactions/{}", begun.text_of("transactionId"));
    let credit = ask(&rebilly, "GET", &credit, "").await.json();
    assert_eq!(
        (&credit["type"], &credit["status"], &credit["result"]),
        (&json!("credit"), &json!("completed"), &json!("approved"))
    );
    assert_eq!((&credit["payoutRequestId"], &credit["revision"]), (&json!("w-1"), &json!(2)));
    assert_eq!((rebilly.orders()[0].end, rebilly.moved("w-1")), (End::Paid, 10_000));
}

#[tokio::test]
async fn allocations_by_hand_never_exceed_what_is_available() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &["approved"]).await;
    let body = |amount: &str| {
        format!(
            r#"{{"payoutRequestId":"w-1","paymentInstrumentId":"inst_1","gatewayAccountId":"gw_1","amount":{amount}}}"#
        )
    };
    let path = "/payout-request-allocations";

    let first = ask(&rebilly, "POST", path, &body("60.00")).await;

    assert_eq!((first.status, first.text_of("status")), (201, "pending".into()));
    assert_eq!(ask(&rebilly, "POST", path, &body("40.01")).await.fields(), ["amount"]);
    assert_eq!(ask(&rebilly, "POST", path, &body("40.00")).await.status, 201);
    assert_eq!(
        ask(&rebilly, "POST", "/payout-request-allocations/auto", r#"{"payoutRequestId":"w-1"}"#).await.status,
        409
    );
    let one = format!("{path}/{}", first.text_of("id"));
    assert_eq!(ask(&rebilly, "PATCH", &one, r#"{"status":"canceled"}"#).await.status, 200);
    assert_eq!(ask(&rebilly, "PATCH", &one, r#"{"status":"processing"}"#).await.status, 409);
    assert_eq!(ask(&rebilly, "PATCH", &one, r#"{"status":"completed"}"#).await.status, 422);
    let read = ask(&rebilly, "GET", "/payout-requests/w-1", "").await;
    assert!(read.text.contains(r#""availableAmount":60.00"#), "{}", read.text);
    assert_eq!(
        ask(&rebilly, "GET", &format!("{path}?filter=payoutRequestId:w-1"), "").await.header("pagination-total"),
        Some("2")
    );
    for (body, status) in [(r#"{"allocationIds":["pra_x"]}"#, 422), (r#"{"allocationIds":[]}"#, 422), ("{}", 422)] {
        assert_eq!(ask(&rebilly, "POST", "/payout-request-allocations/process", body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn what_a_state_does_not_allow_is_a_conflict() {
    let rebilly = start().await;
    let patch = |status: &str| json!({"status": status, "canceledBy": "merchant"}).to_string();
    for (number, (path, refused)) in [
        (&[][..], vec!["ready"]),
        (&["pending"][..], vec!["approved", "pending"]),
        (&["approved"][..], vec!["pending", "approved"]),
        (&["approved", "ready", "approved"][..], vec!["approved"]),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("w-{number}");
        payout(&rebilly, &id, path).await;
        for to in refused {
            let back = ask(&rebilly, "PATCH", &format!("/payout-requests/{id}"), &patch(to)).await;
            assert_eq!(back.status, 409, "{path:?} to {to}");
        }
    }
    rebilly.set("w-3", End::Paid);
    assert_eq!(ask(&rebilly, "POST", "/payout-requests/w-0/cancel", "").await.status, 200);
    for id in ["w-0", "w-3"] {
        for to in ["pending", "ready", "approved", "canceled"] {
            assert_eq!(
                ask(&rebilly, "PATCH", &format!("/payout-requests/{id}"), &patch(to)).await.status,
                409,
                "{id} {to}"
            );
        }
        for (path, body) in [("cancel", "{}"), ("split", r#"{"amounts":[50,50],"splitReason":"other"}"#)] {
            assert_eq!(
                ask(&rebilly, "POST", &format!("/payout-requests/{id}/{path}"), body).await.status,
                409,
                "{id} {path}"
            );
        }
        let auto = json!({"payoutRequestId": id}).to_string();
        assert_eq!(ask(&rebilly, "POST", "/payout-request-allocations/auto", &auto).await.status, 409, "{id}");
    }
    assert_eq!(
        ask(&rebilly, "PATCH", "/payout-requests/w-1", r#"{"status":"canceled"}"#).await.fields(),
        ["canceledBy"]
    );
    assert_eq!(ask(&rebilly, "PATCH", "/payout-requests/w-1", r#"{"status":"fulfilled"}"#).await.fields(), ["status"]);
    assert_eq!(ask(&rebilly, "PATCH", "/payout-requests/unknown", &patch("ready")).await.status, 404);
}

#[tokio::test]
async fn who_cancelled_is_told() {
    let rebilly = start().await;
    for (id, body, by) in
        [("w-1", "", "customer"), ("w-2", r#"{"canceledBy":"merchant","description":"no"}"#, "merchant")]
    {
        payout(&rebilly, id, &[]).await;
        let back = ask(&rebilly, "POST", &format!("/payout-requests/{id}/cancel"), body).await;
        assert_eq!(
            (back.text_of("status"), &back.json()["cancellationReason"]["canceledBy"]),
            ("canceled".into(), &json!(by))
        );
    }
    for (id, end, by) in
        [("w-3", End::Declined, "system"), ("w-4", End::Cancelled, "customer"), ("w-5", End::Expired, "system")]
    {
        payout(&rebilly, id, &["approved"]).await;
        rebilly.set(id, end);
        let back = ask(&rebilly, "GET", &format!("/payout-requests/{id}"), "").await;
        assert_eq!(
            (back.text_of("status"), &back.json()["cancellationReason"]["canceledBy"]),
            ("canceled".into(), &json!(by))
        );
    }
    let ends: Vec<End> = rebilly.orders().iter().map(|one| one.end).collect();
    assert_eq!(ends, [End::Cancelled, End::Cancelled, End::Declined, End::Cancelled, End::Declined]);
}

#[tokio::test]
async fn a_blocked_payout_goes_nowhere_but_back() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &[]).await;
    let path = "/payout-requests/w-1";

    let back = ask(&rebilly, "PATCH", path, r#"{"blocked":true,"blockReason":"aml-review"}"#).await;

    assert_eq!((back.status, back.text_of("blockReason")), (200, "aml-review".into()));
    assert_eq!(ask(&rebilly, "PATCH", path, r#"{"status":"approved"}"#).await.status, 409);
    assert_eq!(ask(&rebilly, "POST", &format!("{path}/cancel"), "").await.status, 409);
    assert_eq!(ask(&rebilly, "PATCH", path, r#"{"status":"pending"}"#).await.status, 200);
    assert_eq!(ask(&rebilly, "PATCH", path, r#"{"blocked":true,"blockReason":"because"}"#).await.status, 422);
    assert_eq!(ask(&rebilly, "PATCH", path, r#"{"blocked":false,"status":"ready"}"#).await.status, 200);
    payout(&rebilly, "w-2", &["approved"]).await;
    ask(&rebilly, "POST", "/payout-request-allocations/auto", r#"{"payoutRequestId":"w-2"}"#).await;
    rebilly.block("w-2", true);
    let read = ask(&rebilly, "GET", "/payout-requests/w-2", "").await.json();
    let process = json!({"allocationIds": [read["allocations"][0]["id"]]}).to_string();
    assert_eq!(ask(&rebilly, "POST", "/payout-request-allocations/process", &process).await.status, 204);
    let read = ask(&rebilly, "GET", "/payout-requests/w-2", "").await.json();
    assert_eq!(read["allocations"][0]["status"], "pending", "nothing was started");
}

#[tokio::test]
async fn a_split_payout_is_what_its_parts_are() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &["approved"]).await;
    let path = "/payout-requests/w-1/split";
    for amounts in ["[50,50.01]", "[100]", "[]", "[100,0]", "[150,-50]", "\"x\""] {
        let body = format!(r#"{{"amounts":{amounts},"splitReason":"other"}}"#);
        assert_eq!(ask(&rebilly, "POST", path, &body).await.fields()[0], "amounts", "{amounts}");
    }

    let back =
        ask(&rebilly, "POST", path, r#"{"amounts":[50.00,30.00,20.00],"splitReason":"payment-instrument-limit"}"#)
            .await;

    let parts = rebilly.parts("w-1");
    assert_eq!((back.status, back.json().as_array().map(Vec::len), parts.len()), (201, Some(3), 3));
    assert_eq!(
        (&back.json()[0]["status"], &back.json()[0]["splitFromPayoutRequestId"]),
        (&json!("pending"), &json!("w-1"))
    );
    assert_eq!(status(&rebilly, "w-1").await, "split");
    rebilly.end_part(&parts[0], End::Paid);
    assert_eq!((rebilly.orders()[0].end, rebilly.moved("w-1")), (End::Pending, 5000));
    rebilly.end_part(&parts[1], End::Declined);
    rebilly.set("w-1", End::Paid);
    assert_eq!((rebilly.orders()[0].end, rebilly.moved("w-1")), (End::Pending, 7000), "paid in part is no end");
    assert_eq!(rebilly.orders().len(), 1, "parts are no orders of the merchant's");
}

#[tokio::test]
async fn staff_at_rebilly_split_only_what_can_be_split() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &[]).await;

    assert_eq!(rebilly.split("w-1", &[5000, 4000]), None);
    let parts = rebilly.split("w-1", &[6000, 4000]).expect("two parts");
    assert_eq!(rebilly.split("w-1", &[6000, 4000]), None);

    rebilly.set("w-1", End::Paid);
    assert_eq!((rebilly.orders()[0].end, rebilly.moved("w-1"), parts.len()), (End::Paid, 10_000, 2));
    assert!(!rebilly.cancel_by_staff("w-1"));
}

#[tokio::test]
async fn what_the_gateway_declines_is_available_again() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &["approved"]).await;
    ask(&rebilly, "POST", "/payout-request-allocations/auto", r#"{"payoutRequestId":"w-1"}"#).await;

    rebilly.gateway_declines("w-1");

    let read = ask(&rebilly, "GET", "/payout-requests/w-1", "").await;
    assert!(read.text.contains(r#""availableAmount":100.00"#), "{}", read.text);
    let one = &read.json()["allocations"][0];
    assert_eq!(
        (read.text_of("status"), &one["status"], &one["transactionResult"]),
        ("in-progress".into(), &json!("declined"), &json!("declined"))
    );
    assert_eq!(
        ask(&rebilly, "POST", "/payout-request-allocations/auto", r#"{"payoutRequestId":"w-1"}"#).await.status,
        204
    );
    rebilly.gateway_fails("w-1");
    rebilly.set("w-1", End::Paid);
    assert_eq!((rebilly.moved("w-1"), rebilly.orders()[0].end), (10_000, End::Paid));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let rebilly = start().await;
    for id in ["w-1", "w-2", "w-3"] {
        payout(&rebilly, id, &[]).await;
    }
    rebilly.set("w-2", End::Paid);

    let mine =
        ask(&rebilly, "GET", &format!("/payout-requests?filter=customerId:{CUSTOMER};status:ready&limit=1"), "").await;

    assert_eq!((mine.header("pagination-total"), mine.header("pagination-limit")), (Some("2"), Some("1")));
    assert_eq!(mine.json()[0]["id"], "w-3", "newest first");
    assert_eq!(ask(&rebilly, "GET", "/payout-requests?filter=customerId:nobody", "").await.json(), json!([]));
    assert_eq!(ask(&rebilly, "GET", "/payout-requests?filter=customer:x", "").await.status, 400);
}
