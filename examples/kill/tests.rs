//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.

#[path = "../failover/book.rs"]
mod book;
mod campaign;
#[path = "../failover/compare.rs"]
mod compare;
#[path = "../failover/crowd.rs"]
mod crowd;
#[path = "../failover/deposit.rs"]
mod deposit;
#[path = "../failover/door.rs"]
mod door;
#[path = "../failover/feed.rs"]
mod feed;
#[path = "../failover/house.rs"]
mod house;
mod moment;
mod options;
#[path = "../failover/payout.rs"]
mod payout;
#[path = "../failover/player.rs"]
mod player;
#[path = "../failover/process.rs"]
mod process;
#[path = "../failover/program.rs"]
mod program;
mod report;
mod service;
#[path = "../failover/settle.rs"]
mod settle;

use clap::Parser;
use options::Options;
use report::Report;

/// One campaign at a time: there may be few cores.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn run(arguments: &str) -> Report {
    let _alone = ALONE.lock().await;
    let options = Options::try_parse_from(["kill"].into_iter().chain(arguments.split_whitespace()));
    let report = campaign::run(&options.expect("arguments")).await.expect("the service starts");
    report.print(false);
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_at_any_moment_loses_no_acknowledged_effect_and_doubles_none() {
    let report = run("--kills 300 --seed 20260729 --on-one-database 150").await;

    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.count(), report.kills.len()), (300, 5));
    assert!(report.figures["effects acknowledged"] > 1_000, "{:?}", report.figures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_that_the_book_forgot_is_found() {
    let report = run("--kills 4 --seed 2 --players 3 --sabotage forget").await;

    let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
    assert!(problem.contains("was never acknowledged"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_that_was_asked_for_twice_is_found() {
    let report = run("--kills 4 --seed 3 --players 3 --sabotage double").await;

    assert_eq!(report.problems, ["seed 3: 332/player-0 USD: not-in-the-book (777, 0) was never acknowledged"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_that_lost_what_was_acknowledged_are_found() {
    let report = run("--kills 20 --seed 4 --players 3 --sabotage lose").await;

    assert!(report.problems.iter().any(|problem| problem.contains("is lost")), "{:?}", report.problems);
}
