//! The order to pay, and what is made of its answer.

use super::*;
use crate::providers::cactus::rails;

/// A good text for every detail.
fn example(name: &str) -> &'static str {
    match name {
        "card_number" => "4242424242424242",
        "phone_number" => "79999999999",
        "account_number" => "40702810800070000366",
        "expiry_date" => "07/23",
        "bank_option" => "778953337789",
        "verification_code" => "123456",
        "papara_account" => "9925125660",
        "asap" => "true",
        "time" => "2023-05-01 10:22",
        "bank_app" => "Sberbank",
        "pix_transfer_key" => "123e4567-e89b-12d3-a456-426655440000",
        _ => "Pushkin street, Kolotushkin house 5",
    }
}

/// Vector K5: the manual's sample, whose name begins with a blank.
#[test]
fn the_published_sample_goes_out_as_published() {
    let details = [("bank_name", "Morgan"), ("card_holder", " John Wick"), ("card_number", "0000000000000")];

    let call = called(cactus().pay(&payout("card", &details), &[]));

    assert_eq!((call.verb, call.url.as_str()), (crate::providers::Verb::Post, "https://cactusgino.com/api/payout/"));
    assert_eq!(call.content_type, Some("application/json"));
    let sample = json!({"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21,
        "request_id": "request_id123", "amount": 900_000, "currency": "KZT", "method": "card",
        "additional_fields": {"bank_name": "Morgan", "card_holder": " John Wick", "card_number": "0000000000000"},
        "signature": "f8a908d8c84179a731b3e82e75b1efd67a6bfbfe"});
    assert_eq!(body(&call), sample);
    assert_eq!(called(cactus().pay(&payout("card", &details), &[])).body, call.body, "the same order, the same bytes");
}

#[test]
fn every_method_takes_what_it_needs_and_misses_each_of_it() {
    let cactus = cactus();
    assert_eq!(rails::payouts().len(), 13);
    for rail in rails::payouts() {
        let all: Vec<(&str, &str)> = rail.names().map(|(name, _)| (name, example(name))).collect();
        let sent = body(&called(cactus.pay(&payout(rail.name, &all), &[])));
        assert_eq!(sent["additional_fields"], json!(texts(&all)), "{}", rail.name);
        assert_eq!(sent["method"], rail.name);
        let least: Vec<_> = rail.names().filter(|(_, needed)| *needed).map(|(name, _)| (name, example(name))).collect();
        assert!(cactus.check(SITE, Direction::Payout, Some(rail.name), &texts(&least)).is_ok(), "{}", rail.name);
        for (at, (name, _)) in least.iter().enumerate() {
            let mut others = least.clone();
            others.remove(at);
            for blank in [None, Some(""), Some(" ")] {
                others.retain(|(other, _)| other != name);
                others.extend(blank.map(|blank| (*name, blank)));
                let refused = cactus.check(SITE, Direction::Payout, Some(rail.name), &texts(&others));
                assert!(matches!(refused, Err(Error::Missing(missing)) if missing == *name), "{name}: {refused:?}");
                assert!(cactus.pay(&payout(rail.name, &others), &[]).is_err(), "and it is checked again");
            }
        }
        let strange = [&all[..], &[("amount", "1")]].concat();
        let refused = cactus.check(SITE, Direction::Payout, Some(rail.name), &texts(&strange));
        assert!(matches!(refused, Err(Error::Invalid("details"))), "{}", rail.name);
    }
}

#[test]
fn optional_details_that_are_blank_do_not_go_out() {
    let call = called(cactus().pay(&payout("card", &[("card_number", "4242424242424242"), ("bank_name", " ")]), &[]));
    assert_eq!(body(&call)["additional_fields"], json!({"card_number": "4242424242424242"}));
    let nothing = called(cactus().pay(&payout("binance", &[]), &[]));
    assert_eq!(body(&nothing)["additional_fields"], json!({}), "an empty object, which is not signed");
}

