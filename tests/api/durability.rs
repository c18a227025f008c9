//! What the disk and the database do to us, and what we do then (threats DUR-1, DUR-4 to DUR-7, DUR-13; the mark outside the
//! database).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use croupier::db::schema;
use croupier::simulate::server::{Behaviour, CashierServer};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::bench;
use crate::process::{Service, Setup, get, notification, play, question};
use crate::raw::{self, Connection, Request};
use crate::support::database::about_the_file;

const LOGIN: &str = "anna";

/// Waits for what must come, within bounds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A Cashier with a runtime of its own, for tests that are not asynchronous.
pub struct Cashier {
    pub server: CashierServer,
    pub runtime: tokio::runtime::Runtime,
}

impl Cashier {
    pub fn start(behaviour: Behaviour) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime for the Cashier");
        let server = runtime.block_on(bench::cashier(move |_| behaviour.clone()));
        Self { server, runtime }
    }

    pub fn setup(&self) -> Setup {
        Setup { payout_url: self.server.payout_url(), ..Setup::default() }
    }

    pub fn wait_for(&self, external_id: &str) {
        let arrived = self.server.wait_for(external_id, Duration::from_secs(20));
        assert!(self.runtime.block_on(arrived).is_some(), "the payout is not sent");
    }
}

pub fn stage(service: &Service, external_id: &str) -> String {
    let mut conn = service.database().connect_read_only();
    schema::payouts::table.find(external_id).select(schema::payouts::stage).first(&mut conn).expect("the payout")
}

pub fn reviews(service: &Service, external_id: &str) -> i64 {
    let mut conn = service.database().connect_read_only();
    schema::reviews::table
        .filter(schema::reviews::external_id.eq(external_id))
        .count()
        .get_result(&mut conn)
        .expect("a count")
}

#[test]
fn a_crash_between_the_commit_and_its_answer_changes_no_answer() {
    let mut service = Service::started(Setup::default());
    service.player(LOGIN, 100_000);
    let payout = question("request_payout", LOGIN, 1_000, 1);
    let bet = play(LOGIN, "bet", 500, "bet-1");
    // Nobody reads these answers.
    let mut public = Connection::open(service.public()).expect("a connection");
    let mut private = Connection::open(service.private()).expect("a connection");
    public.send(&payout).expect("sent");
    private.send(&bet).expect("sent");
    eventually("both are booked", || service.balance(LOGIN) == (98_500, 1_000));
    service.kill();
    service.start();

    let (first, again) = (service.ask(&payout), service.ask(&payout));
    assert_eq!((first.code(), &first.body), (Some(50), &again.body));
    let known = raw::once(service.private(), &bet).expect("an answer");
    assert_eq!((known.status, known.header("idempotent-replayed")), (200, Some("true")));
    let other = service.ask(&question("request_payout", LOGIN, 1_001, 1));
    assert_eq!(other.code(), Some(500), "the first one stands: {}", other.shown());
    assert_eq!(service.balance(LOGIN), (98_500, 1_000));
    assert_eq!(service.verify()["ok"], true);
}

#[test]
fn a_payout_under_way_at_a_crash_is_unknown_and_not_sent_again() {
    let cashier = Cashier::start(Behaviour::Slow(Duration::from_secs(60)));
    let mut service = Service::started(cashier.setup());
    service.player(LOGIN, 100_000);
    let id = service.payout(LOGIN, 1_000, 1);
    cashier.wait_for(&id);

    for _ in 0..3 {
        service.kill();
        service.start();
        eventually("it is unknown", || stage(&service, &id) == "unknown");
    }

    // A later payout goes out: the worker has looked at everything that is due by then.
    let later = service.payout(LOGIN, 2_000, 2);
    cashier.wait_for(&later);
    assert_eq!(cashier.server.initiations(&id).len(), 1);
    assert_eq!(service.balance(LOGIN), (97_000, 3_000));
    assert_eq!(reviews(&service, &id), 1);
    let paid = service.ask(&notification(&id, LOGIN, 1_000, (11, 4), 1));
    assert_eq!(paid.code(), Some(0), "{}", paid.shown());
    assert_eq!(service.balance(LOGIN), (97_000, 2_000));
    assert_eq!(service.verify()["ok"], true);
}

