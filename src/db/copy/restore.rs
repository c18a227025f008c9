//! Backups put back: checked whole before anything can be seen, and then not sending by itself.

use std::fs::{File as OsFile, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::backup::{HEADER, Header, Lines, MIGRATION, RowLine, Trailer, WORDS, check_lines, lines_of, sync_directory};
use super::from_file::File;
use super::moving::open_up;
use super::on_server::Server;
use super::tables::{ENTRIES, ON_A_SERVER, TABLES, Table};
use super::{CopyError, Home, PAGE, PAGE_BYTES, Step, Tell, Word, told};
use crate::db::homes::{DATABASE_ID, MOVED_TO, SENDING_HELD, UNFINISHED};
use crate::db::migrate::{self, Policy};
use crate::db::place::Place;
use crate::db::sqlite::with_end;
use crate::db::{FileLock, sqlite};
use crate::secret::Secret;

/// A copy of a backup of a file, beside the place where it is to be, removed when it is dropped.
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// What the backup says of itself; `None` for a file that was copied by hand.
    pub header: Option<Header>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let path = with_end(&self.path, end);
            if path.exists()
                && let Err(error) = std::fs::remove_file(&path)
            {
                log::warn!("{}: cannot be removed: {error}", path.display());
            }
        }
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> CopyError {
    let name = path.display().to_string();
    move |error| CopyError::File(name.clone(), error)
}

/// Copies a backup of a file to `<near>.restoring`, checks its pages and that it is what its header says, and brings it to the schema
/// of this binary. Nothing else is touched.
///
/// # Errors
///
/// `Refused` when it is damaged, not ours, or not what its header says; what the disk says.
pub fn stage(file: &Path, near: &Path) -> Result<Staged, CopyError> {
    let path = with_end(near, ".restoring");
    let mut staged = Staged { path: path.clone(), header: None };
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let mut copy = open.map_err(failed(&path))?;
    copy.set_permissions(Permissions::from_mode(0o600)).map_err(failed(&path))?;
    let mut original = OsFile::open(file).map_err(failed(file))?;
    std::io::copy(&mut original, &mut copy).map_err(failed(&path))?;
    copy.sync_all().map_err(failed(&path))?;
    drop(copy);
    // What a file of its own never came to, when it was copied by hand while somebody wrote.
    let log = with_end(file, "-wal");
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        std::fs::copy(&log, with_end(&path, "-wal")).map_err(failed(&log))?;
    }
    migrate::prepare(&Place::Sqlite(path.clone()), Policy::Migrate)
        .map_err(|error| CopyError::refused(format!("{}: {}", file.display(), error.0)))?;
    let mut conn = sqlite::connect(&path)?;
    let mut home = File::new(&mut conn);
    let header = home.meta(HEADER)?.map(|text| serde_json::from_str::<Header>(&text)).transpose();
    staged.header = header.map_err(|_| CopyError::refused(format!("{}: its header cannot be read", file.display())))?;
    if let Some(header) = &staged.header {
        let (heads, entries) = (home.heads()?, home.count(ENTRIES.name)?);
        if heads != header.heads || entries != header.entries {
            let text = format!(
                "{}: its header says {} entries ending with {}, it has {entries} ending with {}",
                file.display(),
                header.entries,
                header.heads.journal,
                heads.journal
            );
            return Err(CopyError::Refused(text));
        }
    }
    Ok(staged)
}

