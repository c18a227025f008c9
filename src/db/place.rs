//! Where a database is: `database.url`, read once.

use std::path::{Path, PathBuf};

use url::Url;

use super::OpenError;
use crate::secret::Secret;

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of our own, used by one service.
    Sqlite(PathBuf),
    /// A database on a server, as a `postgres://` address that libpq reads: it may hold a password.
    Postgres(Secret),
}

impl Place {
    /// Reads `database.url`.
    ///
    /// # Errors
    ///
    /// Any other scheme, or nothing behind it. The text does not repeat the address, for it may hold a password.
    pub fn parse(url: &Secret) -> Result<Self, OpenError> {
        let text = url.expose();
        if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            return Ok(Place::Sqlite(PathBuf::from(path)));
        }
        let is_postgres = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if is_postgres {
            // Otherwise nobody can say where a password ends, and it would be taken for a host.
            let before_query = text.split(['?', '#']).next().unwrap_or(text);
            let behind_user = before_query.rsplit_once('@').map_or(before_query, |(_, behind)| behind);
            let user = before_query.len() - behind_user.len();
            let scheme = before_query.find("://").map_or(0, |at| at + 3);
            let unescaped = user > scheme && before_query[scheme..user - 1].contains(['@', '/']);
            if unescaped {
                return Err(OpenError(
                    "database.url: in the user and the password write @ as %40, / as %2F, ? as %3F".into(),
                ));
            }
            return Ok(Place::Postgres(url.clone()));
        }
        Err(OpenError("database.url must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".into()))
    }

    /// What it is called in messages: the path, or host and database without user and password.
    pub fn shown(&self) -> String {
        match self {
            Place::Sqlite(path) => path.display().to_string(),
            Place::Postgres(url) => shown_server(url.expose()),
        }
    }

    /// The file, when it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Place::Sqlite(path) => Some(path),
            Place::Postgres(_) => None,
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Place::Sqlite(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Place::Sqlite(path.to_owned())
    }
}

/// `postgres://host:port/database`, also of an address with several hosts, which [`Url`] does not read.
fn shown_server(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, behind)| behind);
    let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
    format!("postgres://{hosts}/{database}")
}

/// The address with what a service needs to notice a server that is gone, where the operator has not said it: without these a
/// connection to a host that vanished waits for hours.
pub(super) fn with_patience(url: &Secret) -> Secret {
    const NEEDED: [(&str, &str); 5] = [
        ("connect_timeout", "5"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "3"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "15000"),
    ];
    let text = url.expose();
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let said: Vec<String> = Url::parse(&format!("postgres://host/?{query}"))
        .map(|parsed| parsed.query_pairs().map(|(name, _)| name.into_owned()).collect())
        .unwrap_or_default();
    // Of several hosts the one that may write is meant; a standby lags behind what was answered.
    let several = shown_server(text).contains(',');
    let needed = NEEDED.iter().chain(several.then_some(&("target_session_attrs", "read-write")));
    let missing = needed.filter(|(name, _)| !said.iter().any(|known| known == name));
    let added: Vec<String> = missing.map(|(name, value)| format!("{name}={value}")).collect();
    let separator = if text.contains('?') { if query.is_empty() { "" } else { "&" } } else { "?" };
    Secret::new(format!("{text}{separator}{}", added.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_homes_are_addresses() {
        let parse = |text: &str| Place::parse(&Secret::new(text.to_owned()));
        for refused in [
            "postgres://u:pa/ss@h/db",
            "postgres://u:hun@ter2@h/db",
            "",
            "croupier.db",
            "sqlite://",
            "sqlite:x",
            "postgres://",
            "mysql://h/db",
            "ledgr",
            "Postgres://h/db",
        ] {
            assert!(parse(refused).is_err(), "{refused:?}");
        }
        assert!(matches!(parse("sqlite://a/b.db"), Ok(Place::Sqlite(path)) if path == Path::new("a/b.db")));
        assert!(matches!(parse("postgresql://h/db"), Ok(Place::Postgres(_))));
    }

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("postgres://u:p%40ss@h:5432/db?sslmode=require", "postgres://h:5432/db"),
            ("postgres://u:p@a:1,b:2/db?target_session_attrs=read-write", "postgres://a:1,b:2/db"),
            ("postgresql://h", "postgres://h/"),
        ] {
            let place = Place::parse(&Secret::new(url.to_owned())).unwrap();
            assert_eq!(place.shown(), shown);
            assert!(!format!("{place:?}").contains("p@"), "{place:?}");
        }
    }

    #[test]
    fn an_address_gets_the_patience_it_does_not_name() {
        let with = |text: &str| with_patience(&Secret::new(text.to_owned())).expose().to_owned();
        let all = "connect_timeout=5&keepalives_idle=5&keepalives_interval=3&keepalives_count=3&tcp_user_timeout=15000";
        assert_eq!(with("postgres://h/db"), format!("postgres://h/db?{all}"));
        assert_eq!(with("postgres://h/db?"), format!("postgres://h/db?{all}"));
        let own = with("postgres://a,b/db?connect_timeout=2&sslmode=require");
        assert!(own.starts_with("postgres://a,b/db?connect_timeout=2&sslmode=require&keepalives_idle=5"), "{own}");
        assert_eq!(own.matches("connect_timeout").count(), 1);
        assert!(own.ends_with("&target_session_attrs=read-write"), "{own}");
        assert_eq!(with("postgres://a,b/db?target_session_attrs=any").matches("target_session_attrs").count(), 1);
    }
}
