//! A file's books move to a server, and back while nothing was written there.
//!
//! At every moment at most one of the two may be used: the target is marked as unfinished from before its first row until after the
//! source is marked as moved. Each mark is durable before the next one is written.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use super::compare::{Heads, Report, Scope, compare};
use super::from_file::File;
use super::on_server::Server;
use super::tables::{TABLES, Table};
use super::{CopyError, Home, Step, Tell, check_all_known, told};
use crate::db::homes::{CAME_FROM, DATABASE_ID, Filling, MOVED_TO, Moved, SENDING_HELD, UNFINISHED};
use crate::db::migrate::{self, Policy};
use crate::db::place::Place;
use crate::db::{FileLock, OpenError, sqlite};
use crate::secret::Secret;

/// What the target says of itself while it is being filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unfinished {
    filling: Filling,
    /// The database whose rows they are.
    database_id: String,
    /// Where that one ended when the copy began: when it has gone on since, the copied rows are no longer its rows.
    heads: Heads,
}

/// How far one table came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The key of the last row, a JSON array.
    after: Option<String>,
    rows: i64,
    done: bool,
}

/// What becomes of the source when the copy is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It is a service's database, and is marked as moved.
    Service,
    /// It is a backup, and stays as it is.
    Backup,
}

/// A move under way. The source is locked against every writer until this is dropped.
pub struct Move {
    source: SqliteConnection,
    target: Server,
    mark: Unfinished,
    kind: Source,
    /// After the connection: closing any handle of the file would drop SQLite's own locks.
    _lock: FileLock,
}

impl Move {
    /// Opens both, migrates the target, and begins or goes on.
    ///
    /// # Errors
    ///
    /// `Refused` when a service runs on either, the source is old or has moved elsewhere, or the target has other rows.
    pub fn begin(source: &Path, target: &Secret) -> Result<Self, CopyError> {
        Self::open(source, target, Source::Service)
    }

    /// As [`Move::begin`], from a backup whose schema is that of this binary.
    ///
    /// # Errors
    ///
    /// As [`Move::begin`].
    pub fn from_backup(source: &Path, target: &Secret) -> Result<Self, CopyError> {
        Self::open(source, target, Source::Backup)
    }

    fn open(source: &Path, target: &Secret, kind: Source) -> Result<Self, CopyError> {
        if !source.exists() {
            return Err(CopyError::refused(format!("{}: no such database", source.display())));
        }
        let lock = FileLock::take(source)?;
        migrate::prepare(&Place::Sqlite(source.to_owned()), Policy::Refuse)?;
        let mut source = closed_to_writers(source)?;
        let mut file = File::new(&mut source);
        check_all_known(&mut file)?;
        let database_id = own_name(&mut file)?;
        let (moved, heads) = (file.meta(MOVED_TO)?, file.heads()?);
        migrate::prepare(&Place::Postgres(target.clone()), Policy::Migrate)?;
        let mut target = Server::open(target)?;
        target.alone()?;
        target.no_service()?;
        check_all_known(&mut target)?;
        let filling = if kind == Source::Service { Filling::Copy } else { Filling::Restore };
        let mark = Unfinished { filling, database_id, heads };
        enter(&mut target, &mark, moved.as_deref())?;
        Ok(Self { source, target, mark, kind, _lock: lock })
    }

    /// Copies what is missing. What was told as [`Step::Copied`] need not be copied again.
    ///
    /// # Errors
    ///
    /// What either database says, or `Stopped`; calling it again, also in another process, goes on.
    pub fn copy(&mut self, tell: &mut Tell<'_>) -> Result<(), CopyError> {
        let mut source = File::new(&mut self.source);
        for table in TABLES {
            copy_table(&mut source, &mut self.target, &table, tell)?;
        }
        self.copy_words()?;
        self.target.settle()?;
        Ok(())
    }

