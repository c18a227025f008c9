//! Calls of staff.

use super::*;
use crate::providers::Verb;

fn desk(order: Option<Direction>, parameters: &[(&str, &str)]) -> Desk {
    Desk { site: SITE, order: order.map(open_order), parameters: texts(parameters) }
}

fn project() -> Cactus {
    cactus_with("project_id = \"project_7\"")
}

/// The request of a call, without its signature: path and members.
fn asked(name: &str, desk: &Desk) -> (String, Json) {
    let call = called(project().call(name, desk, &[]));
    let mut sent = match call.verb {
        Verb::Get => call.url.query_pairs().map(|(name, text)| (name.into_owned(), Json::from(text))).collect(),
        Verb::Post | Verb::Put | Verb::Patch => body(&call),
    };
    let signature = sent.as_object_mut().unwrap().remove("signature").expect("it is signed");
    assert_eq!(signature.as_str().map(str::len), Some(40));
    (call.url.path().to_owned(), sent)
}

#[test]
fn every_call_says_who_asks_and_what_the_manual_wants() {
    use Direction::{Deposit, Payout};
    let deposit = |parameters: &[(&str, &str)]| desk(Some(Deposit), parameters);
    let table = [
        ("balance", desk(None, &[]), "/api/balance/", json!({})),
        ("balance", desk(None, &[("currency", "kzt")]), "/api/balance/", json!({"currency": "KZT"})),
        ("balance_project", desk(None, &[]), "/api/balance_project/", json!({"project_id": "project_7"})),
        (
            "close_invoice",
            deposit(&[]),
            "/api/close_invoice/",
            json!({"site_login": "user_login", "request_id": "request_id123"}),
        ),
        (
            "cash_update",
            desk(Some(Payout), &[("update_type", "delete")]),
            "/api/cash_in/update/",
            json!({"request_id": "request_id123", "update_type": "delete"}),
        ),
        (
            "cash_update",
            deposit(&[("update_type", "edit"), ("address", "elsewhere"), ("asap", "false"), ("time", " ")]),
            "/api/cash_in/update/",
            json!({"request_id": "request_id123", "update_type": "edit", "address": "elsewhere", "asap": "false"}),
        ),
        (
            "book_cabinet",
            desk(
                None,
                &[("request_id", "r"), ("site_login", "u"), ("method", "card"), ("currency", "KZT"), ("amount", "5")],
            ),
            "/book_cabinet",
            json!({"request_id": "r", "site_login": "u", "method": "card", "currency": "KZT", "amount": 5}),
        ),
    ];
    for (name, desk, path, more) in table {
        let mut expected = json!({"merchant_id": "merch_id", "site_id": 21});
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(asked(name, &desk), (path.to_owned(), expected), "{name}");
    }
    let failed = desk(None, &[("currency", "KZT"), ("from_date", "2020-01-01T10:00:00+02:00"), ("limit", "5")]);
    let members = json!({"merchant_id": "merch_id", "site_id": "21", "currency": "KZT",
        "from_date": "2020-01-01T10:00:00+02:00", "limit": "5"});
    assert_eq!(asked("failed_invoices", &failed), ("/api/supplier/invoices/failed/".to_owned(), members));
    assert_eq!(project().desk().len(), 6);
}

/// The published sample, at another site; the sample itself is vector K15.
#[test]
fn taking_a_cash_order_back_is_signed_like_the_published_sample() {
    let notes = Notes::default();
    let cactus = noted("merchant_id = \"test_api_v2\"", &notes);
    let order =
        OpenOrder { external_id: ExternalId::parse("test20240430132039").unwrap(), ..open_order(Direction::Deposit) };
    let desk = Desk { order: Some(order), ..desk(None, &[("update_type", "delete")]) };
    let call = called(cactus.call("cash_update", &desk, &[]));
    let sent = body(&call);
    let sample = json!({"merchant_id": "test_api_v2", "request_id": "test20240430132039", "site_id": 21,
        "update_type": "delete"});
    let expected: Json = serde_json::from_str(&signed(sample)).unwrap();
    assert_eq!(sent, expected);
}

