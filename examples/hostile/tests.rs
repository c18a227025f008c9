//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.
//!
//! How fast good callers are answered is told and not asserted: that depends on what else the machine does.

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

use clap::Parser;
use options::Options;
use report::Report;

/// One campaign at a time: they look at memory and files, and there may be few cores.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn run(arguments: &str) -> Report {
    let _alone = ALONE.lock().await;
    let arguments = ["hostile", "--p99-ms", "0"].into_iter().chain(arguments.split_whitespace());
    let options = Options::try_parse_from(arguments).expect("arguments");
    campaign::run(&options).await.expect("it can be run")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_refused_callers_leave_nothing_behind_and_good_ones_are_served() {
    // The C library keeps much of what was freed: see docs/RELIABILITY.md. Without any bound on what a connection takes, it was 590 MB more.
    let report = run("--slow 300 --flood 8 --rate 40 --quiet-seconds 1 --seconds 4 --memory-mb 128").await;

    report.print(false);
    assert_eq!(report.problems, Vec::<String>::new());
    let refused = |what: &str| report.flood.by_status.keys().filter(|(kind, _)| *kind == what).count();
    for what in ["a bad signature", "a forged notification", "an unknown site", "no JSON", "a huge head", "a huge body"]
    {
        assert_eq!(refused(what), 1, "{what} is refused, and always alike: {:?}", report.flood.by_status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_that_is_stored_is_found() {
    let report = run("--slow 0 --flood 2 --rate 10 --quiet-seconds 1 --seconds 1 --sabotage right-signatures").await;

    let found = |words: &str| report.problems.iter().any(|problem| problem.contains(words));
    assert!(found("of the flood were taken") && found("good questions make"), "{:?}", report.problems);
}