    /// What the database says of itself, but for what each home says for itself.
    fn copy_words(&mut self) -> Result<(), CopyError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            name: String,
            #[diesel(sql_type = Text)]
            value: String,
        }
        let rows: Vec<Row> = diesel::sql_query("SELECT name, value FROM meta").load(&mut self.source)?;
        let own = [DATABASE_ID, MOVED_TO, CAME_FROM, UNFINISHED, SENDING_HELD, super::backup::HEADER];
        self.target.transaction(|target| {
            for row in rows.iter().filter(|row| !own.contains(&row.name.as_str())) {
                target.set_meta(&row.name, Some(&row.value))?;
            }
            Ok(())
        })
    }

    /// Reads both sides whole and says in what they differ.
    ///
    /// # Errors
    ///
    /// What either database says.
    pub fn compare(&mut self, tell: &mut Tell<'_>) -> Result<Report, CopyError> {
        compare(&mut File::new(&mut self.source), &mut self.target, Scope::Everything, tell)
    }

    /// Hands over: holds the target's payouts, closes the source, opens the target, each durable before the next. Only after
    /// [`Move::compare`] found nothing. `held` says why nothing is sent, `at` is RFC 3339.
    ///
    /// # Errors
    ///
    /// What either database says. Beginning again goes on where it stopped.
    pub fn finish(mut self, held: &str, at: &str, tell: &mut Tell<'_>) -> Result<(), CopyError> {
        // A source that has handed over already says when; both homes keep saying the same.
        let at = moment(File::new(&mut self.source).meta(MOVED_TO)?.as_deref()).unwrap_or_else(|| at.to_owned());
        let came_from = serde_json::json!({ "database_id": self.mark.database_id, "at": at }).to_string();
        let before = File::new(&mut self.source).meta(SENDING_HELD)?;
        let held = before.map_or_else(|| held.to_owned(), |before| format!("{held}; before that: {before}"));
        self.target.transaction(|target| {
            target.set_meta(SENDING_HELD, Some(&held))?;
            Ok(target.set_meta(CAME_FROM, Some(&came_from))?)
        })?;
        told(tell, Step::TargetHeld)?;
        if self.kind == Source::Service {
            let moved = Moved { to: self.target.shown.clone(), at };
            let moved = serde_json::to_string(&moved).map_err(|error| CopyError::refused(error.to_string()))?;
            let sql =
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            diesel::sql_query(sql).bind::<Text, _>(MOVED_TO).bind::<Text, _>(moved).execute(&mut self.source)?;
            self.source.batch_execute("COMMIT")?;
        }
        told(tell, Step::SourceClosed)?;
        self.target.transaction(open_up)?;
        told(tell, Step::TargetOpened)
    }
}

/// Takes the marks of filling away: from this commit on the database may be used.
pub(super) fn open_up(target: &mut Server) -> Result<(), CopyError> {
    for table in TABLES {
        target.set_meta(&progress_name(&table), None)?;
    }
    Ok(target.set_meta(UNFINISHED, None)?)
}

/// A connection with the write lock, so that nobody writes beside the copy: neither a service nor a command.
fn closed_to_writers(path: &Path) -> Result<SqliteConnection, CopyError> {
    let mut conn = sqlite::connect(path)?;
    conn.batch_execute("BEGIN IMMEDIATE")
        .map_err(|error| OpenError(format!("{}: somebody is writing to it: {error}", path.display())))?;
    Ok(conn)
}

fn own_name(home: &mut dyn Home) -> Result<String, CopyError> {
    home.meta(DATABASE_ID)?.ok_or_else(|| CopyError::refused("the database has no name of its own: `meta` was emptied"))
}

fn progress_name(table: &Table) -> String {
    format!("{UNFINISHED}:{}", table.name)
}

fn json(value: &impl Serialize) -> Result<String, CopyError> {
    serde_json::to_string(value).map_err(|error| CopyError::refused(error.to_string()))
}

/// Marks an empty target, or finds that its mark is ours.
fn enter(target: &mut Server, mark: &Unfinished, moved: Option<&str>) -> Result<(), CopyError> {
    let shown = target.shown.clone();
    let refused = |text: String| Err(CopyError::Refused(format!("{shown}: {text}")));
    // Books that have moved elsewhere are in use there: a copy that was left half way must not open a second home of them.
    let came = target.meta(CAME_FROM)?;
    let elsewhere = moved.filter(|moved| moment(Some(moved)) != moment(came.as_deref()));
    if let Some(text) = elsewhere.and_then(|moved| crate::db::homes::obstacle(Some(moved), None)) {
        return refused(text);
    }
    let found = target.meta(UNFINISHED)?;
    let Some(found) = found else {
        if let Some(text) = crate::db::homes::obstacle(moved, None) {
            return refused(text);
        }
        if let Some(table) = target.filled(&TABLES)? {
            return refused(format!("it is not empty ({table} has rows): make a new, empty database for the books"));
        }
        // The same name as the source: the marks in server.state_dir know the books by it, and notice in the target too when rows
        // that the source had are lost.
        return target.transaction(|target| {
            target.set_meta(DATABASE_ID, Some(&mark.database_id))?;
            Ok(target.set_meta(UNFINISHED, Some(&json(mark)?))?)
        });
    };
    let Ok(found) = serde_json::from_str::<Unfinished>(&found) else {
        return refused("its mark of an unfinished copy cannot be read: make a new, empty database".into());
    };
    if found.filling != mark.filling {
        let text = crate::db::homes::obstacle(None, Some(&json(&found)?));
        return refused(text.unwrap_or_default());
    }
    if found.database_id != mark.database_id {
        return refused("it holds an unfinished copy of other books: make a new, empty database for these".into());
    }
    if found.heads != mark.heads {
        return refused("the books have gone on since this copy began, and rows that were copied may have changed: make a new, empty database and begin again".into());
    }
    Ok(())
}

