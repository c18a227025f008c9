//! Books that grow: fills a real database with as many entries as wanted, and measures the service on it.
//!
//! - [`day`]: the real service plays a day. [`build`], [`columns`], [`renaming`], [`chain`]: the day is repeated.

mod build;
mod chain;
mod columns;
mod day;
mod random;
mod renaming;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

/// Why the command itself could not go on.
pub type Failure = String;

/// Fills a database with entries.
#[derive(Debug, Parser)]
struct Options {
    /// How many journal entries, at least.
    #[arg(long, default_value_t = 1_000_000)]
    entries: i64,
    /// The file to fill; it must not exist.
    #[arg(long)]
    to: PathBuf,
    /// Decides amounts, ids and who is who.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    log::set_max_level(log::LevelFilter::Off);
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("grow: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if options.to.exists() {
        return Err(format!("{}: it is there already", options.to.display()));
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let played = day::play(directory.path(), options.seed)?;
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} entries, {eta} to go");
    let bar = ProgressBar::new(0).with_style(style.map_err(|error| error.to_string())?);
    let began = Instant::now();
    let built = build::build(&played, &options.to, options.entries, options.seed, &bar)?;
    bar.finish_and_clear();
    println!("{}: {built} entries in {:.1} s", options.to.display(), began.elapsed().as_secs_f64());
    Ok(())
}
