//! The signature of Cactus, written from its description and for the emulator only (manual, "Signature"). It knows one form, that of
//! the published sample code: whoever signs otherwise is refused here.

use serde_json::Value;
use sha1::{Digest, Sha1};

use crate::simulate::Params;

/// The text of a top-level member's value as it is signed: lists sorted, objects as `name:value`, both joined with `;`.
pub fn text(value: &Value) -> String {
    match value {
        Value::Array(elements) => {
            let mut texts: Vec<String> = elements.iter().map(plain).collect();
            texts.sort_unstable();
            texts.join(";")
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            let texts: Vec<String> = names.iter().map(|name| format!("{name}:{}", plain(&members[*name]))).collect();
            texts.join(";")
        }
        scalar => plain(scalar),
    }
}

/// What the sample's language makes of a value: a text as it is, everything else as it would stand in a program.
fn plain(value: &Value) -> String {
    match value {
        Value::String(string) => string.clone(),
        other => literal(other),
    }
}

/// A value as the sample's language writes it in a program; members of objects as they stand in the message.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => quoted(string),
        Value::Array(elements) => {
            let texts: Vec<String> = elements.iter().map(literal).collect();
            format!("[{}]", texts.join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| format!("{}: {}", quoted(name), literal(value));
            let texts: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", texts.join(", "))
        }
    }
}

fn quoted(string: &str) -> String {
    let quote = if string.contains('\'') && !string.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for character in string.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            same if same == quote => quoted.extend(['\\', same]),
            control if control.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push(quote);
    quoted
}

/// The text that is hashed. Names are sorted as they came and lower-cased after that. Ends with the salt: never print it.
pub fn canonical(params: &Params, salt: &str) -> String {
    let mut names: Vec<&String> = params.keys().filter(|name| *name != "signature").collect();
    names.sort_unstable();
    let members = names.into_iter().map(|name| (name.to_lowercase(), text(&params[name])));
    let pairs: Vec<String> =
        members.filter(|(_, text)| !text.trim().is_empty()).map(|(name, text)| format!("{name}:{text}")).collect();
    format!("{};{salt}", pairs.join(";"))
}

/// The 40 lower-case hex digits for these members.
pub fn signature(params: &Params, salt: &str) -> String {
    hex::encode(Sha1::digest(canonical(params, salt).as_bytes()))
}

/// The members with a right signature among them, whatever was there before.
pub fn signed(mut params: Params, salt: &str) -> Params {
    let signature = signature(&params, salt);
    params.insert("signature".to_owned(), Value::String(signature));
    params
}

/// Whether the signature among the members is right.
pub fn holds(params: &Params, salt: &str) -> bool {
    params.get("signature").and_then(Value::as_str) == Some(signature(params, salt).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "test_salt";

    fn params(json: &str) -> Params {
        serde_json::from_str(json).expect("the vector is an object")
    }

    #[test]
    fn the_vectors_of_the_description_hold() {
        for (name, inputs, text, digest) in VECTORS {
            assert_eq!(&canonical(&params(inputs), SALT), text, "{name}");
            assert_eq!(&signature(&params(inputs), SALT), digest, "{name}");
        }
    }

    #[test]
    fn other_forms_are_not_taken_for_the_published_one() {
        for (name, inputs, text, digest) in OTHER_FORMS {
            let mut params = params(inputs);
            params.insert("signature".into(), (*digest).into());

            assert_eq!(&hex::encode(Sha1::digest(text.as_bytes())), digest, "{name}");
            assert!(!holds(&params, SALT), "{name}");
        }
    }

    #[test]
    fn what_was_signed_holds_and_nothing_else() {
        let right = signed(params(r#"{"amount":1,"site_id":2,"is_payout":true,"signature":"stale"}"#), "salt");
        let with = |name: &str, value: Value| {
            let mut other = right.clone();
            other.insert(name.into(), value);
            other
        };

        assert!(holds(&right, "salt"));
        assert!(!holds(&right, "other"));
        let shouted = right["signature"].as_str().unwrap_or_default().to_ascii_uppercase();
        for (name, value) in [
            ("amount", 2.into()),
            ("is_payout", false.into()),
            ("signature", shouted.into()),
            ("signature", Value::Null),
            ("more", "x".into()),
        ] {
            assert!(!holds(&with(name, value), "salt"), "{name}");
        }
    }

    #[test]
    fn what_stands_inside_a_list_or_an_object_is_written_as_in_a_program() {
        let inputs = r#"{"l":[[1,"a"],true,null,{"x":"it's"}],"o":{"b":false,"c":["\n","\"'\\"]}}"#;

        assert_eq!(
            canonical(&params(inputs), "s"),
            r#"l:None;True;[1, 'a'];{'x': "it's"};o:b:False;c:['\n', '"\'\\'];s"#
        );
        assert_eq!(canonical(&Params::new(), "s"), ";s");
    }

    type Vector = (&'static str, &'static str, &'static str, &'static str);

    /// Name, members, the text that is hashed, the digest.
    const VECTORS: &[Vector] = &[
        (
            "K1",
            r#"{"site_id": "1", "site_login": "test_login", "merchant_id": "merch_id", "customer_ip": "1.2.3.4", "currency": "USD", "additional_fields": {"bank_name": "Citibank", "card_holder": "John Wick", "card_number": "0000000000000"}}"#,
            "additional_fields:bank_name:Citibank;card_holder:John Wick;card_number:0000000000000;currency:USD;customer_ip:1.2.3.4;merchant_id:merch_id;site_id:1;site_login:test_login;test_salt",
            "ef326e97eb904bad472cdb46e6c907a2baff66f3",
        ),
        (
            "deposit",
            r#"{"merchant_id": "merch_id", "site_login": "user_login", "site_id": 21, "request_id": "request_id123", "amount": 900000, "currency": "KZT", "method": "card", "customer_type": "trust", "additional_fields": {"bank_name": "Morgan"}, "signature": "7d4a043c852e1d9b0fd24325a184c462be66e654"}"#,
            "additional_fields:bank_name:Morgan;amount:900000;currency:KZT;customer_type:trust;merchant_id:merch_id;method:card;request_id:request_id123;site_id:21;site_login:user_login;test_salt",
            "7d4a043c852e1d9b0fd24325a184c462be66e654",
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

    /// Forms that a receiver may tolerate and the platform does not use.
    const OTHER_FORMS: &[Vector] = &[
        (
            "K8a",
            r#"{"merchant_id": "merch_id", "Site_id": 21, "amount": 1}"#,
            "amount:1;merchant_id:merch_id;site_id:21;test_salt",
            "2be3de7a9558e529b19da1923ce977486f39e741",
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
    ];
}
