//! The signature of API 2.0, written from the description and for this platform only (manual, "Signature", the newer edition).

use serde_json::Value;
use sha1::{Digest, Sha1};

use crate::simulate::Params;

/// The member that holds the digest and is never part of what is signed.
pub(super) const SIGNATURE: &str = "signature";

/// The digest of these parameters: 40 lower-case hex digits.
pub(super) fn digest(params: &Params, salt: &str) -> String {
    hex::encode(Sha1::digest(signed_text(params, salt).as_bytes()))
}

/// The parameters with their digest among them, in place of one that was there.
pub(super) fn sealed(mut params: Params, salt: &str) -> Params {
    let digest = digest(&params, salt);
    params.insert(SIGNATURE.to_owned(), Value::String(digest));
    params
}

/// Whether the digest among the parameters is right. Upper-case hex is as good.
pub(super) fn verifies(params: &Params, salt: &str) -> bool {
    let claimed = params.get(SIGNATURE).and_then(Value::as_str);
    claimed.is_some_and(|claimed| claimed.to_ascii_lowercase() == digest(params, salt))
}

/// What is hashed. It ends with the salt: never print it.
fn signed_text(params: &Params, salt: &str) -> String {
    // Sorted as they came, lower-cased only when written.
    let mut pairs: Vec<(&String, String)> = params
        .iter()
        .filter(|(name, _)| *name != SIGNATURE)
        .map(|(name, value)| (name, value_text(value)))
        .filter(|(_, text)| !text.trim().is_empty())
        .collect();
    pairs.sort_unstable_by_key(|(name, _)| *name);
    let written: Vec<String> = pairs.iter().map(|(name, text)| format!("{}:{text}", name.to_lowercase())).collect();
    format!("{};{salt}", written.join(";"))
}

