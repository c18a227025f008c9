//! Passwords of staff, kept as argon2id (threats ADM-10).
//!
//! Hashing takes some 20 MB and tens of milliseconds: it is done before a write transaction, never inside one.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::error::Error;
use crate::secret::Secret;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;

/// The most characters of a password: more is a mistake, or an attempt to keep us busy.
pub const LONGEST: usize = 1024;

/// What verifying against nobody's password works on, so that an unknown name takes as long as a known one (threats ADM-4).
/// It was made with the default parameters of this crate, and no password is known for it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// An argon2id hash in the PHC text form.
#[derive(Clone)]
pub struct Hashed(String);

impl Hashed {
    /// Hashes a password with a new salt.
    ///
    /// # Errors
    ///
    /// `Invalid`: shorter than 12 or longer than 1024 characters.
    pub fn new(password: &Secret) -> Result<Self, Error> {
        let length = password.expose().chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(Error::Invalid("password"));
        }
        let hasher = Argon2::default();
        let hash: PasswordHash = hasher
            .hash_password(password.expose().as_bytes())
            .map_err(|error| Error::Internal(format!("argon2: {error}")))?;
        Ok(Self(hash.to_string()))
    }

    /// The text for the `password_hash` column.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Whether the password is the one that was hashed. `None` stands for nobody: never true, and just as slow.
///
/// # Errors
///
/// `Internal`: the stored hash is damaged.
pub fn verify(password: &Secret, stored: Option<&str>) -> Result<bool, Error> {
    let damaged = |error| Error::Internal(format!("a stored password hash is damaged: {error}"));
    let hash = PasswordHash::new(stored.unwrap_or(NOBODY)).map_err(damaged)?;
    let given = password.expose();
    let fits = given.len() <= LONGEST * 4 && Argon2::default().verify_password(given.as_bytes(), &hash).is_ok();
    Ok(fits && stored.is_some())
}

/// A password of 128 random bits that nobody has to invent.
///
/// # Errors
///
/// `Internal`: the system gives no random bytes.
pub fn generate() -> Result<Secret, Error> {
    Ok(Secret::new(hex::encode(random::<16>()?)))
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_too_short_or_too_long_are_refused() {
        for text in ["", "short", "elevenchars", &"ж".repeat(11), &"x".repeat(1025)] {
            assert!(matches!(Hashed::new(&Secret::new(text)), Err(Error::Invalid("password"))), "{} bytes", text.len());
        }
    }

    #[test]
    fn only_the_same_password_fits_and_hashes_never_repeat() {
        let right = Secret::new("correct horse");
        let (first, second) = (Hashed::new(&right).unwrap(), Hashed::new(&right).unwrap());

        assert!(verify(&right, Some(first.as_str())).unwrap());
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!verify(&Secret::new(wrong), Some(first.as_str())).unwrap(), "{wrong:?}");
        }
        assert!(first.as_str().starts_with("$argon2id$") && first.as_str() != second.as_str());
        assert_eq!(format!("{first:?}"), "***");
    }

    #[test]
    fn nobody_has_no_password() {
        assert!(!verify(&Secret::new("correct horse"), None).unwrap());
        assert!(verify(&Secret::new("correct horse"), Some("not a hash")).is_err());
    }

    #[test]
    fn generated_passwords_are_long_enough_and_differ() {
        let (first, second) = (generate().unwrap(), generate().unwrap());

        assert!(first != second && Hashed::new(&first).is_ok());
    }
}
