//! A database that was restored or copied sends nothing by itself: what may have been sent since is for a person to compare
//! (threats R5, R8, LIF-1, OUT-3).

use std::fs;

use croupier::clock;
use croupier::db::{DbConn, Scope, WriteTx, immediately};
use croupier::error::Error;
use croupier::ids::SiteId;
use croupier::payouts::approve::{self, By, Ending};
use croupier::payouts::worker::Worked;
use croupier::payouts::{Payout, Stage, outbox, sending};
use croupier::simulate::server::Behaviour;
use croupier::vault::Vault;
use serde_json::{Value, json};

use crate::bench::{Bench, MONEY, cashier};
use crate::durability::{Cashier, eventually, reviews, stage};
use crate::process::{SITE, Service, get, notification};
use crate::raw;
use crate::support::TestApp;
use crate::support::binary::{Ran, run};
use crate::support::database::TestDatabase;

const BY: By<'static> = By { actor: "olga", reason: "compared with the Cashier" };
const WHY: &str = "restored from a backup";
const LOGIN: &str = "anna";

async fn write<T: Send + 'static>(
    bench: &Bench,
    work: impl FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    bench.state().db.write(Scope::from(&crate::bench::player()), work).await
}

#[tokio::test]
async fn while_sending_is_held_nothing_is_claimed_until_a_person_confirms() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let first = bench.payout(1_000).await;
    write(&bench, |tx| Ok(sending::hold(tx, WHY)?)).await.expect("held");
    write(&bench, |tx| Ok(sending::hold(tx, "another reason")?)).await.expect("held already");
    let second = bench.payout(2_000).await;

    // Neither the worker, nor a retry, nor a claim that has slipped past the worker's look.
    assert_eq!(bench.step().await, Worked::Idle);
    let (settings, id) = (bench.state().settings.clone(), first.clone());
    write(&bench, move |tx| approve::retry(tx, &settings.providers, &id, BY, clock::now()))
        .await
        .expect("a retry only queues");
    assert_eq!(bench.step().await, Worked::Idle);
    let id = first.to_string();
    let claim = move |tx: &mut WriteTx<'_>| {
        let written = |_: &mut DbConn, _: &Payout| panic!("it must not be written");
        outbox::claim(tx, &id, written, ("me", &Vault::default()), clock::now())
    };
    let claimed = write(&bench, claim).await;
    assert!(claimed.expect("a look").is_none());
    assert_eq!(cashier.all().len(), 0);
    assert_eq!((bench.attempts(&first).await.len(), bench.stage(&second).await), (0, Stage::Queued));
    let look = bench.state().db.read(|conn| Ok(sending::look(conn)?)).await.expect("a look");
    assert_eq!((look.held.as_deref(), look.queued, look.unknown), (Some(WHY), 2, 0));
    assert_eq!(look.oldest, Some(bench.standing(&first).await.created_at));
    assert_eq!(bench.state().metrics.sending_held.get(), 1);

    assert_eq!(write(&bench, |tx| sending::confirm(tx, BY, clock::now())).await.expect("confirmed"), WHY);

    assert!(matches!(write(&bench, |tx| sending::confirm(tx, BY, clock::now())).await, Err(Error::Conflict(_))));
    while bench.step().await == Worked::Worked {}
    assert_eq!((bench.stage(&first).await, bench.stage(&second).await), (Stage::Sent, Stage::Sent));
    assert_eq!(cashier.all().len(), 2);
    assert_eq!(bench.state().metrics.sending_held.get(), 0);
    bench.assert_books().await;
}

/// contract, "Money rules" 6
#[tokio::test]
async fn a_payout_that_ended_the_other_way_is_corrected_by_a_person_and_its_money_moves() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let id = bench.payout(1_000).await;
    let resolve = |ending| {
        let (id, site) = (id.clone(), bench.state().site(SiteId(SITE)).expect("the site").clone());
        write(&bench, move |tx| approve::resolve(tx, &site, &id, ending, BY, clock::now()))
    };
    assert_eq!(bench.step().await, Worked::Worked);
    assert_eq!(bench.balance().await, (MONEY - 1_000, 1_000));

    for (ending, available) in [
        (Ending::Succeeded, MONEY - 1_000),
        (Ending::Failed, MONEY),
        (Ending::Succeeded, MONEY - 1_000),
        (Ending::Failed, MONEY),
    ] {
        resolve(ending).await.expect("a person says so");
        assert_eq!(bench.balance().await, (available, 0));
        assert!(matches!(resolve(ending).await, Err(Error::Conflict(_))), "it has ended so already");
        assert_eq!(bench.balance().await, (available, 0));
    }

    bench.assert_books().await;
}

