//! Seals what players give for a payout, card numbers among it, so that a database or a copy of one tells nobody (threats SEC-2).
//!
//! ChaCha20-Poly1305 with a random nonce; what a sealed text belongs to is authenticated with it, so that it cannot be put elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::error::Error;
use crate::secret::Secret;

/// The first byte of everything sealed like this.
const VERSION: u8 = 1;

/// The keys: the first one seals, all open.
#[derive(Clone, Default)]
pub struct Vault(Vec<LessSafeKey>);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.0.len())
    }
}

/// Whether this is a key: 32 bytes in base64.
pub fn is_key(text: &Secret) -> bool {
    key(text).is_some()
}

fn key(text: &Secret) -> Option<LessSafeKey> {
    let bytes = STANDARD.decode(text.expose().trim()).ok()?;
    UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok().map(LessSafeKey::new)
}

impl Vault {
    /// A vault with these keys; those that are none are left out, settings refuse them before.
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().filter_map(key).collect())
    }

    /// Seals a text for what it belongs to.
    ///
    /// # Errors
    ///
    /// `Conflict` without a key; `Internal` when the system has no randomness.
    pub fn seal(&self, belongs_to: &str, text: &[u8]) -> Result<Vec<u8>, Error> {
        let key =
            self.0.first().ok_or_else(|| Error::Conflict("there is no [vault] key to seal details with".into()))?;
        let mut nonce = [0_u8; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let mut sealed = text.to_vec();
        let cannot = |_| Error::Internal("a text cannot be sealed".into());
        let aad = Aad::from(belongs_to.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).map_err(cannot)?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same.
    ///
    /// # Errors
    ///
    /// `Internal` when no key opens it, or it was changed or put elsewhere.
    pub fn open(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let cannot =
            || Error::Internal(format!("the sealed details of {belongs_to} cannot be opened with the [vault] keys"));
        let (nonce, sealed) = match sealed.split_first() {
            Some((&VERSION, rest)) if rest.len() > NONCE_LEN => rest.split_at(NONCE_LEN),
            Some(_) | None => return Err(cannot()),
        };
        for key in &self.0 {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| cannot())?;
            let mut opened = sealed.to_vec();
            if let Ok(text) = key.open_in_place(nonce, Aad::from(belongs_to.as_bytes()), &mut opened) {
                return Ok(text.to_vec());
            }
        }
        Err(cannot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(byte: u8) -> Secret {
        Secret::new(STANDARD.encode([byte; 32]))
    }

    #[test]
    fn what_is_sealed_opens_with_any_of_the_keys_and_only_where_it_belongs() {
        let (old, new) = (Vault::new(&[key_of(1)]), Vault::new(&[key_of(2), key_of(1)]));
        let sealed = old.seal("order-1", b"4276345439581234").unwrap();

        assert_eq!(new.open("order-1", &sealed).unwrap(), b"4276345439581234");
        assert!(!sealed.windows(8).any(|part| part == b"42763454"));
        assert_ne!(old.seal("order-1", b"4276345439581234").unwrap(), sealed, "no two are alike");
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        for (vault, place, text) in [
            (&old, "order-2", &sealed),
            (&old, "order-1", &changed),
            (&Vault::new(&[key_of(3)]), "order-1", &sealed),
            (&Vault::default(), "order-1", &sealed),
            (&old, "order-1", &Vec::new()),
            (&old, "order-1", &sealed[..10].to_vec()),
        ] {
            assert!(matches!(vault.open(place, text), Err(Error::Internal(_))), "{place}");
        }
        assert!(matches!(Vault::default().seal("order-1", b"x"), Err(Error::Conflict(_))));
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        assert!(is_key(&key_of(7)));
        for text in [
            "",
            "abc",
            "not base64 at all, but long enough for one",
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
        ] {
            assert!(!is_key(&Secret::new(text)), "{text}");
        }
    }
}
