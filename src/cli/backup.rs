//! `croupier backup`: a copy of the books beside a running service.

use std::path::{Path, PathBuf};

use super::steps::{Growing, Steps};
use super::{Failure, Outcome, load_settings};
use crate::clock;
use crate::db::Place;
use crate::db::copy;

/// Write a backup of the database, beside a running service.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to. Never replaces a file.
    file: PathBuf,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs `croupier backup`.
///
/// # Errors
///
/// `WrongUse` when it cannot be written.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let wrong = |error: &dyn std::fmt::Display| Failure::WrongUse(error.to_string());
    let place = Place::parse(&settings.database.url).map_err(|error| wrong(&error))?;
    let mut steps = Steps::new();
    let mut partial = args.file.as_os_str().to_owned();
    partial.push(".partial");
    let growing = place.file().map(|file| Growing::watch(partial.into(), file));
    let header = copy::back_up(&place, &args.file, &clock::rfc3339(clock::now()), &mut |step| steps.show(step));
    drop(growing);
    let header = header.map_err(|error| wrong(&error))?;
    drop(steps);
    if args.json {
        println!("{}", serde_json::to_string(&header).map_err(|error| wrong(&error))?);
    } else {
        println!("{}: {} entries of {}, taken {}", args.file.display(), header.entries, place.shown(), header.taken_at);
        println!(
            "It holds everything that the database holds, personal data and digests of tokens too: keep it like the database."
        );
    }
    Ok(())
}
