//! Payouts on their way out: what was perhaps received is never sent again and never released, what was certainly not is sent once
//! (threats OUT-1 to OUT-10, LIF-2, LIF-11).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use croupier::clock;
use croupier::db::{self, DbConn, Scope, WriteTx, schema};
use croupier::error::Error;
use croupier::ids::{ExternalId, SiteId};
use croupier::instance::Me;
use croupier::orders::{Status, reviews};
use croupier::outgoing::Outgoing;
use croupier::payouts::approve::{self, By};
use croupier::payouts::orphans::Watch;
use croupier::payouts::outbox::{self, Claim};
use croupier::payouts::worker::{Worked, Worker};
use croupier::payouts::{Payout, Stage};
use croupier::providers::Texts;
use croupier::simulate::server::Behaviour;
use diesel::prelude::*;
use tokio::sync::{Notify, watch};

use crate::bench::{Bench, LOGIN, MONEY, cashier, cashier_at, here};
use crate::process::Setup;

const STAFF: By<'static> = By { actor: "olga", reason: "a test" };

fn deduplicates(setup: &mut Setup) {
    setup.carouseller = "deduplicates_external_id = true".into();
}

async fn retry(bench: &Bench, id: &ExternalId) -> Result<(), Error> {
    let (id, id_text, settings) = (id.clone(), id.as_str().to_owned(), bench.state().settings.clone());
    let retry = move |tx: &mut WriteTx<'_>| approve::retry(tx, &settings.providers, &id, STAFF, clock::now());
    bench.state().db.write(Scope::Order(id_text), retry).await.map(|done| assert_eq!(done, approve::Retried::Queued))
}

