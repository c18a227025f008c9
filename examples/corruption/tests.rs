//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.

mod books;
mod campaign;
mod check;
mod columns;
#[path = "../failover/door.rs"]
mod door;
mod dump;
mod harm;
#[path = "../failover/house.rs"]
mod house;
mod options;
#[path = "../failover/process.rs"]
mod process;
#[path = "../failover/program.rs"]
mod program;
mod report;
#[path = "../kill/service.rs"]
mod service;
mod story;
mod tamper;

use clap::Parser;
use options::Options;
use report::Report;

/// One campaign at a time: there may be few cores.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn run(arguments: &str) -> Report {
    let _alone = ALONE.lock().await;
    let options = Options::try_parse_from(["corruption"].into_iter().chain(arguments.split_whitespace()));
    let report = campaign::run(&options.expect("arguments")).await.expect("the story can be told");
    report.print(false);
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_money_data_is_found_and_never_served() {
    let report = run("--flips 1000 --rows 1 --seed 20260730").await;

    assert_eq!(report.problems, Vec::<String>::new());
    let all = report.all();
    assert!(all.found > 400 && all.served > 5 && report.kinds.len() == harm::KINDS.len() + 2, "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_sees_nothing_is_noticed() {
    let report = run("--flips 40 --rows 1 --seed 2 --sabotage blind").await;

    assert!(report.problems.iter().any(|problem| problem.contains("overlooked: accounts")), "{:?}", report.problems);
}
