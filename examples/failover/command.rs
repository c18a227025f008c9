//! How a campaign is run from the command line: until it ends, or is asked to.

use std::future::Future;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::options::Failure;

/// Runs a campaign, lets its report be told, and says how it went: 0 when everything holds, 1 when something does not, 2 when it could not
/// be run.
pub fn run<R>(
    name: &str,
    campaign: impl Future<Output = Result<R, Failure>>,
    tell: impl FnOnce(&R) -> bool,
) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(async {
            // What is stopped takes its processes with it.
            tokio::select! {
                outcome = campaign => outcome,
                () = asked_to_stop() => Err("stopped".to_owned()),
            }
        }),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(report) if tell(&report) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::from(2)
        }
    }
}

async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