fn too_long() -> Behaviour {
    let padding = "x".repeat(70_000);
    Behaviour::Exactly(
        200,
        format!(r#"{{"success":true,"code":0,"transaction_id":1,"order_id":"1","pad":"{padding}"}}"#),
    )
}

#[tokio::test]
async fn a_lost_or_strange_answer_leaves_the_hold_and_is_never_sent_again() {
    let elsewhere = cashier(|_| Behaviour::Accept).await;
    let exactly = |status, body: &str| Behaviour::Exactly(status, body.into());
    let accepted = r#"{"success":true,"code":0,"transaction_id":1,"order_id":"1"}"#;
    let refused = r#"{"success":false,"code":1001,"errors":"no"}"#;
    let strange = [
        Behaviour::Hangup,
        Behaviour::Reset,
        Behaviour::Status(200),
        Behaviour::Status(204),
        Behaviour::Status(429),
        Behaviour::Status(500),
        Behaviour::Status(502),
        Behaviour::Status(404),
        Behaviour::Html,
        Behaviour::BrokenJson,
        Behaviour::Redirect(elsewhere.payout_url()),
        Behaviour::Endless,
        Behaviour::Slow(Duration::from_secs(5)),
        too_long(),
        exactly(500, accepted),
        exactly(400, refused),
        exactly(302, accepted),
        exactly(200, r#"{"success":true,"code":1}"#),
        exactly(200, r#"{"success":false,"code":0}"#),
        exactly(200, r#"{"success":"true","code":0}"#),
        exactly(200, r#"{"success":true}"#),
        exactly(200, r#"[{"success":true,"code":0}]"#),
        exactly(200, "null"),
    ];
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let mut held = 0;
    for behaviour in strange {
        let chosen = behaviour.clone();
        cashier.answer_with(move |_| chosen.clone());
        let id = bench.payout(1_000).await;
        held += 1_000;

        assert_eq!(bench.step().await, Worked::Worked);

        let case = format!("{behaviour:?}").chars().take(80).collect::<String>();
        assert_eq!(bench.stage(&id).await, Stage::Unknown, "{case}");
        assert_eq!(bench.balance().await, (MONEY - held, held), "{case}");
        assert_eq!(bench.reviews(&id).await.len(), 1, "{case}: a person is asked");
        assert_eq!(bench.attempts(&id).await[0].outcome.as_deref(), Some("unknown"), "{case}");
        assert!(matches!(retry(&bench, &id).await, Err(Error::Conflict(_))), "{case}: sending again could pay twice");
        assert_eq!(bench.step().await, Worked::Idle, "{case}: nothing is due");
        assert_eq!(cashier.initiations(id.as_str()).len(), 1, "{case}");
    }
    assert_eq!(elsewhere.all().len(), 0, "a redirection is not followed");
    bench.assert_books().await;
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_pays_once() {
    // A port that is taken but not listened on: nobody else can get it, and connections to it are refused.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind(here()).expect("a free port");
    let address: SocketAddr = socket.local_addr().expect("an address");
    let bench = Bench::new(&format!("http://{address}/api/payout/")).await;
    let id = bench.payout(1_000).await;

    for attempt in 1..=3 {
        let before = clock::now();
        assert_eq!(bench.step().await, Worked::Worked);
        assert_eq!(bench.stage(&id).await, Stage::Queued);
        assert_eq!(bench.step().await, Worked::Idle, "it waits");
        let due = due_at(&bench, &id).await;
        let seconds = (due - before) / 1_000_000;
        assert!((1..=(3 << attempt)).contains(&seconds), "attempt {attempt} waits {seconds} s");
        bench.make_due(clock::now()).await;
    }
    let cashier = cashier_at(address, |_| Behaviour::Accept).await;
    assert_eq!(bench.step().await, Worked::Worked);

    assert_eq!(bench.stage(&id).await, Stage::Sent);
    assert_eq!(cashier.initiations(id.as_str()).len(), 1);
    let outcomes: Vec<_> = bench.attempts(&id).await.into_iter().filter_map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, ["not_sent", "not_sent", "not_sent", "accepted"]);
    assert_eq!(bench.balance().await, (MONEY - 1_000, 1_000));
    bench.assert_books().await;
}

async fn due_at(bench: &Bench, id: &ExternalId) -> i64 {
    let id = id.as_str().to_owned();
    let read = bench
        .state()
        .db
        .read(move |conn| Ok(schema::outbox::table.find(id).select(schema::outbox::due_at).first::<i64>(conn)?));
    read.await.expect("a row of the outbox")
}

#[tokio::test]
async fn a_row_written_under_a_clock_that_was_wrong_is_due() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    for due_at in [clock::now() + 400 * clock::DAY_MICROS, 0, -5, i64::MAX] {
        let id = bench.payout(1_000).await;
        bench.make_due(due_at).await;

        assert_eq!(bench.step().await, Worked::Worked, "due at {due_at}");

        assert_eq!(bench.stage(&id).await, Stage::Sent);
    }
}

/// The longest wait is five minutes, a fifth more or less; what is due later than twice that was written under another clock.
#[tokio::test]
async fn a_payout_that_waits_is_not_due_before_its_time() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let id = bench.payout(1_000).await;

    for seconds in [60, 299, 301, 360, 590] {
        bench.make_due(clock::now() + seconds * 1_000_000).await;
        assert_eq!(bench.step().await, Worked::Idle, "due in {seconds} s");
    }

    assert_eq!((bench.stage(&id).await, cashier.all().len()), (Stage::Queued, 0));
}

#[tokio::test]
async fn a_payout_that_cannot_be_written_waits_five_minutes_and_asks_a_person_until_it_can() {
    const KIND: &str = "payout_cannot_be_written";
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let id = bench.payout(1_000).await;
    damage(&bench, &id).await;
    let order = id.to_string();
    let another = move |tx: &mut WriteTx<'_>| {
        let (site, external_id) = (SiteId(crate::process::SITE), Some(order.as_str()));
        let about =
            reviews::About { kind: "another", site, player: None, external_id, webhook_id: None, note: "another" };
        reviews::open(tx, about, clock::now())
    };
    bench.state().db.write(Scope::from(&id), another).await.expect("a review of another kind stays open");
    let asked = async || {
        let before = clock::now();
        assert_eq!(bench.step().await, Worked::Worked, "it was due, and looked at");
        let wait = due_at(&bench, &id).await - before;
        assert!((300_000_000..330_000_000).contains(&wait), "{wait} microseconds");
        assert_eq!(bench.step().await, Worked::Idle, "it waits");
        bench.make_due(clock::now()).await;
        bench.reviews(&id).await.into_iter().filter(|review| review.kind == KIND).collect::<Vec<_>>()
    };

    assert_eq!(asked().await.len(), 1);
    let open = asked().await;
    assert_eq!(open.len(), 1, "once");
    let (number, by) = (open[0].id, STAFF);
    let close = move |tx: &mut WriteTx<'_>| reviews::close(tx, number, by.actor, by.reason, clock::now());
    bench.state().db.write(Scope::from(&id), close).await.expect("closed");
    assert_eq!(asked().await.len(), 2, "again, when somebody has closed it and it still cannot be written");

    assert_eq!((bench.stage(&id).await, bench.attempts(&id).await.len(), cashier.all().len()), (Stage::Queued, 0, 0));
    assert_eq!(bench.balance().await, (MONEY - 1_000, 1_000));
    bench.assert_books().await;
}

#[tokio::test]
async fn a_definite_refusal_of_the_only_attempt_gives_the_money_back_or_asks_a_person() {
    for (setting, stage, status, balance) in [
        ("release", Stage::Done, Status::Failed, (MONEY, 0)),
        ("review", Stage::Unknown, Status::ManualReview, (MONEY - 1_000, 1_000)),
    ] {
        let cashier = cashier(|_| Behaviour::Refuse(1001)).await;
        let payouts = format!("approval = \"auto\"\non_refusal = \"{setting}\"");
        let bench = Bench::with(Setup { payout_url: cashier.payout_url(), payouts, ..Setup::default() }).await;
        let id = bench.payout(1_000).await;

        bench.step().await;

        assert_eq!(bench.stage(&id).await, stage, "{setting}");
        assert_eq!(bench.standing(&id).await.status, status.code(), "{setting}");
        assert_eq!(bench.balance().await, balance, "{setting}");
        assert_eq!(bench.reviews(&id).await.len(), usize::from(setting == "review"));
        assert_eq!(bench.step().await, Worked::Idle, "{setting}: not sent again");
        bench.assert_books().await;
    }
}

#[tokio::test]
async fn an_allowed_repeat_sends_the_same_bytes_and_its_refusal_proves_nothing() {
    let cashier = cashier(|_| Behaviour::Hangup).await;
    let mut setup = Setup { payout_url: cashier.payout_url(), ..Setup::default() };
    deduplicates(&mut setup);
    let bench = Bench::with(setup).await;
    let id = bench.payout(1_000).await;
    bench.step().await;
    // What is sent must not follow what has changed meanwhile.
    change_profile(&bench).await;

    retry(&bench, &id).await.expect("the Cashier pays a repeated id once");
    cashier.answer_with(|_| Behaviour::Refuse(1001));
    bench.step().await;

    assert_eq!(bench.stage(&id).await, Stage::Unknown, "the first attempt may have paid");
    assert_eq!(bench.balance().await, (MONEY - 1_000, 1_000));
    retry(&bench, &id).await.expect("once more");
    cashier.answer_with(|_| Behaviour::Accept);
    bench.step().await;
    assert_eq!(bench.stage(&id).await, Stage::Sent);
    let attempts = bench.attempts(&id).await;
    assert!(attempts.iter().all(|attempt| attempt.body == attempts[0].body), "identical bytes");
    let seen = cashier.initiations(id.as_str());
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| one.params == seen[0].params && one.signature_holds));
    bench.assert_books().await;
}

async fn change_profile(bench: &Bench) {
    use croupier::ids::{Login, Player};
    use croupier::players;
    let player = Player { site: SiteId(crate::process::SITE), login: Login::parse(LOGIN).expect("a login") };
    let changed = bench.state().db.write(Scope::from(&player), move |tx| {
        let change = players::Change { country: Some("LV".into()), ..players::Change::default() };
        players::put(tx, &player, &change, clock::now())
    });
    changed.await.expect("a change");
}

#[tokio::test]
async fn the_attempt_is_durable_before_the_first_byte_goes_out() {
    let seen: Arc<std::sync::Mutex<Vec<(String, i64)>>> = Arc::default();
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let (place, noted) = (bench.database().place(), seen.clone());
    cashier.answer_with(move |initiation| {
        let mut conn = db::connect_read_only(&place).expect("the database");
        let stage = schema::payouts::table.find(&initiation.external_id).select(schema::payouts::stage);
        let open = schema::payout_attempts::table
            .filter(schema::payout_attempts::external_id.eq(&initiation.external_id))
            .filter(schema::payout_attempts::outcome.is_null());
        let found = (stage.first(&mut conn).expect("the payout"), open.count().get_result(&mut conn).expect("a count"));
        noted.lock().expect("no panic").push(found);
        Behaviour::Accept
    });
    bench.payout(1_000).await;

    bench.step().await;

    assert_eq!(*seen.lock().expect("no panic"), [("sending".to_owned(), 1)]);
}

#[tokio::test]
async fn an_approval_and_its_place_in_the_outbox_are_one_transaction() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let payouts = "approval = \"manual\"".to_owned();
    let bench = Bench::with(Setup { payout_url: cashier.payout_url(), payouts, ..Setup::default() }).await;
    let id = bench.payout(1_000).await;
    let site = bench.state().site(SiteId(crate::process::SITE)).expect("the site").clone();
    let approve = |id: ExternalId, fails: bool| {
        let (site, db) = (site.clone(), bench.state().db.clone());
        async move {
            db.write(Scope::from(&id), move |tx| {
                approve::approve(tx, &site, &id, STAFF, clock::now())?;
                if fails { Err(Error::Internal("a crash before the commit".into())) } else { Ok(()) }
            })
            .await
        }
    };

    assert!(approve(id.clone(), true).await.is_err());
    assert_eq!(bench.stage(&id).await, Stage::AwaitingApproval);
    assert_eq!(bench.step().await, Worked::Idle, "nothing is queued");
    approve(id.clone(), false).await.expect("approved");

    assert_eq!(bench.step().await, Worked::Worked);
    assert_eq!(bench.stage(&id).await, Stage::Sent);
    assert_eq!(cashier.initiations(id.as_str()).len(), 1);
    bench.assert_books().await;
}