#[test]
fn a_crash_after_a_notification_that_came_before_the_answer_is_no_damage() {
    let cashier = Cashier::start(Behaviour::Slow(Duration::from_secs(60)));
    let mut service = Service::started(cashier.setup());
    service.player(LOGIN, 100_000);
    for (transaction, status_id) in [(1, 5), (2, 4), (3, 6)] {
        let id = service.payout(LOGIN, 1_000, transaction);
        cashier.wait_for(&id);
        assert_eq!(service.ask(&notification(&id, LOGIN, 1_000, (11, status_id), transaction)).code(), Some(0));
    }

    service.kill();
    assert_eq!(service.verify()["ok"], true, "the books as the crash left them");
    service.start();

    assert_eq!(service.balance(LOGIN), (98_000, 1_000));
    assert_eq!(service.stop().0, Some(0));
    assert_eq!(service.verify()["ok"], true);
    assert_eq!(cashier.server.doubles(), []);
}

#[test]
fn a_full_disk_gets_temporary_answers_and_heals_by_itself() {
    if !about_the_file() {
        return;
    }
    let cashier = Cashier::start(Behaviour::Slow(Duration::from_millis(300)));
    let mut service = Service::new(cashier.setup());
    // The limit on the size of files stands for the disk; its signal is ignored, so that writes fail as they do on a full one.
    service.spawn_in_shell("trap '' XFSZ; exec \"$@\"");
    service.wait_until_ready();
    service.player(LOGIN, 100_000);
    let deposit = service.ask(&question("check_deposit", LOGIN, 700, 1));
    let deposit = deposit.json()["external_id"].as_str().expect("an id").to_owned();
    let under_way = service.payout(LOGIN, 1_000, 2);
    cashier.wait_for(&under_way);

    limit_files(&service, "4096:");
    let asked: Vec<(Request, bool)> = vec![
        (question("check_deposit", LOGIN, 900, 3), true),
        (question("request_payout", LOGIN, 900, 4), true),
        (notification(&deposit, LOGIN, 700, (3, 4), 1), true),
        (play(LOGIN, "bet", 100, "bet-1"), false),
        (play(LOGIN, "win", 50, "win-1"), false),
    ];
    let send = |service: &Service, (request, public): &(Request, bool)| {
        let address = if *public { service.public() } else { service.private() };
        raw::once(address, request).expect("an answer")
    };
    for _ in 0..3 {
        for one in &asked {
            let answer = send(&service, one);
            assert_eq!(answer.status, 503, "{}", answer.shown());
            assert!(!one.1 || answer.code().is_some_and(|code| code != 0), "{}", answer.shown());
            let shown = answer.shown().to_lowercase();
            assert!(!["sqlite", "disk", "i/o", "croupier.db"].iter().any(|word| shown.contains(word)), "{shown}");
        }
        assert_eq!(service.balance(LOGIN), (99_000, 1_000), "no half effect");
    }
    limit_files(&service, "unlimited:");

    let answers: Vec<_> = asked.iter().map(|one| send(&service, one)).collect();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)), "{answers:?}\n{}", service.log());
    assert_eq!(service.balance(LOGIN), (99_000 - 900 + 700 - 100 + 50, 1_900));
    eventually("the answer of the payout under way is recorded", || stage(&service, &under_way) == "sent");
    assert_eq!(service.verify()["ok"], true);
    assert_eq!(service.stop().0, Some(0));
    assert_eq!(service.verify()["ok"], true);
}

/// Sets the largest file the running process may write; a soft limit, so that it can be taken back.
fn limit_files(service: &Service, limit: &str) {
    let pid = service.pid().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}")]).output();
    let set = set.expect("prlimit of util-linux can be run");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
}

