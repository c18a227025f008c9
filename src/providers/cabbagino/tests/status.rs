//! The status call: by which id it asks, and what the answer is worth.

use serde_json::json;

use super::*;

const OWN: &str = "173805987126016235868313296400";

fn question(cabbagino: &Cabbagino, facts: &[(&str, &str)]) -> Json {
    let call = wanted(cabbagino.ask(&open_order(Direction::Payout, facts), &[]).unwrap());
    assert_eq!((call.verb, call.url.as_str()), (Verb::Post, "https://api.mvpgateways.com/status/"));
    assert_eq!(call.headers[0].0, "merchant_key");
    body(&call)
}

#[test]
fn each_brand_is_asked_by_the_ids_it_knows() {
    let (own, brand) = (cabbagino(), cabbagino_with("site_id = 7"));
    let known = [("order_id", OWN)];

    assert_eq!(question(&own, &known), signed(json!({"order_id": OWN})));
    assert_eq!(question(&brand, &known), signed(json!({"order_id": OWN, "site_id": 7})));
    assert_eq!(question(&brand, &[]), signed(json!({"external_id": ID, "site_id": 7})));
    assert_eq!(question(&brand, &[("order_id", "odd;id")]), signed(json!({"external_id": ID, "site_id": 7})));
    let nothing = done(own.ask(&open_order(Direction::Payout, &[]), &[]).unwrap());
    assert!(matches!(nothing, Inquired::Unclear(why) if why.contains("site_id")));
}

fn answer() -> Json {
    json!({"status": 4, "type": 2, "external_id": ID, "order_id": OWN, "amount": 2000, "currency": "USD"})
}

fn with(changes: Json) -> Json {
    let mut answer = answer();
    answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    answer
}

fn told(status: u16, body: impl ToString) -> Inquired {
    let order = open_order(Direction::Payout, &[("order_id", OWN)]);
    done(cabbagino().ask(&order, &[Reply::new(status, body.to_string())]).unwrap())
}

#[track_caller]
fn says(body: impl ToString) -> Notification {
    match told(200, body) {
        Inquired::Says(said, facts) => {
            assert_eq!(facts, texts(&[("order_id", OWN)]));
            *said
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_it_says_is_a_statement_about_the_order_and_its_player() {
    let said = says(answer());
    assert_eq!((said.external_id.as_str(), said.login.as_str(), said.amount_minor), (ID, "JohnDoe", 2_000));
    assert_eq!((said.news, said.transaction_id.as_str()), (News::PayoutPaid, OWN));

    assert_eq!(says(signed(with(json!({"customer_id": "somebody"})))).login, "somebody", "for others to compare");
    let with_nulls = json!({"customer_id": null, "reason": null, "track": "00ff00ff00ff00ff00ff00ff00ff00ff"});
    assert_eq!(says(with(with_nulls)).digest, said.digest);
    let declined = says(with(json!({"status": 5, "reason_code": "051", "reason": "user did not finish the payment"})));
    assert_eq!(declined.news, News::PayoutDeclined);
    assert!(declined.codes.contains("051"), "{}", declined.codes);
    assert_eq!(says(with(json!({"type": 1}))).news, News::DepositPaid, "another direction, for others to compare");
    assert_eq!(
        (says(with(json!({"status": 6}))).news, says(with(json!({"status": 7}))).news),
        (News::PayoutUnclear, News::NotKnown)
    );
}

#[test]
fn an_answer_is_never_taken_for_the_repetition_of_a_notification() {
    let raw = signed(with(json!({"customer_id": "JohnDoe"}))).to_string();
    let notification = RawRequest {
        content_type: None,
        query: "",
        body: raw.as_bytes(),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: "",
        tail: "",
        authorization: None,
    };
    let Ok(Heard::Notification(notification)) = cabbagino().read(&notification) else { panic!("genuine") };

    assert_ne!(notification.digest, says(answer()).digest);
}

#[test]
fn what_cannot_be_used_says_nothing() {
    let unclear = [
        (200, with(json!({"external_id": "another"}))),
        (200, with(json!({"order_id": "99"}))),
        (200, with(json!({"order_id": null}))),
        (200, with(json!({"amount": 20.5}))),
        (200, with(json!({"amount": null}))),
        (200, with(json!({"currency": 840}))),
        (200, with(json!({"status": null}))),
        (200, with(json!({"signature": "00"}))),
        (200, signed_with(answer(), "another salt")),
        (200, json!({"success": false, "errors": "no"})),
        (400, answer()),
        (403, json!({"success": false, "errors": "Invalid merchant key"})),
        (500, answer()),
        (302, answer()),
    ];
    for (status, body) in unclear {
        let said = told(status, &body);
        assert!(matches!(said, Inquired::Unclear(_)), "{status} {body}: {said:?}");
    }
    for text in ["", "<html>", "{\"status\":4"] {
        assert!(matches!(told(200, text), Inquired::Unclear(_)), "{text}");
    }
    assert!(matches!(told(404, "{}"), Inquired::NotFound(_)));
    assert_eq!(told(429, ""), Inquired::Later(600));
}
