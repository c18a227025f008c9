//! Books that grow: fills a real database with as many entries as wanted, and measures the service on it.
//!
//! - [`day`]: the real service plays a day. [`build`], [`columns`], [`renaming`], [`chain`]: the day is repeated.
//! - [`measure`], [`service`], [`load`]: the service as a process of its own on books of different sizes.

mod build;
mod chain;
mod columns;
mod day;
mod load;
mod measure;
mod random;
mod renaming;
mod service;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

/// Why the command itself could not go on.
pub type Failure = String;

/// Fills a database with entries, or measures the service on databases of several sizes.
#[derive(Debug, Parser)]
struct Options {
    /// How many journal entries, at least.
    #[arg(long, default_value_t = 1_000_000)]
    entries: i64,
    /// The file to fill; it must not exist.
    #[arg(long, required_unless_present = "measure")]
    to: Option<PathBuf>,
    /// Decides amounts, ids and who is who.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Builds, checks, starts and loads books of these sizes, one after another.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_missing_value = "10000,1000000,10000000", conflicts_with = "to")]
    measure: Option<Vec<i64>>,
    /// Where the books that are measured are made; 10 million entries take about 12 GB.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// Requests of each run in which a connection asks again as soon as it has its answer.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// Requests a second of the runs at a fixed rate.
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// Seconds of each of those.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    // The service that is measured is this very program.
    if std::env::var_os(service::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    log::set_max_level(log::LevelFilter::Off);
    let done = match &options.measure {
        Some(sizes) => measured(&options, sizes),
        None => filled(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("grow: {failure}");
            ExitCode::from(2)
        }
    }
}

fn filled(options: &Options) -> Result<bool, Failure> {
    let to = options.to.as_ref().ok_or("--to is missing")?;
    if to.exists() {
        return Err(format!("{}: it is there already", to.display()));
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let played = day::play(directory.path(), options.seed)?;
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} entries, {eta} to go");
    let bar = ProgressBar::new(0).with_style(style.map_err(|error| error.to_string())?);
    let began = Instant::now();
    let built = build::build(&played, to, options.entries, options.seed, &bar)?;
    bar.finish_and_clear();
    println!("{}: {built} entries in {} s", to.display(), began.elapsed().as_secs());
    Ok(true)
}

fn measured(options: &Options, sizes: &[i64]) -> Result<bool, Failure> {
    let Options { seed, requests, rate, seconds, .. } = *options;
    let plan = measure::Plan { sizes: sizes.to_vec(), seed, requests, rate, seconds };
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let told = |what: &str| {
        bar.set_message(what.to_owned());
        if bar.is_hidden() {
            eprintln!("{what}");
        }
    };
    let rows = measure::run(&plan, &options.directory, told)?;
    bar.finish_and_clear();
    if options.json {
        println!("{}", measure::document(&rows));
    } else {
        println!("{}", measure::table(&rows, rate));
    }
    Ok(measure::is_sound(&rows))
}
