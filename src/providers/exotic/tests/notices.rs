//! Notices: who is let in, and that none is more than a hint.

use serde_json::json;

use super::super::signature::{Formula, Signed};
use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

fn notice(status: &str) -> Json {
    json!({"order_id": ID, "type": "pay_out", "status": status, "fiat_amount": "1500.00", "usdt_amount": "14.9630",
        "merchant_spent_usdt": "15.1126", "fiat_currency": "rub", "exchange_rate": "100.2472", "payment_method": "sbp",
        "created_at": "2024-02-15T09:30:45Z", "updated_at": "2024-02-15T09:45:12Z", "number_card": null,
        "phone_number": "79161234567", "number_score": null, "iban_number": null, "full_name": null, "bank_name": "Sberbank"})
}

fn signed_with(mut notice: Json, formula: &str, key: &str) -> Json {
    let text = |name: &str| notice[name].as_str().unwrap_or_default().to_owned();
    let (id, amount, currency, kind, status) =
        (text("order_id"), text("fiat_amount"), text("fiat_currency"), text("type"), text("status"));
    let signed = Signed { order_id: &id, fiat_amount: &amount, fiat_currency: &currency, kind: &kind, status: &status };
    notice["standart_sign"] = Formula::parse(formula).unwrap().sign(signed, &Secret::new(key)).into();
    notice
}

fn signed(notice: Json) -> Json {
    signed_with(notice, "{order_id}:{sign_key}", KEY)
}

fn came(exotic: &Exotic, tail: &str, body: &str) -> Result<Heard, ReadError> {
    exotic.read(&RawRequest {
        content_type: Some("application/json"),
        query: "",
        body: body.as_bytes(),
        peer: PEER,
        path: "/cashier/webhook/exotic",
        tail,
        authorization: None,
    })
}

fn at(kind: &str) -> String {
    format!("{kind}/{TOKEN}/{ID}")
}

