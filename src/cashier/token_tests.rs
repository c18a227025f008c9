//! Tokens that must not open a session, and the few that do.

use super::*;
use serde_json::{Value, json};

const KEY: [u8; 32] = [7; 32];
const NOW: i64 = 1_779_270_000;

/// Base64 for addresses, without padding (RFC 4648, part 5).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn made_by_hand(header: &Value, claims: &Value, algorithm: hmac::Algorithm, key: &[u8]) -> String {
    let message = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = hmac::sign(&hmac::Key::new(algorithm, key), message.as_bytes());
    format!("{message}.{}", base64(signature.as_ref()))
}

fn claims() -> Claims {
    Claims::new(7, 332, "alice", NOW, 900, "a-name".into())
}

fn signed(claims: &Value) -> String {
    made_by_hand(&json!({"typ": "JWT", "alg": "HS256"}), claims, hmac::HMAC_SHA256, &KEY)
}

fn good() -> Value {
    serde_json::to_value(claims()).unwrap()
}

#[test]
fn a_token_says_what_was_written_until_its_last_second() {
    let token = write(&claims(), &KEY).unwrap();

    for now in [NOW - 5, NOW, NOW + 899] {
        assert_eq!(read(&token, &KEY, now), Some(claims()), "{now}");
    }
    for now in [NOW + 900, NOW + 901, i64::MAX] {
        assert_eq!(read(&token, &KEY, now), None, "no leeway: {now}");
    }
    assert_eq!(read(&signed(&good()), &KEY, NOW), Some(claims()), "what is made by hand is read the same");
}

#[test]
fn the_end_of_a_token_is_a_pure_question_of_time() {
    let claims = claims();

    assert!(claims.is_good_at(claims.exp - 1) && !claims.is_good_at(claims.exp));
    assert_eq!(Claims::new(1, 1, "a", i64::MAX - 1, 900, String::new()).exp, i64::MAX);
}

#[test]
fn another_key_vouches_for_nothing() {
    let mut other = KEY;
    other[31] ^= 1;

    assert_eq!(read(&write(&claims(), &KEY).unwrap(), &other, NOW), None);
    assert_eq!(read(&write(&claims(), &other).unwrap(), &KEY, NOW), None);
}

#[test]
fn only_the_one_algorithm_is_known() {
    let unsigned = |alg: &str| {
        let header = json!({"typ": "JWT", "alg": alg});
        format!("{}.{}.", base64(header.to_string().as_bytes()), base64(good().to_string().as_bytes()))
    };
    for alg in ["none", "None", "NONE", "", "HS256"] {
        assert_eq!(read(&unsigned(alg), &KEY, NOW), None, "{alg:?}");
    }
    let header = |alg: &str| json!({"typ": "JWT", "alg": alg});
    let swapped = [
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
        ("HS512", hmac::HMAC_SHA256),
        ("HS256", hmac::HMAC_SHA512),
        ("RS256", hmac::HMAC_SHA256),
        ("ES256", hmac::HMAC_SHA256),
        ("EdDSA", hmac::HMAC_SHA256),
        ("hs256", hmac::HMAC_SHA256),
    ];
    for (alg, digest) in swapped {
        assert_eq!(read(&made_by_hand(&header(alg), &good(), digest, &KEY), &KEY, NOW), None, "{alg}");
    }
    assert!(signer(&Algorithm::HS512, &EncodingKey::from_secret(&KEY)).is_err());
    assert!(verifier(&Algorithm::RS256, &DecodingKey::from_secret(&KEY)).is_err());
}

#[test]
fn a_token_without_all_its_claims_or_with_others_opens_nothing() {
    for name in ["iss", "aud", "typ", "sub", "site", "site_login", "iat", "exp", "jti"] {
        let mut without = good();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(read(&signed(&without), &KEY, NOW), None, "without {name}");
        let mut null = good();
        null[name] = Value::Null;
        assert_eq!(read(&signed(&null), &KEY, NOW), None, "{name} is null");
    }
    let others = [
        ("iss", json!("somebody")),
        ("aud", json!("staff")),
        ("typ", json!("staff")),
        ("sub", json!(7)),
        ("site", json!("332")),
        ("exp", json!("9999999999")),
        ("exp", json!(NOW)),
        ("exp", json!(-1)),
    ];
    for (name, value) in others {
        let mut other = good();
        other[name] = value.clone();
        assert_eq!(read(&signed(&other), &KEY, NOW), None, "{name}: {value}");
    }
}

#[test]
fn a_changed_byte_anywhere_breaks_a_token() {
    let token = write(&claims(), &KEY).unwrap();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(read(&changed, &KEY, NOW).is_none(), "at {at}");
    }
}

#[test]
fn junk_opens_nothing_and_breaks_nothing() {
    let long = "a".repeat(100_000);
    for junk in ["", ".", "..", "...", "a.b.c", "Bearer x", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", &long] {
        assert_eq!(read(junk, &KEY, NOW), None);
    }
    let token = write(&claims(), &KEY).unwrap();
    for junk in [format!("{token}."), format!(".{token}"), format!("{token} "), token[1..].to_owned(), long + &token] {
        assert_eq!(read(&junk, &KEY, NOW), None);
    }
}