#[tokio::test]
async fn what_the_cashier_says_before_its_answer_counts_and_the_late_answer_changes_nothing() {
    let late = Duration::from_millis(250);
    for (status_id, status, balance) in [
        (4, Status::Credited, (MONEY - 1_000, 0)),
        (6, Status::Failed, (MONEY, 0)),
        (5, Status::ManualReview, (MONEY - 1_000, 1_000)),
    ] {
        let cashier = cashier(move |_| Behaviour::Slow(late)).await;
        let bench = Bench::new(&cashier.payout_url()).await;
        let id = bench.payout(1_000).await;

        let step = bench.step();
        let notified = async {
            cashier.wait_for(id.as_str(), Duration::from_secs(10)).await.expect("it is sent");
            bench.notify(&id, 1_000, status_id).await;
            assert_eq!(bench.standing(&id).await.status, status.code(), "at once");
            bench.assert_books().await;
        };
        tokio::join!(step, notified);

        assert_eq!(bench.standing(&id).await.status, status.code(), "the late answer changes nothing");
        assert_eq!(bench.balance().await, balance);
        assert_eq!(bench.attempts(&id).await[0].outcome.as_deref(), Some("accepted"), "it only adds information");
        assert_eq!(bench.step().await, Worked::Idle);
        bench.assert_books().await;
    }
}

