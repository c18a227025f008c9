//! Bytes into parameters: one source, one object, no name twice, nothing repaired.

use super::super::super::ReadError;
use super::super::pairs;
use super::*;

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Unreadable,
    Unsupported,
}

fn kind(content_type: Option<&str>, body: &[u8]) -> Kind {
    kind_of(&raw(content_type, body))
}

fn kind_of(request: &RawRequest<'_>) -> Kind {
    match pairs::read(request) {
        Ok(_) => Kind::Read,
        Err(ReadError::Unreadable(_) | ReadError::NotOneSet(_)) => Kind::Unreadable,
        Err(ReadError::UnsupportedMedia) => Kind::Unsupported,
        Err(other) => panic!("reading never says {other}"),
    }
}

#[test]
fn json_that_is_not_one_clean_object_is_unreadable() {
    let cases: [&[u8]; 31] = [
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b"\"a\"",
        b"{}x",
        b"{}{}",
        b"{},",
        b"{\"a\":1,}",
        b"{\"a\":01}",
        b"{\"a\":+1}",
        b"{\"a\":.5}",
        b"{\"a\":NaN}",
        b"{\"a\":'x'}",
        b"{a:1}",
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\\ud800\"}",
        b"{\"a\":\"\\x\"}",
        b"{\"a\":1,\"a\":1}",
        b"{\"a\":1,\"\\u0061\":2}",
        b"{\"a\":{\"b\":1,\"b\":1}}",
        b"{\"A\":1}",
        b"{\"a b\":1}",
        b"{\"\":1}",
        b"{\"a\":[[[[1]]]]}",
        b"{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}",
        b"{\"\xc3\xa4\":1}",
    ];
    for body in cases {
        assert_eq!(kind(Some("application/json"), body), Kind::Unreadable, "{}", String::from_utf8_lossy(body));
    }
    let read: [&[u8]; 6] = [
        b"{}",
        b" {\"a\":1}\n",
        b"{\"a\":\"\\ud83d\\ude00\"}",
        b"{\"a\":[[[1]]]}",
        b"{\"\\u0061\":1}",
        b"{\"a\":1e400}",
    ];
    for body in read {
        assert_eq!(kind(Some("application/json"), body), Kind::Read, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn forms_that_do_not_decode_cleanly_are_unreadable() {
    let form = Some("application/x-www-form-urlencoded");
    let cases: [&[u8]; 16] = [
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%+1",
        b"a=%ff",
        b"a=%c0%af",
        b"a=%ed%a0%80",
        b"a=\xff",
        b"a=1&a=1",
        b"a=1&%61=2",
        b"A=1",
        b"a[]=1",
        b"a.b=1",
        b"=1",
        b"a+b=1",
        b"{\"a\":1}",
    ];
    for body in cases {
        assert_eq!(kind(form, body), Kind::Unreadable, "{}", String::from_utf8_lossy(body));
    }
    for body in [&b"a=1"[..], b"a", b"a=&b=2&", b"a=%E2%82%AC+x", b"a=b=c", "a=ж".as_bytes()] {
        assert_eq!(kind(form, body), Kind::Read, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn only_json_and_forms_in_utf_8_are_supported() {
    for content_type in [
        "",
        "text/plain",
        "text/json",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/xml",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
    ] {
        assert_eq!(kind(Some(content_type), b"{\"a\":1}"), Kind::Unsupported, "{content_type}");
    }
    for content_type in ["application/json", "Application/JSON ; Charset=\"UTF-8\"", "application/json;"] {
        assert_eq!(kind(Some(content_type), b"{\"a\":1}"), Kind::Read, "{content_type}");
    }
}

#[test]
fn without_a_content_type_the_first_byte_decides() {
    assert_eq!(kind(None, b"{\"a\":1}"), Kind::Read);
    assert_eq!(kind(None, b"a=1"), Kind::Read);
    assert_eq!(kind(None, b"<a b=\"c\"/>"), Kind::Unsupported);
    assert_eq!(kind(None, b"[1]"), Kind::Unsupported);
    assert_eq!(kind(None, b"{a=1"), Kind::Unreadable);
}

#[test]
fn a_byte_order_mark_is_refused_in_every_dress() {
    for body in [&b"\xef\xbb\xbf{\"a\":1}"[..], b"\xef\xbb\xbfa=1", b"\xff\xfea", b"\xfe\xffa"] {
        for content_type in [None, Some("application/json"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(kind(content_type, body), Kind::Unsupported);
        }
    }
}

#[test]
fn the_query_counts_only_when_there_is_no_body() {
    let query = RawRequest { query: "a=1", ..raw(None, b"") };
    let both = RawRequest { query: "b=1", ..json_body("{\"a\":1}") };
    let twice = RawRequest { query: "a=1&a=2", ..raw(None, b"") };

    assert_eq!(kind_of(&query), Kind::Read);
    assert_eq!(kind_of(&both), Kind::Unreadable);
    assert_eq!(kind_of(&twice), Kind::Unreadable);
    assert_eq!(kind(None, b""), Kind::Unreadable);
}

#[test]
fn a_message_has_at_most_a_hundred_parameters() {
    let json = |count: usize| {
        let members: Vec<_> = (0..count).map(|n| format!("\"p{n}\":{n}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let form = |count: usize| (0..count).map(|n| format!("p{n}={n}")).collect::<Vec<_>>().join("&");

    assert_eq!(kind_of(&json_body(&json(100))), Kind::Read);
    assert_eq!(kind_of(&form_body(&form(100))), Kind::Read);
    for count in [101, 102, 5000] {
        assert_eq!(kind_of(&json_body(&json(count))), Kind::Unreadable);
        assert_eq!(kind_of(&form_body(&form(count))), Kind::Unreadable);
    }
    assert_eq!(kind_of(&json_body(&format!("{{\"a\":[{}0]}}", "0,".repeat(1000)))), Kind::Unreadable);
}

#[test]
fn nesting_is_refused_without_following_it() {
    for open in ["[", "{\"a\":"] {
        let body = format!("{{\"a\":{}", open.repeat(10_000));
        assert_eq!(kind_of(&json_body(&body)), Kind::Unreadable);
    }
    let closed = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(kind_of(&json_body(&closed)), Kind::Unreadable);
}

#[test]
fn numbers_keep_the_text_they_came_with() {
    let body = r#"{"a":10.0,"b":1E2,"c":217742619264065507927945843197,"d":-0}"#;
    let request = json_body(body);
    let pairs = pairs::read(&request).unwrap();
    let texts: Vec<_> = pairs.iter().map(|(_, value)| value.clone()).collect();

    let expected = ["10.0", "1E2", "217742619264065507927945843197", "-0"];
    assert_eq!(texts, expected.map(|text| pairs::Value::Number(text.into())));
}

#[test]
fn blank_means_what_python_means() {
    for text in ["", " ", "\t\r\n\u{b}\u{c}", "\u{1c}\u{1d}\u{1e}\u{1f}", "\u{85}\u{a0}\u{1680}\u{2028}\u{3000}"] {
        assert!(pairs::is_blank(text), "{text:?}");
    }
    for text in ["0", " 0 ", "\u{200b}", "\u{feff}", "\u{0}", "\u{1b}"] {
        assert!(!pairs::is_blank(text), "{text:?}");
    }
}
