//! Explanations: every known deviation is recognised by its name.

use sha1::{Digest, Sha1};

use super::super::explain::{explain, sign_body};
use super::*;

/// A message over which `text` was signed, with or without the salt in it.
fn finding(members: &str, text: &str) -> (bool, String) {
    finding_with(members, &hex::encode(Sha1::digest(text)))
}

fn finding_with(members: &str, signature: &str) -> (bool, String) {
    let comma = if members.is_empty() { "" } else { "," };
    let body = format!("{{{members}{comma}\"signature\":\"{signature}\"}}");
    let explanation = explain(body.as_bytes(), &[salt()], &[Secret::new("other_salt")]).unwrap();
    assert!(!format!("{explanation:?}").contains("_salt\""), "{explanation:?}");
    (explanation.holds, explanation.finding)
}

#[test]
fn every_known_deviation_is_named() {
    let plain = r#""site_login":"user test","currency":"USD","amount":10000,"note":"""#;
    let cases = [
        (plain, "site_login:user test;currency:USD;amount:10000;test_salt", "in the order received"),
        (plain, "amount:10000;currency:USD;site_login:user test;other_salt", "the salt of another site"),
        (plain, "amount:10000;currency:USD;site_login:user testtest_salt", "no `;` before the salt"),
        (plain, "amount:10000;currency:USD;site_login:user test;;test_salt", "a second `;` before the salt"),
        (plain, "amount:10000;currency:USD;site_login:user test;test_salt;", "a `;` after the salt"),
        (plain, "test_salt;amount:10000;currency:USD;site_login:user test", "the salt comes first"),
        (plain, "amount:10000;currency:USD;site_login:user test;test_salt\n", "read from a file"),
        (plain, "amount:10000;currency:USD;site_login:user test", "the salt was left out"),
        (plain, "amount:10000;currency:USD;note:;site_login:user test;test_salt", "blank values were signed"),
        (plain, "amount:10000;currency:usd;site_login:user test;test_salt", "currency was signed in lower case"),
        (plain, "amount:10000;currency:USD;site_login:user%20test;test_salt", "URL-encoded"),
        (plain, "amount:10000;currency:USD;site_login:user+test;test_salt", "URL-encoded"),
        (plain, "amount:10000;currency:USD;test_salt", "site_login was not signed"),
        (plain, "amount:10000.0;currency:USD;site_login:user test;test_salt", "amount was signed as a float"),
        (plain, "amount:10000;currency:USD;signature:;site_login:user test;test_salt", "signature itself"),
        (plain, "action:payout;amount:10000;currency:USD;site_login:user test;test_salt", "action was signed"),
        (plain, "amount=10000&currency=USD&site_login=user test;test_salt", "query string"),
        (plain, "10000;USD;user test;test_salt", "only values"),
        (plain, ";test_salt", "read as a form"),
        (plain, "wholly:different;test_salt", "no known deviation fits"),
        (r#""b":1,"Za":2"#, "b:1;za:2;test_salt", "lower-cased before they were sorted"),
        (r#""b":1,"Za":2"#, "Za:2;b:1;test_salt", "kept their capitals"),
        (r#""a_b":1,"ab":2,"aa":3"#, "aa:3;ab:2;a_b:1;test_salt", "underscore"),
        (r#""l":[2,10]"#, "l:[2,10];test_salt", "signed as JSON"),
        (r#""l":[2,10]"#, "l:2,10;test_salt", "commas"),
        (r#""a":"é""#, "a:\\u00e9;test_salt", "\\u escapes"),
        (r#""a":10.0"#, "a:10;test_salt", "whole floats"),
    ];
    for (members, text, expected) in cases {
        let (holds, found) = finding(members, text);
        assert!(!holds && found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn a_signature_of_another_make_is_recognised_by_its_shape() {
    let sha256 = hex::encode(sha2::Sha256::digest("a:1;test_salt"));
    for (signature, expected) in [
        ("0".repeat(32), "MD5"),
        ("0".repeat(39), "39 hex digits"),
        ("x".repeat(40), "not hex"),
        (format!(" {}", "0".repeat(40)), "blanks around"),
        (sha256, "SHA-256"),
        (String::new(), "no signature"),
    ] {
        let (holds, found) = finding_with("\"a\":1", &signature);
        assert!(!holds && found.contains(expected), "{signature}: {found}");
    }
}

#[test]
fn what_holds_is_said_to_hold_and_how() {
    let upper = hex::encode_upper(Sha1::digest("a:1;test_salt"));

    assert_eq!(finding("\"a\":1", "a:1;test_salt"), (true, "the signature holds".to_owned()));
    assert!(finding_with("\"a\":1", &upper).1.contains("upper-case hex"));
    for (members, text, expected) in [
        ("\"a\":true", "a:true;test_salt", "booleans as true and false"),
        ("\"a\":false,\"b\":1", "b:1;test_salt", "false left out"),
        ("\"a\":null,\"b\":1", "b:1;test_salt", "null left out"),
        ("\"a\":[2,1]", "a:2;1;test_salt", "order received"),
    ] {
        let (holds, found) = finding(members, text);
        assert!(holds && found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn a_text_with_two_readings_does_not_hold_and_the_field_is_named() {
    let body = format!("{{\"a\":\"1;b:2\",\"signature\":\"{}\"}}", hex::encode(Sha1::digest("a:1;b:2;test_salt")));
    let explanation = explain(body.as_bytes(), &[salt()], &[]).unwrap();

    assert!(!explanation.holds && explanation.finding.contains("other parameters"));
    assert!(explanation.problems.iter().any(|problem| problem.starts_with("a has a second reading")));
}

#[test]
fn forms_are_explained_and_unreadable_input_is_refused() {
    let signature = hex::encode(Sha1::digest("a:x y;test_salt"));
    let form = format!("a=x+y&signature={signature}");

    assert!(explain(form.as_bytes(), &[salt()], &[]).unwrap().holds);
    for body in [&b""[..], b"[1]", b"{\"a\":1,\"a\":2}", b"{\"a\":", b"a=%zz", b"\xff"] {
        assert!(explain(body, &[salt()], &[]).is_err(), "{body:?}");
        assert!(sign_body(body, &salt()).is_err(), "{body:?}");
    }
}

#[test]
fn a_salt_inside_the_message_is_not_printed() {
    let signed = sign_body(b"{\"note\":\"my test_salt\"}", &salt()).unwrap();

    assert_eq!(signed.canonical, "note:my ***;***");
}
