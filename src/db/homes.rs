//! Whether a database may be used: not one that has moved, nor one that is not there whole yet.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};

use super::OpenError;
use super::connection::{DbConn, connect_read_only};
use super::place::Place;
use super::schema::meta;

/// In `meta` of a database that has moved: where to.
pub(super) const MOVED_TO: &str = "moved_to";

/// In `meta` of a database that is being filled: by what.
pub(super) const UNFINISHED: &str = "copy";

/// In `meta` of a database that came from another one: from where.
pub(super) const CAME_FROM: &str = "came_from";

/// In `meta` while no payout may be sent: why. A person confirms it.
pub(super) const SENDING_HELD: &str = "sending_held";

/// The name that tells the marks of one database from those of another.
pub(super) const DATABASE_ID: &str = "database_id";

/// Where the books went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moved {
    /// The address without user and password.
    pub to: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Why a database is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Filling {
    /// `copy-database` has not come to its end.
    Copy,
    /// `restore` has not come to its end.
    Restore,
    /// The books went back to where they had come from.
    TakenBack,
}

/// Refuses a database that may not be written: one that has moved, and one that is not whole. A database that is not there yet, or
/// has no tables yet, may be.
///
/// # Errors
///
/// Why not, for the operator; or the database cannot be read.
pub fn check(place: &Place) -> Result<(), OpenError> {
    if place.file().is_some_and(|file| !file.exists()) {
        return Ok(());
    }
    let mut conn = connect_read_only(place)?;
    let failed = |error: diesel::result::Error| OpenError(format!("{}: {error}", place.shown()));
    match refusal(&mut conn).map_err(failed)? {
        None => Ok(()),
        Some(reason) => Err(OpenError(format!("{}: {reason}", place.shown()))),
    }
}

/// Why nothing may be written to an open database, if so.
///
/// # Errors
///
/// What the database says.
pub fn refusal(conn: &mut DbConn) -> QueryResult<Option<String>> {
    let tables = "(SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta')";
    let on_server = "(SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'meta')";
    let there: i64 = match conn {
        DbConn::Sqlite(conn) => diesel::select(diesel::dsl::sql::<BigInt>(tables)).get_result(conn),
        DbConn::Postgres(conn) => diesel::select(diesel::dsl::sql::<BigInt>(on_server)).get_result(conn),
    }?;
    if there == 0 {
        return Ok(None);
    }
    let mut word = |name: &str| meta::table.find(name).select(meta::value).first::<String>(conn).optional();
    let (moved, unfinished) = (word(MOVED_TO)?, word(UNFINISHED)?);
    Ok(obstacle(moved.as_deref(), unfinished.as_deref()))
}

/// What stands in the way of using the database, for the operator; from the two marks as they stand in `meta`.
pub(super) fn obstacle(moved: Option<&str>, unfinished: Option<&str>) -> Option<String> {
    if let Some(moved) = moved {
        let (to, at) =
            serde_json::from_str::<Moved>(moved).map_or_else(|_| (moved.to_owned(), String::new()), |m| (m.to, m.at));
        return Some(format!(
            "these books moved to {to} on {at}: set database.url to it. Nothing is written here any more, so that no payout is sent \
             twice. To come back while nothing was written there: croupier copy-database --undo --to ADDRESS"
        ));
    }
    let filling = unfinished?;
    Some(match serde_json::from_str::<Unfinished>(filling).map(|found| found.filling) {
        Ok(Filling::Restore) => "a restore into this database has not come to its end: make a new, empty database and restore again".into(),
        Ok(Filling::TakenBack) => "the books of this database went back to where they had come from: use a new, empty database to move again".into(),
        Ok(Filling::Copy) | Err(_) => {
            "a copy into this database has not come to its end: run croupier copy-database again, it goes on where it stopped".into()
        }
    })
}

/// The part of the mark that is read here.
#[derive(Debug, Deserialize)]
struct Unfinished {
    filling: Filling,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_not_use_a_database_is_told_where_to_go() {
        let moved = r#"{"to":"postgres://h/db","at":"2026-11-21T00:00:00Z"}"#;
        assert_eq!(obstacle(None, None), None);
        assert!(
            obstacle(Some(moved), None)
                .is_some_and(|text| text.contains("postgres://h/db on 2026") && text.contains("--undo"))
        );
        for (filling, word) in [
            ("copy", "run croupier copy-database again"),
            ("restore", "restore again"),
            ("taken_back", "went back"),
            ("?", "has not come"),
        ] {
            let mark = format!(r#"{{"filling":"{filling}"}}"#);
            assert!(obstacle(None, Some(&mark)).is_some_and(|text| text.contains(word)), "{filling}");
        }
    }
}
