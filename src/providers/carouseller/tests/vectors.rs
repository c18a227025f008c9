//! The vectors of the protocol, part 14, salt `test_salt`. C8a and C9a are deviations that we never accept.

use super::super::pairs::{DEEPEST_MESSAGE, Pairs, json};
use super::super::signature::{Bools, Nulls, Reading, Verdict, canonical, sign, verify};
use super::salt;

struct Vector {
    name: &'static str,
    reading: Reading,
    inputs: &'static str,
    text: &'static str,
    sha1: &'static str,
}

const LOWER: Reading = Reading { bools: Bools::Lower, ..Reading::REFERENCE };
const DIGITS: Reading = Reading { bools: Bools::Digits, ..Reading::REFERENCE };
const NO_NULLS: Reading = Reading { nulls: Nulls::Absent, ..Reading::REFERENCE };

/// Vectors whose text has a second reading: produced as published, refused when received.
const AMBIGUOUS: [&str; 3] = ["C16", "C21", "C22"];

const VECTORS: &[Vector] = &[
    Vector {
        name: "C1",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD"}"##,
        text: r##"currency:USD;customer_ip:1.2.3.4;site_id:1;site_login:test_login"##,
        sha1: "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
    },
    Vector {
        name: "C2",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD", "language": "", "timezone": "   ", "user_preset_id": ""}"##,
        text: r##"currency:USD;customer_ip:1.2.3.4;site_id:1;site_login:test_login"##,
        sha1: "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
    },
    Vector {
        name: "C3",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "site_login": "test_login", "groups": [12, 1, 7]}"##,
        text: r##"groups:1;12;7;site_id:1;site_login:test_login"##,
        sha1: "c376c89ecb52aa837dd8eee523550c70197030e6",
    },
    Vector {
        name: "C4",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "site_login": "test_login", "groups": []}"##,
        text: r##"site_id:1;site_login:test_login"##,
        sha1: "f9e81b05fda3bf8455f4686fb2c42377185a25cb",
    },
    Vector {
        name: "C5",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "site_login": "443122443122", "owner_native_name": "シゲキ コムロ", "first_name": "Jürgen"}"##,
        text: r##"first_name:Jürgen;owner_native_name:シゲキ コムロ;site_id:24;site_login:443122443122"##,
        sha1: "6bdc5ac01f0a9cdb3b54f754ff273164de7e118d",
    },
    Vector {
        name: "C6",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": true}"##,
        text: r##"flag:True;site_id:24;site_login:u1"##,
        sha1: "0fe276073b479bef8e70fd0db93b03549aa9db4f",
    },
    Vector {
        name: "C6a",
        reading: LOWER,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": true}"##,
        text: r##"flag:true;site_id:24;site_login:u1"##,
        sha1: "6f50309b4249828a96d8f60ca822f61a97f8ed4a",
    },
    Vector {
        name: "C6b",
        reading: DIGITS,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": true}"##,
        text: r##"flag:1;site_id:24;site_login:u1"##,
        sha1: "3fc668ec1cb70ba8b26a2fc858114d59066b5c06",
    },
    Vector {
        name: "C7",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": false}"##,
        text: r##"flag:False;site_id:24;site_login:u1"##,
        sha1: "f58ec3ec9c097021e83b31f9b33e011971b4abd0",
    },
    Vector {
        name: "C7a",
        reading: LOWER,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": false}"##,
        text: r##"flag:false;site_id:24;site_login:u1"##,
        sha1: "057e30610886596a753a5a6f6bce98fdad854a7b",
    },
    Vector {
        name: "C7b",
        reading: DIGITS,
        inputs: r##"{"site_id": 24, "site_login": "u1", "flag": false}"##,
        text: r##"flag:0;site_id:24;site_login:u1"##,
        sha1: "ad6da53de507c5b3de5a36826bed980e29680628",
    },
    Vector {
        name: "C8",
        reading: Reading::REFERENCE,
        inputs: r##"{"group": 1207, "account_number": "12345678910", "Owner_name": "John Dow", "bank_name": "산업은행"}"##,
        text: r##"owner_name:John Dow;account_number:12345678910;bank_name:산업은행;group:1207"##,
        sha1: "ac85b4199ed10473bfa80c26901a99c48660d088",
    },
    Vector {
        name: "C9",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "site_login": "443122443122", "customer_ip": "185.56.232.170", "currency": "usd", "signature": "1234566443"}"##,
        text: r##"currency:usd;customer_ip:185.56.232.170;site_id:24;site_login:443122443122"##,
        sha1: "6213573cb97b0d0f3f12175ebef16c7355bc4aa0",
    },
    Vector {
        name: "C10",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD", "amount_series": "1:10,20,30,40,50,60;", "ps_range": "12,1,7;5,8,1"}"##,
        text: r##"amount_series:1:10,20,30,40,50,60;;currency:USD;customer_ip:1.2.3.4;ps_range:12,1,7;5,8,1;site_id:1;site_login:test_login"##,
        sha1: "a3fdd7a80af67c82ba871225f4435a8aba417a35",
    },
    Vector {
        name: "C11",
        reading: Reading::REFERENCE,
        inputs: r##"{"action": "check_deposit", "site_id": 332, "site_login": "user_test", "amount": 10000, "currency": "USD", "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444", "customer_ip": "127.0.0.1", "source_type": 4, "transaction_id": "1234567890"}"##,
        text: r##"action:check_deposit;amount:10000;currency:USD;customer_ip:127.0.0.1;customer_purse:555555...4444;payment_group_id:6;payment_type_id:18;site_id:332;site_login:user_test;source_type:4;transaction_id:1234567890"##,
        sha1: "4b05f74feddbd95f799a444faf0bc5dce49318cf",
    },
    Vector {
        name: "C12",
        reading: Reading::REFERENCE,
        inputs: r##"{"action": "request_payout", "site_id": 332, "site_login": "user_test", "amount": 10000, "currency": "GBP", "payment_group_id": 6, "customer_purse": "555555...4444", "remember_customer_purse": 0}"##,
        text: r##"action:request_payout;amount:10000;currency:GBP;customer_purse:555555...4444;payment_group_id:6;remember_customer_purse:0;site_id:332;site_login:user_test"##,
        sha1: "b3679c92176be59648525318edb6d28af43e053b",
    },
    Vector {
        name: "C13",
        reading: Reading::REFERENCE,
        inputs: r##"{"action": "payout", "amount": 400000, "currency": "USD", "external_id": "704224078", "site_id": 2, "site_login": "6336914", "customer_purse": "555555...4444", "remember_customer_purse": "0", "invoice_id": "9050976", "comment": "#704224078", "first_name": "John", "last_name": "Doe", "user_preset_id": "100", "customer_ip": "213.87.129.172", "country_code": "US", "billing_phone": "7574803170", "birthdate": "01-02-1989", "external_value1": ""}"##,
        text: r##"action:payout;amount:400000;billing_phone:7574803170;birthdate:01-02-1989;comment:#704224078;country_code:US;currency:USD;customer_ip:213.87.129.172;customer_purse:555555...4444;external_id:704224078;first_name:John;invoice_id:9050976;last_name:Doe;remember_customer_purse:0;site_id:2;site_login:6336914;user_preset_id:100"##,
        sha1: "50081a9279dad253e7d8f9c3cb50d79b1011561c",
    },
    Vector {
        name: "C14",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 123, "amount": 10000, "currency": "USD", "real_amount": 10000, "real_currency": "USD", "extended_info_enabled": 0, "processor_id": "89151432", "processor_message": "Success", "customer_purse": "555555...4444", "completed_at": "2016-02-12T15:19:21+00:00", "site_login": "test_login", "payment_group_id": 1, "display_payment_group_id": 1, "payment_type_id": 1, "customer_ip": "127.0.0.1", "source_type": 4, "type_id": 3, "status_id": 4, "transaction_id": 123456789, "external_id": "example_external_id"}"##,
        text: r##"amount:10000;completed_at:2016-02-12T15:19:21+00:00;currency:USD;customer_ip:127.0.0.1;customer_purse:555555...4444;display_payment_group_id:1;extended_info_enabled:0;external_id:example_external_id;payment_group_id:1;payment_type_id:1;processor_id:89151432;processor_message:Success;real_amount:10000;real_currency:USD;site_id:123;site_login:test_login;source_type:4;status_id:4;transaction_id:123456789;type_id:3"##,
        sha1: "3a364a6153b6a77cdfccb79feabfa1573e5c00b4",
    },
    Vector {
        name: "C15",
        reading: Reading::REFERENCE,
        inputs: r##"{"status": 4, "type": 1, "external_id": "example_external_id", "order_id": "173805987126016235868313296400", "amount": 10000, "currency": "USD", "customer_id": "307353", "customer_purse": "428455...9651"}"##,
        text: r##"amount:10000;currency:USD;customer_id:307353;customer_purse:428455...9651;external_id:example_external_id;order_id:173805987126016235868313296400;status:4;type:1"##,
        sha1: "074d4a5bc898309fd55c9d1202de8aa39afbeac5",
    },
    Vector {
        name: "C16",
        reading: Reading::REFERENCE,
        inputs: r##"{"payment_system": "TEST_PS", "external_id": "1234512123124", "customer": {"customer_id": "JohnDoe", "country": "LV", "first_name": "Test", "last_name": "Test"}, "amount": 2000, "currency": "USD", "payment_data": {"card_number": "4111111111111111", "card_holder": "John Doe", "exp_year": "2028", "exp_month": "06", "cvv": "123"}}"##,
        text: r##"amount:2000;currency:USD;customer:country:LV;customer_id:JohnDoe;first_name:Test;last_name:Test;external_id:1234512123124;payment_data:card_holder:John Doe;card_number:4111111111111111;cvv:123;exp_month:06;exp_year:2028;payment_system:TEST_PS"##,
        sha1: "00e602cdecb14e770ef2eadefd5fbc23c73b765e",
    },
    Vector {
        name: "C17",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "site_login": "u1", "note": null}"##,
        text: r##"note:None;site_id:24;site_login:u1"##,
        sha1: "b4c19befa44d2b788091f765bf25df7d00d6e9cb",
    },
    Vector {
        name: "C17a",
        reading: NO_NULLS,
        inputs: r##"{"site_id": 24, "site_login": "u1", "note": null}"##,
        text: r##"site_id:24;site_login:u1"##,
        sha1: "7e7d30050a099f790448145fc354cc7d223eeee5",
    },
    Vector {
        name: "C18",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "amount": 20.5}"##,
        text: r##"amount:20.5;site_id:24"##,
        sha1: "69344b6bcf886b979b7082f5ca09cc050994a29a",
    },
    Vector {
        name: "C18a",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 24, "amount": 10.0}"##,
        text: r##"amount:10.0;site_id:24"##,
        sha1: "e7de4e59c624c2f88b4d521a63cdc590078c18ab",
    },
    Vector {
        name: "C19",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "note": "  a  "}"##,
        text: r##"note:  a  ;site_id:1"##,
        sha1: "f2a89bd11032b5596bcad35d74ef265d9ea32e5f",
    },
    Vector {
        name: "C20",
        reading: Reading::REFERENCE,
        inputs: r##"{}"##,
        text: r##""##,
        sha1: "0894ee04e1caccd538552b21897dfd04e36e94ff",
    },
    Vector {
        name: "C21",
        reading: Reading::REFERENCE,
        inputs: r##"{"site_id": 1, "customer": {"customer_id": "u1", "country": ""}}"##,
        text: r##"customer:country:;customer_id:u1;site_id:1"##,
        sha1: "740b503d6b50e7a29a9e75ad1da0a20c2dc02f23",
    },
    Vector {
        name: "C22",
        reading: Reading::REFERENCE,
        inputs: r##"{"amount": "100;currency:USD", "site_id": 1}"##,
        text: r##"amount:100;currency:USD;site_id:1"##,
        sha1: "349747d49ef797e523f6549b29cd5c9f301bd25a",
    },
    Vector {
        name: "C22a",
        reading: Reading::REFERENCE,
        inputs: r##"{"amount": 100, "currency": "USD", "site_id": 1}"##,
        text: r##"amount:100;currency:USD;site_id:1"##,
        sha1: "349747d49ef797e523f6549b29cd5c9f301bd25a",
    },
];

