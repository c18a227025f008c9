//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.

mod caller;
mod campaign;
mod compare;
mod compare_tests;
mod fault;
mod neighbour;
mod options;
mod report;
mod row;
mod service;
mod way_in;
mod way_out;
mod wire;

use clap::Parser;
use fault::Fault;
use options::Options;
use report::Report;

async fn run(arguments: &str) -> Report {
    let arguments = ["network"].into_iter().chain(arguments.split_whitespace());
    let options = Options::try_parse_from(arguments).expect("arguments");
    campaign::run(&options).await.expect("it can be run")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_the_network_sends_a_payout_twice_or_releases_it_wrongly() {
    let report = run("--payouts 16 --seed 20261121 --patience-ms 400").await;

    report.print(false);
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.rows.len(), Fault::all().len());
    assert!(report.rows.iter().all(|row| row.payouts == 16 && row.doubled + row.wrongly_released == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_leaves_twice_is_found() {
    let report = run("--payouts 8 --only calm --sabotage second-post").await;

    assert_eq!(report.rows[0].doubled, 1);
    assert!(report.problems.iter().any(|problem| problem.contains("left us 2 times")), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cashier_that_pays_what_it_has_refused_is_found() {
    let report = run("--payouts 24 --only calm --sabotage paid-after-refusal").await;

    let found = report.problems.iter().any(|problem| problem.contains("the Cashier's word was Some(true)"));
    assert!(found, "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_of_what_the_cashier_has_is_found() {
    let report = run("--payouts 8 --only reset-answer --sabotage wrongly-released").await;

    assert_eq!(report.rows[0].wrongly_released, 1, "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_nobody_gave_is_found() {
    let report = run("--payouts 2 --only calm --sabotage doctored-book").await;

    assert_eq!(report.problems.len(), 8, "{:?}", report.problems);
    assert!(report.problems[0].contains("must have"), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cashier_that_says_nothing_does_not_hold_up_another_account() {
    let options = Options::try_parse_from(["network"]).expect("arguments");

    assert_eq!(neighbour::run(&options).await.expect("it can be run"), Vec::<String>::new());
}