#[test]
fn what_is_missing_or_wrong_is_told_by_name() {
    let book = [("request_id", "r"), ("site_login", "u"), ("method", "card"), ("currency", "KZT"), ("amount", "5")];
    let booked = |name: &'static str, text: &'static str| {
        let mut given = book.to_vec();
        given.retain(|(other, _)| *other != name);
        desk(None, &[&given[..], &[(name, text)]].concat())
    };
    let deposit = |parameters: &[(&str, &str)]| desk(Some(Direction::Deposit), parameters);
    let table = [
        ("cash_update", deposit(&[]), "update_type is missing"),
        ("cash_update", deposit(&[("update_type", "cancel")]), "update_type is not acceptable"),
        ("cash_update", deposit(&[("update_type", "edit")]), "address is missing"),
        ("cash_update", deposit(&[("update_type", "delete"), ("address", "x")]), "address is not acceptable"),
        ("cash_update", deposit(&[("update_type", "edit"), ("asap", "1")]), "asap is not acceptable"),
        ("cash_update", deposit(&[("update_type", "edit"), ("address", "a;b")]), "address is not acceptable"),
        ("cash_update", desk(None, &[("update_type", "delete")]), "external_id is missing"),
        ("close_invoice", desk(None, &[]), "external_id is missing"),
        ("close_invoice", deposit(&[("amount", "5")]), "parameters is not acceptable"),
        ("balance", desk(None, &[("currency", "XXQ")]), "currency is not acceptable"),
        ("balance", desk(None, &[("site", "5")]), "parameters is not acceptable"),
        ("failed_invoices", desk(None, &[]), "currency is missing"),
        ("failed_invoices", desk(None, &[("currency", "KZT"), ("limit", "0")]), "limit is not acceptable"),
        ("failed_invoices", desk(None, &[("currency", "KZT"), ("from_date", "a;b")]), "from_date is not acceptable"),
        ("book_cabinet", booked("amount", "5.0"), "amount is not acceptable"),
        ("book_cabinet", booked("amount", "0"), "amount is not acceptable"),
        ("book_cabinet", booked("method", " "), "method is missing"),
        ("book_cabinet", booked("site_login", "a;b:c"), "site_login is not acceptable"),
        ("book_cabinet", booked("currency", ""), "currency is missing"),
        ("pay_me", desk(None, &[]), "no such call"),
    ];
    for (name, desk, error) in table {
        assert_eq!(project().call(name, &desk, &[]).unwrap_err().to_string(), error, "{name} {desk:?}");
    }
    let none = cactus().call("balance_project", &desk(None, &[]), &[]).unwrap_err();
    assert!(matches!(none, Error::Conflict(_)), "{none:?}");
}

#[test]
fn balances_are_shown_as_they_were_printed_signed_or_not() {
    let text = r#"{"success":true,"site_id":21,"balances":[{"id":9,"name":"Balance_KZT","currency":"KZT",
        "amount":10000.0,"available":99999999999999999999.10}],"signature":"0000000000000000000000000000000000000000"}"#;
    let shown = done(project().call("balance", &desk(None, &[]), &[reply(text)]));
    assert_eq!(shown["balances"][0]["amount"], "10000.0");
    assert_eq!(shown["balances"][0]["available"], "99999999999999999999.10");
    assert!(shown.get("signature").is_none());
    let without_a_list = r#"{"success":true,"balance":"5","signature":"0000000000000000000000000000000000000000"}"#;
    let refused = project().call("balance", &desk(None, &[]), &[reply(without_a_list)]);
    assert!(matches!(refused, Err(Error::Provider(_))), "what could have been signed must be");
}

#[test]
fn what_a_closed_invoice_says_is_shown_and_a_no_is_told() {
    let order = desk(Some(Direction::Deposit), &[]);
    let closed = |members: Json| project().call("close_invoice", &order, &[reply(signed(members))]);
    let good =
        json!({"success": true, "status": 4, "request_id": "request_id123", "received_amount": 0, "amount": 900_000});
    assert_eq!(done(closed(good.clone())), good);
    let paid =
        with(good.clone(), &[("success", json!(false)), ("status", json!(3)), ("received_amount", json!(900_000))]);
    assert_eq!(done(closed(paid.clone())), paid, "a no that says how it stands is what staff asked for");
    for members in
        [json!({"success": false, "message": "Invoice not found"}), with(good, &[("request_id", json!("another"))])]
    {
        assert!(matches!(closed(members), Err(Error::Provider(_))));
    }
    for (status, text) in [(404, "{}"), (500, "{}"), (200, "{}"), (200, "<html>")] {
        let refused = project().call("close_invoice", &order, &[Reply::new(status, text)]);
        assert!(matches!(refused, Err(Error::Provider(_))), "{status} {text}");
    }
}
