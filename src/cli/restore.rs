//! `croupier restore`: a backup becomes the database of the settings, checked whole before it can be used, and not sending by itself.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::steps::Steps;
use super::{Failure, Outcome, load_settings};
use crate::clock;
use crate::db::copy::{self, CopyError, Header, Heads, Kind, Move, Staged};
use crate::db::{self, DbConn, Place};
use crate::error::Error;
use crate::marks::{self, Mark, MarkFile};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::shared::HOOKS;
use crate::staff::{CLI, audit};
use crate::verify;

/// Put a backup into the empty database of the settings. Payouts are held until `croupier sending confirm`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup.
    file: PathBuf,
    /// Go on although the mark in server.state_dir knows of rows that the backup does not have: they are lost.
    #[arg(long)]
    i_know_what_is_lost: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// What was restored.
#[derive(Debug, Serialize)]
struct Restored {
    ok: bool,
    entries: i64,
    players: i64,
    taken_at: String,
    sending_held: String,
    lost: Vec<String>,
    old_mark: Option<PathBuf>,
}

/// Runs `croupier restore`.
///
/// # Errors
///
/// `NotInOrder` when the backup is damaged, its books do not hold, or rows would be lost; `WrongUse` when it cannot be done.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let place = Place::parse(&settings.database.url).map_err(|error| Failure::WrongUse(error.to_string()))?;
    let restore = Restore { args: &args, settings: &settings, place: &place };
    let restored = match (copy::inspect(&args.file).map_err(failure)?, &place) {
        (Kind::File, _) => restore.file(),
        (Kind::Lines, Place::Postgres(url)) => restore.lines(url),
        (Kind::Lines, Place::Sqlite(_)) => Err(Failure::WrongUse(
            "this is a backup of PostgreSQL, and cannot become an SQLite file: set database.url to an empty PostgreSQL database".into(),
        )),
    }?;
    if args.json {
        println!("{}", serde_json::to_string(&restored).map_err(|error| Failure::WrongUse(error.to_string()))?);
    } else {
        print(&restored, &place);
    }
    Ok(())
}

/// What is wrong with a backup is "not in order"; what stands in the way of writing it is wrong use.
fn failure(error: CopyError) -> Failure {
    match error {
        CopyError::Refused(text) => Failure::NotInOrder(text),
        other => Failure::WrongUse(other.to_string()),
    }
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::WrongUse(error.to_string())
}

struct Restore<'a> {
    args: &'a Args,
    settings: &'a Settings,
    place: &'a Place,
}

