//! Backups: a copy of the file on SQLite; on PostgreSQL one file with a JSON object per line, of one moment.

use std::collections::BTreeMap;
use std::fs::{File as OsFile, OpenOptions, Permissions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compare::Heads;
use super::from_file::File;
use super::on_server::Server;
use super::tables::{CHAIN, ENTRIES, ON_A_SERVER, TABLES, Table};
use super::{CopyError, Home, Step, Tell, Word, check_all_known, told};
use crate::db::homes::{DATABASE_ID, UNFINISHED};
use crate::db::place::Place;
use crate::db::sqlite;

/// In `meta` of a copied file: its header.
pub(super) const HEADER: &str = "backup";

/// The form of the lines. Another form gets another number.
const FORMAT: u32 = 1;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The form of the lines, 1.
    pub croupier_backup: u32,
    /// The version of the binary that made it.
    pub version: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The database's own name.
    pub database_id: String,
    /// Its newest migration.
    pub migration: String,
    /// When, RFC 3339.
    pub taken_at: String,
    /// Where everything ended.
    pub heads: Heads,
    /// Journal entries.
    pub entries: i64,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trailer {
    /// Rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// SHA-256 of every byte before this line, in hex.
    pub sha256: String,
}

/// Writes a backup of the database beside a running service. The file appears under its name only when it is whole; it can be read by
/// its owner only.
///
/// # Errors
///
/// `Refused` when there is a file of that name; what the database or the disk says.
pub fn back_up(place: &Place, file: &Path, taken_at: &str, tell: &mut Tell<'_>) -> Result<Header, CopyError> {
    if file.exists() {
        return Err(CopyError::refused(format!(
            "{}: there is such a file; a backup never replaces one",
            file.display()
        )));
    }
    let partial = Partial::create(file)?;
    let header = match place {
        Place::Sqlite(path) => copy_file(path, &partial.path, taken_at),
        Place::Postgres(url) => {
            let mut server = Server::open(url)?;
            write_lines(&mut server, &partial, taken_at, tell)
        }
    }?;
    partial.keep(file)?;
    Ok(header)
}

/// The file under its other name while it is not whole. Left behind by a kill, it is written over; by a failure, it is removed.
struct Partial {
    path: PathBuf,
    file: OsFile,
    kept: bool,
}

impl Partial {
    fn create(file: &Path) -> Result<Self, CopyError> {
        let mut name = file.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let failed = |error| CopyError::File(path.display().to_string(), error);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CopyError::refused(format!("{}: another backup is writing it", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // What a kill left behind may be open to others.
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        Ok(Self { path, file, kept: false })
    }

    fn keep(mut self, name: &Path) -> Result<(), CopyError> {
        let failed = |error| CopyError::File(name.display().to_string(), error);
        self.file.sync_all().map_err(failed)?;
        // A link and not a new name: it never replaces a file that has come meanwhile.
        std::fs::hard_link(&self.path, name).map_err(failed)?;
        std::fs::remove_file(&self.path).map_err(failed)?;
        self.kept = true;
        sync_directory(name).map_err(failed)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            log::warn!("{}: cannot be removed: {error}", self.path.display());
        }
    }
}

/// Makes the name of a file durable.
pub(super) fn sync_directory(file: &Path) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    OsFile::open(directory)?.sync_all()
}

/// The newest migration, on either database.
pub(super) const MIGRATION: &str = "SELECT max(version) AS word FROM __diesel_schema_migrations";

fn describe(home: &mut dyn Home, migration: String, database: &str, taken_at: &str) -> Result<Header, CopyError> {
    if home.meta(UNFINISHED)?.is_some() {
        return Err(CopyError::refused(
            "a copy or a restore into this database has not come to its end: there is nothing to keep",
        ));
    }
    let database_id =
        home.meta(DATABASE_ID)?.ok_or_else(|| CopyError::refused("the database has no name of its own"))?;
    Ok(Header {
        croupier_backup: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        database: database.into(),
        database_id,
        migration,
        taken_at: taken_at.into(),
        heads: home.heads()?,
        entries: home.count(ENTRIES.name)?,
    })
}

/// SQLite's own copy: of one moment, beside the writer, and without free pages.
fn copy_file(path: &Path, partial: &Path, taken_at: &str) -> Result<Header, CopyError> {
    if !path.exists() {
        return Err(CopyError::refused(format!("{}: no such database", path.display())));
    }
    let text = partial.to_str().ok_or_else(|| CopyError::refused("the path of the backup is not UTF-8"))?;
    let mut conn = sqlite::connect(path)?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(text).execute(&mut conn)?;
    drop(conn);
    // Not through the ordinary way of opening, which would leave a log beside the copy.
    let mut copy = SqliteConnection::establish(text).map_err(|error| CopyError::refused(error.to_string()))?;
    copy.batch_execute("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")?;
    let migration = diesel::sql_query(MIGRATION).get_result::<Word>(&mut copy)?.word;
    let header = describe(&mut File::new(&mut copy), migration, "sqlite", taken_at)?;
    let value = serde_json::to_string(&header).map_err(|error| CopyError::refused(error.to_string()))?;
    let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    diesel::sql_query(sql).bind::<Text, _>(HEADER).bind::<Text, _>(value).execute(&mut copy)?;
    Ok(header)
}

/// Everything of one snapshot, in the order in which it can be written again.
fn write_lines(
    server: &mut Server,
    partial: &Partial,
    taken_at: &str,
    tell: &mut Tell<'_>,
) -> Result<Header, CopyError> {
    let failed = |error| CopyError::File(partial.path.display().to_string(), error);
    let mut out = Sealing { out: BufWriter::new(&partial.file), hasher: Sha256::new() };
    server.conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    check_all_known(server)?;
    let migration = diesel::sql_query(MIGRATION).get_result::<Word>(&mut server.conn)?.word;
    let header = describe(server, migration, "postgres", taken_at)?;
    out.line(&serde_json::json!(header).to_string()).map_err(failed)?;
    let mut trailer = Trailer { rows: BTreeMap::new(), sha256: String::new() };
    for table in lines_of() {
        let of = server.count(table.name)?;
        let (mut rows, mut after) = (0, None);
        loop {
            let page = server.page(&table, after.as_deref())?;
            for row in &page.rows {
                out.line(&format!("{{\"table\":\"{}\",\"row\":{row}}}", table.name)).map_err(failed)?;
                rows += 1;
            }
            if page.last.is_none() {
                break;
            }
            after = page.last;
            told(tell, Step::Copied { table: table.name, rows, of })?;
        }
        trailer.rows.insert(table.name.into(), rows);
    }
    server.conn.batch_execute("COMMIT")?;
    trailer.sha256 = hex::encode(out.hasher.clone().finalize());
    out.line(&serde_json::json!(trailer).to_string()).map_err(failed)?;
    out.out.flush().map_err(failed)?;
    Ok(header)
}

/// What the database says of itself is a table like the others here; on the way back its words are looked at one by one.
pub(super) const WORDS: Table =
    Table { name: "meta", key: &[super::tables::Key::Text("name")], books: true, chained: false };

/// Every table of a backup, in order.
pub(super) fn lines_of() -> impl Iterator<Item = Table> {
    const { assert!(CHAIN.chained, "the view is not kept: it is made of the journal and the seals") };
    [WORDS].into_iter().chain(TABLES).chain(ON_A_SERVER)
}

struct Sealing<W> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> Sealing<W> {
    fn line(&mut self, line: &str) -> std::io::Result<()> {
        for bytes in [line.as_bytes(), b"\n"] {
            self.hasher.update(bytes);
            self.out.write_all(bytes)?;
        }
        Ok(())
    }
}

/// One line of a backup that is not its header.
#[derive(Debug, Deserialize)]
pub(super) struct RowLine<'a> {
    pub table: String,
    #[serde(borrow)]
    pub row: &'a serde_json::value::RawValue,
}

