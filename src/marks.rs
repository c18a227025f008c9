//! Small marks kept outside the database: the last known end of the ledger, the audit and the log of events. A database that ends before its mark,
//! or ends otherwise, has lost entries or was put back from a copy; nothing is served on it until a person has looked.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::db::migrate::database_id;
use crate::db::{DbConn, Place, connect_read_only};
use crate::error::Error;
use crate::events::{self, feed::Cursor};
use crate::ledger;
use crate::staff::audit;

/// The end of a chain: the number and hash of its last row.
pub type End = (i64, [u8; 32]);

/// Where everything that only grows ended when last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The journal.
    pub ledger: End,
    /// The audit.
    pub audit: End,
    /// The name of the newest event. `None`: there was none, or an earlier version wrote the mark.
    #[serde(default)]
    pub event: Option<String>,
}

/// The ending of the file beside the mark that says what was found to be wrong.
const DOUBT: &str = "doubt";

/// The file that keeps the mark of one database.
#[derive(Debug, Clone)]
pub struct MarkFile {
    path: PathBuf,
    database: PathBuf,
}

/// What the file holds: the mark, and where the database was.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    mark: Mark,
    #[serde(default)]
    database: Option<PathBuf>,
}

impl MarkFile {
    /// The mark of the database at `place`, under `state_dir`.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn of(state_dir: &Path, place: &Place, conn: &mut DbConn) -> Result<Self, Error> {
        Ok(Self::named(state_dir, place, &database_id(conn)?))
    }

    /// The mark of the database that was given the name `id`, under `state_dir`.
    pub fn named(state_dir: &Path, place: &Place, id: &str) -> Self {
        Self { path: state_dir.join(format!("croupier-{id}.mark")), database: address(place) }
    }

    /// Keeps what the mark knows under another name, when it is about to be replaced by less. Returns where.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn keep_aside(&self) -> std::io::Result<PathBuf> {
        let kept = (1..).map(|number| self.path.with_extension(format!("mark.{number}"))).find(|path| !path.exists());
        let kept = kept.unwrap_or_else(|| self.path.with_extension("mark.kept"));
        fs::copy(&self.path, &kept)?;
        fs::File::open(&kept)?.sync_all()?;
        Ok(kept)
    }

    /// What was found to be wrong while the books were served, until a whole check finds nothing.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be read.
    pub fn doubt(&self) -> std::io::Result<Option<String>> {
        match fs::read_to_string(self.path.with_extension(DOUBT)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps what was found to be wrong over the end of the process.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn raise_doubt(&self, what: &str) -> std::io::Result<()> {
        let mut file = fs::File::create(self.path.with_extension(DOUBT))?;
        file.write_all(what.as_bytes())?;
        file.sync_all()
    }

    /// A whole check has found nothing.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub fn settle_doubt(&self) -> std::io::Result<()> {
        match fs::remove_file(self.path.with_extension(DOUBT)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Where the chains must at least reach, when a mark was ever made.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be read: a sentence for the operator.
    pub fn load(&self) -> Result<Option<Mark>, String> {
        let shown = self.path.display();
        match fs::read(&self.path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|_| format!("{shown}: the mark cannot be read"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{shown}: {error}")),
        }
    }

    /// Puts a new mark in the place of the old one; a crash leaves one of the two.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, mark: &Mark) -> std::io::Result<()> {
        let next = self.path.with_extension("mark.next");
        let mut file = fs::File::create(&next)?;
        let kept = Kept { mark: mark.clone(), database: Some(self.database.clone()) };
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(&next, &self.path)
    }
}

/// Refuses to begin new books where there were some: a file that is gone or was cut to nothing cannot say itself what it has lost.
///
/// # Errors
///
/// The file or the database on the server is missing or empty, and a mark under `state_dir` knows of rows in it or cannot be read: a sentence for the operator.
pub fn check_not_emptied(state_dir: &Path, place: &Place) -> Result<(), String> {
    let has_books = match place.file() {
        Some(file) => fs::metadata(file).is_ok_and(|file| file.len() > 0),
        None => {
            let mut conn = connect_read_only(place).map_err(|error| error.to_string())?;
            database_id(&mut conn).is_ok()
        }
    };
    if has_books {
        return Ok(());
    }
    let wanted = Some(address(place));
    for entry in fs::read_dir(state_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "mark") {
            continue;
        }
        let unreadable =
            |error: &dyn std::fmt::Display| format!("{}: the mark cannot be read: {error}", path.display());
        let bytes = fs::read(&path).map_err(|error| unreadable(&error))?;
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
        if kept.database == wanted && (kept.mark.ledger.0 > 0 || kept.mark.audit.0 > 0) {
            return Err(format!(
                "{}: the {} is missing or empty, but {} knows of {} entries in it: put it back, or remove the mark to begin new books",
                place.shown(),
                if place.file().is_some() { "file" } else { "database" },
                path.display(),
                kept.mark.ledger.0
            ));
        }
    }
    Ok(())
}

/// How the mark names the place: a file by its absolute path, a server without user and password.
fn address(place: &Place) -> PathBuf {
    place.file().map_or_else(|| PathBuf::from(place.shown()), absolute)
}

/// A path that does not depend on where the process was started, nor on links to it.
fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        path.file_name().map_or(directory.clone(), |name| directory.join(name))
    })
}

/// Where everything ends now.
///
/// # Errors
///
/// What the database says.
pub fn current(conn: &mut DbConn) -> Result<Mark, Error> {
    Ok(Mark { ledger: ledger::head(conn)?, audit: audit::head(conn)?, event: events::newest_name(conn)? })
}

/// In what the database has lost what the mark knows; empty when it has everything.
///
/// # Errors
///
/// What the database says.
pub fn lost(conn: &mut DbConn, mark: &Mark) -> Result<Vec<String>, Error> {
    let entry = ledger::hash_of(conn, mark.ledger.0)?;
    let row = audit::hash_of(conn, mark.audit.0)?;
    let mut problems = Vec::new();
    for (name, end, found) in [("ledger", mark.ledger, entry), ("audit", mark.audit, row)] {
        if end.0 > 0 && found.as_deref() != Some(end.1.as_slice()) {
            problems.push(format!(
                "the {name} does not hold row {} as it was last known: rows were lost, or this is an older copy",
                end.0
            ));
        }
    }
    if let Some(name) = &mark.event {
        let known = Cursor::parse(name).map(|cursor| cursor.is_known(conn)).transpose()?;
        if known != Some(true) {
            problems.push(format!(
                "the log of events does not hold {name}, its last known: rows were lost, or this is an older copy"
            ));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_an_earlier_version_is_read() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = MarkFile { path: directory.path().join("croupier-x.mark"), database: "croupier.db".into() };
        let zeros = vec![0; 32];
        let text = serde_json::json!({"ledger": [7, zeros], "audit": [2, zeros], "database": "croupier.db"});
        fs::write(&file.path, text.to_string()).unwrap();

        let old = Mark { ledger: (7, [0; 32]), audit: (2, [0; 32]), event: None };
        assert_eq!(file.load(), Ok(Some(old.clone())));
        let new = Mark { event: Some("evt_17_0123456789ab".into()), ..old };
        file.save(&new).unwrap();
        assert_eq!(file.load(), Ok(Some(new)));
    }
}
