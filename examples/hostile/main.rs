//! The hostile campaign: thousands of slow connections and a flood of refused requests, beside good traffic that must not notice.
//!
//! The service is a process of its own on loopback, with its books in a file. Everything is looked at from outside: how long good callers
//! wait, what the process takes, how many files it has open, what it stores and what it says.
//!
//! - [`service`]: the process. [`slow`], [`flood`]: who attacks it. [`good`]: who uses it.
//! - [`campaign`], [`report`]: the stretches, what must hold, and what is told of it.

mod campaign;
mod flood;
mod good;
mod options;
mod report;
mod service;
mod slow;
#[expect(dead_code, reason = "the network campaign uses the rest of it")]
#[path = "../network/wire.rs"]
mod wire;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    // The service is this very program.
    if std::env::var_os(service::IS_CROUPIER).is_some() {
        return croupier::cli::main();
    }
    let options = Options::parse();
    // Each slow connection is a file here, and another one in the service.
    if let Err(problem) = croupier::handles::raise() {
        eprintln!("hostile: {problem}");
    }
    // One thread for the attackers: the machine's other cores are the service's and the good callers'.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(campaign::run(&options)),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(report) => {
            report.print(options.json);
            if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("hostile: {failure}");
            ExitCode::from(2)
        }
    }
}
