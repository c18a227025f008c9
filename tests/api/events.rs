//! The feed of events: what is told, in what order, to whom, and how long somebody may wait for it (contract, part 4.3).

use std::time::Duration;

use croupier::simulate::messages::{CHARGEBACK, DECLINED, PAYOUT, PURCHASE, REFUND, SUCCESS};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SITE, set};
use crate::support::binary::run;
use crate::support::receiver::{Receiver, place};
use crate::support::wire::{self, Reply, Wallet};

impl Wallet {
    /// A page of the feed.
    async fn events(&self, query: &str) -> Reply {
        self.call("GET", &format!("/wallet/v1/events?{query}"), &[], None).await
    }
}

fn items(page: &Reply) -> &Vec<Value> {
    assert_eq!(page.status, 200, "{page:?}");
    page.json["items"].as_array().unwrap_or_else(|| panic!("no items in {page:?}"))
}

impl TestApp {
    /// Type, order, status and stage of every event.
    async fn told(&self) -> Vec<(String, String, i64, String)> {
        let page = self.wallet().events("limit=1000").await;
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let told = items(&page).iter().map(|event| {
            let data = &event["data"];
            let status = data["status"].as_i64().unwrap_or(-1);
            (text(&event["type"]), text(&data["external_id"]), status, text(&data["stage"]))
        });
        told.collect()
    }

    /// Waits until so many requests wait for events.
    async fn polls(&self, waiting: usize) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(2));
        while 256 - self.state.polls.available_permits() != waiting {
            assert!(tokio::time::Instant::now() < until, "they do not wait");
            look.tick().await;
        }
    }
}