#[test]
fn a_locked_database_is_waited_for_five_seconds_at_most() {
    if !about_the_file() {
        return;
    }
    let service = Service::started(Setup::default());
    service.player(LOGIN, 100_000);
    let mut holder = service.database().connect();
    holder.batch_execute("BEGIN IMMEDIATE").expect("the lock");

    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |after: u64, request: Request, public: bool| {
            let address = if public { service.public() } else { service.private() };
            scope.spawn(move || {
                // The callers come at different moments of the wait; that is the case, not a synchronisation.
                std::thread::sleep(Duration::from_millis(after));
                let started = Instant::now();
                (raw::once(address, &request).expect("an answer"), started.elapsed())
            })
        };
        let asked = [
            ask(0, question("request_payout", LOGIN, 1_000, 1), true),
            ask(1_500, question("check_deposit", LOGIN, 1_000, 2), true),
            ask(3_000, play(LOGIN, "bet", 1_000, "bet-1"), false),
        ];
        asked.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    for (answer, took) in &answers {
        assert_eq!(answer.status, 503, "{}", answer.shown());
        assert!(*took < Duration::from_millis(6_500), "waited {took:?}");
    }
    assert_eq!(service.balance(LOGIN), (100_000, 0), "reading goes on");
    holder.batch_execute("COMMIT").expect("given up");

    service.payout(LOGIN, 1_000, 1);
    assert_eq!(service.balance(LOGIN), (99_000, 1_000));
    assert_eq!(service.verify()["ok"], true);
}

#[test]
fn a_second_instance_refuses_to_start_through_any_path_and_a_kill_leaves_no_lock() {
    if !about_the_file() {
        return;
    }
    let mut first = Service::started(Setup::default());
    let directory = first.directory().to_owned();
    let (symlink, hardlink) = (directory.join("other.db"), directory.join("hard.db"));
    std::os::unix::fs::symlink(first.database().path(), &symlink).expect("a symlink");
    fs::hard_link(first.database().path(), &hardlink).expect("a hard link");
    for path in [first.database().path().to_owned(), symlink, hardlink, directory.join(".").join("croupier.db")] {
        let mut second = Service::new(Setup::default());
        second.write_settings(&format!("sqlite://{}", path.display()));
        let (code, said) = second.start_refused();
        assert_eq!(code, Some(2), "{}: {said}", path.display());
        assert!(said.contains("another croupier service is using this database"), "{said}");
    }
    assert_eq!(raw::once(first.public(), &get("/readyz")).expect("an answer").status, 200, "the first one goes on");

    first.kill();
    first.start();
}

#[test]
fn damaged_truncated_and_foreign_files_are_refused_with_the_reason() {
    if !about_the_file() {
        return;
    }
    let mut service = Service::started(Setup::default());
    service.player(LOGIN, 100_000);
    for number in 0..60 {
        raw::once(service.private(), &play(LOGIN, "win", 10, &format!("win-{number}"))).expect("an answer");
    }
    assert_eq!(service.stop().0, Some(0));
    let good = fs::read(service.database().path()).expect("the database");
    let mut torn = good.clone();
    for page in 1..torn.len() / 4096 {
        torn[page * 4096..page * 4096 + 64].fill(0xA5);
    }
    let mut other = <SqliteConnection as diesel::Connection>::establish(
        service.directory().join("foreign.db").to_str().expect("text"),
    )
    .expect("a file");
    other.batch_execute("CREATE TABLE theirs (id INTEGER)").expect("a table");
    drop(other);
    let foreign = fs::read(service.directory().join("foreign.db")).expect("the file");
    let cases = [
        ("garbage in pages", torn),
        ("cut in half", good[..good.len() / 2].to_vec()),
        ("a part of a page", good[..good.len() - 1000].to_vec()),
        ("text", b"this is not a database, it is a letter to nobody in particular".repeat(100)),
        ("another program's", foreign),
    ];
    for (case, bytes) in cases {
        fs::write(service.database().path(), bytes).expect("written");
        service.spawn();
        if service.wait_for_listeners() {
            closed(&service, case);
            service.kill();
        } else {
            assert_eq!(service.wait_for_end(), Some(2), "{case}");
            let log = service.log();
            let said = log.lines().last().unwrap_or_default();
            assert!(said.contains("croupier.db"), "{case}: {said}");
        }
    }
    fs::write(service.database().path(), good).expect("written");
    service.start();
}

