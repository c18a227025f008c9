//! Opening a connection to a PostgreSQL server, and refusing servers on which an answered commit could be lost.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::OpenError;
use super::place::with_patience;
use crate::secret::Secret;

/// The oldest version that is tested.
const OLDEST: i32 = 150_000;

/// What a session that writes may take. A statement that needs longer is stuck; whoever waits longer for a lock is told to come
/// back; an instance that stands still inside a transaction, where a lane never thinks, loses it, so that others wait little for its players. It only looks single rows
/// up, so a plan made while the books were small must not read them whole when they are large.
const WRITER: &str = "SET statement_timeout = '30s'; SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '2s'; \
     SET enable_seqscan = off; SET plan_cache_mode = 'force_generic_plan';";

/// What a session that reads may take. A whole check of the books is long statements; a request's reads are bounded by the pool.
const READER: &str = "SET default_transaction_read_only = on; SET idle_in_transaction_session_timeout = '60s';";

/// Texts that read alike everywhere, the isolation for which the locks are made, and no compiling of plans.
const EVERY_SESSION: &str = "SET application_name = 'croupier'; SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; \
     SET client_min_messages = 'warning'; SET default_transaction_isolation = 'read committed'; SET jit = off;";

/// Opens a session that may write.
///
/// # Errors
///
/// Says what is wrong, for the operator, without the address's user and password.
pub(super) fn connect(url: &Secret, shown: &str) -> Result<PgConnection, OpenError> {
    let mut conn = open(url, shown, WRITER)?;
    // Looked at each time: after a failover it is another server.
    let setting = diesel::dsl::sql::<Text>("current_setting('synchronous_commit')");
    let setting: String = diesel::select(setting).get_result(&mut conn).map_err(|error| refused(shown, "", &error))?;
    if setting == "off" {
        return Err(OpenError(format!("{shown}: {ASYNCHRONOUS}")));
    }
    Ok(conn)
}

const ASYNCHRONOUS: &str =
    "synchronous_commit is off: answered commits could be lost; set it to on for the server, the database or the role";

/// Opens a session that only reads.
///
/// # Errors
///
/// As [`connect`].
pub(super) fn connect_read_only(url: &Secret, shown: &str) -> Result<PgConnection, OpenError> {
    open(url, shown, READER)
}

fn open(url: &Secret, shown: &str, settings: &str) -> Result<PgConnection, OpenError> {
    let url = with_patience(url);
    let mut conn = establish(&url).map_err(|error| refused(shown, url.expose(), &error))?;
    let set = conn.batch_execute(EVERY_SESSION).and_then(|()| conn.batch_execute(settings));
    set.map_err(|error| refused(shown, url.expose(), &error))?;
    Ok(conn)
}

/// A host that closes the door does so at once.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);

/// libpq tries one host after the other, but gives up at one that takes the connection and closes it, as what stands in front of a dead
/// server does. Then each host is tried alone.
fn establish(url: &Secret) -> ConnectionResult<PgConnection> {
    let began = std::time::Instant::now();
    let first = match PgConnection::establish(url.expose()) {
        Ok(conn) => return Ok(conn),
        Err(error) => error,
    };
    // Whoever has waited for one that says nothing has tried them all.
    if began.elapsed() > SOON {
        return Err(first);
    }
    for url in one_by_one(url.expose()) {
        if let Ok(conn) = PgConnection::establish(&url) {
            return Ok(conn);
        }
    }
    Err(first)
}

/// An address with several hosts as one address for each; none for an address with one.
fn one_by_one(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Vec::new() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let hosts: Vec<&str> = hosts.split(',').collect();
    if hosts.len() < 2 {
        return Vec::new();
    }
    let at = if authority.contains('@') { "@" } else { "" };
    hosts.iter().map(|host| format!("{scheme}://{user}{at}{host}{path}")).collect()
}

/// What the server or libpq says, unless it repeats the address.
fn refused(shown: &str, url: &str, error: &dyn std::fmt::Display) -> OpenError {
    let text = error.to_string();
    let repeats = passwords(url).iter().any(|password| !password.is_empty() && text.contains(password.as_str()));
    let reason = if repeats || text.contains(url) { "the address cannot be used" } else { text.trim() };
    OpenError(format!("{shown}: {}", reason.replace('\n', "; ")))
}

/// What an address holds that nobody may read, as it is written there and as it is meant.
fn passwords(url: &str) -> Vec<String> {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let user = before.rsplit_once('@').map_or("", |(user, _)| user);
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    let of_user = user.split_once(':').map(|(_, password)| password);
    let of_query = query.split('&').filter_map(|pair| pair.split_once('='));
    let of_query = of_query.filter(|(name, _)| name.to_ascii_lowercase().contains("password")).map(|(_, value)| value);
    let written: Vec<&str> = of_user.into_iter().chain(of_query).collect();
    let meant = written.iter().map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned());
    written.iter().map(|text| (*text).to_owned()).chain(meant).collect()
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    setting: String,
    /// As the server, the database or the role say it, not what this session changed.
    #[diesel(sql_type = Text)]
    reset_val: String,
}

