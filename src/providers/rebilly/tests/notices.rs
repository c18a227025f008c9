//! What Rebilly tells by itself: who is let in, what is heard, and that it is never more than a hint.

use super::*;
use crate::providers::{Hint, News};

const RIGHT: &str = "Basic cmViaWxseTpzdXBlcm1hbg==";

fn post<'a>(tail: &'a str, body: &'a [u8]) -> RawRequest<'a> {
    RawRequest {
        content_type: Some("application/json"),
        query: "",
        body,
        peer: IpAddr::from([203, 0, 113, 9]),
        path: "/cashier/webhook/rebilly",
        tail,
        authorization: Some(RIGHT),
    }
}

fn webhook(value: &Value) -> Result<Heard, ReadError> {
    rebilly("").read(&post("", digits(value).as_bytes()))
}

#[track_caller]
fn hint(heard: Result<Heard, ReadError>) -> Hint {
    match heard {
        Ok(Heard::Hint(hint)) => hint,
        other => panic!("{other:?}"),
    }
}

fn payout_event(event: &str, resource: Value) -> Value {
    json!({"payoutRequestId": resource["id"], "eventType": event, "_embedded": {"payoutRequest": resource},
        "_links": [{"rel": "payoutRequest", "href": "https://x"}]})
}

fn transaction_event(event: &str, resource: Value) -> Value {
    json!({"transactionId": resource["id"], "eventType": event, "_embedded": {"transaction": resource}})
}

#[test]
fn an_event_of_a_payout_request_is_a_hint_about_its_order() {
    let cases = [
        ("payout-request-created", "ready", News::PayoutPending),
        ("payout-request-modified", "approved", News::PayoutPending),
        ("payout-request-canceled", "canceled", News::PayoutCancelled),
        ("payout-request-fulfilled", "fulfilled", News::PayoutPaid),
    ];
    for (event, status, news) in cases {
        let said = hint(webhook(&payout_event(event, request(status))));
        assert_eq!((said.external_id.as_str(), said.site, said.news), (ORDER, SITE, news), "{event}");
        assert!(said.claims.contains(event) && said.claims.contains("2026-08-21T13:19:42Z"), "{}", said.claims);
    }
    let part = with(with(request("fulfilled"), "id", "pout_req_2".into()), "splitFromPayoutRequestId", ORDER.into());
    let said = hint(webhook(&payout_event("payout-request-fulfilled", part)));
    assert_eq!((said.external_id.as_str(), said.about.as_deref()), (ORDER, Some("pout_req_2")));
    let bare = json!({"payoutRequestId": ORDER, "eventType": "payout-request-fulfilled"});
    assert_eq!(hint(webhook(&bare)).external_id, ORDER);
}

#[test]
fn what_is_not_ours_is_acknowledged_and_nothing_else() {
    let players_own = with(request("pending"), "id", "pout_req_5".into());
    let foreign = with(request("fulfilled"), "websiteId", "web_2".into());
    let deposit = || transaction("txn_1", "sale", "completed", "approved");
    let nothing = [
        payout_event("payout-request-created", players_own),
        payout_event("payout-request-fulfilled", foreign),
        transaction_event("transaction-processed", deposit()),
        transaction_event("transaction-declined", with(deposit(), "notificationUrl", "https://evil.example/x".into())),
        json!({"eventType": "customer-created", "customerId": "alice"}),
        json!({"eventType": "kyc-request-passed"}),
    ];
    for value in nothing {
        let heard = webhook(&value);
        assert!(matches!(heard, Ok(Heard::Nothing(_))), "{value}: {heard:?}");
    }
}

#[test]
fn an_event_of_a_transaction_leads_to_its_order_where_it_can() {
    let credit = transaction("txn_1", "credit", "completed", "approved");
    let said = hint(webhook(&transaction_event("transaction-processed", credit)));
    assert_eq!((said.external_id.as_str(), said.about.as_deref()), (ORDER, Some("txn_1")));
    assert!(said.claims.contains("revision 3"), "{}", said.claims);

    let sale = transaction("txn_1", "sale", "completed", "approved");
    let sale = with(sale, "notificationUrl", notification_url().into());
    let said = hint(webhook(&transaction_event("transaction-processed", sale)));
    assert_eq!((said.external_id.as_str(), said.about.as_deref()), (ORDER, Some("txn_1")));
}