/// No money route works, and readyz says so.
fn closed(service: &Service, case: &str) {
    for address in [service.public(), service.private()] {
        assert_eq!(raw::once(address, &get("/readyz")).expect("an answer").status, 503, "{case}");
        assert_eq!(raw::once(address, &get("/healthz")).expect("an answer").status, 200, "{case}");
    }
    for request in [
        question("check_deposit", LOGIN, 1_000, 91),
        question("request_payout", LOGIN, 1_000, 92),
        notification("no-order", LOGIN, 1_000, (3, 4), 93),
    ] {
        let answer = service.ask(&request);
        assert_eq!(answer.status, 503, "{case}: {}", answer.shown());
        assert_ne!(answer.code(), Some(0));
    }
    let bet = raw::once(service.private(), &play(LOGIN, "bet", 10, "bet-closed")).expect("an answer");
    assert_eq!(bet.status, 503, "{case}: {}", bet.shown());
    assert!(service.log().contains("the books do not hold"), "{case}: the reason is printed");
}

#[test]
fn files_that_cannot_be_written_and_missing_directories_stop_the_start() {
    if !about_the_file() {
        return;
    }
    let mut service = Service::started(Setup::default());
    assert_eq!(service.stop().0, Some(0));
    let directory = service.directory().to_owned();
    for path in [directory.join("missing").join("croupier.db"), directory.clone()] {
        service.write_settings(&format!("sqlite://{}", path.display()));
        let (code, said) = service.start_refused();
        assert_eq!(code, Some(2), "{}: {said}", path.display());
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
    service.write_settings(&service.database().url());
    read_only(service.database().path(), true);
    // The superuser writes read-only files all the same, so the process gives that up.
    let before = service.log().len();
    service.spawn_in_shell(
        "if [ $(id -u) = 0 ]; then exec setpriv --bounding-set -dac_override \"$@\"; else exec \"$@\"; fi",
    );
    assert!(!service.wait_for_listeners(), "it started on a file it cannot write");
    assert_eq!(service.wait_for_end(), Some(2), "{}", &service.log()[before..]);
    assert!(service.log()[before..].contains("croupier.db"), "{}", &service.log()[before..]);
    read_only(service.database().path(), false);
    service.start();
}

fn read_only(path: &Path, yes: bool) {
    fs::set_permissions(path, fs::Permissions::from_mode(if yes { 0o444 } else { 0o644 })).expect("permissions");
}

#[test]
fn a_database_put_back_from_an_older_copy_is_refused() {
    let mut service = Service::started(Setup::default());
    service.player(LOGIN, 100_000);
    assert_eq!(service.stop().0, Some(0));
    let elsewhere = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
    let older = service.database().copy(elsewhere[0].path());
    service.start();
    service.payout(LOGIN, 1_000, 1);
    assert_eq!(service.stop().0, Some(0));
    let newest = service.database().copy(elsewhere[1].path());

    service.database().put_back(&older);
    service.spawn();
    assert!(service.wait_for_listeners());
    closed(&service, "older copy");
    assert!(service.log().contains("this is an older copy"), "{}", service.log());
    service.stop();
    service.spawn();
    assert!(service.wait_for_listeners());
    closed(&service, "a second start does not forget");
    service.stop();

    service.database().put_back(&newest);
    service.start();
    assert_eq!(service.balance(LOGIN), (99_000, 1_000));
}

#[test]
fn the_last_entries_cannot_be_deleted_unnoticed() {
    for table in ["journal_entries", "audit"] {
        let mut service = Service::started(Setup::default());
        service.player(LOGIN, 100_000);
        for name in ["olga", "igor"] {
            assert!(service.cli(&["staff", "add", name, "--role", "viewer"]).status.success());
        }
        assert_eq!(service.stop().0, Some(0));
        let rows = if table == "audit" { "audit_rows" } else { table };
        service.database().tamper(&format!(
            "DROP TRIGGER {rows}_are_never_deleted; DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table});"
        ));

        service.spawn();
        assert!(service.wait_for_listeners());
        closed(&service, table);
    }
}
