//! Authentication: the vectors of the manual, and everything that is not them.

use super::super::auth::{Hash, nonce, read_basic, response};
use super::*;

const BODY: &[u8] = br#"{"eventType":"customer-created"}"#;

fn raw(authorization: Option<&str>) -> RawRequest<'_> {
    RawRequest {
        content_type: Some("application/json; charset=utf-8"),
        query: "",
        body: BODY,
        peer: IpAddr::from([203, 0, 113, 9]),
        path: "/cashier/webhook/rebilly",
        tail: "",
        authorization,
    }
}

fn is_let_in(rebilly: &Rebilly, authorization: Option<&str>) -> bool {
    match rebilly.read(&raw(authorization)) {
        Ok(_) => true,
        Err(ReadError::InvalidSignature) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_vectors_of_basic_hold() {
    let cases = [
        ("cmViaWxseTpzdXBlcm1hbg==", "superman"),
        ("cmViaWxseTpzdXBlcm1hbgo=", "superman"),
        ("cmViaWxseTpww6Q1NQ==", "pä55"),
    ];
    for (given, password) in cases {
        assert_eq!(read_basic(given), Some(("rebilly".to_owned(), password.to_owned())), "{given}");
        let rebilly = rebilly(&format!("webhook_password = \"{password}\""));
        assert!(is_let_in(&rebilly, Some(&format!("Basic {given}"))), "{given}");
        assert!(is_let_in(&rebilly, Some(&format!("basic {given}"))), "{given}");
    }
}

#[test]
fn nobody_else_is_let_in() {
    let basic = rebilly("");
    let refused = [
        None,
        Some(""),
        Some("Basic"),
        Some("Basic "),
        Some("Basic !!!!"),
        // rebilly:superma, rebilly:superman and two line feeds, Rebilly:superman, rebillysuperman, :superman, rebilly:
        Some("Basic cmViaWxseTpzdXBlcm1h"),
        Some("Basic cmViaWxseTpzdXBlcm1hbgoK"),
        Some("Basic UmViaWxseTpzdXBlcm1hbg=="),
        Some("Basic cmViaWxseXN1cGVybWFu"),
        Some("Basic OnN1cGVybWFu"),
        Some("Basic cmViaWxseTo="),
        Some("Bearer cmViaWxseTpzdXBlcm1hbg=="),
        Some("cmViaWxseTpzdXBlcm1hbg=="),
    ];
    for authorization in refused {
        assert!(!is_let_in(&basic, authorization), "{authorization:?}");
    }
    assert!(!is_let_in(&rebilly("webhook_auth = \"digest\""), Some("Basic cmViaWxseTpzdXBlcm1hbg==")));
}

#[test]
fn the_vectors_of_digest_hold() {
    let who = ("rebilly", "merchant-hooks", "superman");
    let (uri, given) = ("/hooks/rebilly", "dcd98b7102dd2f0e8b11d0f600bfb0c0");
    let counted = Some(("00000001", "0a4f113b"));

    assert_eq!(Hash::Md5.of("rebilly:merchant-hooks:superman"), "abd4e73d44e486223333f3fd1252df21");
    assert_eq!(Hash::Md5.of("POST:/hooks/rebilly"), "a041cecc3c750bc65b7987f5aa2f68c0");
    assert_eq!(
        Hash::Sha256.of("rebilly:merchant-hooks:superman"),
        "3d71fcd88ab3143d4bd71600f94e7ddadaac4ece1ce7df3fad089bf3ba8f8a7b"
    );
    assert_eq!(
        Hash::Sha256.of("POST:/hooks/rebilly"),
        "83bcf7f91fe8e947f0a9346f2de22e3a2bcb22a10979a2e5814bdf0cbc445c6b"
    );
    assert_eq!(response(Hash::Md5, who, uri, given, counted), "1ce072edaabfdc129b08d51b9714aee1");
    assert_eq!(
        response(Hash::Sha256, who, uri, given, counted),
        "79580ea160bb3d303a46ffc9eba19ccc7f0713ddd0007b287531326c41f03d8d"
    );
    assert_eq!(response(Hash::Md5, who, uri, given, None), "0d7a6a31e2829cb4085162f5340529a9");
}

/// An answer to our challenge with some of its parts changed.
fn digest(rebilly: &Rebilly, hash: Hash, changed: &[(&str, &str)]) -> String {
    let nonce = nonce(&rebilly.accounts);
    let of = |name: &str, usual: &str| {
        changed.iter().find(|(other, _)| *other == name).map_or(usual.to_owned(), |(_, value)| (*value).to_owned())
    };
    let (uri, nonce) = (of("uri", "/cashier/webhook/rebilly"), of("nonce", &nonce));
    let (user, realm) = (of("username", "rebilly"), of("realm", "croupier"));
    let counted = Some(("00000001", "0a4f113b"));
    let right = response(hash, (&user, &realm, &of("password", "superman")), &uri, &nonce, counted);
    let (response, qop) = (of("response", &right), of("qop", "auth"));
    let algorithm = of("algorithm", if hash == Hash::Md5 { "MD5" } else { "SHA-256" });
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm={algorithm}, \
         qop={qop}, nc=00000001, cnonce=\"0a4f113b\", response=\"{response}\""
    )
}

#[test]
fn a_digest_answers_our_challenge_for_this_path_and_nothing_else() {
    let rebilly = rebilly("webhook_auth = \"digest\"");
    for hash in [Hash::Md5, Hash::Sha256] {
        assert!(is_let_in(&rebilly, Some(&digest(&rebilly, hash, &[]))));
        // What a proxy has taken off stands in public_url.
        assert!(is_let_in(&rebilly, Some(&digest(&rebilly, hash, &[("uri", "/pay/cashier/webhook/rebilly")]))));
        let wrong = [
            ("password", "batman"),
            ("username", "somebody"),
            ("realm", "another"),
            ("nonce", "dcd98b7102dd2f0e8b11d0f600bfb0c0"),
            ("uri", "/cashier/webhook/exotic"),
            ("uri", "/cashier/webhook/rebilly?x=1"),
            ("qop", "auth-int"),
            ("algorithm", "MD5-sess"),
            ("algorithm", if hash == Hash::Md5 { "SHA-256" } else { "MD5" }),
            ("response", ""),
            ("response", "1ce072edaabfdc129b08d51b9714aee1"),
        ];
        for change in wrong {
            assert!(!is_let_in(&rebilly, Some(&digest(&rebilly, hash, &[change]))), "{change:?}");
        }
        let twice = format!("{}, username=\"rebilly\"", digest(&rebilly, hash, &[]));
        assert!(!is_let_in(&rebilly, Some(&twice)));
    }
}

#[test]
fn whoever_is_not_let_in_is_told_how() {
    let told = |lines: &str| rebilly(lines).tell(Said::Refused(&ReadError::InvalidSignature));
    let basic = told("");
    let digest = told("webhook_auth = \"digest\"");

    assert_eq!(basic.http, 401);
    assert_eq!(basic.headers, [("WWW-Authenticate", "Basic realm=\"croupier\", charset=\"UTF-8\"".to_owned())]);
    assert_eq!(digest.headers.len(), 2);
    for ((name, value), algorithm) in digest.headers.iter().zip(["SHA-256", "MD5"]) {
        assert_eq!(*name, "WWW-Authenticate");
        let start = format!("Digest realm=\"croupier\", qop=\"auth\", algorithm={algorithm}, nonce=\"");
        assert!(value.starts_with(&start), "{value}");
    }
    let first = told("webhook_auth = \"digest\"");
    assert_eq!(first.headers, digest.headers, "on every instance the same");
}

#[test]
fn what_is_told_says_whether_to_come_again() {
    let rebilly = rebilly("");
    let status = |said| rebilly.tell(said).http;
    let refused = |error: ReadError| rebilly.tell(Said::Refused(&error)).http;

    assert_eq!((status(Said::Taken), status(Said::Later)), (200, 503));
    assert_eq!(refused(ReadError::AddressNotAllowed), 403);
    assert_eq!([refused(ReadError::UnknownSite), refused(ReadError::UnknownAction)], [404, 404]);
    assert_eq!(refused(ReadError::UnsupportedMedia), 415);
    assert_eq!([refused(ReadError::Unreadable("x")), refused(ReadError::NotOneSet("x"))], [400, 400]);
    assert_eq!(refused(ReadError::Field(Error::Missing("eventType"))), 400);
}