#[tokio::test]
async fn after_a_stop_in_the_middle_no_attempt_stays_open() {
    for (status_id, stage) in
        [(None, Stage::Unknown), (Some(4), Stage::Done), (Some(6), Stage::Done), (Some(5), Stage::Unknown)]
    {
        let cashier = cashier(|_| Behaviour::Slow(Duration::from_secs(60))).await;
        let bench = Bench::new(&cashier.payout_url()).await;
        let id = bench.payout(1_000).await;
        claim(&bench, &id).await;
        if let Some(status_id) = status_id {
            bench.notify(&id, 1_000, status_id).await;
        }

        let bench = bench.reborn(|_| ()).await;
        bench.state().check_open().expect("an attempt under way at a crash is no damage");
        bench.worker.recover().await.expect("recovered");

        assert_eq!(bench.stage(&id).await, stage, "{status_id:?}");
        let attempts = bench.attempts(&id).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].outcome.as_deref(), Some("unknown"), "no open attempt after a restart: {status_id:?}");
        assert_eq!(bench.step().await, Worked::Idle, "not sent again");
        assert_eq!(cashier.all().len(), 0);
        bench.assert_books().await;
    }
}

/// As the worker does it before it sends.
async fn claim(bench: &Bench, id: &ExternalId) {
    claim_as(bench, id, &bench.app.me().id).await;
}

async fn claim_as(bench: &Bench, id: &ExternalId, owner: &str) -> Claim {
    let (id, order, owner) = (id.as_str().to_owned(), id.as_str().to_owned(), owner.to_owned());
    let (worker, vault) = (bench.worker.clone(), bench.state().vault.clone());
    let claim = move |tx: &mut WriteTx<'_>| {
        let write = |conn: &mut DbConn, payout: &Payout| worker.write(conn, payout);
        outbox::claim(tx, &id, write, (&owner, &vault), clock::now())
    };
    bench.state().db.write(Scope::Order(order), claim).await.expect("a claim").expect("it is due")
}

