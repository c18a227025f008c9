//! `croupier ledger verify`: every invariant of the books, beside a running service or without one.

use std::io::IsTerminal;
use std::path::Path;

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
    let known =
        MarkFile::of(&settings.server.state_dir, place, &mut conn).map_err(|error| error.to_string())?.load()?;
    let checked = if conn.is_shared() { at_one_moment(&mut conn, told) } else { in_halves(place, &mut conn, told) };
    let mut report = checked.map_err(|error| format!("{}: {error}", place.shown()))?;
    if let Some(known) = known {
        report.add(marks::lost(&mut conn, &known).map_err(|error| error.to_string())?);
    }
    Ok(report)
}

/// On a server, which keeps one moment for a reader as long as it reads.
fn at_one_moment(conn: &mut DbConn, mut told: impl FnMut(&Walk)) -> Result<Report, Error> {
    db::snapshot(conn, |conn| {
        let mut walk = Walk::of_one_moment();
        while walk.step(conn)? {
            told(&walk);
        }
        walk.report(conn)
    })
}

/// In a file: step after step, so that a service that writes meanwhile is not kept from moving its log into the file; and the journal
/// and the pages at the same time as the orders.
fn in_halves(place: &db::Place, conn: &mut DbConn, mut told: impl FnMut(&Walk)) -> Result<Report, Error> {
    let (mut journal, orders) = Walk::beside_a_service(conn)?.split();
    let other_half = || {
        let failed = |error: db::OpenError| Error::NoConnection(error.to_string());
        let mut conn = db::connect_to_read_once(place).map_err(failed)?;
        let mut orders = orders;
        while db::snapshot(&mut conn, |conn| orders.step(conn))? {}
        Ok::<_, Error>(orders)
    };
    let (orders, damage) = std::thread::scope(|scope| {
        let other = scope.spawn(other_half);
        while db::snapshot(conn, |conn| journal.step(conn))? {
            told(&journal);
        }
        told(&journal);
        let damage = db::migrate::damage(conn)?;
        let orders = other.join().map_err(|_| Error::Internal("the check of the orders panicked".into()))??;
        Ok::<_, Error>((orders, damage))
    })?;
    let mut report = journal.join(orders).report(conn)?;
    report.add(damage.into_iter().collect());
    Ok(report)
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