fn manual(text: String) -> String {
    set(&text, "sites.demo.payouts", "approval", r#""manual""#)
}

#[tokio::test]
async fn a_whole_story_is_told_once_in_order_with_its_members() {
    let app = TestApp::spawn().await;
    app.player("alice").await;

    let credited = app.paid_deposit("alice", 5000).await;
    let declined = app.deposit("alice", 700).await;
    app.say(&declined, PURCHASE, DECLINED).await;
    app.say(&declined, PURCHASE, DECLINED).await;
    let paid = app.sent_payout("alice", 2000).await;
    app.outcome(&paid).await;
    app.say_paid_out(&paid).await;
    let refused = app.sent_payout("alice", 1000).await;
    app.outcome(&refused).await;
    app.say(&refused, PAYOUT, DECLINED).await;
    app.say(&credited, REFUND, SUCCESS).await;

    let of = |kind: &str, id: &str, status: i64, stage: &str| (kind.into(), id.into(), status, stage.into());
    let expected: Vec<(String, String, i64, String)> = vec![
        of("deposit.created", &credited.id, 0, ""),
        of("deposit.credited", &credited.id, 3, ""),
        of("deposit.created", &declined.id, 0, ""),
        of("deposit.failed", &declined.id, 5, ""),
        of("payout.held", &paid.id, 1, "queued"),
        of("payout.sent", &paid.id, 1, "sent"),
        of("payout.succeeded", &paid.id, 3, "done"),
        of("payout.held", &refused.id, 1, "queued"),
        of("payout.sent", &refused.id, 1, "sent"),
        of("payout.failed", &refused.id, 5, "done"),
        of("deposit.refunded", &credited.id, 7, ""),
    ];
    let told = app.told().await;
    let without_approvals: Vec<_> = told.iter().filter(|event| event.0 != "payout.approved").cloned().collect();
    let reviews = told.iter().filter(|event| event.0 == "review.opened").count();
    assert_eq!(without_approvals[..expected.len()], expected, "{told:#?}");
    assert_eq!(without_approvals.len(), expected.len() + reviews);
    let page = app.wallet().events("limit=2").await;
    let event = &items(&page)[1];
    let data = json!({"site_id": SITE, "site_login": "alice", "external_id": credited.id, "status": 3,
        "status_name": "credited", "amount": 5000, "currency": "USD"});
    let (mut found, at) = (event["data"].clone(), event["at"].as_str().expect("a time"));
    found.as_object_mut().expect("an object").remove("reason");
    assert_eq!(found, data);
    assert!(at.ends_with('Z') && event["timestamp"] == at, "{event}");
    assert_eq!(page.json["next"], event["id"]);
}

#[tokio::test]
async fn staff_and_reviews_are_told_too() {
    let app = TestApp::with(manual).await;
    app.player_with("alice", 5000).await;
    let payout = app.payout("alice", 2000).await;
    let order = wire::order("nobody", 100, "USD");
    app.notify(&wire::notification("an-order-of-nobody", &order, PURCHASE, SUCCESS)).await;
    let credited = app.paid_deposit("alice", 300).await;
    app.say(&credited, CHARGEBACK, SUCCESS).await;

    let told = app.told().await;

    let kinds: Vec<_> = told.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(kinds[..4], ["payout.held", "review.opened", "deposit.created", "deposit.credited"]);
    assert!(kinds[4..].contains(&"deposit.charged_back"), "{kinds:?}");
    assert_eq!(told[0], ("payout.held".into(), payout.id, 9, "awaiting_approval".into()));
    let page = app.wallet().events("after=1&limit=1").await;
    assert_eq!(items(&page)[0]["data"]["reason"], "unknown_order");
}

#[tokio::test]
async fn what_did_not_happen_is_not_told_and_numbers_have_no_gaps() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let order = wire::order("alice", 500, "USD");
    app.ask(&wire::request_payout(&order)).await;
    app.ask(&wire::request_payout(&order)).await;
    app.ask(&wire::request_payout(&wire::order("alice", 5000, "USD"))).await;
    app.ask(&wire::check_deposit(&wire::order("nobody", 100, "USD"))).await;
    let rolled_back: Result<(), _> = app
        .state
        .db
        .write(croupier::db::Scope::Nobody, |tx| {
            let new = croupier::events::New {
                kind: croupier::events::Kind::PayoutSent,
                site: croupier::ids::SiteId(SITE),
                player: None,
                external_id: None,
                standing: None,
                amount: None,
                reason: "never",
            };
            croupier::events::emit(tx, new, 0)?;
            Err(croupier::error::Error::Internal("after it wrote".into()))
        })
        .await;
    rolled_back.expect_err("it was rolled back");
    app.deposit("alice", 100).await;

    let page = app.wallet().events("").await;

    let held = items(&page).iter().filter(|event| event["type"] == "payout.held").count();
    let created = items(&page).iter().filter(|event| event["type"] == "deposit.created").count();
    assert_eq!((held, created), (1, 1), "{page:?}");
    assert!(!page.json.to_string().contains("never"));
    let places: Vec<i64> = items(&page).iter().map(|event| place(event["id"].as_str().expect("an id"))).collect();
    assert_eq!(places, (1..=i64::try_from(places.len()).expect("few")).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_join_without_a_gap_whatever_their_length() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    for amount in 100..117 {
        app.deposit("alice", amount).await;
    }
    let whole = app.wallet().events("limit=1000").await;
    for limit in [1, 2, 5, 16, 17, 18, 1000] {
        let (mut joined, mut after) = (Vec::new(), String::new());
        loop {
            let page = app.wallet().events(&format!("limit={limit}&after={after}")).await;
            joined.extend(items(&page).clone());
            let Some(next) = page.json["next"].as_str() else { break };
            after = next.to_owned();
        }
        assert_eq!(joined, *items(&whole), "pages of {limit}");
    }
    let by_number = app.wallet().events("after=10").await;
    let by_name = app.wallet().events(&format!("after={}", items(&whole)[9]["id"].as_str().expect("an id"))).await;
    assert_eq!((by_number.json["items"].clone(), items(&by_number).len()), (by_name.json["items"].clone(), 7));
    for start in ["", "after=", "after=0"] {
        assert_eq!(app.wallet().events(start).await.json, whole.json, "{start:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_other_books_is_refused_and_never_skipped() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.deposit("alice", 100).await;
    let page = app.wallet().events("").await;
    let name = page.json["next"].as_str().expect("a name").to_owned();
    let token = name.rsplit('_').next().expect("a token");

    let beyond = format!("evt_2_{token}");
    for after in ["2", "999999999999999999", "evt_1_000000000000", &beyond] {
        for wait in ["0", "20"] {
            let refused = app.wallet().events(&format!("after={after}&wait={wait}")).await;
            assert_eq!(refused.problem(), (409, "unknown_cursor"), "{after}");
        }
    }
    assert_eq!(items(&app.wallet().events(&format!("after={name}")).await).len(), 0);
    assert_eq!(app.wallet().events(&format!("after={name}")).await.json["next"], Value::Null);
    assert_eq!(items(&app.wallet().events("after=1").await).len(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let app = TestApp::spawn().await;
    let wrong = [
        ("after=x", "after"),
        ("after=-1", "after"),
        ("after=evt_1", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("wait=0.5", "wait"),
        ("until=3", "until"),
        ("after=1&after=2", "after"),
    ];
    for (query, field) in wrong {
        let refused = app.wallet().events(query).await;
        assert_eq!((refused.status, &refused.json["field"]), (400, &json!(field)), "{query}: {refused:?}");
    }
    assert_eq!(app.wallet().call("POST", "/wallet/v1/events", &[], None).await.status, 405);
}

#[tokio::test]
async fn a_key_needs_the_scope_and_sees_its_sites_only() {
    let app = TestApp::with(|text| {
        let keys = r#"{ all = "a-key-of-the-game-server-in-tests", reader = { keys = ["a-key-that-may-only-read-12345"], scopes = ["read"] },
            other = { keys = ["a-key-for-the-other-site-12345"], scopes = ["events"], sites = [7] },
            own = { keys = ["a-key-for-the-own-site-1234567"], scopes = ["events"], sites = [332] } }"#;
        let text = set(&text, "wallet", "api_keys", &keys.replace('\n', " "));
        format!("{text}\n[sites.other]\nsite_id = 7\ncurrencies = [\"USD\"]\n")
    })
    .await;
    app.player("alice").await;
    for _ in 0..3 {
        app.deposit("alice", 100).await;
    }
    let all = app.wallet().events("").await;
    let with = |key: &str| app.wallet().with_key(key);

    assert_eq!(with("").events("").await.problem(), (401, "unauthorized"));
    assert_eq!(with("wrong").events("").await.problem(), (401, "unauthorized"));
    assert_eq!(with("a-key-that-may-only-read-12345").events("").await.problem(), (403, "scope_missing"));
    assert_eq!(with("a-key-for-the-own-site-1234567").events("").await.json, all.json);
    let other = with("a-key-for-the-other-site-12345").events("").await;
    assert_eq!((items(&other).len(), &other.json["next"]), (0, &all.json["next"]), "it moves on past the others'");
    let rest = with("a-key-for-the-own-site-1234567").events("limit=2").await;
    assert_eq!((items(&rest).len(), place(rest.json["next"].as_str().expect("a name"))), (2, 2));
}

#[tokio::test]
async fn whoever_waits_is_woken_by_the_commit() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.deposit("alice", 100).await;
    let wallet = app.wallet();
    let began = std::time::Instant::now();
    let waiting = tokio::spawn(async move { wallet.events("after=1&wait=30").await });
    app.polls(1).await;
    assert!(!waiting.is_finished());

    app.deposit("alice", 101).await;

    let page = waiting.await.expect("no panic");
    assert_eq!(items(&page).len(), 1);
    assert!(began.elapsed() < Duration::from_secs(15), "long before its time was over: {:?}", began.elapsed());
    app.polls(0).await;
    let at_once = app.wallet().events("wait=30").await;
    assert_eq!((items(&at_once).len(), began.elapsed() < Duration::from_secs(25)), (2, true));
    let empty = app.wallet().events("after=2&wait=1").await;
    assert_eq!(empty.json, json!({"items": [], "next": null}));
}

/// threats NET-8
#[tokio::test]
async fn a_stop_answers_whoever_waits_at_once() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    let waiting = tokio::spawn(async move { wallet.events("wait=30").await });
    app.polls(1).await;
    let began = std::time::Instant::now();

    app.stop().await;

    let page = waiting.await.expect("no panic");
    assert_eq!(page.json, json!({"items": [], "next": null}));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

/// threats R9: those who wait are few enough, and hold no connection to the database.
#[tokio::test]
async fn nobody_waits_for_commits_that_can_no_longer_come() {
    let app = TestApp::spawn().await;
    app.state.db.close();
    let began = std::time::Instant::now();

    let page = app.wallet().events("wait=15").await;

    assert!(items(&page).is_empty());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn too_many_who_wait_are_sent_away_and_others_are_served() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let polls: Vec<_> = (0..8)
        .map(|_| {
            let wallet = app.wallet();
            tokio::spawn(async move { wallet.events("wait=30").await })
        })
        .collect();
    app.polls(8).await;
    let rest = app.state.polls.clone().acquire_many_owned(248).await.expect("places");

    let refused = app.wallet().events("wait=30").await;

    assert_eq!(refused.problem(), (503, "temporarily_unavailable"));
    assert_eq!(app.wallet().events("").await.status, 200, "who does not wait needs no place");
    drop(rest);
    app.deposit("alice", 100).await;
    for poll in polls {
        assert_eq!(items(&poll.await.expect("no panic")).len(), 1, "all of them are woken");
    }
    app.polls(0).await;
}

/// The service as it runs: it pushes by itself, and notices within a second what a command has queued.
#[tokio::test]
async fn a_running_service_pushes_and_commands_reach_it() {
    let receiver = Receiver::start();
    let more = receiver.settings();
    let app = TestApp::with(|text| format!("{text}\n{more}")).await;
    app.settings_file();
    let here = app.directory().to_owned();
    let command = |arguments: &[&str]| run(&here, arguments, "");
    assert_eq!(command(&["events", "status", "--json"]).json()["newest"], 0);
    app.player("alice").await;
    app.paid_deposit("alice", 5000).await;
    let seen = receiver.wait("both are pushed", |seen| seen.len() == 2);
    let page = app.wallet().events("").await;
    for (delivery, event) in seen.iter().zip(items(&page)) {
        assert_eq!(delivery.event(), *event, "the feed and the push agree");
    }

    let list = command(&["events", "list", "--json"]);
    assert_eq!(list.json(), page.json);
    let table = command(&["events", "list"]);
    assert!(table.out.contains("deposit.credited") && table.out.lines().all(|line| line.chars().count() <= 120));
    let again = command(&["events", "redeliver", &seen[0].id, "--json"]);
    assert_eq!(again.json(), json!({"queued": 1}));
    receiver.wait("once more", |seen| seen.len() == 3);
    let since = command(&["events", "redeliver", "--since", "2020-01-01T00:00:00Z"]);
    assert_eq!((since.code, since.out.contains("2 events")), (0, true), "{since:?}");
    let seen = receiver.wait("all once more", |seen| seen.len() == 5);
    assert_eq!(seen.iter().map(|one| one.place()).collect::<Vec<_>>(), [1, 2, 1, 1, 2]);
    let wrong = [
        (&["events", "redeliver", "9"][..], 1),
        (&["events", "redeliver", "evt_1_000000000000"], 1),
        (&["events", "redeliver"], 2),
        (&["events", "redeliver", "x"], 2),
        (&["events", "redeliver", "1", "--since", "2020-01-01T00:00:00Z"], 2),
        (&["events", "redeliver", "--since", "yesterday"], 2),
        (&["events", "log", "9"], 1),
    ];
    for (arguments, code) in wrong {
        assert_eq!(command(arguments).code, code, "{arguments:?}");
    }
    assert_eq!(command(&["events", "resume"]).code, 0);
    let until = std::time::Instant::now() + PATIENCE;
    while command(&["events", "log", "1", "--json"]).json()["attempts"].as_array().map(Vec::len) != Some(3) {
        assert!(std::time::Instant::now() < until, "the attempts are recorded");
    }
    let log = command(&["events", "log", "1"]);
    assert!(log.out.contains("delivered") && log.out.contains("204"), "{log:?}");
    let status = command(&["events", "status", "--json"]).json();
    assert_eq!((&status["state"], &status["position"], &status["given_up"]), (&json!("healthy"), &json!(2), &json!(0)));
    let metrics = app.wallet().call("GET", "/metrics", &[], None).await;
    let metrics = metrics.json.as_str().expect("text").to_owned();
    assert!(metrics.contains("croupier_events_delivered_total 5"), "{metrics}");
}
