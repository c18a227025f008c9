//! The initiation we sign, and the answers to it.

use super::super::super::{InitiationAnswer, Texts};
use super::super::signature::{Verdict, verify};
use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;

fn order() -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse("704224078").unwrap(),
        site: SiteId(SITE),
        login: Login::parse("6336914").unwrap(),
        amount: Money::new(400_000, Currency::parse("USD").unwrap()).unwrap(),
        purse: Some("555555...4444".to_owned()),
        rail: None,
        details: Texts::new(),
        optional: vec![
            ("remember_customer_purse".to_owned(), "0".to_owned()),
            ("first_name".to_owned(), "John".to_owned()),
            ("external_value1".to_owned(), " ".to_owned()),
            ("password".to_owned(), "never sent".to_owned()),
            ("amount".to_owned(), "1".to_owned()),
            ("first_name".to_owned(), "twice".to_owned()),
        ],
    }
}

fn written(order: &PayoutOrder, encoding: Encoding) -> String {
    String::from_utf8(Carouseller::new([site()]).initiation(order, encoding).unwrap()).unwrap()
}

fn is_signed(request: &RawRequest<'_>) -> bool {
    let pairs = pairs::read(request).unwrap();
    let signature = Fields(&pairs).signature().unwrap().unwrap().to_owned();
    verify(&pairs, &site().salts[..1], &signature) == Verdict::Holds(Reading::REFERENCE)
}

#[test]
fn an_initiation_is_the_same_signed_bytes_every_time() {
    let json = written(&order(), Encoding::Json);

    assert_eq!(json, written(&order(), Encoding::Json));
    let signature = json.split("\"signature\":\"").nth(1).unwrap()[..40].to_owned();
    let expected = format!(
        "{{\"action\":\"payout\",\"amount\":400000,\"currency\":\"USD\",\"customer_purse\":\"555555...4444\",\
         \"external_id\":\"704224078\",\"first_name\":\"John\",\"remember_customer_purse\":\"0\",\
         \"signature\":\"{signature}\",\"site_id\":332,\"site_login\":\"6336914\"}}"
    );
    assert_eq!(json, expected);
    assert!(is_signed(&json_body(&json)));
    assert!(is_signed(&form_body(&written(&order(), Encoding::Form))));
}

#[test]
fn nothing_we_sign_has_two_readings() {
    let with_login = |text: &str| PayoutOrder { login: Login::parse(text).unwrap(), ..order() };
    let with_purse = |text: &str| PayoutOrder { purse: Some(text.to_owned()), ..order() };
    let write = |order: PayoutOrder| Carouseller::new([site()]).initiation(&order, Encoding::Json);

    assert!(matches!(write(with_login("a;amount:1")), Err(Error::Invalid("site_login"))));
    assert!(matches!(write(with_purse("a;amount:1")), Err(Error::Invalid("customer_purse"))));
    assert!(matches!(write(with_purse("a\n")), Err(Error::Invalid("customer_purse"))));
    let mut order = order();
    order.optional = vec![("comment".to_owned(), "x;amount:1;y\u{7}\"é".to_owned())];
    let json = written(&order, Encoding::Json);
    assert!(json.contains("\"comment\":\"x,amount:1,y \\\"é\""), "{json}");
    assert!(is_signed(&json_body(&json)));
    assert!(is_signed(&form_body(&written(&order, Encoding::Form))));
}

#[test]
fn an_order_of_an_unknown_site_is_not_written() {
    let order = PayoutOrder { site: SiteId(1), ..order() };

    assert!(matches!(Carouseller::new([site()]).initiation(&order, Encoding::Form), Err(Error::NotFound("site"))));
}

#[test]
fn only_a_clear_yes_is_accepted_and_only_a_clear_no_is_a_refusal() {
    let unknown = [
        (500, r#"{"success":true,"code":0}"#),
        (302, r#"{"success":true,"code":0}"#),
        (404, r#"{"success":false,"code":5}"#),
        (429, r#"{"success":false,"code":5}"#),
        (200, ""),
        (200, "OK"),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, r#"{"success":true}"#),
        (200, r#"{"code":0}"#),
        (200, r#"{"success":true,"code":5}"#),
        (200, r#"{"success":false,"code":0}"#),
        (200, r#"{"success":false,"code":"0"}"#),
        (200, r#"{"success":true,"code":"0"}"#),
        (200, r#"{"success":false,"code":"5"}"#),
        (200, r#"{"success":false}"#),
        (200, r#"{"success":false,"code":null}"#),
        (200, r#"{"success":false,"code":""}"#),
        (200, r#"{"success":false,"code":5.0}"#),
        (200, r#"{"success":false,"code":"05"}"#),
        (200, r#"{"success":false,"code":-0}"#),
        (200, r#"{"success":false,"code":false}"#),
        (200, r#"{"success":"false","code":5}"#),
        (200, r#"{"success":"true","code":0}"#),
        (200, r#"{"success":1,"code":0}"#),
        (200, r#"{"success":true,"code":0.0}"#),
        (200, r#"{"success":true,"code":0}{"#),
        (200, r#"{"success":true,"code":0"#),
        (200, r#"{"success":true,"success":true,"code":0}"#),
        (200, r#"{"success":false,"code":5,"code":5}"#),
        (200, r#"{"success":true,"code":0,"transaction":{"id":1,"id":2}}"#),
        (200, "\u{feff}{\"success\":true,\"code\":0}"),
    ];
    for (http, body) in unknown {
        let answer = read_initiation_answer(http, body.as_bytes());
        assert!(matches!(answer, InitiationAnswer::Unknown(_)), "{http} {body}: {answer:?}");
    }
    for body in [r#"{"success":true,"code":0}"#, r#"{"Extra":[],"code":0,"success":true,"errors":true}"#] {
        assert!(matches!(read_initiation_answer(201, body.as_bytes()), InitiationAnswer::Accepted(..)), "{body}");
    }
    for body in [r#"{"success":false,"code":5}"#, r#"{"success":false,"code":-1}"#] {
        assert!(matches!(read_initiation_answer(200, body.as_bytes()), InitiationAnswer::Refused(_)), "{body}");
    }
}

#[test]
fn people_are_shown_ids_and_reasons_cleaned_and_cut() {
    let accepted = r#"{"success":true,"errors":null,"transaction":null,"code":0,"message_for_user":"Success",
        "transaction_id":117580048,"order_id":"217742619264065507927945843197"}"#;
    let refused = r#"{"success":false,"code":7,"message_for_user":"no\n4111111111111111\u0000"}"#;
    let long = format!(r#"{{"success":false,"code":7,"message_for_user":"{}"}}"#, "ж".repeat(2000));

    let text = "transaction_id: 117580048, order_id: 217742619264065507927945843197, message_for_user: Success";
    let ids = [("transaction_id", "117580048"), ("order_id", "217742619264065507927945843197")];
    let facts = ids.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
    assert_eq!(read_initiation_answer(200, accepted.as_bytes()), InitiationAnswer::Accepted(text.to_owned(), facts));
    let text = "code 7 message_for_user: no 411111...1111";
    assert_eq!(read_initiation_answer(200, refused.as_bytes()), InitiationAnswer::Refused(text.to_owned()));
    let InitiationAnswer::Refused(text) = read_initiation_answer(200, long.as_bytes()) else { panic!("a clear no") };
    assert_eq!(text.chars().count(), 300);
}
