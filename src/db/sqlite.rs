//! Opening an SQLite file with the settings every connection must have (threats DUR-8, DUR-9).

use std::io::Read;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::OpenError;

/// Write-ahead log, a sync at every commit, foreign keys, five seconds of patience, no trust in a file's own SQL.
const EVERY_CONNECTION: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 134217728; \
     PRAGMA wal_autocheckpoint = 48000;";

/// Older libraries can corrupt a file in a reset race of the write-ahead log (threats DUR-8).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Opens a connection that may write. Creates the file when it is missing, never its directory.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub(super) fn connect(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut conn = establish(path)?;
    let wal = journal_mode(&mut conn).map_err(|error| unusable(path, error))?;
    if !wal.eq_ignore_ascii_case("wal") {
        return Err(OpenError(format!("{}: cannot use a write-ahead log there (mode {wal})", path.display())));
    }
    Ok(conn)
}

/// Like [`connect`], for the one connection that writes all day: what it would need to take back a statement of a batch is kept in memory.
/// SQLite would write what is more than 64 KiB of it to a file of its own in the system's directory for temporary files: under load at
/// nearly every commit. It moves its log only where that is looked after (`checkpoint`): SQLite would do so within a commit, and say nothing when
/// the disk failed.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub(super) fn connect_writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut conn = connect(path)?;
    conn.batch_execute("PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0")
        .map_err(|error| unusable(path, error))?;
    Ok(conn)
}

/// Opens a connection that only reads an existing file, beside a running service or without one.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub(super) fn connect_read_only(path: &Path) -> Result<SqliteConnection, OpenError> {
    if !path.exists() {
        return Err(OpenError(format!("{}: no such database", path.display())));
    }
    let mut conn = establish(path)?;
    conn.batch_execute("PRAGMA query_only = ON").map_err(|error| unusable(path, error))?;
    Ok(conn)
}

/// Like [`connect_read_only`], with little memory: for what reads each page once.
///
/// # Errors
///
/// Says what is wrong with the file, for the operator.
pub(super) fn connect_to_read_once(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut conn = connect_read_only(path)?;
    conn.batch_execute("PRAGMA cache_size = -8192").map_err(|error| unusable(path, error))?;
    Ok(conn)
}

/// The file of this name with something at its end: SQLite keeps a log (`-wal`) and the log's index (`-shm`) beside a database.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Whether the file is shorter than it says itself. `None`: it cannot be told, for the rest may be in the write-ahead log.
pub(super) fn is_cut_off(path: &Path) -> std::io::Result<Option<bool>> {
    if std::fs::metadata(with_end(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Ok(None);
    }
    let mut header = [0; 100];
    let mut file = std::fs::File::open(path)?;
    file.read_exact(&mut header)?;
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    // Written by a library that keeps the number of pages: all that may write our files do.
    let is_kept = number(24) == number(92) && number(28) > 0;
    Ok(is_kept.then_some(file.metadata()?.len() < u64::from(number(28)) * page_size))
}

fn establish(path: &Path) -> Result<SqliteConnection, OpenError> {
    let text = path.to_str().ok_or_else(|| OpenError("database.url: the path is not UTF-8".into()))?;
    let mut conn =
        SqliteConnection::establish(text).map_err(|error| OpenError(format!("{}: {error}", path.display())))?;
    // Before anything is asked, which looks into the file: whoever closes it at this moment has it alone, and is waited for.
    conn.batch_execute(EVERY_CONNECTION).map_err(|error| unusable(path, error))?;
    check_library(&mut conn).map_err(|error| unusable(path, error))??;
    Ok(conn)
}

fn unusable(path: &Path, error: diesel::result::Error) -> OpenError {
    OpenError(format!("{}: {error}", path.display()))
}

fn journal_mode(conn: &mut SqliteConnection) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    diesel::sql_query("PRAGMA journal_mode = WAL").get_result::<Mode>(conn).map(|mode| mode.journal_mode)
}

fn check_library(conn: &mut SqliteConnection) -> QueryResult<Result<(), OpenError>> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use diesel::r2d2::Pool;
    use diesel::sql_types::BigInt;

    use crate::db::DbConn;
    use crate::db::readers::Readers;

    use super::*;

    fn pragma(conn: &mut SqliteConnection, name: &str) -> i64 {
        let sql = format!("(SELECT * FROM pragma_{name})");
        diesel::select(diesel::dsl::sql::<BigInt>(&sql)).get_result(conn).expect("a setting")
    }

    fn autocheckpoint(conn: &mut SqliteConnection) -> i64 {
        #[derive(QueryableByName)]
        struct Pages {
            #[diesel(sql_type = BigInt)]
            wal_autocheckpoint: i64,
        }
        let pages = diesel::sql_query("PRAGMA wal_autocheckpoint").get_result::<Pages>(conn);
        pages.expect("a setting").wal_autocheckpoint
    }

    fn assert_settings(conn: &mut SqliteConnection, is_reader: bool) {
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
    fn whoever_has_the_file_alone_for_a_moment_is_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        let mut alone = connect(&path).expect("opens");
        let takes_it = "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t (x INTEGER); PRAGMA journal_mode = DELETE;";
        alone.batch_execute(takes_it).expect("has it alone");
        let (tell, told) = std::sync::mpsc::channel();
        let opens = std::thread::spawn(move || tell.send(connect_read_only(&path).map(|_| ())));

        let early = told.recv_timeout(Duration::from_millis(100));
        assert!(early.is_err(), "it did not wait: {early:?}");
        drop(alone);
        told.recv().expect("an answer").expect("it opens");
        opens.join().expect("no panic").expect("told");
    }

    #[test]
    fn every_connection_has_the_settings_also_the_pooled_ones() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("books.db");
        assert_settings(&mut connect(&path).expect("opens"), false);
        assert_settings(&mut connect_read_only(&path).expect("opens"), true);
        let mut writer = connect_writer(&path).expect("opens");
        assert_settings(&mut writer, false);
        assert_eq!(pragma(&mut writer, "temp_store"), 2, "in memory");
        assert_eq!(autocheckpoint(&mut writer), 0, "nothing is moved within a commit");

        let pool = Pool::builder().max_size(4).build(Readers(path.into())).expect("a pool");
        let mut pooled: Vec<_> = (0..4).map(|_| pool.get().expect("a reader")).collect();
        for conn in &mut pooled {
            let DbConn::Sqlite(conn) = &mut **conn else { panic!("a file") };
            assert_settings(conn, true);
            let written = conn.batch_execute("CREATE TABLE t (x INTEGER)");
            assert!(written.is_err(), "a reader writes nothing");
        }
    }
}