/// What kind of backup a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A copy of an SQLite file.
    File,
    /// Lines of a PostgreSQL database.
    Lines,
}

/// Looks at the first bytes of a file.
///
/// # Errors
///
/// `Refused` when it is no backup; what the disk says.
pub fn inspect(file: &Path) -> Result<Kind, CopyError> {
    let failed = |error| CopyError::File(file.display().to_string(), error);
    let mut start = Vec::new();
    OsFile::open(file).map_err(failed)?.take(32).read_to_end(&mut start).map_err(failed)?;
    if start.starts_with(b"SQLite format 3\0") {
        return Ok(Kind::File);
    }
    if start.starts_with(b"{\"croupier_backup\":") {
        return Ok(Kind::Lines);
    }
    Err(CopyError::refused(format!("{}: not a backup of croupier", file.display())))
}

/// Reads a whole backup of lines: that nothing is missing, changed or added. Memory does not grow with it.
///
/// # Errors
///
/// `Refused` with the first thing that is wrong.
pub fn check_lines(file: &Path, tell: &mut Tell<'_>) -> Result<Header, CopyError> {
    let wrong = |text: &dyn std::fmt::Display| CopyError::refused(format!("{}: {text}", file.display()));
    let mut lines = Lines::open(file)?;
    let header = lines.header()?;
    if header.croupier_backup != FORMAT {
        return Err(wrong(&format!("its form is {}, this binary reads {FORMAT}", header.croupier_backup)));
    }
    let mut rows: BTreeMap<String, i64> = lines_of().map(|table| (table.name.to_owned(), 0)).collect();
    let mut read = 0;
    loop {
        let before = lines.hasher.clone();
        if !lines.next()? {
            return Err(wrong(&"its last line is missing: it is not whole"));
        }
        if let Ok(trailer) = serde_json::from_str::<Trailer>(&lines.line) {
            let found = hex::encode(before.finalize());
            if trailer.sha256 != found {
                return Err(wrong(&"its SHA-256 does not fit: it was changed or damaged"));
            }
            if trailer.rows != rows {
                return Err(wrong(&"the numbers of rows in its last line do not fit"));
            }
            if lines.next()? {
                return Err(wrong(&"something stands after its last line"));
            }
            return Ok(header);
        }
        let line: RowLine =
            serde_json::from_str(&lines.line).map_err(|_| wrong(&format!("line {} is no row", read + 2)))?;
        match rows.get_mut(&line.table) {
            Some(count) => *count += 1,
            None => return Err(wrong(&format!("table {} is not known", line.table))),
        }
        read += 1;
        if read % 10_000 == 0 {
            told(tell, Step::Checked { table: "lines", rows: read, of: 0 })?;
        }
    }
}

/// The lines of a file, one at a time.
pub(super) struct Lines {
    file: BufReader<OsFile>,
    name: String,
    hasher: Sha256,
    pub line: String,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, CopyError> {
        let name = path.display().to_string();
        let file = OsFile::open(path).map_err(|error| CopyError::File(name.clone(), error))?;
        Ok(Self { file: BufReader::new(file), name, hasher: Sha256::new(), line: String::new() })
    }

    /// Reads the next line; false at the end.
    pub(super) fn next(&mut self) -> Result<bool, CopyError> {
        self.line.clear();
        let read = self.file.read_line(&mut self.line).map_err(|error| CopyError::File(self.name.clone(), error))?;
        self.hasher.update(self.line.as_bytes());
        Ok(read > 0)
    }

    pub(super) fn header(&mut self) -> Result<Header, CopyError> {
        self.next()?;
        serde_json::from_str(&self.line)
            .map_err(|_| CopyError::refused(format!("{}: its first line cannot be read", self.name)))
    }
}
