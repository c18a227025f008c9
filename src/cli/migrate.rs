//! `croupier migrate`: brings the database to the schema of this binary.

use std::path::Path;

use super::{Failure, Outcome, load_settings};
use crate::db::{self, migrate};
use crate::marks;

/// Brings the database to the schema of this binary. Refused while a service runs on it.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `croupier migrate`.
///
/// # Errors
///
/// `WrongUse` when the database is in use, damaged, not ours, or newer than this binary, and when its books have moved.
pub fn run(_args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let place = db::Place::parse(&settings.database.url).map_err(|error| Failure::WrongUse(error.to_string()))?;
    marks::check_not_emptied(&settings.server.state_dir, &place).map_err(Failure::WrongUse)?;
    let _lock = db::FileLock::of(&place).map_err(|error| Failure::WrongUse(error.to_string()))?;
    db::homes::check(&place).map_err(|error| Failure::WrongUse(error.to_string()))?;
    let ran =
        migrate::prepare(&place, migrate::Policy::Migrate).map_err(|error| Failure::WrongUse(error.to_string()))?;
    for name in &ran {
        println!("migrated: {name}");
    }
    if ran.is_empty() {
        println!("nothing to migrate");
    }
    Ok(())
}
