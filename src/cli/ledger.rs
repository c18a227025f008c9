//! `croupier ledger verify`: every invariant of the books, beside a running service or without one.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Subcommand;
use indicatif::ProgressBar;

use super::{Failure, Outcome, load_settings};
use crate::db::{self, DbConn};
use crate::error::Error;
use crate::marks::{self, MarkFile};
use crate::settings::Settings;
use crate::verify::{Report, Walk};

/// The books.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every invariant of the ledger, the orders and the audit.
    Verify {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `croupier ledger`.
///
/// # Errors
///
/// `NotInOrder` when something does not hold, `WrongUse` when the database cannot be read.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let Command::Verify { json } = args.command;
    let settings = load_settings(settings)?;
    let unusable = |error: &dyn std::fmt::Display| Failure::WrongUse(error.to_string());
    let place = db::Place::parse(&settings.database.url).map_err(|error| unusable(&error))?;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let told = |walk: &Walk| bar.set_message(format!("{} entries checked, now {}", walk.entries(), walk.now()));
    let report = check(&place, &settings, told).unwrap_or_else(|reason| Report::unreadable(&reason));
    bar.finish_and_clear();
    if json {
        println!("{}", serde_json::to_string(&report).map_err(|error| unusable(&error))?);
    } else {
        print(&report);
    }
    if report.ok { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

fn check(place: &db::Place, settings: &Settings, told: impl FnMut(&Walk)) -> Result<Report, String> {
    let mut conn = db::connect_to_read_once(place).map_err(|error| error.to_string())?;
    let is_large = !conn.is_shared() && db::migrate::is_large(place);
    if !is_large {
        // First: in pages that are out of order, reading row after row may come back to where it was, and never end.
        pages(&mut conn)?;
    }
    let known =
        MarkFile::of(&settings.server.state_dir, place, &mut conn).map_err(|error| error.to_string())?.load()?;
    let failed = |error: Error| format!("{}: {error}", place.shown());
    let mut report = if is_large {
        in_parts(place, &mut conn, told).map_err(|broken| match broken {
            Broken::Pages(damage) => damage,
            Broken::Reading(error) => failed(error),
        })?
    } else {
        at_one_moment(&mut conn, told).map_err(failed)?
    };
    if let Some(known) = known {
        report.add(marks::lost(&mut conn, &known).map_err(|error| error.to_string())?);
    }
    Ok(report)
}

/// The pages of a file.
fn pages(conn: &mut DbConn) -> Result<(), String> {
    match db::migrate::damage(conn) {
        Ok(None) => Ok(()),
        Ok(Some(damage)) => Err(damage),
        Err(error) => Err(error.to_string()),
    }
}

/// A small file, or a server, which keeps one moment for a reader as long as it reads.
fn at_one_moment(conn: &mut DbConn, mut told: impl FnMut(&Walk)) -> Result<Report, Error> {
    db::snapshot(conn, |conn| {
        let mut walk = Walk::of_one_moment();
        while walk.step(conn)? {
            told(&walk);
        }
        walk.report(conn)
    })
}

/// A large file: step after step, so that a service that writes meanwhile is not kept from moving its log into the file; pages, journal and
/// orders at the same time. What is counted against each other is not: it may change between two steps.
fn in_parts(place: &db::Place, conn: &mut DbConn, mut told: impl FnMut(&Walk)) -> Result<Report, Broken> {
    let (mut journal, mut orders) = Walk::beside_a_service(conn).map_err(Broken::Reading)?.split();
    let connected = || db::connect_to_read_once(place).map_err(|error| Error::NoConnection(error.to_string()));
    // What is read from damaged pages means nothing, and may have no end.
    let damaged = AtomicBool::new(false);
    let goes_on = || !damaged.load(Ordering::Relaxed);
    let look_at_pages = || {
        let found = connected().map_err(|error| error.to_string()).and_then(|mut conn| pages(&mut conn));
        damaged.store(found.is_err(), Ordering::Relaxed);
        found
    };
    let other_half = || {
        let mut conn = connected()?;
        while goes_on() && db::snapshot(&mut conn, |conn| orders.step(conn))? {}
        Ok::<_, Error>(orders)
    };
    let panicked = || Error::Internal("a part of the check panicked".into());
    let (pages, read) = std::thread::scope(|scope| {
        let (pages, orders) = (scope.spawn(look_at_pages), scope.spawn(other_half));
        let mut own = || {
            while goes_on() && db::snapshot(conn, |conn| journal.step(conn))? {
                told(&journal);
            }
            Ok::<_, Error>(())
        };
        let own = own();
        let orders = orders.join().map_err(|_| panicked()).and_then(|orders| orders);
        (pages.join(), own.and(orders))
    });
    match pages {
        Ok(Ok(())) => {}
        Ok(Err(damage)) => return Err(Broken::Pages(damage)),
        Err(_) => return Err(Broken::Reading(panicked())),
    }
    let orders = read.map_err(Broken::Reading)?;
    journal.join(orders).report(conn).map_err(Broken::Reading)
}

/// Why a large file cannot be checked.
enum Broken {
    Pages(String),
    Reading(Error),
}

fn print(report: &Report) {
    for problem in &report.problems {
        println!("does not hold: {problem}");
    }
    println!(
        "{}: {} entries, {} postings, {} players, {} audit rows",
        if report.ok { "the books hold" } else { "the books do not hold" },
        report.entries,
        report.postings,
        report.players,
        report.audit_rows
    );
}
