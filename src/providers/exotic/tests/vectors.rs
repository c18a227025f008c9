//! The vectors of the protocol, good and bad.

use sha2::{Digest, Sha256};

use super::super::signature::{CANDIDATES, Formula, Signed, candidate, pay_in, pay_out};
use super::*;

fn key(text: &str) -> Secret {
    Secret::new(text)
}

fn sha(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn signed_payout(id: &str, amount: &str, recipient: &str, currency: &str, secret: &str) -> String {
    pay_out(id, amount, ("phone_number", recipient), currency, &key(secret)).expect("one reading")
}

#[test]
fn the_published_signatures_are_ours() {
    assert_eq!(
        signed_payout("order123", "1500.00", "79161234567", "rub", "test_sign_key"),
        "53f49a84b929a1c6bf16fdf36ed151738def4b30a8088237ce480ffef538aa2f"
    );
    assert_eq!(
        pay_in("123456789", "1500.00", "rub", "sbp", &key("test")).unwrap(),
        "76c5beb80bb2ea3fd0f67ad8325b0c68ae70d75cf926b77c0f1ac18c05eecfbb"
    );
}

#[test]
fn the_vectors_of_every_rail_hold() {
    let payouts = [
        (
            "PO-2001",
            "5000.00",
            "4276345439581234",
            "rub",
            "b692f81b80d60cc3364b87135fd2aefd8c7a6d491ac3050107a3a4a332f8b818",
        ),
        (
            "PO-2002",
            "750.50",
            "40817810099910004312",
            "rub",
            "a09273d27fd72fab048dad3e10db41896ce8c250692c2249efd48a3e0f4fd9e0",
        ),
        (
            "PO-2003",
            "1500.00",
            "79161234567",
            "rub",
            "eaa06f516a583817643ea0e3e0e4996806be22603ef703574e6c64e4f15bb5dd",
        ),
        (
            "PO-2004",
            "120.00",
            "DE89370400440532013000",
            "eur",
            "86c85fa0f1b2a89aea824d9c0a82d5bf5b293626e65920a32a0a49f373981a65",
        ),
    ];
    for (id, amount, recipient, currency, expected) in payouts {
        assert_eq!(signed_payout(id, amount, recipient, currency, KEY), expected, "{id}");
    }
    let payments = [
        ("PI-1001", "300.00", "rub", "card", "0244ea9c5e545e754a54c165bce784399a049861d0b4f6c20309306a7fac4a8c"),
        ("PI-1002", "1500.00", "kzt", "sbp", "3c63e59051cf69e24663eb4137f2b9bcea62beb674b58e55fa45bf25db32c0fc"),
        ("заказ-7", "10.00", "rub", "card", "319cf477eef3d7542f7a16adfb32ac2101b6e1415afa5cfa98550218aba9f3b7"),
    ];
    for (id, amount, currency, method, expected) in payments {
        assert_eq!(pay_in(id, amount, currency, method, &key(KEY)).unwrap(), expected, "{id}");
    }
}

#[test]
fn the_known_mistakes_are_not_made() {
    let right = signed_payout("order123", "1500.00", "79161234567", "rub", "test_sign_key");
    let mistakes = [
        (
            sha("order123 : 1500.00 : 79161234567 : rub : test_sign_key"),
            "5ec051c2f10cf83f803bd5bbe9f7661dd77a02d729213321c38f29ca1f005adf",
        ),
        (
            signed_payout("order123", "1500", "79161234567", "rub", "test_sign_key"),
            "8bf8a516fa83ade6b78975267f96de95c1c4d41ce99a3df39b7b1ee07931f3be",
        ),
        (
            signed_payout("order123", "1500.00", "79161234567", "RUB", "test_sign_key"),
            "b3008b1f36cb65d5d49d941663f7b6cb5b59f7520c6718a475d71c1464322dc5",
        ),
        (
            signed_payout("order123", "1500.00", "+79161234567", "rub", "test_sign_key"),
            "a80eb2b785058ea59f0bed176821ac5f17fa8c8d88545a9326ae1c05509ad1bc",
        ),
    ];
    for (mistaken, expected) in mistakes {
        assert_eq!(mistaken, expected);
        assert_ne!(mistaken, right);
    }
    let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"test_sign_key");
    let keyed = hex::encode(ring::hmac::sign(&hmac, b"order123:1500.00:79161234567:rub"));
    assert_eq!(keyed, "fcbaa32bbe766099e6e3c70674f9654c4a9eb34e0ac7978a1a9d6c7264891a10");
    assert_ne!(keyed, right);
}

#[test]
fn what_would_sign_two_readings_is_not_signed() {
    let secret = key(KEY);
    assert!(matches!(pay_in("a:1.00", "300.00", "rub", "card", &secret), Err(Error::Invalid("order_id"))));
    assert!(matches!(pay_in("a", "300.00", "rub:card", "card", &secret), Err(Error::Invalid("fiat_currency"))));
    let iban = |recipient| pay_out("a", "1.00", ("iban_number", recipient), "eur", &secret);
    assert!(matches!(iban("DE89:eur"), Err(Error::Invalid("iban_number"))));
    assert!(matches!(iban(""), Err(Error::Invalid("iban_number"))));
}

