//! Session tokens of players: JSON Web Tokens (RFC 7519) under HMAC with SHA-256 and nothing else.
//!
//! The library reads and writes the format; what computes the digest is ours and knows one algorithm, so a token that names another one,
//! or none, is refused twice: by the pinned validation and because nobody could verify it.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult, new_error};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Header, Validation};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Who makes the tokens.
const ISSUER: &str = "croupier";
/// Whom they are for.
const AUDIENCE: &str = "players";
/// What kind of session they open.
const CUSTOMER: &str = "customer";
/// The longest token that is looked at. Ours are shorter; a longer one costs nothing but its bytes.
const LONGEST: usize = 2048;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    typ: String,
    /// The player's number, as text (RFC 7519 wants a string).
    pub sub: String,
    /// The site's number.
    pub site: i64,
    /// The player's name there.
    pub site_login: String,
    /// When it was made, seconds since 1970-01-01 UTC.
    pub iat: i64,
    /// From when on it is good no more, in the same seconds.
    pub exp: i64,
    /// Its own name.
    pub jti: String,
}

impl Claims {
    /// The claims of a new token for a player, made at second `iat`.
    pub fn new(player: i64, site: i64, site_login: &str, iat: i64, seconds: i64, jti: String) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            typ: CUSTOMER.to_owned(),
            sub: player.to_string(),
            site,
            site_login: site_login.to_owned(),
            iat,
            exp: iat.saturating_add(seconds),
            jti,
        }
    }

    /// Whether it is still good in second `now`. Without leeway: the end is the end.
    pub fn is_good_at(&self, now: i64) -> bool {
        now < self.exp
    }
}

/// Writes a token.
///
/// # Errors
///
/// `Internal` when the library cannot, which for these claims and this key does not happen.
pub fn write(claims: &Claims, key: &[u8; 32]) -> Result<String, Error> {
    install();
    let written = jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(key));
    written.map_err(|_| Error::Internal("a session token cannot be written".into()))
}

/// Whether this can be a token at all: what cannot costs no look into the books.
pub fn could_be(text: &str) -> bool {
    text.len() <= LONGEST && text.split('.').count() == 3
}

/// What a token says, if this key vouches for it and it is still good in second `now`. Why not is nobody's business outside.
pub fn read(token: &str, key: &[u8; 32], now: i64) -> Option<Claims> {
    if !could_be(token) {
        return None;
    }
    install();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // The library would ask the wall clock; ours does not jump.
    validation.validate_exp = false;
    validation.leeway = 0;
    let Ok(read) = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation) else {
        return None;
    };
    let claims = read.claims;
    (claims.typ == CUSTOMER && claims.is_good_at(now)).then_some(claims)
}

/// HMAC with SHA-256 over `ring`.
struct Hs256(hmac::Key);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> JwtResult<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())))),
        _ => Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> JwtResult<Box<dyn JwtVerifier>> {
    match (algorithm, key.kind()) {
        (Algorithm::HS256, DecodingKeyKind::SecretOrDer(secret)) => {
            Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret))))
        }
        _ => Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that it is installed already: nobody else in this program installs one.
        let _ = PROVIDER.install_default();
    });
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