fn pairs(inputs: &'static str) -> Pairs<'static> {
    Pairs::new(json(inputs, DEEPEST_MESSAGE).expect("a vector is a JSON object")).expect("no vector repeats a name")
}

#[test]
fn every_published_vector_is_reproduced() {
    for Vector { name, reading, inputs, text, sha1 } in VECTORS {
        let pairs = pairs(inputs);

        assert_eq!(canonical(&pairs, *reading), *text, "{name}");
        if *reading == Reading::REFERENCE {
            assert_eq!(sign(&pairs, &salt()), *sha1, "{name}");
        }
    }
}

#[test]
fn every_published_vector_verifies_unless_its_text_has_two_readings() {
    for Vector { name, reading, inputs, sha1, .. } in VECTORS {
        let expected = if AMBIGUOUS.contains(name) { Verdict::TwoReadings } else { Verdict::Holds(*reading) };

        assert_eq!(verify(&pairs(inputs), &[salt()], sha1), expected, "{name}");
        assert_eq!(verify(&pairs(inputs), &[salt()], &sha1.to_uppercase()), expected, "{name}");
    }
}

#[test]
fn names_in_another_order_and_a_signed_signature_are_not_accepted() {
    let capital =
        r#"{"group": 1207, "account_number": "12345678910", "Owner_name": "John Dow", "bank_name": "산업은행"}"#;
    let signature_left_in = r#"{"site_id": 24, "site_login": "443122443122", "customer_ip": "185.56.232.170", "currency": "usd", "signature": "1234566443"}"#;

    for (inputs, sha1) in [
        (capital, "65411699db5b8407fea4ffe93f1d31d37fddf302"),
        (signature_left_in, "69b895b666cf83cf5e2cc7ee8b3caa5904af58d0"),
    ] {
        assert_eq!(verify(&pairs(inputs), &[salt()], sha1), Verdict::Fails);
    }
}

#[test]
fn the_readings_tried_are_few_and_only_those_that_can_differ() {
    let all_kinds = pairs(r#"{"a": [true, null, 1], "b": false, "c": null, "d": {"e": [2, 1]}}"#);
    let plain = pairs(r#"{"a": "1", "b": 2, "c": 2.50}"#);

    assert_eq!(super::super::signature::readings(&all_kinds).len(), 16);
    assert_eq!(super::super::signature::readings(&plain), [Reading::REFERENCE]);
}
