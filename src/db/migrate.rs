//! Embedded migrations: forward at start, refused when the file is newer than the binary or somebody else's.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{DbConn, connect, connect_read_only};
use super::schema::{meta, players};
use super::{OpenError, immediately};
use crate::ids;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// What an SQLite file of ours carries in its header: "CRPR".
const APPLICATION_ID: i64 = 0x4352_5052;

/// What to do with an old schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Bring it up to date.
    Migrate,
    /// Refuse to start on it.
    Refuse,
}

/// Brings the file to the schema of this binary, or says why not. Returns the names of the migrations that ran.
///
/// # Errors
///
/// A file that is damaged, not ours, newer than this binary, or old while [`Policy::Refuse`] holds.
pub fn prepare(path: &Path, policy: Policy) -> Result<Vec<String>, OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", path.display()));
    // Looked at before anything is written, the journal mode included: the file of another program stays as it is.
    if path.exists() {
        let mut conn = connect_read_only(path)?;
        check_file(&mut conn).map_err(|error| failed(&error))?.map_err(|reason| failed(&reason))?;
    }
    let mut conn = connect(path)?;
    let shipped: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(|error| failed(&error))?;
    let known: Vec<String> = shipped.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = conn.applied_migrations().map_err(|error| failed(&error))?;
    if let Some(newer) = applied.iter().find(|version| !known.contains(&version.to_string())) {
        return Err(failed(&format!("the schema is newer than this binary (it has {newer})")));
    }
    if applied.len() < known.len() && policy == Policy::Refuse {
        return Err(failed(&"the schema is older than this binary; run `croupier migrate`"));
    }
    let ran = conn.run_pending_migrations(MIGRATIONS).map_err(|error| failed(&error))?;
    let names = ran.iter().map(ToString::to_string).collect();
    stamp(&mut conn).map_err(|error| match error {
        diesel::result::Error::NotFound => {
            failed(&"the database has players and no name of its own: `meta` was emptied")
        }
        error => failed(&error),
    })?;
    Ok(names)
}

/// Takes every migration back, newest first. For the test that goes up, down and up again.
///
/// # Errors
///
/// What the database says.
pub fn revert_all(conn: &mut DbConn) -> Result<(), OpenError> {
    conn.revert_all_migrations(MIGRATIONS).map(|_| ()).map_err(|error| OpenError(error.to_string()))
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
    conn.batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
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

/// What is wrong with the pages of the file, if anything.
///
/// # Errors
///
/// What the database says.
pub fn damage(conn: &mut DbConn) -> QueryResult<Option<String>> {
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

/// Damaged pages and files of other programs are found before anything is served (threats DUR-7).
fn check_file(conn: &mut DbConn) -> QueryResult<Result<(), String>> {
    if let Some(damage) = damage(conn)? {
        return Ok(Err(damage));
    }
    let one = |conn: &mut DbConn, sql: &str| diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result::<i64>(conn);
    let id = one(conn, "(SELECT application_id FROM pragma_application_id)")?;
    let tables = one(conn, "(SELECT count(*) FROM sqlite_schema)")?;
    let ours = id == APPLICATION_ID || (id == 0 && tables == 0) || one(conn, MIGRATED)? > 0;
    Ok(if ours { Ok(()) } else { Err("this is the database of another program".into()) })
}

/// A migration that was interrupted before the header was stamped is still ours.
const MIGRATED: &str =
    "(SELECT count(*) FROM sqlite_schema WHERE name IN ('__diesel_schema_migrations', 'journal_entries'))";
