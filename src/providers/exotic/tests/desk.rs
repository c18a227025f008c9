//! Cancellation: asked for where the platform is, and nowhere else.

use serde_json::json;

use super::*;

fn desk(direction: Direction, facts: &[(&str, &str)]) -> Desk {
    Desk { site: SITE, order: Some(asked(direction, facts)), parameters: Texts::new() }
}

#[test]
fn a_cancellation_is_signed_by_the_configured_formula() {
    let call = wanted(exotic().call("cancel", &desk(Direction::Payout, &[]), &[]).unwrap());
    let sign = |text: String| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes()));

    assert_eq!(
        (call.verb, call.url.as_str()),
        (Verb::Post, "https://exotic.example/api/merchant/m1/rejected_pay_out/")
    );
    assert_eq!(body(&call), json!({"order_id": ID, "standart_sign": sign(format!("{ID}:{KEY}"))}));

    let other = exotic_with("callback_formula = \"{order_id}:{fiat_amount}:{type}:{sign_key}\"");
    let call = wanted(other.call("cancel", &desk(Direction::Deposit, &[]), &[]).unwrap());
    assert_eq!(call.url.as_str(), "https://exotic.example/api/merchant/m1/rejected_pay_in/");
    assert_eq!(body(&call)["standart_sign"], sign(format!("{ID}:1500.00:pay_in:{KEY}")));
}

#[test]
fn an_address_that_it_named_is_used_only_when_it_leads_there() {
    let own = "https://exotic.example/api/merchant/m1/rejected_pay_out/";
    let to = |exotic: &Exotic, told: &str| {
        let desk = desk(Direction::Payout, &[("reject_callback_url", told)]);
        wanted(exotic.call("cancel", &desk, &[]).unwrap()).url.to_string()
    };
    let told = "https://exotic.example/cancel/7?key=1";
    assert_eq!(to(&exotic(), told), told);
    for foreign in [
        "https://evil.example/api/merchant/m1/rejected_pay_out/",
        "https://exotic.example.evil.example/",
        "https://exotic.example:8443/",
        "http://exotic.example/",
        "https://exotic.example@evil.example/",
        "https://u@exotic.example/",
        "//exotic.example/",
        "",
    ] {
        assert_eq!(to(&exotic(), foreign), own, "{foreign}");
    }
    let local = exotic_with("url = \"http://127.0.0.1:9000\"");
    assert_eq!(to(&local, "http://127.0.0.1:9000/cancel"), "http://127.0.0.1:9000/cancel");
    assert!(to(&local, "http://127.0.0.1:9001/cancel").starts_with("http://127.0.0.1:9000/api/"));
}

#[test]
fn its_answer_says_that_it_was_asked_and_no_more() {
    let answered = |status, body: &str| {
        exotic().call("cancel", &desk(Direction::Payout, &[]), &[Reply::new(status, body)]).map(done)
    };

    assert_eq!(answered(200, "{\"ok\":true}").unwrap(), json!({"asked": true}));
    assert_eq!(answered(200, "{}").unwrap(), json!({"asked": true}));
    for (status, body) in [
        (200, "{\"ok\":false}"),
        (200, "{\"error\":\"the order has ended\"}"),
        (400, "{\"error\":\"the order has ended\"}"),
        (403, "{}"),
        (500, "{\"ok\":true}"),
        (200, "<html>"),
    ] {
        assert!(matches!(answered(status, body), Err(Error::Provider(_))), "{status} {body}");
    }
}

#[test]
fn there_is_one_call_and_it_is_about_an_order() {
    assert_eq!(
        exotic().desk().iter().map(|call| (call.name, call.of_order, call.changes)).collect::<Vec<_>>(),
        [("cancel", true, true)]
    );
    let nothing = Desk { order: None, ..desk(Direction::Payout, &[]) };
    assert!(matches!(exotic().call("cancel", &nothing, &[]), Err(Error::Missing("order"))));
    assert!(matches!(exotic().call("balance", &nothing, &[]), Err(Error::NotFound("call"))));
}
