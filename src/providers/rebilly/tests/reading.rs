//! JSON and headers, read and written.

use super::super::call::wait;
use super::super::wire::{Doc, Written};
use super::*;

/// Mon, 15 Apr 2024 13:25:00 GMT is 1713187500 (manual, "Rate limits").
#[test]
fn a_limit_lasts_until_its_moment_by_the_clock_of_the_answer() {
    let date = ("date", "Mon, 15 Apr 2024 13:25:00 GMT");
    let moment = |at: &'static str| ("x-ratelimit-retry-after", at);
    let cases: [(&[(&'static str, &str)], u64); 11] = [
        (&[date, moment("1713187542")], 42),
        (&[date, moment("1713187500")], 1),
        (&[date, moment("1713180000")], 1),
        (&[date, moment("1999999999")], 900),
        (&[date, moment("30")], 30),
        (&[moment("1713187542")], 60),
        (&[moment("soon")], 60),
        (&[("retry-after", "7")], 7),
        (&[date, ("retry-after", "Mon, 15 Apr 2024 13:26:40 GMT")], 100),
        (&[("retry-after", "-5")], 1),
        (&[], 60),
    ];
    for (given, seconds) in cases {
        assert_eq!(wait(&headers(given)), seconds, "{given:?}");
    }
}

#[test]
fn amounts_are_read_by_their_digits_or_not_at_all() {
    let read = |number: &str| {
        let text = format!("{{\"amount\":{number},\"currency\":\"USD\"}}");
        Doc::read(text.as_bytes()).ok().and_then(|doc| doc.thing()?.money()).map(|amount| amount.minor())
    };
    for (number, minor) in
        [("100", 10_000), ("100.0", 10_000), ("0.01", 1), ("99.990", 9_999), ("10000000000000", 1_000_000_000_000_000)]
    {
        assert_eq!(read(number), Some(minor), "{number}");
    }
    for number in ["0", "-1", "0.001", "1e2", "1E2", "\"100\"", "null", "true", "[100]", "10000000000000.01"] {
        assert_eq!(read(number), None, "{number}");
    }
}

#[test]
fn what_has_two_readings_is_not_read() {
    for text in ["", "{", "{}x", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":2}}", "[{\"a\":1,\"a\":2}]", "\u{feff}{}"]
    {
        assert!(Doc::read(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Doc::read(b"\xff").is_err());
    assert!(Doc::read("[".repeat(40).as_bytes()).is_err());
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert!(Doc::read(deep.as_bytes()).is_err());
}

#[test]
fn people_see_digits_and_neither_cards_nor_keys() {
    let text = r#"{"amount":100.10,"cashierToken":"a-jwt","note":"4111111111111111","list":[1.50,null,true]}"#;

    let shown = Doc::read(text.as_bytes()).unwrap().shown();

    assert_eq!(shown, json!({"amount": "100.10", "note": "411111...1111", "list": ["1.50", null, true]}));
}

#[test]
fn what_is_written_is_one_object_whatever_is_in_it() {
    let written =
        Written::default().text("a", "\"},{\u{1}").text_if("b", Some(" ")).text_if("c", None).texts("d", &["x\"", "y"]);

    let read: Value = serde_json::from_str(&written.done()).unwrap();

    assert_eq!(read, json!({"a": "\"},{\u{1}", "d": ["x\"", "y"]}));
}
