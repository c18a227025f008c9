//! The signature vectors of the description of the protocol. None of them is confirmed by the platform.

use super::*;
use crate::providers::signed::signature::{Names, Source, Verdict, canonical, verify_from};

/// Name, members, the text that is hashed, the digest; the salt is `test_salt`.
const VECTORS: [(&str, &str, &str, &str); 21] = [
    (
        "K1",
        r#"{"site_id": "1", "site_login": "test_login", "merchant_id": "merch_id", "customer_ip": "1.2.3.4", "currency": "USD", "additional_fields": {"bank_name": "Citibank", "card_holder": "John Wick", "card_number": "0000000000000"}}"#,
        "additional_fields:bank_name:Citibank;card_holder:John Wick;card_number:0000000000000;currency:USD;customer_ip:1.2.3.4;merchant_id:merch_id;site_id:1;site_login:test_login;test_salt",
        "ef326e97eb904bad472cdb46e6c907a2baff66f3",
    ),
    (
        "K2",
        r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card"}"#,
        "amount:900000;currency:KZT;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
        "87894baa871ba00f894dada3974f8c44ae80476f",
    ),
    (
        "K3",
        r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card", "additional_fields": {}}"#,
        "amount:900000;currency:KZT;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
        "87894baa871ba00f894dada3974f8c44ae80476f",
    ),
    (
        "K4",
        r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card", "language": "", "success_url": "  ", "fail_url": ""}"#,
        "amount:900000;currency:KZT;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
        "87894baa871ba00f894dada3974f8c44ae80476f",
    ),
    (
        "K5",
        r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card", "additional_fields": {"bank_name": "Morgan", "card_holder": " John Wick", "card_number": "0000000000000"}}"#,
        "additional_fields:bank_name:Morgan;card_holder: John Wick;card_number:0000000000000;amount:900000;currency:KZT;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
        "f8a908d8c84179a731b3e82e75b1efd67a6bfbfe",
    ),
    (
        "K6",
        r#"{"merchant_id": "merch_id", "site_id": 21, "additional_fields": {"bank_name": "", "card_number": "0000000000000"}}"#,
        "additional_fields:bank_name:;card_number:0000000000000;merchant_id:merch_id;site_id:21;test_salt",
        "4d59496aa883d9e4619bc309d7150d122ce9b9e1",
    ),
    (
        "K7",
        r#"{"merchant_id": "merch_id", "site_id": 21, "additional_fields": {"Bank": "x", "account": "y"}}"#,
        "additional_fields:Bank:x;account:y;merchant_id:merch_id;site_id:21;test_salt",
        "237207eccd9285b71cdb9b5459099be62b454286",
    ),
    (
        "K8",
        r#"{"merchant_id": "merch_id", "Site_id": 21, "amount": 1}"#,
        "site_id:21;amount:1;merchant_id:merch_id;test_salt",
        "bc04baba9a5e3d77de9f383f11095a34237baab4",
    ),
    (
        "K8a",
        r#"{"merchant_id": "merch_id", "Site_id": 21, "amount": 1}"#,
        "amount:1;merchant_id:merch_id;site_id:21;test_salt",
        "2be3de7a9558e529b19da1923ce977486f39e741",
    ),
    (
        "K9",
        r#"{"merchant_id": "merch_id", "site_id": 21, "ids": [10, 9, "b", "a"]}"#,
        "ids:10;9;a;b;merchant_id:merch_id;site_id:21;test_salt",
        "ae7ad6c98cdac16368944acab3439fdfb13c72cf",
    ),
    (
        "K10",
        r#"{"merchant_id": "merch_id", "site_id": 21, "additional_fields": {"bank_name": "Сбербанк", "phone_holder": "Вася Пупкин", "phone_number": "79999999999"}}"#,
        "additional_fields:bank_name:Сбербанк;phone_holder:Вася Пупкин;phone_number:79999999999;merchant_id:merch_id;site_id:21;test_salt",
        "ede42b4a26dbd4c944db1473b2fa50635e6e8e50",
    ),
    (
        "K11",
        r#"{"request_id": "280", "site_login": "qtywugbjhdbjbal123", "amount": 8000, "description": "", "transaction_id": "116579133176442782754521496079", "status": 3, "currency": "USD", "site_id": 21, "invoice_id": 905910, "received_amount": 8000, "received_currency": "USD", "method": "card", "signature": "f4eb33161e94aa78d816a9d053e7008f6ae9237c"}"#,
        "amount:8000;currency:USD;invoice_id:905910;method:card;received_amount:8000;received_currency:USD;request_id:280;site_id:21;site_login:qtywugbjhdbjbal123;status:3;transaction_id:116579133176442782754521496079;test_salt",
        "18562680ae4e2249abe697fb37bdf8d0decb4184",
    ),
    (
        "K12",
        r#"{"request_id": "280", "site_login": "u1", "amount": 8000, "status": 4, "currency": "USD", "site_id": 21, "invoice_id": 905910, "received_amount": 0, "received_currency": "USD", "method": "card", "description": "No payment received", "is_payout": false}"#,
        "amount:8000;currency:USD;description:No payment received;invoice_id:905910;is_payout:False;method:card;received_amount:0;received_currency:USD;request_id:280;site_id:21;site_login:u1;status:4;test_salt",
        "3a167a9848d86a6bd152ee65337410d43eee2576",
    ),
    (
        "K12a",
        r#"{"request_id": "280", "site_login": "u1", "amount": 8000, "status": 4, "currency": "USD", "site_id": 21, "invoice_id": 905910, "received_amount": 0, "received_currency": "USD", "method": "card", "description": "No payment received", "is_payout": false}"#,
        "amount:8000;currency:USD;description:No payment received;invoice_id:905910;is_payout:false;method:card;received_amount:0;received_currency:USD;request_id:280;site_id:21;site_login:u1;status:4;test_salt",
        "cb02005a3ff6b205b397e2735341f290947f668f",
    ),
    (
        "K12b",
        r#"{"request_id": "280", "site_login": "u1", "amount": 8000, "status": 4, "currency": "USD", "site_id": 21, "invoice_id": 905910, "received_amount": 0, "received_currency": "USD", "method": "card", "description": "No payment received", "is_payout": false}"#,
        "amount:8000;currency:USD;description:No payment received;invoice_id:905910;is_payout:0;method:card;received_amount:0;received_currency:USD;request_id:280;site_id:21;site_login:u1;status:4;test_salt",
        "f81336622aaba26f2f4d7cb9ef1aca9718f528aa",
    ),
    (
        "K13",
        r#"{"request_id": "280", "site_login": "u1", "amount": 8000, "status": 4, "currency": "USD", "site_id": 21, "invoice_id": 905910, "received_amount": 0, "received_currency": "USD", "method": "card", "description": "No payment received", "is_payout": true}"#,
        "amount:8000;currency:USD;description:No payment received;invoice_id:905910;is_payout:True;method:card;received_amount:0;received_currency:USD;request_id:280;site_id:21;site_login:u1;status:4;test_salt",
        "3bd7339f45e9e22821c382b3ed90492dc0875099",
    ),
    (
        "K14",
        r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card", "signature": "signature_value"}"#,
        "amount:900000;currency:KZT;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
        "87894baa871ba00f894dada3974f8c44ae80476f",
    ),
    (
        "K15",
        r#"{"merchant_id": "test_api_v2", "request_id": "test20240430132039", "site_id": "101", "update_type": "delete"}"#,
        "merchant_id:test_api_v2;request_id:test20240430132039;site_id:101;update_type:delete;test_salt",
        "d4d91af76c09b1aff44bda471c3b8dc1dad76d87",
    ),
    (
        "K16",
        r#"{"amount": 10000000, "currency": "RUB", "invoice_id": 23249, "request_id": "test20240430132039", "site_id": 101, "site_login": "user_4", "success": true}"#,
        "amount:10000000;currency:RUB;invoice_id:23249;request_id:test20240430132039;site_id:101;site_login:user_4;success:True;test_salt",
        "2d75017c97cc3671873ad4f896abb56374df968a",
    ),
    (
        "K17",
        r#"{"merchant_id": "merch_id", "site_id": 21, "note": null}"#,
        "merchant_id:merch_id;note:None;site_id:21;test_salt",
        "f82e12f0f7e582f7b21e9449a0b9b66e0117a9e3",
    ),
    (
        "K18",
        r#"{"merchant_id": "merch_id", "site_id": 21, "additional_fields": {"a": {"b": 1}}}"#,
        "additional_fields:a:{'b': 1};merchant_id:merch_id;site_id:21;test_salt",
        "424daf1f90b4d1df8904c024b0dfbe4bd8c9d757",
    ),
];

