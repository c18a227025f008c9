//! Notifications: the vector, who is let in, and what they mean.

use serde_json::json;

use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// The vector of the protocol.
fn vector() -> Json {
    json!({"status": 4, "type": 1, "external_id": "example_external_id", "order_id": "173805987126016235868313296400",
        "amount": 10000, "currency": "USD", "customer_id": "307353", "customer_purse": "428455...9651",
        "signature": "074d4a5bc898309fd55c9d1202de8aa39afbeac5"})
}

fn with(changes: Json) -> Json {
    let mut notice = vector();
    notice.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    signed(notice)
}

fn came_to(cabbagino: &Cabbagino, tail: &str, body: &str) -> Result<Notification, ReadError> {
    let raw = RawRequest {
        content_type: Some("application/json"),
        query: "",
        body: body.as_bytes(),
        peer: PEER,
        path: "/cashier/webhook/cabbagino",
        tail,
        authorization: None,
    };
    cabbagino.read(&raw).map(|heard| match heard {
        Heard::Notification(notification) => *notification,
        other => panic!("{other:?}"),
    })
}

fn came(body: &Json) -> Result<Notification, ReadError> {
    came_to(&cabbagino(), "", &body.to_string())
}

#[test]
fn the_vector_of_a_notification_is_read() {
    let said = came(&vector()).unwrap();

    assert_eq!((said.provider, said.site, said.signed), ("cabbagino", SITE, true));
    assert_eq!((said.external_id.as_str(), said.login.as_str()), ("example_external_id", "307353"));
    assert_eq!((said.amount_minor, said.currency.as_str(), said.real.clone()), (10_000, "USD", None));
    assert_eq!(said.transaction_id, "173805987126016235868313296400", "more than a number of ours holds");
    assert_eq!((said.news, said.codes.as_str()), (News::DepositPaid, "type 1 status 4"));
    assert!(said.content.contains(&("customer_purse".into(), "428455...9651".into())));
    assert!(said.content.iter().all(|(name, _)| name != "signature"));
}

#[test]
fn texts_and_numbers_are_the_same_and_unknown_members_are_kept() {
    let texts =
        with(json!({"status": "4", "type": "1", "amount": "10000", "order_id": "173805987126016235868313296400"}));
    assert_eq!(came(&texts).unwrap().digest, came(&vector()).unwrap().digest);

    let more = came(&with(json!({"track": "00ff", "new_member": 5}))).unwrap();
    assert!(more.content.contains(&("track".into(), "00ff".into())));
    assert_eq!(more.digest, came(&vector()).unwrap().digest, "the same statement");
    let declined = came(&with(json!({"status": 5, "reason_code": "001", "reason": "General decline"}))).unwrap();
    assert_eq!(
        (declined.news, declined.codes.as_str()),
        (News::DepositDeclined, "type 1 status 5 001 General decline")
    );
    assert_ne!(declined.digest, more.digest);
}

#[test]
fn a_refund_is_a_refund_and_no_purchase() {
    let news = |kind: i64, status: i64| came(&with(json!({"type": kind, "status": status}))).unwrap().news;

    assert_eq!(news(3, 4), News::Refunded);
    assert_eq!((news(3, 1), news(3, 5)), (News::Informative, News::Informative));
    assert_eq!((news(2, 4), news(11, 4), news(11, 5)), (News::PayoutPaid, News::PayoutPaid, News::PayoutDeclined));
    assert_eq!(
        (news(1, 6), news(2, 6), news(1, 7), news(2, 7)),
        (News::DepositBroken, News::PayoutUnclear, News::NotKnown, News::NotKnown)
    );
    assert_eq!((news(6, 4), news(7, 4), news(4, 4)), (News::NotKnown, News::NotKnown, News::NotKnown));
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let changed = |name: &str, value: Json| {
        let mut notice = vector();
        notice[name] = value;
        notice
    };
    let mut unsigned = vector();
    unsigned.as_object_mut().unwrap().remove("signature");
    let wrong = [
        unsigned,
        changed("signature", "".into()),
        changed("signature", Json::Null),
        changed("signature", 5.into()),
        changed("signature", "d9f5713990de5c6e32169dba1f0102f540018975".into()),
        changed("amount", 10001.into()),
        changed("status", 5.into()),
        changed("new", "x".into()),
        signed_with(vector(), "another salt"),
        signed(changed("reason", "x;status:4".into())),
        signed(changed("customer", json!({"customer_id": "307353"}))),
        signed(changed("action", "request_payout".into())),
    ];
    for notice in wrong {
        let came = came(&notice);
        assert!(matches!(came, Err(ReadError::InvalidSignature)), "{notice}: {came:?}");
    }
    let upper = vector()["signature"].as_str().unwrap().to_uppercase();
    assert!(came(&changed("signature", upper.into())).is_ok());
    assert!(came_to(&cabbagino_with("salts = [\"the next one\", \"test_salt\"]"), "", &vector().to_string()).is_ok());
}

