//! Embedded migrations: forward at start, refused when the database is newer than the binary or somebody else's.

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{DbConn, connect, connect_read_only};
use super::place::Place;
use super::schema::{meta, players};
use super::{OpenError, immediately, postgres, sqlite};
use crate::ids;

const FOR_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const FOR_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The number of the lock that instances take while they migrate one database: "CRPR".
const MIGRATING: i64 = 0x4352_5052;

/// What an SQLite file of ours carries in its header: "CRPR".
const APPLICATION_ID: i64 = 0x4352_5052;

/// Files up to this many bytes are looked at whole before a start: about 100 000 entries, half a second.
const LARGE_FILE: u64 = 128 << 20;

/// What to do with an old schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Bring it up to date.
    Migrate,
    /// Refuse to start on it.
    Refuse,
}

/// Brings the database to the schema of this binary, or says why not. Returns the names of the migrations that ran.
///
/// # Errors
///
/// A database that is damaged, not ours, newer than this binary, or old while [`Policy::Refuse`] holds; a server that is unfit.
pub fn prepare(place: &Place, policy: Policy) -> Result<Vec<String>, OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", place.shown()));
    // Looked at before anything is written, the journal mode included: the file of another program stays as it is.
    if place.file().is_none_or(std::path::Path::exists) {
        let mut conn = connect_read_only(place)?;
        check(&mut conn, place).map_err(|error| failed(&error))?.map_err(|reason| failed(&reason))?;
    }
    let mut conn = connect(place)?;
    let ran = match &mut conn {
        DbConn::Sqlite(conn) => run::<Sqlite, _>(conn, FOR_SQLITE, policy),
        DbConn::Postgres(conn) => one_at_a_time(conn, policy),
    };
    let ran = ran.map_err(|reason| failed(&reason))?;
    stamp(&mut conn).map_err(|error| match error {
        diesel::result::Error::NotFound => {
            failed(&"the database has players and no name of its own: `meta` was emptied")
        }
        error => failed(&error),
    })?;
    Ok(ran)
}

/// Instances that start together migrate one after the other; the later ones find nothing to do. The lock is the session's: it goes
/// with the connection, also after a kill.
fn one_at_a_time(conn: &mut PgConnection, policy: Policy) -> Result<Vec<String>, String> {
    if let Some(reason) = postgres::unfit(conn).map_err(|error| error.to_string())? {
        return Err(reason);
    }
    // A migration of a large book may take long, and so may the wait for one.
    let patient = "SET statement_timeout = 0; SET lock_timeout = 0";
    conn.batch_execute(patient).map_err(|error| error.to_string())?;
    let lock = format!("SELECT pg_advisory_lock({MIGRATING})");
    conn.batch_execute(&lock).map_err(|error| error.to_string())?;
    run::<Pg, _>(conn, FOR_POSTGRES, policy)
}

fn run<DB: Backend, C: MigrationHarness<DB>>(
    conn: &mut C,
    migrations: EmbeddedMigrations,
    policy: Policy,
) -> Result<Vec<String>, String>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let shipped: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(|error| error.to_string())?;
    let known: Vec<String> = shipped.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = conn.applied_migrations().map_err(|error| error.to_string())?;
    if let Some(newer) = applied.iter().find(|version| !known.contains(&version.to_string())) {
        return Err(format!("the schema is newer than this binary (it has {newer})"));
    }
    if applied.len() < known.len() && policy == Policy::Refuse {
        return Err("the schema is older than this binary; run `croupier migrate`".into());
    }
    let ran = conn.run_pending_migrations(migrations).map_err(|error| error.to_string())?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

/// Takes every migration back, newest first. For the test that goes up, down and up again.
///
/// # Errors
///
/// What the database says.
pub fn revert_all(conn: &mut DbConn) -> Result<(), OpenError> {
    let reverted = match conn {
        DbConn::Sqlite(conn) => conn.revert_all_migrations(FOR_SQLITE).map(|_| ()),
        DbConn::Postgres(conn) => conn.revert_all_migrations(FOR_POSTGRES).map(|_| ()),
    };
    reverted.map_err(|error| OpenError(error.to_string()))
}

/// The name this database was given when it was made: what tells its marks from those of another.
///
/// # Errors
///
/// What the database says.
pub fn database_id(conn: &mut DbConn) -> QueryResult<String> {
    meta::table.find("database_id").select(meta::value).first(conn)
}

