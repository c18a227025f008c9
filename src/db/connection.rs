//! Opening a connection with the settings every one of them must have (threats DUR-8, DUR-9).

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use diesel::sql_types::Text;

use super::OpenError;
use crate::secret::Secret;

/// The one connection type the whole crate uses.
pub type DbConn = SqliteConnection;

/// Write-ahead log, a sync at every commit, foreign keys, five seconds of patience, no trust in a file's own SQL.
const EVERY_CONNECTION: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864; \
     PRAGMA wal_autocheckpoint = 48000;";

/// Older libraries can corrupt a file in a reset race of the write-ahead log (threats DUR-8).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// The file behind a `sqlite://` address.
///
/// # Errors
///
/// Another scheme, or an empty path.
pub fn sqlite_path(url: &Secret) -> Result<PathBuf, OpenError> {
    match url.expose().strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(OpenError("database.url must be sqlite://PATH".into())),
    }
}

/// Opens a connection that may write. Creates the file when it is missing, never its directory.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub fn connect(path: &Path) -> Result<DbConn, OpenError> {
    let mut conn = establish(path)?;
    let wal = journal_mode(&mut conn).map_err(|error| unusable(path, error))?;
    if !wal.eq_ignore_ascii_case("wal") {
        return Err(OpenError(format!("{}: cannot use a write-ahead log there (mode {wal})", path.display())));
    }
    Ok(conn)
}

/// Opens a connection that only reads an existing file, beside a running service or without one.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub fn connect_read_only(path: &Path) -> Result<DbConn, OpenError> {
    if !path.exists() {
        return Err(OpenError(format!("{}: no such database", path.display())));
    }
    let mut conn = establish(path)?;
    conn.batch_execute("PRAGMA query_only = ON").map_err(|error| unusable(path, error))?;
    Ok(conn)
}

fn establish(path: &Path) -> Result<DbConn, OpenError> {
    let text = path.to_str().ok_or_else(|| OpenError("database.url: the path is not UTF-8".into()))?;
    let mut conn = DbConn::establish(text).map_err(|error| OpenError(format!("{}: {error}", path.display())))?;
    check_library(&mut conn).map_err(|error| unusable(path, error))??;
    conn.batch_execute(EVERY_CONNECTION).map_err(|error| unusable(path, error))?;
    Ok(conn)
}

fn unusable(path: &Path, error: diesel::result::Error) -> OpenError {
    OpenError(format!("{}: {error}", path.display()))
}

fn journal_mode(conn: &mut DbConn) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    diesel::sql_query("PRAGMA journal_mode = WAL").get_result::<Mode>(conn).map(|mode| mode.journal_mode)
}

fn check_library(conn: &mut DbConn) -> QueryResult<Result<(), OpenError>> {
    let version = diesel::select(diesel::dsl::sql::<Text>("sqlite_version()")).get_result::<String>(conn)?;
    let too_old = || OpenError(format!("SQLite {version} is too old: 3.51.3 or newer is needed"));
    Ok(if is_safe(&version) { Ok(()) } else { Err(too_old()) })
}

/// Whether a library of this version cannot damage the file.
fn is_safe(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SQLITE
}

/// Sets up each pooled reader.
#[derive(Debug)]
pub(super) struct Reader;

impl CustomizeConnection<DbConn, diesel::r2d2::Error> for Reader {
    fn on_acquire(&self, conn: &mut DbConn) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(EVERY_CONNECTION)
            .and_then(|()| conn.batch_execute("PRAGMA query_only = ON"))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

#[cfg(test)]
mod tests {
    use diesel::r2d2::{ConnectionManager, Pool};
    use diesel::sql_types::BigInt;

    use super::*;

    fn pragma(conn: &mut DbConn, name: &str) -> i64 {
        let sql = format!("(SELECT * FROM pragma_{name})");
        diesel::select(diesel::dsl::sql::<BigInt>(&sql)).get_result(conn).expect("a setting")
    }

    fn assert_settings(conn: &mut DbConn, is_reader: bool) {
        let mode = diesel::select(diesel::dsl::sql::<Text>("(SELECT * FROM pragma_journal_mode)"));
        assert_eq!(mode.get_result::<String>(conn).expect("a mode"), "wal");
        for (name, value) in
            [("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000), ("trusted_schema", 0), ("query_only", 0)]
        {
            let value = if name == "query_only" { i64::from(is_reader) } else { value };
            assert_eq!(pragma(conn, name), value, "{name}");
        }
    }

    /// threats DUR-8
    #[test]
    fn a_library_that_can_damage_the_file_is_refused() {
        for old in ["", "3", "3.51", "3.51.2", "3.50.9", "2.99.99", "nonsense"] {
            assert!(!is_safe(old), "{old:?}");
        }
        for safe in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(is_safe(safe), "{safe:?}");
        }
    }

    #[test]
    fn every_connection_has_the_settings_also_the_pooled_ones() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        assert_settings(&mut connect(&path).expect("opens"), false);
        assert_settings(&mut connect_read_only(&path).expect("opens"), true);

        let manager = ConnectionManager::<DbConn>::new(path.to_string_lossy());
        let pool = Pool::builder().max_size(4).connection_customizer(Box::new(Reader)).build(manager).expect("a pool");
        let mut pooled: Vec<_> = (0..4).map(|_| pool.get().expect("a reader")).collect();
        for conn in &mut pooled {
            assert_settings(conn, true);
            let written = conn.batch_execute("CREATE TABLE t (x INTEGER)");
            assert!(written.is_err(), "a reader writes nothing");
        }
    }
}
