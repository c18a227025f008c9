//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.
//!
//! The self-tests of the book, the proxy, the schedule and the cluster stand in their files.

mod book;
mod campaign;
mod cluster;
mod compare;
mod crowd;
mod deposit;
mod door;
mod fault;
mod feed;
mod house;
mod inject;
mod instance;
mod options;
mod payout;
mod player;
mod postgres;
mod process;
mod program;
mod proxy;
mod report;
mod server;
mod settle;
mod watch;

use clap::Parser;
use options::Options;
use report::Report;

/// One campaign at a time: they measure, and there may be few cores.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn run(arguments: &str) -> Report {
    let _alone = ALONE.lock().await;
    let arguments = ["failover", "--no-fsync"].into_iter().chain(arguments.split_whitespace());
    let options = Options::try_parse_from(arguments).expect("arguments");
    campaign::run(&options).await.expect("PostgreSQL is installed and the servers do what they must")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_every_kind_lose_nothing_and_double_nothing() {
    let report = run("--faults 12 --seconds 40 --seed 20260727 --players 6").await;

    report.print(false);
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(
        report.faults.len() == 12 && report.figures.iter().any(|(name, count)| *name == "failovers" && *count >= 2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_behind_is_a_loss_that_the_campaign_finds() {
    let report = run("--faults 1 --seconds 6 --seed 2 --players 4 --sabotage async").await;

    let is_loss = |problem: &String| {
        let found = ["unknown_cursor", "is lost", "and now", "the books have lost something"];
        found.iter().any(|words| problem.contains(words))
    };
    assert!(report.problems.iter().any(is_loss), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_on_sqlite_survives_the_same_and_an_effect_past_the_book_is_found() {
    let report = run("--faults 2 --seconds 5 --seed 3 --players 4 --sqlite --sabotage double").await;

    assert_eq!(report.problems, ["332/player-0 USD: not-in-the-book (777, 0) was never acknowledged"]);
}
