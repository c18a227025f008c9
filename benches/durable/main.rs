//! `cargo bench --bench durable`: durable requests per second and their latency on SQLite and on PostgreSQL, against the bare ceiling,
//! against one transaction per request, and against the handlers one would write instead (`benches/peers`), all in one run on one
//! machine, the load generator included. What counts are the ratios. docs/PERFORMANCE.md says what it does; `-- --help` how it is told.
//!
//! - [`target`], [`reference`], [`process`], [`cluster`]: what is measured, each as processes of its own.
//! - [`load`], [`wire`], [`workload`]: the load. [`promises`]: what a target must do before it is measured.
//! - [`whole`], [`measure`], [`stats`], [`machine`]: the figures. [`report`], [`curve`]: what is told of them.

mod cluster;
mod curve;
mod load;
mod machine;
mod measure;
mod options;
mod process;
mod promises;
mod reference;
mod report;
mod stats;
mod target;
mod whole;
mod wire;
mod workload;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(reference) = options.serve {
        reference::be(reference, &options);
        return ExitCode::SUCCESS;
    }
    match whole::run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::from(2)
        }
    }
}
