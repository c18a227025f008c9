//! The command line: one file per command, settings in, text or JSON out.
//!
//! Exit codes (contract, part 2): 0 done, 1 the thing checked is not in order, 2 wrong use or wrong settings.

mod backup;
mod certify;
mod copy_database;
mod demo;
mod events;
mod explain;
mod inquiries;
mod ledger;
mod migrate;
mod openapi;
mod restore;
mod sending;
mod serve;
mod settings;
mod sign;
mod simulate;
mod staff;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings::Settings;

/// The merchant side of a payment Cashier: signed callbacks in, a double-entry ledger, payouts out, webhooks in.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    /// The settings file.
    #[arg(long, global = true, value_name = "FILE", default_value = "Settings.toml")]
    settings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::Args),
    /// Check the books.
    Ledger(ledger::Args),
    /// Events told to the game server: where pushes stand, once more, resume.
    Events(events::Args),
    /// Bring the database to the schema of this binary.
    Migrate(migrate::Args),
    /// Write a backup of the database, beside a running service.
    Backup(backup::Args),
    /// Put a backup into the empty database of the settings.
    Restore(restore::Args),
    /// Move the books from SQLite to PostgreSQL, or back while nothing was written there.
    CopyDatabase(copy_database::Args),
    /// Check the settings, or show those in force.
    Settings(settings::Args),
    /// Sign a JSON object or a form body from standard input.
    Sign(sign::Args),
    /// Say whether a signed request holds, and if not, why.
    Explain(explain::Args),
    /// Print the OpenAPI document.
    Openapi,
    /// Whether payouts go out, and the word that lets those of a restored or copied database go.
    Sending(sending::Args),
    /// Orders whose end is waited for: what their providers said, when the last notification is due.
    Inquiries(inquiries::Args),
    /// Accounts of the back office.
    Staff(staff::Args),
    /// Play the main job with nothing prepared, against the built-in Cashier simulator.
    Demo(demo::Args),
    /// Be the Cashier: call a merchant, take its payout initiations, notify it.
    Simulate(simulate::Args),
    /// Try the conformance list on any merchant, or on any wallet, and print a report.
    Certify(certify::Args),
}

/// Why a command did not end with exit code 0. The text goes to stderr.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 1: it ran, and what it checked is not in order. Empty when the report has said it all.
    NotInOrder(String),
    /// Exit code 2: wrong use, wrong settings, or the command could not do its work.
    WrongUse(String),
}

/// How a command ends.
pub type Outcome = Result<(), Failure>;

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let outcome: Outcome = match cli.command {
        Command::Serve(args) => serve::run(args, &cli.settings),
        Command::Ledger(args) => ledger::run(args, &cli.settings),
        Command::Events(args) => events::run(args, &cli.settings),
        Command::Migrate(args) => migrate::run(args, &cli.settings),
        Command::Backup(args) => backup::run(args, &cli.settings),
        Command::Restore(args) => restore::run(args, &cli.settings),
        Command::CopyDatabase(args) => copy_database::run(args, &cli.settings),
        Command::Settings(args) => settings::run(args, &cli.settings),
        Command::Sign(args) => sign::run(args, &cli.settings),
        Command::Explain(args) => explain::run(args, &cli.settings),
        Command::Openapi => openapi::run(),
        Command::Sending(args) => sending::run(args, &cli.settings),
        Command::Inquiries(args) => inquiries::run(args, &cli.settings),
        Command::Staff(args) => staff::run(args, &cli.settings),
        Command::Demo(args) => demo::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Certify(args) => certify::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (text, code) = match failure {
                Failure::NotInOrder(text) => (text, 1),
                Failure::WrongUse(text) => (text, 2),
            };
            if !text.is_empty() {
                eprintln!("croupier: {text}");
            }
            ExitCode::from(code)
        }
    }
}

/// The settings in force; what is wrong with them is said with key and reason.
fn load_settings(file: &Path) -> Result<Settings, Failure> {
    match Settings::load_with_warnings(file) {
        Ok((settings, warnings)) => {
            for warning in warnings {
                log::warn!("settings: {warning}");
            }
            Ok(settings)
        }
        Err(problems) => Err(settings::refusal(&problems)),
    }
}
