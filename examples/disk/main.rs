//! The disk campaign: what becomes of acknowledged money when the process is killed at any call, when the power goes and the disk keeps any part of
//! what it was not told to keep, and when calls fail.
//!
//! The service runs in this process on SQLite's own file system with an ear in between ([`vfs`], [`disk`]).
//!
//! - [`scenario`], [`ask`]: what is asked, and what it must do to the money. [`home`], [`play`]: a service that is asked, and what is noted.
//! - [`promise`], [`image`]: what was said by when, and what is on the disk then. [`check`]: what must be true of it.
//! - [`campaign`], [`options`], [`report`]: all of it, and what is told.

mod ask;
mod campaign;
mod check;
mod disk;
mod home;
mod image;
mod options;
mod play;
mod promise;
mod report;
mod scenario;
mod vfs;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // What the service says of faults that are made is no news, unless somebody wants to see it.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("off")).init();
    let options = options::Options::parse();
    // A service that stops by itself leaves what it had open to the end of its process, and here that is this one.
    if let Err(problem) = croupier::handles::raise() {
        eprintln!("{problem}");
    }
    let report = campaign::run(&options);
    report.print(options.json);
    if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