#[tokio::test]
async fn where_repeats_are_paid_once_a_stopped_attempt_is_sent_again_with_the_same_bytes() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let mut setup = Setup { payout_url: cashier.payout_url(), ..Setup::default() };
    deduplicates(&mut setup);
    let bench = Bench::with(setup).await;
    let id = bench.payout(1_000).await;
    claim(&bench, &id).await;
    let first = bench.attempts(&id).await.remove(0).body;

    let bench = bench.reborn(|_| ()).await;
    bench.worker.recover().await.expect("recovered");
    bench.step().await;

    let bodies: Vec<_> = bench.attempts(&id).await.into_iter().map(|attempt| attempt.body).collect();
    assert_eq!(bodies, [first.clone(), first]);
    assert_eq!(cashier.initiations(id.as_str()).len(), 1, "only the second one went out");
    bench.assert_books().await;
}

#[tokio::test]
async fn several_workers_send_each_payout_once() {
    let cashier = cashier(|_| Behaviour::Slow(Duration::from_millis(5))).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(bench.payout(1_000).await);
    }

    let workers = (0..6).map(|_| {
        let worker = bench.worker.clone();
        tokio::spawn(async move { while worker.step().await.expect("a step") == Worked::Worked {} })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("a worker");
    }

    assert_eq!(cashier.doubles(), []);
    for id in &ids {
        assert_eq!((bench.stage(id).await, cashier.initiations(id.as_str()).len()), (Stage::Sent, 1));
    }
    bench.assert_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decline_and_a_claim_at_once_have_one_winner() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let (mut declined, mut sent) = (0, 0);
    for round in 0..40 {
        let id = bench.payout(1_000).await;
        let decline = {
            let (db, id) = (bench.state().db.clone(), id.clone());
            async move { db.write(Scope::from(&id), move |tx| approve::decline(tx, &id, STAFF, clock::now())).await }
        };
        // Each gets a head start in half of the rounds.
        let (decline, step) = if round % 2 == 0 {
            let decline = tokio::spawn(decline);
            (
                decline,
                tokio::spawn({
                    let worker = bench.worker.clone();
                    async move { worker.step().await }
                }),
            )
        } else {
            let step = tokio::spawn({
                let worker = bench.worker.clone();
                async move { worker.step().await }
            });
            (tokio::spawn(decline), step)
        };
        let decline = decline.await.expect("no panic");
        step.await.expect("no panic").expect("a step");

        let initiated = cashier.initiations(id.as_str()).len();
        match decline {
            Ok(()) => {
                declined += 1;
                assert_eq!((bench.stage(&id).await, initiated), (Stage::Done, 0), "declined and never sent");
            }
            Err(Error::Conflict(_)) => {
                sent += 1;
                assert_eq!((bench.stage(&id).await, initiated), (Stage::Sent, 1), "sent and not declined");
            }
            Err(error) => panic!("{error}"),
        }
    }
    println!("{declined} declined, {sent} sent");
    assert_eq!(bench.balance().await, (MONEY - sent * 1_000, sent * 1_000));
    bench.assert_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_fail_for_ever_do_not_hold_up_others() {
    let cashier = cashier(|initiation| match initiation.amount {
        Some(1_001) => Behaviour::Slow(Duration::from_secs(60)),
        _ => Behaviour::Accept,
    })
    .await;
    let bench = Bench::new(&cashier.payout_url()).await;
    // Payouts that cannot be written for the wire, more of them than are sent at once, all due before the others.
    for _ in 0..260 {
        let id = bench.payout(1_000).await;
        damage(&bench, &id).await;
    }
    let stuck = bench.payout(1_001).await;
    let mut good = Vec::new();
    for _ in 0..40 {
        good.push(bench.payout(1_000).await);
    }

    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(bench.worker.clone().run(Arc::new(Notify::new()), stopped));
    for id in &good {
        bench.wait_for(id, Stage::Sent).await;
    }

    stop.send(true).expect("the worker runs");
    running.await.expect("it ends");
    bench.wait_for(&stuck, Stage::Unknown).await;
    assert_eq!(cashier.all().len(), 41);
}

/// Makes the stored details of a payout unreadable.
async fn damage(bench: &Bench, id: &ExternalId) {
    use schema::payouts;
    let id = id.as_str().to_owned();
    let written = bench.state().db.write(Scope::Nobody, move |tx| {
        let conn = tx.conn()?;
        diesel::update(payouts::table.find(&id)).set(payouts::details.eq(r#"{"customer_ip":7}"#)).execute(conn)?;
        Ok(())
    });
    written.await.expect("an update");
}

/// Another service on the same database, whose worker a test drives.
fn another(bench: &Bench, id: &str) -> Worker {
    let state = bench.state();
    let outgoing = Outgoing::with_timeouts(Duration::from_secs(1), Duration::from_secs(1)).expect("a client");
    let (db, settings) = (state.db.clone(), state.settings.clone());
    Worker::new(db, settings, outgoing, state.metrics.clone(), Me::new(id, false))
}

#[tokio::test]
async fn an_instance_settles_its_own_attempts_at_once_and_those_of_others_when_they_are_old() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let ids = [bench.payout(1_000).await, bench.payout(2_000).await];
    for (id, owner) in ids.iter().zip(["left", "right"]) {
        claim_as(&bench, id, owner).await;
    }
    let (left, mut watch, start) = (another(&bench, "left"), Watch::default(), Instant::now());
    let stages = async || (bench.stage(&ids[0]).await, bench.stage(&ids[1]).await);

    assert_eq!(left.recover().await.expect("settled"), 1);
    assert_eq!(stages().await, (Stage::Unknown, Stage::Sending));
    for (seconds, settled) in [(0, 0), (60, 0), (119, 0), (120, 1), (240, 0)] {
        let now = start + Duration::from_secs(seconds);
        assert_eq!(left.recover_later(&mut watch, now).await.expect("a look"), settled, "after {seconds} s");
    }
    assert_eq!(stages().await, (Stage::Unknown, Stage::Unknown));
    assert_eq!((bench.reviews(&ids[0]).await.len(), bench.reviews(&ids[1]).await.len()), (1, 1));
    assert_eq!(bench.step().await, Worked::Idle, "nothing is sent again");
    assert_eq!(cashier.all().len(), 0);
    bench.assert_books().await;
}

#[tokio::test]
async fn an_answer_after_the_attempt_was_called_unknown_is_a_note_and_nothing_else() {
    use croupier::payouts::lifecycle::Attempt;
    use croupier::settings::OnRefusal;
    for outcome in [Attempt::Accepted, Attempt::Refused, Attempt::NotSent, Attempt::Unknown] {
        let cashier = cashier(|_| Behaviour::Accept).await;
        let bench = Bench::new(&cashier.payout_url()).await;
        let id = bench.payout(1_000).await;
        let claimed = claim_as(&bench, &id, "paused").await;
        assert_eq!(claimed.payout, bench.standing(&id).await, "as it stands now");
        let (right, mut watch, start) = (another(&bench, "right"), Watch::default(), Instant::now());
        for seconds in [0, 120] {
            right.recover_later(&mut watch, start + Duration::from_secs(seconds)).await.expect("a look");
        }
        let (before, standing) = (bench.balance().await, bench.standing(&id).await);

        // The process goes on; its answer is written down, and once more, as after a commit that nobody knew of.
        for _ in 0..2 {
            let claimed = claimed.clone();
            let record = move |tx: &mut croupier::db::WriteTx<'_>| {
                let said = ("what the Cashier said", &Texts::new());
                outbox::record(tx, &claimed, outcome, said, OnRefusal::Release, clock::now())
            };
            bench.state().db.write(Scope::from(&id), record).await.expect("recorded");
        }

        assert_eq!((bench.balance().await, bench.standing(&id).await), (before, standing), "{outcome:?}");
        let attempts = bench.attempts(&id).await;
        assert_eq!((attempts.len(), attempts[0].outcome.as_deref()), (1, Some("unknown")), "{outcome:?}");
        let late = format!("under way; the answer came later: {}: what the Cashier said", outcome.name());
        assert!(attempts[0].note.ends_with(&late), "{}", attempts[0].note);
        assert_eq!(bench.reviews(&id).await.len(), 1, "{outcome:?}");
        assert_eq!(bench.step().await, Worked::Idle, "{outcome:?}");
        bench.assert_books().await;
    }
}