/// It moves nothing: nobody vouches for it, and it names no order of ours. But somebody has to look.
#[test]
fn money_that_goes_back_is_never_unheard() {
    let events = ["transaction-refunded", "transaction-partially-refunded", "transaction-voided", "dispute-created"];
    for event in events {
        let sale = transaction("txn_1", "sale", "refunded", "approved");
        let heard = webhook(&transaction_event(event, sale));
        let Ok(Heard::Notification(said)) = heard else { panic!("{event}: {heard:?}") };
        assert_eq!((said.signed, said.external_id.as_str()), (false, "dep_req_1"), "{event}");
        assert_eq!((said.amount_minor, said.currency.as_str(), said.codes.as_str()), (10_000, "USD", event));
    }
    let unknown = webhook(&json!({"eventType": "dispute-created", "disputeId": "dsp_1"}));
    assert!(matches!(unknown, Ok(Heard::Notification(_))), "{unknown:?}");
}

#[test]
fn what_is_no_webhook_is_refused() {
    let rebilly = rebilly("");
    let good = digits(&payout_event("payout-request-fulfilled", request("fulfilled")));
    let read =
        |raw: RawRequest<'_>| rebilly.read(&raw).map(|_| ()).map_err(|error| rebilly.tell(Said::Refused(&error)).http);
    let body = |text: &str| read(post("", text.as_bytes()));

    assert_eq!(body(&good), Ok(()));
    for authorization in [None, Some("Basic cmViaWxseTpiYXRtYW4=")] {
        assert_eq!(read(RawRequest { authorization, ..post("", good.as_bytes()) }), Err(401));
        assert_eq!(read(RawRequest { authorization, ..post("", b"not JSON") }), Err(401), "who, before what");
    }
    for (text, http) in [
        ("", 415),
        ("[]", 400),
        ("{", 400),
        ("7", 400),
        ("{}", 400),
        (r#"{"eventType":7}"#, 400),
        (r#"{"eventType":"a b"}"#, 400),
        (r#"{"eventType":"payout-request-created"}"#, 400),
        (r#"{"eventType":"payout-request-created","payoutRequestId":7}"#, 400),
        (r#"{"eventType":"payout-request-created","payoutRequestId":"../x"}"#, 400),
        (r#"{"eventType":"transaction-processed"}"#, 400),
        (r#"{"eventType":"transaction-processed","transactionId":["txn_1"]}"#, 400),
        (r#"{"eventType":"a","eventType":"b"}"#, 400),
        (r#"{"eventType":"a","_embedded":{"x":1,"x":2}}"#, 400),
    ] {
        let content_type = if text.is_empty() { None } else { Some("application/json") };
        assert_eq!(read(RawRequest { content_type, ..post("", text.as_bytes()) }), Err(http), "{text}");
    }
    let form = RawRequest { content_type: Some("application/x-www-form-urlencoded"), ..post("", b"eventType=a") };
    assert_eq!(read(form), Err(415));
    assert_eq!(read(RawRequest { query: "a=1", ..post("", good.as_bytes()) }), Err(400));
    assert_eq!(
        Rebilly::default().read(&post("", good.as_bytes())).map(|_| ()).map_err(|e| e.to_string()),
        Err("unknown site".into())
    );
}

#[test]
fn an_address_that_is_not_listed_is_refused_before_all_else() {
    let rebilly = rebilly("allow_from = [\"198.51.100.0/24\"]");
    let from = |peer: &str, authorization, tail| {
        let peer = peer.parse().unwrap();
        let raw = RawRequest { peer, authorization, ..post(tail, br#"{"eventType":"customer-created"}"#) };
        rebilly.read(&raw).map(|_| ()).map_err(|error| error.to_string())
    };

    assert_eq!(from("198.51.100.7", Some(RIGHT), ""), Ok(()));
    assert_eq!(from("::ffff:198.51.100.7", Some(RIGHT), ""), Ok(()));
    let refused = Err("address is not allowed".to_owned());
    assert_eq!(from("203.0.113.9", Some(RIGHT), ""), refused);
    assert_eq!(from("203.0.113.9", None, ""), refused);
    let notice = format!("notification/{TOKEN}/txn_1/approved/{ORDER}");
    assert_eq!(from("203.0.113.9", None, &notice), refused);
}

#[test]
fn a_notice_is_heard_by_its_token_alone() {
    let rebilly = rebilly("");
    let read = |tail: &str| {
        // No name, no password, and a body that nobody reads.
        let raw = RawRequest { authorization: None, content_type: None, ..post(tail, b"\xff\x00 not JSON") };
        rebilly.read(&raw)
    };
    let cases = [
        ("approved", News::DepositPaid),
        ("declined", News::DepositDeclined),
        ("canceled", News::DepositDeclined),
        ("abandoned", News::DepositDeclined),
        ("unknown", News::DepositPending),
        ("something-new", News::DepositPending),
    ];
    for (result, news) in cases {
        let said = hint(read(&format!("notification/{TOKEN}/txn_1/{result}/{ORDER}")));
        assert_eq!((said.site, said.external_id.as_str(), said.about.as_deref()), (SITE, ORDER, Some("txn_1")));
        assert_eq!((said.news, said.claims), (news, format!("notice {result}")));
    }
    let refused = [
        format!("notification/{TOKEN}-wrong/txn_1/approved/{ORDER}"),
        format!("notification//txn_1/approved/{ORDER}"),
        format!("notification/txn_1/approved/{ORDER}"),
        format!("notification/{}/txn_1/approved/{ORDER}", &TOKEN[1..]),
        format!("notification/{TOKEN}/{{id}}/{{result}}/{ORDER}"),
        format!("notification/{TOKEN}/%7Bid%7D/%7Bresult%7D/{ORDER}"),
        format!("notification/{TOKEN}/txn_1/%7Bresult%7D/{ORDER}"),
        format!("notification/{TOKEN}/..%2Ftxn_1/approved/{ORDER}"),
        format!("notification/{TOKEN}/txn_1/approved/pout_req_1"),
        format!("notification/{TOKEN}/txn_1/approved"),
        format!("notification/{TOKEN}/txn_1/approved/{ORDER}/more"),
        format!("other/{TOKEN}/txn_1/approved/{ORDER}"),
        "notification".to_owned(),
        "/".to_owned(),
    ];
    for tail in refused {
        let told = read(&tail).map(|_| ()).map_err(|error| rebilly.tell(Said::Refused(&error)).http);
        assert_eq!(told, Err(404), "{tail}");
    }
}

/// The literal braces stand unescaped in what we send, and Rebilly puts its words in their place (manual, "Placeholder substitution").
#[test]
fn the_address_of_a_notice_is_the_one_that_is_heard() {
    let rebilly = rebilly("");
    let written = rebilly.accounts[&SITE.0].notification_url(ORDER).unwrap();
    assert_eq!(written, notification_url());
    let filled = written.replace("{id}", "txn_0YVDTQJ8YWDGQACV2N2N5SPWQ0").replace("{result}", "approved");
    let tail = filled.split_once("/cashier/webhook/rebilly/").unwrap().1;

    let said = hint(rebilly.read(&post(tail, b"")));

    assert_eq!(said.about.as_deref(), Some("txn_0YVDTQJ8YWDGQACV2N2N5SPWQ0"));
}

proptest::proptest! {
    #[test]
    fn no_text_of_anybody_makes_more_than_a_refusal(
        tail in "[a-z0-9/%{}._-]{0,60}",
        body in "\\PC{0,80}",
        authorization in "(Basic|Digest) [\\x20-\\x7e]{0,60}",
    ) {
        let rebilly = rebilly("webhook_auth = \"digest\"");
        let raw = RawRequest { authorization: Some(&authorization), ..post(&tail, body.as_bytes()) };
        proptest::prop_assert!(rebilly.read(&raw).is_err());
    }
}
