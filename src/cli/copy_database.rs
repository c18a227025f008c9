//! `croupier copy-database`: the books move from SQLite to PostgreSQL, and back while nothing was written there.

use std::path::Path;

use super::steps::Steps;
use super::{Failure, Outcome, load_settings};
use crate::clock;
use crate::db::Place;
use crate::db::copy::{CopyError, Move, Report, take_back};
use crate::secret::Secret;

/// Copy the books of the settings' SQLite file to an empty PostgreSQL database, compare both, and move there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// postgres://USER@HOST/DATABASE. A password may also come from PGPASSWORD or a .pgpass file, where `ps` does not show it.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Go back to the SQLite file. Only while nothing was written on PostgreSQL.
    #[arg(long)]
    undo: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs `croupier copy-database`.
///
/// # Errors
///
/// `NotInOrder` when the two differ, `WrongUse` when it may not or cannot be done.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let wrong = |text: String| Failure::WrongUse(text);
    let source = Place::parse(&settings.database.url).map_err(|error| wrong(error.to_string()))?;
    let Some(file) = source.file() else {
        return Err(wrong(
            "database.url is not an SQLite file: copy-database moves the books from one to PostgreSQL".into(),
        ));
    };
    let to = Secret::new(args.to);
    let Ok(Place::Postgres(url)) = Place::parse(&to) else {
        return Err(wrong("--to must be postgres://USER:PASSWORD@HOST/DATABASE".into()));
    };
    let shown = Place::Postgres(url.clone()).shown();
    let report = if args.undo { undo(file, &url) } else { copy(file, &url) };
    let report = report.map_err(|error| wrong(error.to_string()))?;
    if args.json {
        println!("{}", serde_json::to_string(&report).map_err(|error| wrong(error.to_string()))?);
    } else {
        print(&report, &source.shown(), &shown, args.undo);
    }
    if report.ok { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

fn copy(file: &Path, url: &Secret) -> Result<Report, CopyError> {
    let mut steps = Steps::new();
    let mut tell = |step: crate::db::copy::Step<'_>| steps.show(step);
    let mut moving = Move::begin(file, url)?;
    moving.copy(&mut tell)?;
    let report = moving.compare(&mut tell)?;
    if report.ok {
        let at = clock::rfc3339(clock::now());
        let held = format!("copied from the SQLite file {} on {at}", file.display());
        moving.finish(&held, &at, &mut tell)?;
    }
    Ok(report)
}

fn undo(file: &Path, url: &Secret) -> Result<Report, CopyError> {
    let mut steps = Steps::new();
    take_back(file, url, &mut |step| steps.show(step))
}

fn print(report: &Report, source: &str, target: &str, undo: bool) {
    for table in &report.tables {
        println!("{:24} {:>12} rows{}", table.table, table.source, if table.same { "" } else { "  DIFFERENT" });
    }
    for balance in &report.balances {
        println!(
            "{:12} {} {:>20} available {:>16} held",
            balance.kind, balance.currency, balance.available, balance.held
        );
    }
    println!(
        "chain ends with {}, audit with {}, events with {}",
        report.heads.journal, report.heads.audit, report.heads.event
    );
    for difference in &report.differences {
        println!("differs: {difference}");
    }
    println!(
        "{}",
        match (report.ok, undo) {
            (true, false) => format!(
                "everything is the same. {source} is closed, {target} is open: set database.url to it and start the service. No payout \
                 is sent before somebody says so: croupier sending confirm --reason …"
            ),
            (false, false) => format!("not everything is the same: {source} stays in use, {target} stays closed"),
            (true, true) => format!("nothing was written on {target}: it is closed now, and {source} is open again"),
            (false, true) =>
                format!("{target} has been written to, and going back would lose that: nothing has changed"),
        }
    );
}