#[test]
fn details_have_the_form_of_what_they_are() {
    let long = "x".repeat(129);
    let table: [(&str, &str, &[&str]); 11] = [
        (
            "card",
            "card_number",
            &["42424242424", "42424242424242424242", "4242 4242 4242 4242", "4242x", "４２４２４２４２４２４２"],
        ),
        ("card", "expiry_date", &["7/23", "07/2023", "13/23", "00/23", "0:/23", "07-23", "0723", "07/2x"]),
        ("card", "bank_option", &["FIN 1", "1;2", "é"]),
        ("card", "bank_name", &["a;b:c", "a;", ";", "a\nb", &long]),
        ("sbp", "phone_number", &["+79999999999", "799999", "7999999999999999", "7 999 999 99 99", "call me"]),
        ("localbanks", "account_number", &["12", "4070 2810", "DE89;37", "x".repeat(35).leak()]),
        ("cash", "asap", &["True", "1", "yes", "TRUE"]),
        ("cash", "time", &["2023-05-01", "2023-05-01T10:22", "2023-05-01 10:22:00", "tomorrow", "2023-5-01 10:222"]),
        ("cash", "verification_code", &["12 34", "a;b", "é"]),
        ("papara", "papara_account", &["99 25", "a-b"]),
        ("wise", "wise_tag", &["@a;b", "@a\u{7}"]),
    ];
    for (method, name, wrong) in table {
        let rail = rails::find(rails::payouts(), method).unwrap();
        for text in wrong {
            let given: Vec<_> =
                rail.names().map(|(other, _)| (other, if other == name { text } else { example(other) })).collect();
            let refused = cactus().check(SITE, Direction::Payout, Some(method), &texts(&given));
            assert!(matches!(refused, Err(Error::Invalid(field)) if field == name), "{name} {text:?}: {refused:?}");
        }
    }
}

#[test]
fn methods_are_served_letter_for_letter_by_direction_and_currency() {
    let form = cactus();
    let invoice = cactus_with("deposit_by = \"invoice\"");
    let serves = |cactus: &Cactus, direction, rail, code: &str| {
        cactus.serves(SITE, direction, rail, Currency::parse(code).unwrap())
    };
    use Direction::{Deposit, Payout};

    for (direction, rail, by_form, by_invoice) in [
        (Payout, Some("MTS"), true, true),
        (Payout, Some("mts"), false, false),
        (Payout, Some("MTSPay"), false, false),
        (Payout, Some("WalletM10"), true, true),
        (Payout, Some("walletm10"), false, false),
        (Payout, Some("skrill"), true, true),
        (Payout, Some("Tbank_card"), false, false),
        (Payout, None, false, false),
        (Deposit, Some("MTSPay"), true, false),
        (Deposit, Some("MTS"), false, true),
        (Deposit, Some("sbp_qr"), false, true),
        (Deposit, Some("cis_transfer_card"), true, false),
        (Deposit, Some("card "), false, false),
        (Deposit, None, true, false),
    ] {
        let served = (serves(&form, direction, rail, "KZT"), serves(&invoice, direction, rail, "KZT"));
        assert_eq!(served, (by_form, by_invoice), "{direction:?} {rail:?}");
        assert!(!serves(&form, direction, rail, "JPY"), "a currency that the manual does not list");
    }
    assert!(!form.serves(SiteId(22), Payout, Some("card"), Currency::parse("KZT").unwrap()));
    let unknown = form.check(SITE, Payout, Some("Card"), &Texts::new());
    assert!(matches!(unknown, Err(Error::Invalid("provider_method"))));
}

#[test]
fn what_could_be_read_in_two_ways_is_not_signed() {
    let order = |login: &str| PayoutOrder { login: Login::parse(login).unwrap(), ..payout("binance", &[]) };
    for login in ["a;amount:1", "a;Amount:1", "a;b"] {
        assert!(matches!(cactus().pay(&order(login), &[]), Err(Error::Invalid("site_login"))), "{login}");
    }
    assert!(cactus().pay(&order("a:b"), &[]).is_ok());
}

fn good() -> Json {
    json!({"success": true, "message": "Payout initialized", "request_id": "request_id123", "invoice_id": "1314",
        "status": 3, "amount": 900_000, "currency": "KZT", "site_login": "user_login", "site_id": 21})
}

fn answered(text: impl Into<String>) -> InitiationAnswer {
    done(cactus().pay(&payout("binance", &[]), &[reply(text)]))
}