#[track_caller]
fn hint(notice: &Json, kind: &str) -> Hint {
    match came(&exotic(), &at(kind), &notice.to_string()) {
        Ok(Heard::Hint(hint)) => hint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_notice_is_a_hint_decided_by_its_status_whichever_address_it_came_to() {
    let words = [
        ("pay_out", "successful", News::PayoutPaid),
        ("pay_out", "expectation", News::PayoutPending),
        ("pay_out", "rejected_timeout", News::PayoutDeclined),
        ("pay_out", "rejected_gate", News::PayoutDeclined),
        ("pay_out", "rejected_merchant", News::PayoutCancelled),
        ("pay_out", "SUCCESSFUL", News::NotKnown),
        ("pay_out", "frozen", News::NotKnown),
        ("pay_in", "successful", News::DepositPaid),
        ("pay_in", "expectation", News::DepositPending),
        ("pay_in", "rejected_timeout", News::DepositCancelled),
        ("pay_in", "rejected_merchant", News::DepositCancelled),
        ("pay_in", "rejected_gate", News::DepositDeclined),
        ("pay_in", "rejected", News::NotKnown),
    ];
    for (kind, status, news) in words {
        for address in ["success", "error"] {
            let mut notice = notice(status);
            notice["type"] = kind.into();
            let hint = hint(&signed(notice), address);
            let claims = format!("{kind} {status}, 1500.00 RUB");
            assert_eq!(hint, Hint { site: SITE, external_id: ID.into(), about: None, claims, news }, "{address}");
        }
    }
}

#[test]
fn what_came_to_no_address_of_ours_is_refused() {
    let body = signed(notice("successful")).to_string();
    for tail in [
        String::new(),
        "success".into(),
        format!("success/{TOKEN}"),
        format!("success/{TOKEN}/{ID}/more"),
        format!("success/{TOKEN}/{ID}/"),
        format!("other/{TOKEN}/{ID}"),
        format!("success/another-token-of-the-same-size/{ID}"),
        format!("success//{ID}"),
        format!("success/{}/{ID}", &TOKEN[..TOKEN.len() - 1]),
        format!("success/{TOKEN}x/{ID}"),
        format!("success/{}/{ID}", TOKEN.to_uppercase()),
    ] {
        assert!(matches!(came(&exotic(), &tail, &body), Err(ReadError::UnknownSite)), "{tail}");
    }
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let right = signed(notice("successful"));
    let with = |name: &str, value: Json| {
        let mut notice = right.clone();
        notice[name] = value;
        notice
    };
    let sign = right["standart_sign"].as_str().unwrap();
    let wrong = [
        notice("successful"),
        with("standart_sign", "".into()),
        with("standart_sign", Json::Null),
        with("standart_sign", 5.into()),
        with("standart_sign", json!([sign])),
        with("standart_sign", sign[..40].into()),
        with("standart_sign", "p6o5n4m3l2k1j0i9h8g7f6e5d4c3b2a1".into()),
        with("order_id", "another".into()),
        signed_with(notice("successful"), "{order_id}:{sign_key}", "another-key"),
        signed_with(notice("successful"), "{sign_key}:{order_id}", KEY),
        signed_with(notice("successful"), "{order_id}:{type}:{status}:{sign_key}", KEY),
    ];
    for notice in wrong {
        let came = came(&exotic(), &at("success"), &notice.to_string());
        assert!(matches!(came, Err(ReadError::InvalidSignature)), "{notice}: {came:?}");
    }
}

#[test]
fn both_names_of_the_order_must_agree() {
    let body = signed(notice("successful")).to_string();

    let came = came(&exotic(), &format!("success/{TOKEN}/another"), &body);
    assert!(matches!(came, Err(ReadError::InvalidSignature)), "{came:?}");
}

#[test]
fn every_key_verifies_and_another_formula_takes_the_place_of_the_first() {
    let rotated = exotic_with("sign_keys = [\"the-next-one\", \"k3y_live_01\"]");
    let body = signed(notice("successful")).to_string();
    assert!(came(&rotated, &at("success"), &body).is_ok());

    let other = "{order_id}:{fiat_amount}:{fiat_currency}:{sign_key}";
    let configured = exotic_with(&format!("callback_formula = \"{other}\""));
    assert!(came(&configured, &at("success"), &signed_with(notice("successful"), other, KEY).to_string()).is_ok());
    assert!(matches!(came(&configured, &at("success"), &body), Err(ReadError::InvalidSignature)));
}

#[test]
fn the_address_list_is_asked_before_the_signature_and_after_the_token() {
    let listed = exotic_with("allow_from = [\"198.51.100.0/24\"]");
    let body = notice("successful").to_string();

    assert!(matches!(came(&listed, &at("success"), &body), Err(ReadError::AddressNotAllowed)));
    assert!(matches!(came(&listed, "success/x/y", &body), Err(ReadError::UnknownSite)));
    let open = exotic_with("allow_from = [\"203.0.113.7\"]");
    assert!(came(&open, &at("success"), &signed(notice("successful")).to_string()).is_ok());
}

#[test]
fn a_genuine_message_that_is_no_notice_is_a_bad_request() {
    let with = |name: &str, value: Json| {
        let mut notice = notice("successful");
        notice[name] = value;
        signed(notice).to_string()
    };
    let malformed = [
        ("type", with("type", Json::Null)),
        ("type", with("type", "refund".into())),
        ("status", with("status", "".into())),
        ("status", with("status", json!(["successful"]))),
        ("fiat_amount", with("fiat_amount", Json::Null)),
        ("fiat_amount", with("fiat_amount", "1e3".into())),
        ("fiat_amount", with("fiat_amount", "-5.00".into())),
        ("fiat_amount", with("fiat_amount", "1500.005".into())),
        ("fiat_amount", with("fiat_amount", "".into())),
        ("fiat_currency", with("fiat_currency", "rubles".into())),
        ("payment_method", with("payment_method", json!({"a": 1}))),
    ];
    for (field, body) in malformed {
        let Err(ReadError::Field(error)) = came(&exotic(), &at("success"), &body) else { panic!("{body}") };
        assert!(matches!(error, Error::Missing(name) | Error::Invalid(name) if name == field), "{body}: {error}");
    }
}

#[test]
fn what_cannot_be_read_as_one_message_is_refused() {
    let twice = signed(notice("successful")).to_string().replacen('{', "{\"status\":\"rejected_gate\",", 1);
    assert!(matches!(came(&exotic(), &at("success"), &twice), Err(ReadError::NotOneSet(_))));
    for body in ["", "[]", "{", "\u{feff}{}"] {
        assert!(came(&exotic(), &at("success"), body).is_err(), "{body:?}");
    }
}

#[test]
fn unknown_members_change_nothing() {
    let mut notice = notice("successful");
    notice["something_new"] = json!({"deep": [1, null, true]});

    assert_eq!(hint(&signed(notice), "success").news, News::PayoutPaid);
}

#[test]
fn the_answers_tell_a_platform_of_either_taste() {
    let exotic = exotic();
    let taken = exotic.tell(Said::Taken);
    assert_eq!((taken.http, taken.body.as_str()), (200, r#"{"ok":true,"code":0,"result":"ok"}"#));
    let table = [
        (ReadError::UnknownSite, 403),
        (ReadError::InvalidSignature, 403),
        (ReadError::AddressNotAllowed, 403),
        (ReadError::NotOneSet("x"), 403),
        (ReadError::Unreadable("x"), 400),
        (ReadError::UnsupportedMedia, 415),
        (ReadError::Field(Error::Missing("status")), 400),
    ];
    for (error, http) in table {
        let answer = exotic.tell(Said::Refused(&error));
        let json: Json = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.http, &json["ok"], &json["code"]), (http, &json!(false), &json!(500)), "{error}");
    }
    assert_eq!(exotic.tell(Said::Later).http, 503);
}