const SIGNED: Signed<'static> = Signed {
    order_id: "123456789",
    fiat_amount: "5000.00",
    fiat_currency: "rub",
    kind: "pay_out",
    status: "successful",
};

/// The digest of each candidate, by its letter.
const DIGESTS: [(char, &str); 6] = [
    ('A', "30bcfcfff18b4932a4dc5cb75606f4b372f0bf734a6c8b13f47639be807bc2e7"),
    ('B', "4d330c68a0a09bbfe6b226dcef9dc4aa74a5783ec3ff7e9dd5e18a6180c633d9"),
    ('C', "c4dad29491959a733d69f9f5c563d9bed7b029850b057358898042165b141ad7"),
    ('D', "7e70640c55669b4ee4cd245b4801bfbec3025875f86b21345c7de3cdfdcb73ff"),
    ('E', "bf73fe5b1cf1978f1b649e02416e452b328d6f78a2ad71a2116ebcd814e25f55"),
    ('F', "0e226d4bba3c4d2ef3d8390e2818520e03de312d481dd4c0e05dc77b034d303b"),
];

#[test]
fn each_candidate_of_the_standard_signature_can_be_configured_and_is_known_by_its_letter() {
    let keys = [key("another-key"), key("test")];
    for ((letter, formula), (same, digest)) in CANDIDATES.iter().zip(DIGESTS) {
        let formula = Formula::parse(formula).expect("a formula");
        assert_eq!((*letter, formula.sign(SIGNED, &keys[1])), (same, digest.to_owned()));
        assert!(formula.holds(SIGNED, &keys, digest) && formula.holds(SIGNED, &keys, &digest.to_uppercase()));
        assert_eq!(candidate(SIGNED, &keys, digest), Some(same));
        assert_eq!(candidate(SIGNED, &keys[..1], digest), None, "by another key");
    }
    assert_eq!(candidate(SIGNED, &keys, "p6o5n4m3l2k1j0i9h8g7f6e5d4c3b2a1"), None, "the manual's placeholder");
}

#[test]
fn only_the_configured_formula_holds() {
    let keys = [key("test")];
    let configured = Formula::parse("{order_id}:{sign_key}").expect("a formula");
    for (letter, digest) in DIGESTS {
        assert_eq!(configured.holds(SIGNED, &keys, digest), letter == 'A', "{letter}");
    }
    let short = &DIGESTS[0].1[..62];
    for wrong in ["", "00", short, &format!("{}00", DIGESTS[0].1), &"g".repeat(64)] {
        assert!(!configured.holds(SIGNED, &keys, wrong), "{wrong:?}");
    }
}

#[test]
fn a_right_signature_of_a_text_with_two_readings_does_not_hold() {
    let formula = Formula::parse("{order_id}:{fiat_amount}:{sign_key}").expect("a formula");
    let keys = [key("test")];
    let twins = [
        Signed { order_id: "a:1.00", fiat_amount: "2.00", ..Signed::default() },
        Signed { order_id: "a", fiat_amount: "1.00:2.00", ..Signed::default() },
        Signed { order_id: "a", fiat_amount: "", ..Signed::default() },
    ];
    for signed in twins {
        let right = formula.sign(signed, &keys[0]);
        assert!(!formula.holds(signed, &keys, &right), "{signed:?}");
    }
}

#[test]
fn a_formula_that_protects_nothing_is_refused() {
    for text in [
        "",
        "order",
        "{order_id}",
        "{sign_key}",
        "{fiat_amount}:{sign_key}",
        "{order_id}:{amount}:{sign_key}",
        "{order_id:{sign_key}",
        "{order_id}:{sign_key}}",
        "{{order_id}:{sign_key}",
        "{order_id}{fiat_amount}:{sign_key}",
        "{order_id}x{status}{sign_key}",
        "{order_id}.{fiat_amount}:{sign_key}",
    ] {
        assert!(Formula::parse(text).is_err(), "{text:?}");
    }
    for text in ["{order_id}{sign_key}", "{sign_key}|{order_id}|{type}", "{order_id}{sign_key}{status}"] {
        assert!(Formula::parse(text).is_ok(), "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn two_messages_never_have_one_signed_text(a in "[a-z0-9.:_-]{1,6}", b in "[a-z0-9.:_-]{1,6}", c in "[a-z0-9.:_-]{1,6}", d in "[a-z0-9.:_-]{1,6}") {
        let formula = Formula::parse("{order_id}:{fiat_amount}:{sign_key}").expect("a formula");
        let keys = [key("test")];
        let (one, other) = (
            Signed { order_id: &a, fiat_amount: &b, ..Signed::default() },
            Signed { order_id: &c, fiat_amount: &d, ..Signed::default() },
        );
        let digest = formula.sign(one, &keys[0]);
        if formula.holds(one, &keys, &digest) && formula.holds(other, &keys, &digest) {
            proptest::prop_assert_eq!((a, b), (c, d));
        }
    }
}