/// A value as it is signed. A list is sorted by its texts, and a list in it is skipped; an object is sorted by its names and keeps
/// its empty members and the case of the names.
fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(yes) => if *yes { "True" } else { "False" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let mut texts: Vec<String> =
                elements.iter().filter(|element| !element.is_array()).map(value_text).collect();
            texts.sort_unstable();
            texts.join(";")
        }
        Value::Object(members) => {
            let mut texts: Vec<(&String, String)> =
                members.iter().map(|(name, value)| (name, value_text(value))).collect();
            texts.sort_unstable_by_key(|(name, _)| *name);
            let texts: Vec<String> = texts.iter().map(|(name, text)| format!("{name}:{text}")).collect();
            texts.join(";")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        serde_json::from_str(json).expect("a vector is an object")
    }

    #[test]
    fn the_published_vectors_hold() {
        for (json, text, expected) in VECTORS {
            assert_eq!(&signed_text(&params(json), "test_salt"), text, "{json}");
            assert_eq!(&digest(&params(json), "test_salt"), expected, "{json}");
        }
    }

    #[test]
    fn what_is_only_tolerated_is_never_produced() {
        for (json, tolerated) in TOLERATED {
            assert_ne!(&digest(&params(json), "test_salt"), tolerated, "{json}");
        }
    }

    #[test]
    fn a_list_in_a_list_is_skipped() {
        assert_eq!(signed_text(&params(r#"{"groups":[[9],2,1],"a":[[1]]}"#), "s"), "groups:1;2;s");
    }

    #[test]
    fn a_changed_or_foreign_message_does_not_verify() {
        let sealed = sealed(params(r#"{"amount":1,"customer":{"country":"LV"}}"#), "salt");
        let with = |name: &str, value: Value| {
            let mut changed = sealed.clone();
            changed.insert(name.to_owned(), value);
            changed
        };

        assert!(verifies(&sealed, "salt"));
        let upper = sealed[SIGNATURE].as_str().expect("a text").to_uppercase();
        assert!(verifies(&with(SIGNATURE, upper.into()), "salt"));
        assert!(!verifies(&sealed, "other"));
        assert!(!verifies(&with("amount", 2.into()), "salt"));
        assert!(!verifies(&with("customer", serde_json::json!({"country": "LT"})), "salt"));
        for nothing in [Value::Null, "".into(), 0.into(), "00".into()] {
            assert!(!verifies(&with(SIGNATURE, nothing), "salt"));
        }
        let mut unsigned = sealed.clone();
        unsigned.remove(SIGNATURE);
        assert!(!verifies(&unsigned, "salt"));
    }

    /// Parameters, what is hashed, and the digest, with the salt `test_salt`.
    const VECTORS: &[(&str, &str, &str)] = &[
        (
            r#"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD"}"#,
            "currency:USD;customer_ip:1.2.3.4;site_id:1;site_login:test_login;test_salt",
            "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
        ),
        (
            r#"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD", "language": "", "timezone": "   ", "user_preset_id": ""}"#,
            "currency:USD;customer_ip:1.2.3.4;site_id:1;site_login:test_login;test_salt",
            "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
        ),
        (
            r#"{"site_id": 1, "site_login": "test_login", "groups": [12, 1, 7]}"#,
            "groups:1;12;7;site_id:1;site_login:test_login;test_salt",
            "c376c89ecb52aa837dd8eee523550c70197030e6",
        ),
        (
            r#"{"site_id": 1, "site_login": "test_login", "groups": []}"#,
            "site_id:1;site_login:test_login;test_salt",
            "f9e81b05fda3bf8455f4686fb2c42377185a25cb",
        ),
        (
            r#"{"site_id": 24, "site_login": "443122443122", "owner_native_name": "シゲキ コムロ", "first_name": "Jürgen"}"#,
            "first_name:Jürgen;owner_native_name:シゲキ コムロ;site_id:24;site_login:443122443122;test_salt",
            "6bdc5ac01f0a9cdb3b54f754ff273164de7e118d",
        ),
        (
            r#"{"site_id": 24, "site_login": "u1", "flag": true}"#,
            "flag:True;site_id:24;site_login:u1;test_salt",
            "0fe276073b479bef8e70fd0db93b03549aa9db4f",
        ),
        (
            r#"{"site_id": 24, "site_login": "u1", "flag": false}"#,
            "flag:False;site_id:24;site_login:u1;test_salt",
            "f58ec3ec9c097021e83b31f9b33e011971b4abd0",
        ),
        (
            r#"{"group": 1207, "account_number": "12345678910", "Owner_name": "John Dow", "bank_name": "산업은행"}"#,
            "owner_name:John Dow;account_number:12345678910;bank_name:산업은행;group:1207;test_salt",
            "ac85b4199ed10473bfa80c26901a99c48660d088",
        ),
        (
            r#"{"site_id": 24, "site_login": "443122443122", "customer_ip": "185.56.232.170", "currency": "usd", "signature": "1234566443"}"#,
            "currency:usd;customer_ip:185.56.232.170;site_id:24;site_login:443122443122;test_salt",
            "6213573cb97b0d0f3f12175ebef16c7355bc4aa0",
        ),
        (
            r#"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD", "amount_series": "1:10,20,30,40,50,60;", "ps_range": "12,1,7;5,8,1"}"#,
            "amount_series:1:10,20,30,40,50,60;;currency:USD;customer_ip:1.2.3.4;ps_range:12,1,7;5,8,1;site_id:1;site_login:test_login;test_salt",
            "a3fdd7a80af67c82ba871225f4435a8aba417a35",
        ),
        (
            r#"{"action": "check_deposit", "site_id": 332, "site_login": "user_test", "amount": 10000, "currency": "USD", "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444", "customer_ip": "127.0.0.1", "source_type": 4, "transaction_id": "1234567890"}"#,
            "action:check_deposit;amount:10000;currency:USD;customer_ip:127.0.0.1;customer_purse:555555...4444;payment_group_id:6;payment_type_id:18;site_id:332;site_login:user_test;source_type:4;transaction_id:1234567890;test_salt",
            "4b05f74feddbd95f799a444faf0bc5dce49318cf",
        ),
        (
            r#"{"action": "request_payout", "site_id": 332, "site_login": "user_test", "amount": 10000, "currency": "GBP", "payment_group_id": 6, "customer_purse": "555555...4444", "remember_customer_purse": 0}"#,
            "action:request_payout;amount:10000;currency:GBP;customer_purse:555555...4444;payment_group_id:6;remember_customer_purse:0;site_id:332;site_login:user_test;test_salt",
            "b3679c92176be59648525318edb6d28af43e053b",
        ),
        (
            r##"{"action": "payout", "amount": 400000, "currency": "USD", "external_id": "704224078", "site_id": 2, "site_login": "6336914", "customer_purse": "555555...4444", "remember_customer_purse": "0", "invoice_id": "9050976", "comment": "#704224078", "first_name": "John", "last_name": "Doe", "user_preset_id": "100", "customer_ip": "213.87.129.172", "country_code": "US", "billing_phone": "7574803170", "birthdate": "01-02-1989", "external_value1": ""}"##,
            "action:payout;amount:400000;billing_phone:7574803170;birthdate:01-02-1989;comment:#704224078;country_code:US;currency:USD;customer_ip:213.87.129.172;customer_purse:555555...4444;external_id:704224078;first_name:John;invoice_id:9050976;last_name:Doe;remember_customer_purse:0;site_id:2;site_login:6336914;user_preset_id:100;test_salt",
            "50081a9279dad253e7d8f9c3cb50d79b1011561c",
        ),
        (
            r#"{"site_id": 123, "amount": 10000, "currency": "USD", "real_amount": 10000, "real_currency": "USD", "extended_info_enabled": 0, "processor_id": "89151432", "processor_message": "Success", "customer_purse": "555555...4444", "completed_at": "2016-02-12T15:19:21+00:00", "site_login": "test_login", "payment_group_id": 1, "display_payment_group_id": 1, "payment_type_id": 1, "customer_ip": "127.0.0.1", "source_type": 4, "type_id": 3, "status_id": 4, "transaction_id": 123456789, "external_id": "example_external_id"}"#,
            "amount:10000;completed_at:2016-02-12T15:19:21+00:00;currency:USD;customer_ip:127.0.0.1;customer_purse:555555...4444;display_payment_group_id:1;extended_info_enabled:0;external_id:example_external_id;payment_group_id:1;payment_type_id:1;processor_id:89151432;processor_message:Success;real_amount:10000;real_currency:USD;site_id:123;site_login:test_login;source_type:4;status_id:4;transaction_id:123456789;type_id:3;test_salt",
            "3a364a6153b6a77cdfccb79feabfa1573e5c00b4",
        ),
        (
            r#"{"status": 4, "type": 1, "external_id": "example_external_id", "order_id": "173805987126016235868313296400", "amount": 10000, "currency": "USD", "customer_id": "307353", "customer_purse": "428455...9651"}"#,
            "amount:10000;currency:USD;customer_id:307353;customer_purse:428455...9651;external_id:example_external_id;order_id:173805987126016235868313296400;status:4;type:1;test_salt",
            "074d4a5bc898309fd55c9d1202de8aa39afbeac5",
        ),
        (
            r#"{"payment_system": "TEST_PS", "external_id": "1234512123124", "customer": {"customer_id": "JohnDoe", "country": "LV", "first_name": "Test", "last_name": "Test"}, "amount": 2000, "currency": "USD", "payment_data": {"card_number": "4111111111111111", "card_holder": "John Doe", "exp_year": "2028", "exp_month": "06", "cvv": "123"}}"#,
            "amount:2000;currency:USD;customer:country:LV;customer_id:JohnDoe;first_name:Test;last_name:Test;external_id:1234512123124;payment_data:card_holder:John Doe;card_number:4111111111111111;cvv:123;exp_month:06;exp_year:2028;payment_system:TEST_PS;test_salt",
            "00e602cdecb14e770ef2eadefd5fbc23c73b765e",
        ),
        (
            r#"{"site_id": 24, "site_login": "u1", "note": null}"#,
            "note:None;site_id:24;site_login:u1;test_salt",
            "b4c19befa44d2b788091f765bf25df7d00d6e9cb",
        ),
        (
            r#"{"site_id": 24, "amount": 20.5}"#,
            "amount:20.5;site_id:24;test_salt",
            "69344b6bcf886b979b7082f5ca09cc050994a29a",
        ),
        (
            r#"{"site_id": 24, "amount": 10.0}"#,
            "amount:10.0;site_id:24;test_salt",
            "e7de4e59c624c2f88b4d521a63cdc590078c18ab",
        ),
        (
            r#"{"site_id": 1, "note": "  a  "}"#,
            "note:  a  ;site_id:1;test_salt",
            "f2a89bd11032b5596bcad35d74ef265d9ea32e5f",
        ),
        (r#"{}"#, ";test_salt", "0894ee04e1caccd538552b21897dfd04e36e94ff"),
        (
            r#"{"site_id": 1, "customer": {"customer_id": "u1", "country": ""}}"#,
            "customer:country:;customer_id:u1;site_id:1;test_salt",
            "740b503d6b50e7a29a9e75ad1da0a20c2dc02f23",
        ),
        (
            r#"{"amount": "100;currency:USD", "site_id": 1}"#,
            "amount:100;currency:USD;site_id:1;test_salt",
            "349747d49ef797e523f6549b29cd5c9f301bd25a",
        ),
        (
            r#"{"amount": 100, "currency": "USD", "site_id": 1}"#,
            "amount:100;currency:USD;site_id:1;test_salt",
            "349747d49ef797e523f6549b29cd5c9f301bd25a",
        ),
    ];

    /// Parameters, and the digest of a reading that some senders have.
    const TOLERATED: &[(&str, &str)] = &[
        (r#"{"site_id": 24, "site_login": "u1", "flag": true}"#, "6f50309b4249828a96d8f60ca822f61a97f8ed4a"),
        (r#"{"site_id": 24, "site_login": "u1", "flag": true}"#, "3fc668ec1cb70ba8b26a2fc858114d59066b5c06"),
        (r#"{"site_id": 24, "site_login": "u1", "flag": false}"#, "057e30610886596a753a5a6f6bce98fdad854a7b"),
        (r#"{"site_id": 24, "site_login": "u1", "flag": false}"#, "ad6da53de507c5b3de5a36826bed980e29680628"),
        (
            r#"{"group": 1207, "account_number": "12345678910", "Owner_name": "John Dow", "bank_name": "산업은행"}"#,
            "65411699db5b8407fea4ffe93f1d31d37fddf302",
        ),
        (
            r#"{"site_id": 24, "site_login": "443122443122", "customer_ip": "185.56.232.170", "currency": "usd", "signature": "1234566443"}"#,
            "69b895b666cf83cf5e2cc7ee8b3caa5904af58d0",
        ),
        (r#"{"site_id": 24, "site_login": "u1", "note": null}"#, "7e7d30050a099f790448145fc354cc7d223eeee5"),
    ];
}