/// Whether there is nothing at `path` that could be lost.
///
/// # Errors
///
/// `Refused` when there are rows, or a log of commits that belongs to a database that is gone.
pub fn check_free(path: &Path) -> Result<(), CopyError> {
    let log = with_end(path, "-wal");
    let empty = |path: &Path| std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    if empty(path) {
        if empty(&log) {
            return Ok(());
        }
        return Err(CopyError::refused(format!(
            "{} is there without its database: it holds commits that no backup has, and would damage a restored file. Keep it, and move \
             it out of the way",
            log.display()
        )));
    }
    let mut conn = sqlite::connect_read_only(path)?;
    let mut home = File::new(&mut conn);
    for name in home.tables()? {
        if name != WORDS.name && home.count(&name)? > 0 {
            return Err(CopyError::refused(format!(
                "{} is not empty ({name} has rows): move it away with its -wal and -shm first, and keep it",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Holds the payouts of a staged file: `held` says why.
///
/// # Errors
///
/// What the database says.
pub fn hold(staged: &Staged, held: &str) -> Result<(), CopyError> {
    let mut conn = sqlite::connect(&staged.path)?;
    let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    diesel::sql_query(sql).bind::<Text, _>(SENDING_HELD).bind::<Text, _>(held).execute(&mut conn)?;
    diesel::sql_query("DELETE FROM meta WHERE name = ?").bind::<Text, _>(HEADER).execute(&mut conn)?;
    Ok(())
}

/// Gives a staged file the name of the database. From then on it may be used.
///
/// # Errors
///
/// As [`check_free`]; `Open` when a service has the file; what the disk says.
pub fn put_in_place(staged: Staged, path: &Path) -> Result<(), CopyError> {
    // One file without a log, so that its new name brings everything along.
    let mut conn = sqlite::connect(&staged.path)?;
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")?;
    drop(conn);
    check_free(path)?;
    let lock = FileLock::take(path)?;
    check_free(path)?;
    for end in ["-wal", "-shm"] {
        let leftover = with_end(path, end);
        if leftover.exists() {
            std::fs::remove_file(&leftover).map_err(failed(&leftover))?;
        }
    }
    OsFile::open(&staged.path).and_then(|file| file.sync_all()).map_err(failed(&staged.path))?;
    std::fs::rename(&staged.path, path).map_err(failed(path))?;
    sync_directory(path).map_err(failed(path))?;
    drop(lock);
    Ok(())
}

/// Reads a backup of lines whole and says what it is. Nothing is written.
///
/// # Errors
///
/// `Refused` when anything is missing, changed or added.
pub fn check(file: &Path, tell: &mut Tell<'_>) -> Result<Header, CopyError> {
    check_lines(file, tell)
}

/// Writes a checked backup of lines into an empty database. Until [`open_restored`] nobody may use it.
///
/// # Errors
///
/// `Refused` when the database has rows, a service is on it, or the schema is another; what the database says.
pub fn load_lines(file: &Path, header: &Header, target: &Secret, tell: &mut Tell<'_>) -> Result<(), CopyError> {
    migrate::prepare(&Place::Postgres(target.clone()), Policy::Migrate)?;
    let mut server = Server::open(target)?;
    server.alone()?;
    server.no_service()?;
    let refused = |text: String| Err(CopyError::Refused(text));
    let newest = diesel::sql_query(MIGRATION).get_result::<Word>(&mut server.conn)?.word;
    if newest != header.migration {
        return refused(format!(
            "the backup has the schema of migration {}, this binary has {newest}: restore it with croupier {}, and migrate then",
            header.migration, header.version
        ));
    }
    if server.meta(UNFINISHED)?.is_some() {
        return refused(format!("{}: a copy or a restore stopped half way: make a new, empty database", server.shown));
    }
    let all: Vec<Table> = TABLES.into_iter().chain(ON_A_SERVER).collect();
    if let Some(table) = server.filled(&all)? {
        return refused(format!("{}: it is not empty ({table} has rows): make a new, empty database", server.shown));
    }
    server.transaction(|server| {
        server.set_meta(DATABASE_ID, Some(&header.database_id))?;
        Ok(server.set_meta(UNFINISHED, Some("{\"filling\":\"restore\"}"))?)
    })?;
    fill(&mut server, file, tell)?;
    server.settle()?;
    let (heads, entries) = (server.heads()?, server.count(ENTRIES.name)?);
    if heads != header.heads || entries != header.entries {
        return refused(format!("{}: what was written does not end as the backup says", server.shown));
    }
    Ok(())
}

fn fill(server: &mut Server, file: &Path, tell: &mut Tell<'_>) -> Result<(), CopyError> {
    let wrong = || CopyError::refused(format!("{}: it changed while it was read", file.display()));
    let mut lines = Lines::open(file)?;
    lines.header()?;
    let (mut page, mut bytes, mut rows) = (Vec::new(), 0, 0);
    let mut current = WORDS;
    let trailer = loop {
        if !lines.next()? {
            return Err(wrong());
        }
        if let Ok(trailer) = serde_json::from_str::<Trailer>(&lines.line) {
            break trailer;
        }
        let line: RowLine = serde_json::from_str(&lines.line).map_err(|_| wrong())?;
        if line.table != current.name || bytes > PAGE_BYTES || page.len() as i64 >= PAGE {
            write(server, &current, &page, tell, rows)?;
            if line.table != current.name {
                rows = 0;
            }
            page.clear();
            bytes = 0;
            current = lines_of().find(|table| table.name == line.table).ok_or_else(wrong)?;
        }
        rows += 1;
        bytes += line.row.get().len();
        page.push(line.row.get().to_owned());
    };
    write(server, &current, &page, tell, rows)?;
    for (table, expected) in trailer.rows.iter().filter(|(table, _)| *table != WORDS.name) {
        if server.count(table)? != *expected {
            return Err(CopyError::refused(format!(
                "{table}: {expected} rows in the backup, another number was written"
            )));
        }
    }
    Ok(())
}

fn write(server: &mut Server, table: &Table, rows: &[String], tell: &mut Tell<'_>, all: i64) -> Result<(), CopyError> {
    if *table == WORDS {
        return server.transaction(|server| words(server, rows));
    }
    server.transaction(|server| server.insert(table, rows, false))?;
    told(tell, Step::Copied { table: table.name, rows: all, of: 0 })
}

/// What the database said of itself, but for its name, which it has already.
fn words(server: &mut Server, rows: &[String]) -> Result<(), CopyError> {
    for row in rows {
        let row: serde_json::Value =
            serde_json::from_str(row).map_err(|error| CopyError::refused(error.to_string()))?;
        if let (Some(name), Some(value)) = (row["name"].as_str(), row["value"].as_str())
            && ![DATABASE_ID, MOVED_TO].contains(&name)
        {
            server.set_meta(name, Some(value))?;
        }
    }
    Ok(())
}

/// Lets a restored database be used, with its payouts held: `held` says why.
///
/// # Errors
///
/// What the database says.
pub fn open_restored(target: &Secret, held: &str) -> Result<(), CopyError> {
    let mut server = Server::open(target)?;
    server.transaction(|server| {
        server.set_meta(SENDING_HELD, Some(held))?;
        open_up(server)
    })
}