#[test]
fn a_signed_yes_is_taken_and_its_status_is_no_end() {
    for status in [1, 2, 3, 4, 77] {
        let InitiationAnswer::Accepted(note, facts) = answered(signed(with(good(), &[("status", json!(status))])))
        else {
            panic!("status {status}");
        };
        assert_eq!(note, format!("invoice 1314 status {status}: Payout initialized"));
        assert_eq!(facts, texts(&[("invoice_id", "1314")]));
    }
    let number = signed(with(good(), &[("invoice_id", json!(1314)), ("site_id", json!("21"))]));
    assert!(matches!(answered(number), InitiationAnswer::Accepted(_, facts) if facts["invoice_id"] == "1314"));
    let sparse = signed(json!({"success": true, "request_id": "request_id123"}));
    assert!(matches!(answered(sparse), InitiationAnswer::Accepted(_, facts) if facts.is_empty()));
}

#[test]
fn a_signed_no_is_a_refusal_in_the_platforms_words() {
    let no = signed(json!({"success": false, "message": "Invalid ContentType or json format"}));
    assert_eq!(answered(no), InitiationAnswer::Refused("Invalid ContentType or json format".into()));
    let no = signed(json!({"success": false, "message": "card 4111111111111111\nis blocked"}));
    assert_eq!(answered(no), InitiationAnswer::Refused("card 411111...1111 is blocked".into()));
}

#[test]
fn everything_else_leaves_the_outcome_unknown() {
    let others = [
        ("request_id", json!("another")),
        ("request_id", Json::Null),
        ("amount", json!(900_001)),
        ("amount", json!("")),
        ("currency", json!("USD")),
        ("site_login", json!("somebody")),
        ("site_id", json!(22)),
        ("success", json!("true")),
        ("success", json!(1)),
        ("success", Json::Null),
    ];
    for (name, value) in others {
        let text = signed(with(good(), &[(name, value.clone())]));
        assert!(matches!(answered(text), InitiationAnswer::Unknown(_)), "{name} {value}");
    }
    let no = json!({"success": false, "message": "no"});
    let other_no = signed(with(no.clone(), &[("request_id", json!("another"))]));
    let unsigned = [good(), no.clone()].map(|members| members.to_string());
    let foreign = [good(), no.clone()].map(|members| signed_with(members, "another salt"));
    let changed = [signed(no.clone()).replace("false", "true"), signed(good()).replace("true", "false")];
    let twice = signed(no.clone()).replace("{", "{\"success\":true,");
    let two_readings = signed(with(no, &[("message", json!("x;success:True"))]));
    let texts = [unsigned, foreign, changed, [twice, two_readings], [other_no, String::new()]].concat();
    for text in texts.into_iter().chain(["<html>", "[]", "{", "null", "\u{feff}{}"].map(str::to_owned)) {
        assert!(matches!(answered(text.clone()), InitiationAnswer::Unknown(_)), "{text}");
    }
    for status in [199, 301, 400, 404, 429, 500, 503] {
        let answer = done(cactus().pay(&payout("binance", &[]), &[Reply::new(status, signed(good()))]));
        assert_eq!(answer, InitiationAnswer::Unknown(format!("HTTP status {status}")));
    }
    assert!(matches!(
        done(cactus().pay(&payout("binance", &[]), &[Reply::new(200, b"\xff".to_vec())])),
        InitiationAnswer::Unknown(_)
    ));
}

proptest::proptest! {
    #[test]
    fn whatever_a_player_gives_the_signed_text_splits_back_into_it(
        bank in "[ -~а-я;:]{0,12}", holder in "[ -~;:=]{0,12}", login in "[a-z;:A-Z=]{1,12}",
    ) {
        use crate::providers::signed::signature::canonical;
        let details = [("card_number", "4242424242424242"), ("bank_name", bank.as_str()), ("card_holder", holder.as_str())];
        let order = PayoutOrder { login: Login::parse(&login).unwrap(), ..payout("card", &details) };
        if let Ok(Step::Call(call)) = cactus().pay(&order, &[]) {
            let text = String::from_utf8(call.body.clone()).unwrap();
            let pairs = Pairs::new(read_json(&text, DEEPEST_MESSAGE).unwrap()).unwrap();
            let inner = body(&call)["additional_fields"].as_object().unwrap().len();
            let parts: Vec<String> = canonical(&pairs, Reading::REFERENCE).split(';').map(str::to_owned).collect();
            proptest::prop_assert_eq!(parts.len(), 7 + inner);
            let login = format!("site_login:{login}");
            proptest::prop_assert!(parts.contains(&login));
        } else {
            proptest::prop_assert!([bank, holder, login].iter().any(|text| text.contains(';')));
        }
    }
}