#[tokio::test]
async fn what_a_held_database_takes_for_unsent_is_resolved_by_a_person() {
    let cashier = cashier(|_| Behaviour::Accept).await;
    let bench = Bench::new(&cashier.payout_url()).await;
    let resolve = |id: &croupier::ids::ExternalId, ending| {
        let (id, site) = (id.clone(), bench.state().site(SiteId(SITE)).expect("the site").clone());
        write(&bench, move |tx| approve::resolve(tx, &site, &id, ending, BY, clock::now()))
    };
    let (paid, refused, waits) = (bench.payout(1_000).await, bench.payout(2_000).await, bench.payout(4_000).await);
    assert!(matches!(resolve(&paid, Ending::Succeeded).await, Err(Error::Conflict(_))), "nothing of it was sent");
    write(&bench, |tx| Ok(sending::hold(tx, WHY)?)).await.expect("held");

    resolve(&paid, Ending::Succeeded).await.expect("the Cashier has paid it");
    resolve(&refused, Ending::Failed).await.expect("the Cashier has refused it");

    assert_eq!(bench.balance().await, (MONEY - 5_000, 4_000));
    bench.assert_books().await;
    write(&bench, |tx| sending::confirm(tx, BY, clock::now())).await.expect("confirmed");
    while bench.step().await == Worked::Worked {}
    assert_eq!(cashier.all().len(), 1, "only what was not sent goes out");
    assert_eq!(cashier.initiations(waits.as_str()).len(), 1);
    assert!(resolve(&waits, Ending::Succeeded).await.is_ok(), "sent ones as ever");
    bench.assert_books().await;
}

/// Puts the service's database back from a copy, as `croupier restore` does: without the marks of the lost time, with sending held.
fn put_back(service: &Service, copy: &TestDatabase) {
    for entry in fs::read_dir(service.directory()).expect("the directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "mark") {
            fs::remove_file(path).expect("the mark goes away");
        }
    }
    service.database().put_back(copy);
    immediately(&mut service.database().connect(), |tx| sending::hold(tx, WHY)).expect("held");
}

#[test]
fn a_restored_database_sends_nothing_again_and_parks_what_it_does_not_know() {
    let cashier = Cashier::start(Behaviour::Slow(std::time::Duration::from_secs(60)));
    let mut service = Service::started(cashier.setup());
    service.player(LOGIN, 100_000);
    let under_way = service.payout(LOGIN, 1_000, 1);
    cashier.wait_for(&under_way);
    service.kill();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copy = service.database().copy(elsewhere.path());
    cashier.server.answer_with(|_| Behaviour::Accept);
    service.start();
    let later = service.payout(LOGIN, 2_000, 2);
    cashier.wait_for(&later);
    eventually("it is sent", || stage(&service, &later) == "sent");
    service.kill();

    put_back(&service, &copy);
    service.start();

    assert!(service.log().contains("payouts are held back until a person confirms"), "{}", service.log());
    eventually("it is unknown", || stage(&service, &under_way) == "unknown");
    assert_eq!(service.balance(LOGIN), (99_000, 1_000));
    let queued = service.payout(LOGIN, 500, 3);
    let paid = service.ask(&notification(&later, LOGIN, 2_000, (11, 4), 2));
    assert_eq!(paid.code(), Some(0), "{}", paid.shown());
    assert_eq!(service.balance(LOGIN), (98_500, 1_500), "nothing is booked for an order that is not here");
    assert_eq!((reviews(&service, &later), reviews(&service, &under_way)), (1, 1));
    assert_eq!(raw::once(service.private(), &get("/readyz")).expect("an answer").status, 200);

    let status = service.cli(&["sending", "status", "--json"]);
    let told: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status.status.code(), Some(1));
    assert_eq!((&told["held"], &told["queued"], &told["unknown"]), (&json!(true), &json!(1), &json!(1)), "{told}");
    assert!(service.cli(&["sending", "confirm", "--reason", "compared"]).status.success());
    cashier.wait_for(&queued);
    assert_eq!((cashier.server.initiations(&under_way).len(), cashier.server.initiations(&later).len()), (1, 1));
    assert_eq!(service.verify()["ok"], true);
}

struct Desk(TestApp);

