//! The signature of the Carouseller dialect, written from the description and for the simulator only:
//! two independent readings must agree (manual, "Signature").

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::Params;

/// The text of a value as it is signed: numbers in digits, lists sorted, objects as `name:value`, all joined with `;`.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => string.clone(),
        Value::Array(elements) => {
            let mut texts: Vec<String> = elements.iter().map(text).collect();
            texts.sort_unstable();
            texts.join(";")
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            let texts: Vec<String> = names.iter().map(|name| format!("{name}:{}", text(&members[*name]))).collect();
            texts.join(";")
        }
    }
}

/// The text that is hashed. Ends with the salt: never print it.
pub fn canonical(params: &Params, salt: &str) -> String {
    let mut names: Vec<&String> = params.keys().filter(|name| *name != "signature").collect();
    names.sort_unstable();
    let mut signed = String::new();
    for name in names {
        let value = text(&params[name]);
        if !value.trim().is_empty() {
            signed.push_str(&format!("{}:{value};", name.to_lowercase()));
        }
    }
    if signed.is_empty() {
        signed.push(';');
    }
    signed + salt
}

/// The 40 lower-case hex digits for these parameters.
pub fn signature(params: &Params, salt: &str) -> String {
    hex::encode(Sha1::digest(canonical(params, salt).as_bytes()))
}

/// The parameters with a right signature among them.
pub fn signed(params: &Params, salt: &str) -> Params {
    let mut signed = params.clone();
    signed.insert("signature".to_owned(), Value::String(signature(params, salt)));
    signed
}