/// Forms that are tolerated, and one that is not.
const TOLERATED: [&str; 3] = ["K8a", "K12a", "K12b"];
const NESTED: &str = "K18";

#[test]
fn the_published_samples_are_signed_as_described() {
    let salts = [Secret::new(SALT)];
    for (name, members, text, digest) in VECTORS {
        let pairs = Pairs::new(read_json(members, DEEPEST_MESSAGE).unwrap()).unwrap();
        let verdict = verify_from(Source::Answer, &pairs, &salts, digest);
        if name == NESTED {
            assert_eq!(verdict, Verdict::Fails, "nobody knows how an object inside an object is written");
            assert_ne!(sign(&pairs, &salts[0]), digest);
            continue;
        }
        let Verdict::Holds(reading) = verdict else { panic!("{name}: {verdict:?}") };
        assert_eq!(format!("{};{SALT}", canonical(&pairs, reading)), text, "{name}");
        assert_eq!(reading == Reading::REFERENCE, !TOLERATED.contains(&name), "{name}");
        assert_eq!(reading.names == Names::Lowered, name == "K8a", "{name}");
        if reading == Reading::REFERENCE {
            assert_eq!(sign(&pairs, &salts[0]), digest, "{name}");
        }
    }
}

#[test]
fn a_false_that_was_left_out_and_a_null_that_was_left_out_are_tolerated() {
    let salts = [Secret::new(SALT)];
    for (members, signed) in [
        (r#"{"a": "1", "is_payout": false}"#, r#"{"a": "1"}"#),
        (r#"{"a": "1", "note": null}"#, r#"{"a": "1"}"#),
        (r#"{"a": "1", "is_payout": true}"#, r#"{"a": "1", "is_payout": "1"}"#),
    ] {
        let read = |text| Pairs::new(read_json(text, DEEPEST_MESSAGE).unwrap()).unwrap();
        let digest = sign(&read(signed), &salts[0]);
        assert!(
            matches!(verify_from(Source::Message, &read(members), &salts, &digest), Verdict::Holds(_)),
            "{members}"
        );
    }
}

#[test]
fn an_object_is_believed_in_an_answer_only_and_only_when_it_is_flat_and_harmless() {
    let salts = [Secret::new(SALT)];
    let verdict = |members: &str, source| {
        let pairs = Pairs::new(read_json(members, DEEPEST_MESSAGE).unwrap()).unwrap();
        verify_from(source, &pairs, &salts, &sign(&pairs, &salts[0]))
    };
    let flat = r#"{"a": {"card": "4", "bank": "x:y"}, "b": "1"}"#;

    assert!(matches!(verdict(flat, Source::Answer), Verdict::Holds(_)));
    assert_eq!(verdict(flat, Source::Message), Verdict::TwoReadings);
    for members in [
        r#"{"a": {"card": "4;b:2"}}"#,
        r#"{"a": {"card": "4;"}}"#,
        r#"{"a": {"b": {"c": "1"}}}"#,
        r#"{"a": {"b": ["1"]}}"#,
        r#"{"a": [{"b": "1"}]}"#,
        r#"{"a": "x;b:2"}"#,
    ] {
        assert_eq!(verdict(members, Source::Answer), Verdict::TwoReadings, "{members}");
    }
    assert!(matches!(verdict(r#"{"a": {}}"#, Source::Message), Verdict::Holds(_)), "nothing is in it");
}
