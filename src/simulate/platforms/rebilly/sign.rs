//! How Rebilly shows that a webhook is its own: a name and a password, Basic (RFC 7617) or Digest (RFC 7616). There is no signature of
//! the content (manual, "Webhooks").

use sha2::{Digest, Sha256};

use super::md5;

/// The `Authorization` header of Basic.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Which function a Digest is made with. The manual does not say which one Rebilly takes: the first of the receiver's challenges that
/// it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Of RFC 2617; what a challenge without `algorithm` means.
    Md5,
    /// Of RFC 7616.
    Sha256,
}

impl Algorithm {
    fn digest(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => md5::hex_digest(text.as_bytes()),
            Algorithm::Sha256 => hex::encode(Sha256::digest(text.as_bytes())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }
}

/// What a receiver asks for in `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    with_qop: bool,
}

impl Challenge {
    /// Reads one header; `None` when it is no Digest that can be answered.
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let pairs = pairs(rest);
        let value =
            |name: &str| pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
        let algorithm = match value("algorithm").unwrap_or_default().to_ascii_uppercase().as_str() {
            "" | "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return None,
        };
        let qop = value("qop");
        let with_qop = qop.as_deref().is_some_and(|offered| offered.split(',').any(|one| one.trim() == "auth"));
        if qop.is_some() && !with_qop {
            return None;
        }
        Some(Self { realm: value("realm")?, nonce: value("nonce")?, opaque: value("opaque"), algorithm, with_qop })
    }

    /// The `Authorization` header that answers it.
    pub fn answer(&self, user: &str, password: &str, method: &str, uri: &str, cnonce: &str) -> String {
        let count = "00000001";
        let more = self.with_qop.then_some((count, cnonce));
        let response = self.response(user, password, method, uri, more);
        let mut header = format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", algorithm={}, response=\"{response}\"",
            self.realm,
            self.nonce,
            self.algorithm.name()
        );
        if self.with_qop {
            header.push_str(&format!(", qop=auth, nc={count}, cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            header.push_str(&format!(", opaque=\"{opaque}\""));
        }
        header
    }

    fn response(&self, user: &str, password: &str, method: &str, uri: &str, more: Option<(&str, &str)>) -> String {
        let a1 = self.algorithm.digest(&format!("{user}:{}:{password}", self.realm));
        let a2 = self.algorithm.digest(&format!("{method}:{uri}"));
        let middle = more.map_or_else(String::new, |(count, cnonce)| format!("{count}:{cnonce}:auth:"));
        self.algorithm.digest(&format!("{a1}:{}:{middle}{a2}", self.nonce))
    }
}

/// `name=value, name="value"`; a comma within quotes is part of the value.
fn pairs(text: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name.trim().trim_start_matches(',').trim().to_owned(), value.trim().to_owned()));
        rest = next;
    }
    found
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let whole = (0..3).fold(0u32, |sum, at| sum << 8 | u32::from(group.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = LETTERS[(whole >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "dcd98b7102dd2f0e8b11d0f600bfb0c0";
    const MORE: Option<(&str, &str)> = Some(("00000001", "0a4f113b"));

    fn challenge(algorithm: Algorithm, with_qop: bool) -> Challenge {
        Challenge { realm: "merchant-hooks".into(), nonce: NONCE.into(), opaque: None, algorithm, with_qop }
    }

    #[test]
    fn the_vectors_of_basic_hold() {
        assert_eq!(basic("rebilly", "superman"), "Basic cmViaWxseTpzdXBlcm1hbg==");
        assert_eq!(basic("rebilly", "superman\n"), "Basic cmViaWxseTpzdXBlcm1hbgo=");
        assert_eq!(basic("rebilly", "pä55"), "Basic cmViaWxseTpww6Q1NQ==");
    }

    #[test]
    fn the_vectors_of_digest_hold() {
        let parts = [
            (
                Algorithm::Md5,
                "abd4e73d44e486223333f3fd1252df21",
                "a041cecc3c750bc65b7987f5aa2f68c0",
                "1ce072edaabfdc129b08d51b9714aee1",
            ),
            (
                Algorithm::Sha256,
                "3d71fcd88ab3143d4bd71600f94e7ddadaac4ece1ce7df3fad089bf3ba8f8a7b",
                "83bcf7f91fe8e947f0a9346f2de22e3a2bcb22a10979a2e5814bdf0cbc445c6b",
                "79580ea160bb3d303a46ffc9eba19ccc7f0713ddd0007b287531326c41f03d8d",
            ),
        ];
        for (algorithm, a1, a2, response) in parts {
            assert_eq!(algorithm.digest("rebilly:merchant-hooks:superman"), a1);
            assert_eq!(algorithm.digest("POST:/hooks/rebilly"), a2);
            let made = challenge(algorithm, true).response("rebilly", "superman", "POST", "/hooks/rebilly", MORE);
            assert_eq!(made, response);
        }
        let old = challenge(Algorithm::Md5, false).response("rebilly", "superman", "POST", "/hooks/rebilly", None);
        assert_eq!(old, "0d7a6a31e2829cb4085162f5340529a9");
    }

    #[test]
    fn a_challenge_is_read_and_answered() {
        let header =
            format!("Digest realm=\"merchant, hooks\", nonce=\"{NONCE}\", qop=\"auth, auth-int\", algorithm=SHA-256");
        let asked = Challenge::read(&header).expect("a Digest");

        assert_eq!(
            (asked.realm.as_str(), asked.algorithm, asked.with_qop),
            ("merchant, hooks", Algorithm::Sha256, true)
        );
        let answer = asked.answer("rebilly", "superman", "POST", "/hooks/rebilly", "0a4f113b");
        assert!(answer.starts_with("Digest username=\"rebilly\", realm=\"merchant, hooks\""), "{answer}");
        assert!(answer.ends_with("qop=auth, nc=00000001, cnonce=\"0a4f113b\""), "{answer}");
    }

    #[test]
    fn what_cannot_be_answered_is_no_challenge() {
        for header in [
            "",
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest nonce=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
        ] {
            assert_eq!(Challenge::read(header), None, "{header}");
        }
    }

    /// Obsolete (manual, "Legacy client signature"), and used by no call here; the fact is kept.
    #[test]
    fn the_vector_of_the_legacy_signature_holds() {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"secretkey_1");
        let made = ring::hmac::sign(&key, b"apiuser_1Q0n2F1m8xZr4Yt6Ws9Kb3Lp5Dv7Hc01441717567");

        assert_eq!(hex::encode(made), "ed536f07b148f9591a735c1a1696191468127276");
    }
}