/// Whether the signature among the parameters is right.
pub fn holds(params: &Params, salt: &str) -> bool {
    let claimed = params.get("signature").and_then(Value::as_str).unwrap_or_default();
    claimed.to_ascii_lowercase() == signature(params, salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(json: &str) -> String {
        let params: Params = serde_json::from_str(json).expect("the vector is an object");
        signature(&params, "test_salt")
    }

    #[test]
    fn the_published_vectors_hold() {
        for (json, expected) in VECTORS {
            assert_eq!(&digest(json), expected, "{json}");
        }
    }

    #[test]
    fn nothing_to_sign_is_a_separator_and_the_salt() {
        assert_eq!(canonical(&Params::new(), "s"), ";s");
        assert_eq!(digest("{}"), "0894ee04e1caccd538552b21897dfd04e36e94ff");
    }

    #[test]
    fn what_was_signed_holds_and_nothing_else() {
        let params: Params = serde_json::from_str(r#"{"amount":1,"site_id":2}"#).expect("json");
        let mut signed = signed(&params, "salt");

        assert!(holds(&signed, "salt"));
        assert!(!holds(&signed, "other"));
        signed.insert("amount".into(), 2.into());
        assert!(!holds(&signed, "salt"));
    }

    const VECTORS: &[(&str, &str)] = &[
        (
            r#"{"site_id":1,"site_login":"test_login","customer_ip":"1.2.3.4","currency":"USD"}"#,
            "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
        ),
        (
            r#"{"site_id":1,"site_login":"test_login","customer_ip":"1.2.3.4","currency":"USD","language":"","timezone":"   ","user_preset_id":""}"#,
            "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
        ),
        (r#"{"site_id":1,"site_login":"test_login","groups":[12,1,7]}"#, "c376c89ecb52aa837dd8eee523550c70197030e6"),
        (r#"{"site_id":1,"site_login":"test_login","groups":[]}"#, "f9e81b05fda3bf8455f4686fb2c42377185a25cb"),
        (
            r#"{"site_id":24,"site_login":"443122443122","owner_native_name":"シゲキ コムロ","first_name":"Jürgen"}"#,
            "6bdc5ac01f0a9cdb3b54f754ff273164de7e118d",
        ),
        (r#"{"site_id":24,"site_login":"u1","flag":true}"#, "0fe276073b479bef8e70fd0db93b03549aa9db4f"),
        (r#"{"site_id":24,"site_login":"u1","flag":false}"#, "f58ec3ec9c097021e83b31f9b33e011971b4abd0"),
        (
            r#"{"group":1207,"account_number":"12345678910","Owner_name":"John Dow","bank_name":"산업은행"}"#,
            "ac85b4199ed10473bfa80c26901a99c48660d088",
        ),
        (
            r#"{"site_id":24,"site_login":"443122443122","customer_ip":"185.56.232.170","currency":"usd","signature":"1234566443"}"#,
            "6213573cb97b0d0f3f12175ebef16c7355bc4aa0",
        ),
        (
            r#"{"site_id":1,"site_login":"test_login","customer_ip":"1.2.3.4","currency":"USD","amount_series":"1:10,20,30,40,50,60;","ps_range":"12,1,7;5,8,1"}"#,
            "a3fdd7a80af67c82ba871225f4435a8aba417a35",
        ),
        (
            r#"{"action":"check_deposit","site_id":332,"site_login":"user_test","amount":10000,"currency":"USD","payment_group_id":6,"payment_type_id":18,"customer_purse":"555555...4444","customer_ip":"127.0.0.1","source_type":4,"transaction_id":"1234567890"}"#,
            "4b05f74feddbd95f799a444faf0bc5dce49318cf",
        ),
        (
            r#"{"action":"request_payout","site_id":332,"site_login":"user_test","amount":10000,"currency":"GBP","payment_group_id":6,"customer_purse":"555555...4444","remember_customer_purse":0}"#,
            "b3679c92176be59648525318edb6d28af43e053b",
        ),
        (
            r##"{"action":"payout","amount":400000,"currency":"USD","external_id":"704224078","site_id":2,"site_login":"6336914","customer_purse":"555555...4444","remember_customer_purse":"0","invoice_id":"9050976","comment":"#704224078","first_name":"John","last_name":"Doe","user_preset_id":"100","customer_ip":"213.87.129.172","country_code":"US","billing_phone":"7574803170","birthdate":"01-02-1989","external_value1":""}"##,
            "50081a9279dad253e7d8f9c3cb50d79b1011561c",
        ),
        (
            r#"{"site_id":123,"amount":10000,"currency":"USD","real_amount":10000,"real_currency":"USD","extended_info_enabled":0,"processor_id":"89151432","processor_message":"Success","customer_purse":"555555...4444","completed_at":"2016-02-12T15:19:21+00:00","site_login":"test_login","payment_group_id":1,"display_payment_group_id":1,"payment_type_id":1,"customer_ip":"127.0.0.1","source_type":4,"type_id":3,"status_id":4,"transaction_id":123456789,"external_id":"example_external_id"}"#,
            "3a364a6153b6a77cdfccb79feabfa1573e5c00b4",
        ),
        (
            r#"{"status":4,"type":1,"external_id":"example_external_id","order_id":"173805987126016235868313296400","amount":10000,"currency":"USD","customer_id":"307353","customer_purse":"428455...9651"}"#,
            "074d4a5bc898309fd55c9d1202de8aa39afbeac5",
        ),
        (
            r#"{"payment_system":"TEST_PS","external_id":"1234512123124","customer":{"customer_id":"JohnDoe","country":"LV","first_name":"Test","last_name":"Test"},"amount":2000,"currency":"USD","payment_data":{"card_number":"4111111111111111","card_holder":"John Doe","exp_year":"2028","exp_month":"06","cvv":"123"}}"#,
            "00e602cdecb14e770ef2eadefd5fbc23c73b765e",
        ),
        (r#"{"site_id":24,"site_login":"u1","note":null}"#, "b4c19befa44d2b788091f765bf25df7d00d6e9cb"),
        (r#"{"site_id":24,"amount":20.5}"#, "69344b6bcf886b979b7082f5ca09cc050994a29a"),
        (r#"{"site_id":24,"amount":10.0}"#, "e7de4e59c624c2f88b4d521a63cdc590078c18ab"),
        (r#"{"site_id":1,"note":"  a  "}"#, "f2a89bd11032b5596bcad35d74ef265d9ea32e5f"),
        (r#"{"site_id":1,"customer":{"customer_id":"u1","country":""}}"#, "740b503d6b50e7a29a9e75ad1da0a20c2dc02f23"),
        (r#"{"amount":"100;currency:USD","site_id":1}"#, "349747d49ef797e523f6549b29cd5c9f301bd25a"),
        (r#"{"amount":100,"currency":"USD","site_id":1}"#, "349747d49ef797e523f6549b29cd5c9f301bd25a"),
    ];
}