/// What makes a server unfit to keep money: the first reason. Servers that only lose commits in a power cut, with `fsync` off, are for
/// tests, and warned about.
///
/// # Errors
///
/// What the database says.
pub(super) fn unfit(conn: &mut PgConnection) -> QueryResult<Option<String>> {
    let settings: Vec<Setting> = diesel::sql_query(
        "SELECT name, setting, coalesce(reset_val, setting) AS reset_val FROM pg_settings WHERE name IN \
         ('server_version_num', 'synchronous_commit', 'default_transaction_isolation', 'fsync', 'full_page_writes', \
          'transaction_read_only', 'server_encoding', 'synchronous_standby_names')",
    )
    .load(conn)?;
    let of = |name: &str| settings.iter().find(|one| one.name == name);
    let current = |name: &str| of(name).map_or("", |one| one.setting.as_str());
    let default = |name: &str| of(name).map_or("", |one| one.reset_val.as_str());
    for unsafe_setting in ["fsync", "full_page_writes"] {
        if current(unsafe_setting) == "off" {
            log::warn!("database: the server runs with {unsafe_setting} = off: a power cut loses answered commits");
        }
    }
    if default("synchronous_commit") == "local" && !current("synchronous_standby_names").is_empty() {
        log::warn!("database: synchronous_commit = local: a failover loses answered commits");
    }
    Ok(judge(&[
        ("server_version_num", current("server_version_num")),
        ("server_encoding", current("server_encoding")),
        ("transaction_read_only", current("transaction_read_only")),
        ("synchronous_commit", default("synchronous_commit")),
        ("default_transaction_isolation", default("default_transaction_isolation")),
    ]))
}

fn judge(settings: &[(&str, &str)]) -> Option<String> {
    let of = |wanted: &str| settings.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
    let version: i32 = of("server_version_num").parse().unwrap_or(0);
    if version < OLDEST {
        return Some(format!("the server is version {}; 15 or newer is needed", version / 10_000));
    }
    if of("server_encoding") != "UTF8" {
        return Some(format!("the database's encoding is {}; it must be UTF8", of("server_encoding")));
    }
    if of("transaction_read_only") != "off" {
        return Some(
            "the server is read-only (a standby?); name all hosts and add target_session_attrs=read-write to the address".into(),
        );
    }
    if of("synchronous_commit") == "off" {
        return Some(ASYNCHRONOUS.into());
    }
    if of("default_transaction_isolation") != "read committed" {
        return Some(format!(
            "default_transaction_isolation is {}; it must be read committed, for which the locks are made",
            of("default_transaction_isolation")
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: [(&str, &str); 5] = [
        ("server_version_num", "150018"),
        ("server_encoding", "UTF8"),
        ("transaction_read_only", "off"),
        ("synchronous_commit", "on"),
        ("default_transaction_isolation", "read committed"),
    ];

    #[test]
    fn a_server_that_could_lose_an_answered_commit_is_refused_with_the_reason() {
        assert_eq!(judge(&FIT), None);
        for fit in ["remote_write", "remote_apply", "local"] {
            let settings = FIT.map(|(name, value)| (name, if name == "synchronous_commit" { fit } else { value }));
            assert_eq!(judge(&settings), None, "{fit}");
        }
        for (changed, value, reason) in [
            ("server_version_num", "140012", "15 or newer"),
            ("server_version_num", "", "15 or newer"),
            ("server_encoding", "SQL_ASCII", "UTF8"),
            ("transaction_read_only", "on", "read-only"),
            ("transaction_read_only", "", "read-only"),
            ("synchronous_commit", "off", "synchronous_commit"),
            ("default_transaction_isolation", "serializable", "read committed"),
            ("default_transaction_isolation", "repeatable read", "read committed"),
        ] {
            let settings = FIT.map(|(name, old)| (name, if name == changed { value } else { old }));
            assert!(judge(&settings).is_some_and(|text| text.contains(reason)), "{changed} = {value}");
        }
    }

    #[test]
    fn several_hosts_are_also_tried_one_by_one() {
        assert_eq!(one_by_one("postgres://u:p@h:1/db?x=1"), Vec::<String>::new());
        assert_eq!(
            one_by_one("postgres://u:p@a:1,[::1]:2/db?target_session_attrs=read-write"),
            [
                "postgres://u:p@a:1/db?target_session_attrs=read-write",
                "postgres://u:p@[::1]:2/db?target_session_attrs=read-write"
            ]
        );
        assert_eq!(one_by_one("postgres://a,b/db"), ["postgres://a/db", "postgres://b/db"]);
    }

    #[test]
    fn a_password_is_never_in_a_reason() {
        let url = "postgres://u:hunter2@h/db";
        for said in ["could not parse postgres://u:hunter2@h/db", "the word hunter2 is wrong"] {
            assert!(!refused("postgres://h/db", url, &said).to_string().contains("hunter2"), "{said}");
        }
        let in_query = "postgres://h/db?user=u&password=hun%74er2&sslpassword=swordfish";
        for said in ["invalid percent-encoded token: hun%74er2", "hunter2", "swordfish is wrong"] {
            let shown = refused("postgres://h/db", in_query, &said).to_string();
            assert!(!shown.contains("hun") && !shown.contains("swordfish"), "{shown}");
        }
        assert!(refused("postgres://h/db", url, &"connection refused\nIs it up?").0.contains("connection refused; Is"));
    }
}