/// When the books moved, as either home says it: a source and the target it moved to say the same.
fn moment(mark: Option<&str>) -> Option<String> {
    let mark: serde_json::Value = serde_json::from_str(mark?).unwrap_or_default();
    mark["at"].as_str().map(str::to_owned)
}

fn copy_table(source: &mut File<'_>, target: &mut Server, table: &Table, tell: &mut Tell<'_>) -> Result<(), CopyError> {
    let name = progress_name(table);
    let mut progress = match target.meta(&name)? {
        Some(text) => serde_json::from_str(&text).map_err(|error| CopyError::refused(format!("{name}: {error}")))?,
        None => Progress { after: None, rows: 0, done: false },
    };
    let of = source.count(table.name)?;
    while !progress.done {
        let page = source.page(table, progress.after.as_deref())?;
        progress.done = page.last.is_none();
        progress.rows += i64::try_from(page.rows.len()).unwrap_or(i64::MAX);
        progress.after = page.last.or(progress.after);
        let note = json(&progress)?;
        target.transaction(|target| {
            target.insert(table, &page.rows, true)?;
            Ok(target.set_meta(&name, Some(&note))?)
        })?;
        if !progress.done || progress.rows > 0 {
            told(tell, Step::Copied { table: table.name, rows: progress.rows, of })?;
        }
    }
    Ok(())
}

/// Takes the books back to the file they came from, while nothing was written on the server. The server's copy may not be used any
/// more then. Returns what was compared; when it differs, nothing has changed.
///
/// # Errors
///
/// `Refused` when a service runs on either, or the two do not belong together.
pub fn take_back(source: &Path, target: &Secret, tell: &mut Tell<'_>) -> Result<Report, CopyError> {
    if !source.exists() {
        return Err(CopyError::refused(format!("{}: no such database", source.display())));
    }
    let _lock = FileLock::take(source)?;
    let mut conn = closed_to_writers(source)?;
    let mut file = File::new(&mut conn);
    let moved = file.meta(MOVED_TO)?;
    if moved.is_none() {
        return Err(CopyError::refused(format!("{}: these books have not moved", source.display())));
    }
    let database_id = own_name(&mut file)?;
    let heads = file.heads()?;
    let mut target = Server::open(target)?;
    target.alone()?;
    let is_other = target.tables()?.is_empty()
        || target.meta(DATABASE_ID)?.as_deref() != Some(database_id.as_str())
        || moment(target.meta(CAME_FROM)?.as_deref()) != moment(moved.as_deref());
    if is_other {
        return Err(CopyError::refused(format!("{}: these books did not move there", target.shown)));
    }
    target.no_service()?;
    let before = target.meta(UNFINISHED)?;
    let mark = Unfinished { filling: Filling::TakenBack, database_id, heads };
    target.transaction(|target| Ok(target.set_meta(UNFINISHED, Some(&json(&mark)?))?))?;
    // Looked at again behind the mark: whoever starts from now on finds it.
    let compared = target.no_service().and_then(|()| compare(&mut file, &mut target, Scope::Books, tell));
    if !matches!(&compared, Ok(report) if report.ok) {
        target.transaction(|target| Ok(target.set_meta(UNFINISHED, before.as_deref())?))?;
        return compared;
    }
    told(tell, Step::TargetClosed)?;
    diesel::sql_query("DELETE FROM meta WHERE name = ?").bind::<Text, _>(MOVED_TO).execute(&mut conn)?;
    conn.batch_execute("COMMIT")?;
    compared
}