#[test]
fn the_salt_says_which_site_it_is_about() {
    let notes = Notes::default();
    let mut both = Cabbagino::default();
    for (site, salt) in [(332, "test_salt"), (333, "the salt of the other site")] {
        let table = parse_toml(&with_salt(salt)).unwrap();
        let facts = SiteFacts { site: SiteId(site), ..facts() };
        both.add_site(Section::new(format!("sites.s{site}.cabbagino"), table, &notes), &facts);
    }

    assert_eq!(came_to(&both, "", &vector().to_string()).unwrap().site, SITE);
    let other = signed_with(vector(), "the salt of the other site").to_string();
    assert_eq!(came_to(&both, "", &other).unwrap().site, SiteId(333));
}

fn with_salt(salt: &str) -> String {
    super::with(&format!("salts = [\"{salt}\"]"))
}

#[test]
fn the_address_list_is_asked_before_the_signature() {
    let listed = cabbagino_with("allow_from = [\"198.51.100.0/24\"]");
    let body = vector().to_string();

    assert!(matches!(came_to(&listed, "", &body), Err(ReadError::AddressNotAllowed)));
    assert!(matches!(came_to(&cabbagino(), "more", &body), Err(ReadError::UnknownSite)));
    assert!(matches!(came_to(&Cabbagino::default(), "", &body), Err(ReadError::UnknownSite)));
    assert!(came_to(&cabbagino_with("allow_from = [\"203.0.113.7\"]"), "", &body).is_ok());
}

#[test]
fn a_genuine_message_that_is_no_notification_is_a_bad_request() {
    let malformed = [
        ("status", json!({"status": ""})),
        ("status", json!({"status": "four"})),
        ("status", json!({"status": -4})),
        ("type", json!({"type": " "})),
        ("type", json!({"type": "01"})),
        ("external_id", json!({"external_id": ""})),
        ("external_id", json!({"external_id": "a;b"})),
        ("order_id", json!({"order_id": ""})),
        ("order_id", json!({"order_id": "abc"})),
        ("amount", json!({"amount": 0})),
        ("amount", json!({"amount": "1e3"})),
        ("amount", json!({"amount": -5})),
        ("amount", json!({"amount": ""})),
        ("currency", json!({"currency": "US"})),
        ("customer_id", json!({"customer_id": ""})),
        ("customer_purse", json!({"customer_purse": "a\u{1}b"})),
    ];
    for (field, change) in malformed {
        let Err(ReadError::Field(error)) = came(&with(change.clone())) else { panic!("{change}") };
        let named = match error {
            Error::Missing(name) | Error::Invalid(name) => name,
            Error::InvalidAmount => "amount",
            other => panic!("{change}: {other}"),
        };
        assert_eq!(named, field, "{change}");
    }
}

#[test]
fn the_answer_satisfies_both_tastes() {
    let taken = cabbagino().tell(Said::Taken);
    assert_eq!((taken.http, taken.body.as_str()), (200, r#"{"code":0,"result":"ok"}"#));
    assert_eq!(cabbagino().tell(Said::Refused(&ReadError::InvalidSignature)).http, 403);
    assert_eq!(cabbagino().tell(Said::Later).http, 503);
}

proptest::proptest! {
    /// Whatever else comes, a right signature over numbers is read as exactly these numbers.
    #[test]
    fn what_is_signed_is_what_is_read(amount in 1..1_000_000_000_000_i64, kind in 0..15_i64, status in 0..25_i64) {
        let said = came(&with(json!({"amount": amount, "type": kind, "status": status}))).unwrap();
        proptest::prop_assert_eq!((said.amount_minor, said.codes), (amount, format!("type {kind} status {status}")));
        proptest::prop_assert_eq!(said.news, news::news(kind, status));
    }
}
