//! The campaign's short form, and what shows that it can fail: it runs with every `cargo test`, apart from the other tests.
//!
//! The self-tests of the images stand in their file.

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

use std::time::Duration;

use ask::{Ask, perform};
use clap::Parser;
use croupier::app::Application;
use croupier::db::{self, Scope, WriteTx};
use croupier::error::Error;
use croupier::wallet::transactions::Kind;
use diesel::connection::SimpleConnection;
use disk::{Disk, Fault, How};
use options::Options;
use report::Report;
use scenario::Begins;

/// Far more than an end takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One campaign at a time: each uses all cores.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn run(arguments: &str) -> Report {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let none = ["disk", "--cuts=0", "--kills-every=0", "--faults-every=0"].map(str::to_owned).to_vec();
    let mut all = none;
    for argument in arguments.split_whitespace() {
        let name = argument.split('=').next().unwrap_or_default();
        all.retain(|known| !known.starts_with(&format!("{name}=")));
        all.push(argument.to_owned());
    }
    let options = Options::try_parse_from(all).expect("arguments");
    let report = campaign::run(&options);
    report.print(options.json);
    report
}

#[test]
fn a_kill_after_a_call_loses_nothing_and_doubles_nothing() {
    let report = run("--kills-every=11");

    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.rows.len() >= 20, "{} scenarios", report.rows.len());
    assert!(report.rows.iter().all(|row| row.kills > 3 && row.acknowledged > 0), "{:?}", report.rows);
}

#[test]
fn two_thousand_power_cuts_lose_nothing_that_was_acknowledged() {
    let report = run("--cuts=2000 --seed=20261121 --service-every=100");

    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.sum(|row| row.cuts), 2_000);
}

#[test]
fn a_call_that_fails_gets_temporary_answers_and_the_service_goes_on() {
    let report = run("--faults-every=211 --seed=20261121");

    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.sum(|row| row.faults) > 50 && report.sum(|row| row.temporary) > 20, "{:?}", report.rows);
    assert!(report.sum(|row| row.ended) < report.sum(|row| row.faults) / 4, "{:?}", report.rows);
}

/// A service that has written something when its disk fails under a checkpoint, and is well again; and where it lives.
async fn after_a_failed_checkpoint() -> (tempfile::TempDir, Application) {
    vfs::install();
    let home = home::directory();
    let books = home::books(Begins::WithPlayers);
    home::put(home.path(), books);
    let disk = Disk::watch(home.path(), books.to_vec(), false);
    let app = home::service(home.path(), None).await.expect("starts");
    // Something is left to be moved for as long as this one reads.
    let mut reader = db::connect_read_only(&home::place(home.path())).expect("opens");
    reader.batch_execute("BEGIN; SELECT count(*) FROM players").expect("reads");
    app.state().db.write(Scope::Nobody, win("before")).await.expect("written");
    disk.arm(Some(Fault { nth: 0, how: How::Io, times: u64::MAX, denied: false }));
    drop(reader);
    app.state().db.move_log().await;
    disk.mend();
    disk.end();
    (home, app)
}

fn win(reference: &'static str) -> impl FnMut(&mut WriteTx<'_>) -> Result<String, Error> + Send + 'static {
    move |tx| perform(tx, &Ask::Play { login: "anna", kind: Kind::Win, amount: 100, reference })
}

/// threats R8
#[actix_web::test]
async fn after_a_checkpoint_that_the_disk_failed_nothing_more_is_written_and_the_log_is_kept() {
    let (home, app) = after_a_failed_checkpoint().await;

    let refused = app.state().db.write(Scope::Nobody, win("after")).await;
    assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");

    drop(app);
    let log = home.path().join(format!("{}-wal", home::FILE));
    assert!(std::fs::metadata(log).is_ok_and(|log| log.len() > 0), "whoever closed the file last removed its log");
}

#[actix_web::test]
async fn a_checkpoint_that_the_disk_failed_ends_the_service_with_an_error_and_the_next_start_looks_at_everything() {
    let (home, app) = after_a_failed_checkpoint().await;

    let ended = tokio::time::timeout(PATIENCE, app.run(std::future::pending())).await;

    assert!(ended.expect("an end").is_err(), "an end like any other");
    let files = std::fs::read_dir(home.path()).expect("our directory").flatten();
    let doubts = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "doubt"));
    assert_eq!(doubts.count(), 1);
}

#[test]
fn a_weaker_sync_loses_what_was_acknowledged_and_that_is_found() {
    let report = run("--cuts=200 --seed=1 --sabotage=normal-sync");

    let lost = report.problems.iter().filter(|problem| problem.contains("power cuts at"));
    assert!(lost.count() >= 10, "{:?}", report.problems);
}

#[test]
fn an_answer_or_a_mark_before_the_commit_is_found() {
    for (sabotage, words) in [("answer-first", "possible is"), ("mark-first", "the mark: ")] {
        let report = run(&format!("--kills-every=7 --only=deposit-credited --sabotage={sabotage}"));
        assert!(report.problems.iter().any(|problem| problem.contains(words)), "{:?}", report.problems);
    }
}

#[test]
fn an_error_that_is_kept_from_the_service_is_found() {
    let report = run("--faults-every=40 --only=bet-and-win --sabotage=denied-errors");

    assert!(!report.ok());
}