impl Desk {
    fn cli(&self, arguments: &[&str]) -> Ran {
        let file = self.0.settings_file();
        let all: Vec<&str> = [arguments, &["--settings", file.to_str().expect("a path")]].concat();
        run(self.0.directory(), &all, "")
    }

    fn token(&self, name: &str, role: &str) -> String {
        assert_eq!(self.cli(&["staff", "add", name, "--role", role]).code, 0);
        self.cli(&["staff", "token", name]).out.trim().to_owned()
    }

    async fn ask(&self, token: &str, body: Option<Value>) -> (u16, Value) {
        let http = reqwest::Client::new();
        let address = format!("{}/admin/api/v1/sending", self.0.private);
        let request = match body {
            Some(body) => http
                .post(format!("{address}/confirm"))
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => http.get(address),
        };
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
    }

    async fn gauge(&self) -> bool {
        let text = reqwest::get(format!("{}/metrics", self.0.private)).await.expect("an answer");
        text.text().await.expect("text").contains("\ncroupier_sending_held 1\n")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_approve_confirms_and_the_audit_says_who_and_why() {
    let desk = Desk(TestApp::spawn().await);
    let (vera, otto, ann) =
        (desk.token("vera", "viewer"), desk.token("otto", "operator"), desk.token("ann", "approver"));
    let good = json!({"reason": "compared with the Cashier"});
    let (status, told) = desk.ask(&vera, None).await;
    assert_eq!((status, &told["held"], &told["reason"]), (200, &json!(false), &Value::Null), "{told}");
    assert_eq!(desk.ask(&ann, Some(good.clone())).await.0, 409);
    assert_eq!(desk.cli(&["sending", "status"]).code, 0);
    let confirm = |more: &[&str]| desk.cli(&[&["sending", "confirm", "--reason", "compared"], more].concat());
    assert_eq!(confirm(&[]).code, 1, "there is nothing to confirm");
    desk.0.state.db.write(Scope::Nobody, |tx| Ok(sending::hold(tx, WHY)?)).await.expect("held");
    desk.0.player_with("anna", 10_000).await;
    let asked = desk.0.payout("anna", 1_000).await;

    assert_eq!(desk.ask("", Some(good.clone())).await.0, 401);
    for token in [&vera, &otto] {
        assert_eq!(desk.ask(token, Some(good.clone())).await.0, 403);
    }
    for body in [json!({}), json!({"reason": ""}), json!({"reason": "a\u{0}b"}), json!({"reason": "a", "held": false})]
    {
        assert_eq!(desk.ask(&ann, Some(body.clone())).await.0, 400, "{body}");
    }
    for (arguments, code) in [(["--actor", "nobody"], 1), (["--actor", "otto"], 1), (["--reason", " "], 2)] {
        let ran = match arguments[0] {
            "--reason" => desk.cli(&["sending", "confirm", arguments[0], arguments[1]]),
            _ => confirm(&arguments),
        };
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    }
    assert_eq!(desk.cli(&["sending", "confirm"]).code, 2, "not without a reason");
    let (status, told) = desk.ask(&vera, None).await;
    assert_eq!((status, &told["held"], &told["reason"], &told["queued"]), (200, &json!(true), &json!(WHY), &json!(1)));
    eventually("the gauge says so", || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(desk.gauge()))
    });
    assert_eq!(desk.0.cashier.all().len(), 0);

    let (status, told) = desk.ask(&ann, Some(good)).await;

    assert_eq!((status, &told["held"]), (200, &json!(false)), "{told}");
    desk.0.initiation(&asked).await;
    desk.0.comes_to(&asked, Stage::Sent).await;
    assert!(!desk.gauge().await);
    desk.0.state.db.write(Scope::Nobody, |tx| Ok(sending::hold(tx, WHY)?)).await.expect("held again");
    let ran = confirm(&["--actor", "ann", "--json"]);
    assert_eq!((ran.code, &ran.json()["held"]), (0, &json!(false)), "{ran:?}");
    let rows = desk.0.read(|conn| croupier::staff::audit::list(conn, 0, 100)).await;
    let said: Vec<_> = rows.iter().filter(|row| row.act == "sending.confirm").collect();
    assert_eq!(said.iter().map(|row| row.actor.as_str()).collect::<Vec<_>>(), ["ann", "ann"]);
    assert_eq!(said[0].detail, format!("compared with the Cashier (it was held: {WHY})"));
    assert!(said[1].detail.starts_with("compared (named on the command line)"), "{}", said[1].detail);
}