fn stamp(conn: &mut DbConn) -> QueryResult<()> {
    if let DbConn::Sqlite(conn) = conn {
        conn.batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    }
    immediately(conn, |tx| {
        let conn = tx.conn()?;
        let named: i64 = meta::table.filter(meta::name.eq("database_id")).count().get_result(conn)?;
        let players: i64 = players::table.count().get_result(conn)?;
        if named == 0 && players > 0 {
            return Err(diesel::result::Error::NotFound);
        }
        if named == 0 {
            let row = (meta::name.eq("database_id"), meta::value.eq(ids::time_ordered()));
            diesel::insert_into(meta::table).values(row).execute(conn)?;
        }
        Ok(())
    })
}

/// What is wrong with the pages of the file, if anything. A server looks after its own.
///
/// # Errors
///
/// What the database says.
pub fn damage(conn: &mut DbConn) -> QueryResult<Option<String>> {
    match conn {
        DbConn::Sqlite(conn) => damaged_pages(conn),
        DbConn::Postgres(_) => Ok(None),
    }
}

fn damaged_pages(conn: &mut SqliteConnection) -> QueryResult<Option<String>> {
    let found: String =
        diesel::select(diesel::dsl::sql::<Text>("(SELECT quick_check FROM pragma_quick_check LIMIT 1)"))
            .get_result(conn)?;
    if found != "ok" {
        return Ok(Some(format!("the file is damaged: {}", found.replace('\n', " "))));
    }
    let orphans = diesel::dsl::sql::<BigInt>("(SELECT count(*) FROM pragma_foreign_key_check)");
    let orphans: i64 = diesel::select(orphans).get_result(conn)?;
    Ok((orphans > 0).then(|| format!("{orphans} rows refer to rows that are gone")))
}

/// Whether a file has so many pages that not all of them are looked at before a start.
pub fn is_large(place: &Place) -> bool {
    place.file().is_some_and(|file| std::fs::metadata(file).is_ok_and(|file| file.len() > LARGE_FILE))
}

/// What can be known in a moment of a large file: whether it was cut off, and the pages of the tables that do not grow with the journal.
fn damage_at_hand(conn: &mut SqliteConnection, place: &Place) -> QueryResult<Option<String>> {
    if let Some(file) = place.file() {
        match sqlite::is_cut_off(file) {
            Ok(Some(true)) => return Ok(Some("the file is damaged: it is shorter than it was".into())),
            Ok(Some(false) | None) => {}
            Err(error) => return Ok(Some(format!("the file cannot be read: {error}"))),
        }
    }
    for table in ["meta", "accounts", "outbox"] {
        let check = format!(
            "(SELECT coalesce((SELECT quick_check FROM pragma_quick_check('{table}') LIMIT 1), 'ok') \
             WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{table}'))"
        );
        let found: Option<String> = diesel::select(diesel::dsl::sql::<Nullable<Text>>(&check)).get_result(conn)?;
        if let Some(found) = found.filter(|found| found != "ok") {
            return Ok(Some(format!("the file is damaged: {}", found.replace('\n', " "))));
        }
    }
    Ok(None)
}

/// Damaged pages and databases of other programs are found before anything is served (threats DUR-7).
fn check(conn: &mut DbConn, place: &Place) -> QueryResult<Result<(), String>> {
    match conn {
        DbConn::Sqlite(conn) => check_file(conn, place),
        DbConn::Postgres(conn) => check_server(conn),
    }
}

fn check_file(conn: &mut SqliteConnection, place: &Place) -> QueryResult<Result<(), String>> {
    let damage = if is_large(place) { damage_at_hand(conn, place)? } else { damaged_pages(conn)? };
    if let Some(damage) = damage {
        return Ok(Err(damage));
    }
    let one = |conn: &mut SqliteConnection, sql: &str| {
        diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result::<i64>(conn)
    };
    let id = one(conn, "(SELECT application_id FROM pragma_application_id)")?;
    let tables = one(conn, "(SELECT count(*) FROM sqlite_schema)")?;
    let ours = id == APPLICATION_ID || (id == 0 && tables == 0) || one(conn, MIGRATED)? > 0;
    Ok(if ours { Ok(()) } else { Err("this is the database of another program".into()) })
}

/// A migration that was interrupted before the header was stamped is still ours.
const MIGRATED: &str =
    "(SELECT count(*) FROM sqlite_schema WHERE name IN ('__diesel_schema_migrations', 'journal_entries'))";

/// Tables of ours, or no tables at all, where new ones would be made.
fn check_server(conn: &mut PgConnection) -> QueryResult<Result<(), String>> {
    let one =
        |conn: &mut PgConnection, sql: &str| diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result::<i64>(conn);
    let tables = one(conn, "(SELECT count(*) FROM pg_tables WHERE schemaname = current_schema())")?;
    let ours = one(
        conn,
        "(SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() \
         AND tablename IN ('__diesel_schema_migrations', 'journal_entries'))",
    )?;
    Ok(if ours > 0 || tables == 0 { Ok(()) } else { Err("this is the database of another program".into()) })
}
