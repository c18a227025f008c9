//! Names of things, parsed once at the border. Past it there are no bare strings.

use std::fmt;

use crate::error::Error;

/// A casino brand as the Cashier numbers it: `site_id` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub i64);

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The casino's own name for a player: `site_login` on the wire, 1 to 128 characters without control characters.
/// Never normalised: another text is another player (threats SIG-16).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    /// Reads a login as it stands.
    ///
    /// # Errors
    ///
    /// `Missing` when blank, `Invalid` when longer than 128 characters or with control characters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        plain_text(text, "site_login", 128).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A player of one site: the same login on another site is somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Player {
    /// The site.
    pub site: SiteId,
    /// The login there.
    pub login: Login,
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of site {}", self.login, self.site)
    }
}

/// Our order id as providers see it: `external_id` on the wire. 32 lower-case hex digits that sort by time and cannot be guessed
/// (UUID version 7). We make it before we store anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(String);

impl ExternalId {
    /// A new id, later in order than all before it.
    pub fn generate() -> Self {
        Self(time_ordered())
    }

    /// Reads an id from outside: 1 to 64 characters of `[A-Za-z0-9_-]`.
    ///
    /// # Errors
    ///
    /// `Invalid` otherwise.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Invalid("external_id"))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A fresh text id that sorts by time: 32 lower-case hex digits of a UUID version 7.
///
/// Nothing is counted and nothing is read from the database, so a database that was put back from a copy, or a clock that was set back,
/// brings no id a second time: behind the millisecond stand 74 bits that begin at random in every process.
pub fn time_ordered() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// What every id made by [`time_ordered`] at `at` (microseconds since 1970) or later is not below of. Ids follow the wall clock: leave
/// room for one that was set.
pub fn lowest_at(at: i64) -> String {
    format!("{:012x}", at.max(0) / 1000)
}

/// Reads an identifier: not blank, at most `longest` characters, no control characters.
///
/// # Errors
///
/// `Missing` when blank, `Invalid` otherwise; both carry `field`.
pub fn plain_text(text: &str, field: &'static str, longest: usize) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Error::Missing(field));
    }
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Error::Invalid(field));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_sort_by_time_and_are_safe_everywhere() {
        let ids: Vec<_> = (0..100).map(|_| ExternalId::generate()).collect();

        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| ExternalId::parse(id.as_str()).is_ok() && id.as_str().len() == 32));
    }

    #[test]
    fn ids_begin_with_their_time() {
        let micros =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros();
        let now = i64::try_from(micros).expect("it fits");
        let id = time_ordered();

        assert!(id >= lowest_at(now - 1_000) && id < lowest_at(now + 60_000_000), "{id}");
    }

    /// threats R8: what is made after a restore never has the name of something that was lost.
    #[test]
    fn the_same_moment_lived_through_again_gives_other_ids() {
        let again = || {
            let moment = uuid::Timestamp::from_unix(uuid::ContextV7::new(), 1_700_000_000, 0);
            uuid::Uuid::new_v7(moment).simple().to_string()
        };
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| again()).collect();

        assert_eq!(ids.len(), 10_000);
        let first = ids.first().expect("an id");
        assert!(ids.iter().all(|id| id[..12] == first[..12]), "of one moment");
    }

    #[test]
    fn ids_that_could_mean_something_else_are_refused() {
        for text in ["", " ", "a b", "a;b", "a:b", "ä", "a\n", &"x".repeat(65)] {
            assert!(ExternalId::parse(text).is_err(), "{text:?}");
        }
        for text in ["", "  ", "a\0b", "a\nb", &"x".repeat(129)] {
            assert!(Login::parse(text).is_err(), "{text:?}");
        }
        assert!(Login::parse(&"ж".repeat(128)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn an_id_from_outside_is_read_exactly_when_it_is_harmless_everywhere(
            text in proptest::prop_oneof![proptest::prelude::any::<String>(), "[A-Za-z0-9_-]{0,70}", "[!-~]{1,4}"]
        ) {
            let plain = text.chars().all(|c| matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-'));
            let read = ExternalId::parse(&text);
            proptest::prop_assert_eq!(read.is_ok(), plain && (1..=64).contains(&text.chars().count()));
            if let Ok(id) = read {
                proptest::prop_assert_eq!(id.as_str(), text);
            }
        }

        #[test]
        fn a_login_is_kept_to_the_letter_or_refused(text in proptest::prop_oneof!["\\PC{0,140}", "[ a\t\n]{0,4}", "[^\\PC]{0,3}x"]) {
            let blank = text.chars().all(char::is_whitespace);
            let good = !blank && text.chars().count() <= 128 && !text.chars().any(char::is_control);
            let read = Login::parse(&text);
            proptest::prop_assert_eq!(read.is_ok(), good, "{:?}", text);
            if let Ok(login) = read {
                proptest::prop_assert_eq!(login.as_str(), text);
            }
        }
    }
}