impl Restore<'_> {
    /// From a copy of an SQLite file, to either database.
    fn file(&self) -> Result<Restored, Failure> {
        let near = match self.place {
            Place::Sqlite(path) => {
                copy::check_free(path).map_err(failure)?;
                path.clone()
            }
            Place::Postgres(_) => self.settings.server.state_dir.join("croupier-backup"),
        };
        let staged = copy::stage(&self.args.file, &near).map_err(failure)?;
        let taken =
            staged.header.as_ref().map_or_else(|| "at an unknown time".to_owned(), |header| header.taken_at.clone());
        let mut conn = db::connect(&Place::Sqlite(staged.path.clone())).map_err(unusable)?;
        let mut restored = self.verified(&mut conn, &taken)?;
        let mark = MarkFile::of(&self.settings.server.state_dir, self.place, &mut conn).map_err(unusable)?;
        let known = mark.load().map_err(Failure::NotInOrder)?;
        restored.lost =
            known.map_or_else(|| Ok(Vec::new()), |known| marks::lost(&mut conn, &known)).map_err(unusable)?;
        self.accept_loss(&restored.lost, &taken)?;
        self.record(&mut conn, &restored)?;
        let current = marks::current(&mut conn).map_err(unusable)?;
        drop(conn);
        restored.old_mark = self.replace(&mark, &current, &restored.lost)?;
        self.place_file(staged, &restored)?;
        mark.save(&current).map_err(unusable)?;
        Ok(restored)
    }

    fn place_file(&self, staged: Staged, restored: &Restored) -> Result<(), Failure> {
        copy::hold(&staged, &restored.sending_held).map_err(failure)?;
        match self.place {
            Place::Sqlite(path) => copy::put_in_place(staged, path).map_err(failure),
            Place::Postgres(url) => {
                let mut steps = Steps::new();
                let mut tell = |step: copy::Step<'_>| steps.show(step);
                let mut moving = Move::from_backup(&staged.path, url).map_err(failure)?;
                moving.copy(&mut tell).map_err(failure)?;
                let report = moving.compare(&mut tell).map_err(failure)?;
                if !report.ok {
                    return Err(Failure::NotInOrder(report.differences.join("\n")));
                }
                moving.finish(&restored.sending_held, &clock::rfc3339(clock::now()), &mut tell).map_err(failure)
            }
        }
    }

    /// From lines, to PostgreSQL.
    fn lines(&self, url: &Secret) -> Result<Restored, Failure> {
        let mut steps = Steps::new();
        let mut tell = |step: copy::Step<'_>| steps.show(step);
        let header = copy::check(&self.args.file, &mut tell).map_err(failure)?;
        let mark = MarkFile::named(&self.settings.server.state_dir, self.place, &header.database_id);
        let known = mark.load().map_err(Failure::NotInOrder)?;
        // Looked at before the long part, by the numbers alone; the hashes are compared when the rows are there.
        self.accept_loss(&known.as_ref().map(|known| behind(known, &header)).unwrap_or_default(), &header.taken_at)?;
        copy::load_lines(&self.args.file, &header, url, &mut tell).map_err(failure)?;
        drop(steps);
        self.seal()?;
        let mut conn = db::connect_read_only(self.place).map_err(unusable)?;
        let mut restored = self.verified(&mut conn, &header.taken_at)?;
        restored.lost =
            known.map_or_else(|| Ok(Vec::new()), |known| marks::lost(&mut conn, &known)).map_err(unusable)?;
        self.accept_loss(&restored.lost, &header.taken_at)?;
        drop(conn);
        let mut conn = db::connect(self.place).map_err(unusable)?;
        self.record(&mut conn, &restored)?;
        let current = marks::current(&mut conn).map_err(unusable)?;
        drop(conn);
        restored.old_mark = self.replace(&mark, &current, &restored.lost)?;
        copy::open_restored(url, &restored.sending_held).map_err(failure)?;
        mark.save(&current).map_err(unusable)?;
        Ok(restored)
    }

    /// A backup may hold entries and events that had no place in their order yet. They get it now, so that the mark, which may know of it, finds
    /// them.
    fn seal(&self) -> Result<(), Failure> {
        let mut conn = db::connect(self.place).map_err(unusable)?;
        let mut more = true;
        while more {
            more = db::immediately(&mut conn, |tx| (HOOKS.seal)(tx)).map_err(|error: Error| unusable(error))?.more;
        }
        Ok(())
    }

    /// Checks every invariant of what was read.
    fn verified(&self, conn: &mut DbConn, taken: &str) -> Result<Restored, Failure> {
        let mut steps = Steps::new();
        let report = verify::verify(conn, |entries| steps.entries(entries)).map_err(unusable)?;
        if !report.ok {
            let problems: Vec<_> = report.problems.iter().map(|problem| format!("does not hold: {problem}")).collect();
            return Err(Failure::NotInOrder(format!("the books in this backup do not hold\n{}", problems.join("\n"))));
        }
        let file = self.args.file.display();
        Ok(Restored {
            ok: true,
            entries: report.entries,
            players: report.players,
            taken_at: taken.to_owned(),
            sending_held: format!("restored from {file} taken {taken}"),
            lost: Vec::new(),
            old_mark: None,
        })
    }

    fn accept_loss(&self, lost: &[String], taken: &str) -> Result<(), Failure> {
        if lost.is_empty() || self.args.i_know_what_is_lost {
            return Ok(());
        }
        Err(Failure::NotInOrder(format!(
            "this backup, taken {taken}, does not have everything that was in the books:\n  {}\nThe service has not been touched. First \
             look for a newer backup, a standby, or the old database with its -wal. Is there none, everything after {taken} is lost: run \
             this again with --i-know-what-is-lost, and go through docs/RUNBOOK.md, \"Restored books\"",
            lost.join("\n  ")
        )))
    }

    /// Writes into the audit what was restored, so that it is known for ever.
    fn record(&self, conn: &mut DbConn, restored: &Restored) -> Result<(), Failure> {
        let mut detail = restored.sending_held.clone();
        for lost in &restored.lost {
            detail = format!("{detail}; {lost}");
        }
        let written = db::immediately(conn, |tx| {
            audit::append(tx, CLI, "database.restore", "database", &detail, clock::now()).map(|_| ())
        });
        written.map_err(|error: Error| unusable(error))
    }

    /// Before the books can be used, where rows are lost: after a stop in between the same command goes on.
    fn replace(&self, mark: &MarkFile, current: &Mark, lost: &[String]) -> Result<Option<PathBuf>, Failure> {
        if lost.is_empty() {
            return Ok(None);
        }
        let kept = mark.keep_aside().map_err(unusable)?;
        mark.save(current).map_err(unusable)?;
        Ok(Some(kept))
    }
}

/// In what a backup of lines ends before the mark.
fn behind(known: &Mark, header: &Header) -> Vec<String> {
    let ends = [
        ("ledger", known.ledger.0, Heads::number(&header.heads.journal)),
        ("audit", known.audit.0, Heads::number(&header.heads.audit)),
    ];
    let behind = ends.into_iter().filter(|(_, known, held)| known > held);
    behind.map(|(name, known, held)| format!("the {name} reached row {known}, the backup ends with {held}")).collect()
}

fn print(restored: &Restored, place: &Place) {
    println!(
        "{}: {} entries, {} players, as they were {}",
        place.shown(),
        restored.entries,
        restored.players,
        restored.taken_at
    );
    for lost in &restored.lost {
        println!("lost: {lost}");
    }
    if let Some(old) = &restored.old_mark {
        println!("the old mark is kept in {}", old.display());
    }
    println!("the books hold. Next, before payouts go out again (docs/RUNBOOK.md, \"Restored books\"):");
    println!("  1. start the service: it takes questions and notifications, and sends no payout");
    println!("  2. compare every payout and deposit since {} with the Cashier's report", restored.taken_at);
    println!("  3. decline or resolve what the Cashier has paid already, adjust what is missing");
    println!("  4. croupier sending confirm --reason …");
}
