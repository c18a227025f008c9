//! Deposits that players begin here: an order, the open door of the Cashier, and the Cashier's question that goes on with it.

use croupier::cashier::deposit;
use croupier::clock::{self, DAY_MICROS};
use croupier::ids::{ExternalId, Login, Player, SiteId};
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::approve::{self, By};
use croupier::simulate::messages::{DECLINED, Order, PURCHASE, SUCCESS};
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SITE, set};
use crate::support::player::Told;
use crate::support::story::Asked;
use crate::support::wire;

const PATH: &str = "/cashier/deposit";

fn wish(amount: &str, key: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "idempotency_key": key})
}

fn asked(id: &str, order: &Order) -> Asked {
    Asked { id: id.to_owned(), order: order.clone() }
}

/// The address where nobody listens in the place of the Cashier's front.
fn shut(text: String) -> String {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    set(&text, "sites.demo.carouseller", "authlink_url", &format!("\"http://{nobody}/api/authlink/obtain/\""))
}

impl TestApp {
    /// The Cashier asks about this order, and is told this id.
    async fn cashier_asks(&self, order: &Order) -> String {
        let answer = self.ask(&wire::check_deposit(order)).await;
        assert_eq!((answer.status, answer.code()), (200, Some(0)), "{}", answer.summary());
        answer.external_id().expect("an external_id").to_owned()
    }

    /// Makes every beginning this much older.
    fn age(&self, by: i64) {
        let mut conn = self.database().connect();
        let sql = format!("UPDATE deposit_intents SET created_at = created_at - {by}");
        diesel::sql_query(sql).execute(&mut conn).expect("they are older");
    }
}

#[tokio::test]
async fn the_whole_way_from_a_session_to_a_payout() {
    let app = TestApp::spawn().await;
    app.wallet().put("alice", json!({"country": "DE", "first_name": "Alice"})).await;
    let (alice, session) = (app.front("alice").await, app.session("alice").await);
    let login = &session["accounts"][0]["login"];
    let methods = alice.get(&format!("/cashier/methods?login={login}")).await.json;
    let (provider, method) = (&methods["rows"][0]["provider"], &methods["rows"][0]["method"]);

    let body = json!({"login": login, "provider": provider, "method": method, "amount": 250.0, "currency": "USD",
        "idempotency_key": "0f9bb0e7", "success_url": "https://casino.example/ok", "failure_url": "https://casino.example/ko",
        "comment": "first", "metadata_json": "{\"promo\":\"A1\"}"});
    let told = alice.post(PATH, &body).await;
    assert_eq!((&told.transaction()["status"], &told.json["next_action"]), (&json!(1), &json!("REDIRECT")));
    assert!(told.json["redirect_url"].as_str().unwrap().contains("/api/open/?key="), "{told:?}");
    let front = app.cashier.asked_of_the_front();
    assert_eq!((front.len(), front[0].0, &front[0].1["site_login"]), (1, "authlink", &json!("alice")));

    let order = wire::order("alice", 25_000, "USD");
    assert_eq!(app.cashier_asks(&order).await, told.id(), "the question goes on with the order");
    app.say(&asked(&told.id(), &order), PURCHASE, SUCCESS).await;
    assert_eq!(app.balance("alice").await, (25_000, 0));
    let credited = alice.get(&format!("/cashier/transactions/{}", told.id())).await;
    let row = credited.transaction();
    let expected = json!({"status": 3, "method": "cashier", "provider": "carouseller", "source": 0, "comment": "first",
        "metadata_json": "{\"promo\":\"A1\"}", "provider_payment_id": order.transaction_id.to_string()});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name}");
    }

    let body = json!({"login": login, "amount": "100", "currency": "USD", "metadata_json": "{\"customer_purse\":\"DE89370400440532013000\"}"});
    let withdrawal = alice.post("/cashier/withdrawal", &body).await;
    assert_eq!(app.balance("alice").await, (15_000, 10_000));
    let payout = asked(&withdrawal.id(), &wire::order("alice", 10_000, "USD"));
    let (id, by) = (ExternalId::parse(&payout.id).unwrap(), By { actor: "carol", reason: "checked" });
    let site = app.state.site(croupier::ids::SiteId(SITE)).expect("the site").clone();
    let approved = app.state.db.write(croupier::db::Scope::from(&id), move |tx| {
        approve::approve(tx, &site, &id, by, clock::now()).map(|_| ())
    });
    approved.await.expect("it is approved");
    app.state.outbox.notify_one();
    let initiation = app.initiation(&payout).await;
    assert_eq!(
        (initiation.amount, &initiation.params["customer_purse"]),
        (Some(10_000), &json!("DE89370400440532013000"))
    );
    app.comes_to(&payout, Stage::Sent).await;
    app.say_paid_out(&payout).await;
    let rows = alice.get("/cashier/transactions").await.json["rows"].clone();
    assert_eq!([&rows[0]["status"], &rows[1]["status"], &rows[0]["type"]], [&json!(3), &json!(3), &json!(1)]);
    assert!(rows[0]["approved_time"].as_i64() > Some(0) && rows[0]["processed_time"].as_i64() > Some(0));
    assert_eq!(app.balance("alice").await, (15_000, 0));
    app.holds().await;
}

#[tokio::test]
async fn a_question_takes_over_the_newest_beginning_that_it_fits_and_each_only_once() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let (alice, bob) = (app.front("alice").await, app.front("bob").await);
    let bobs = bob.post(PATH, &wish("10", "k")).await.id();
    let other = alice.post(PATH, &wish("10.01", "0")).await.id();
    let euro = alice.post(PATH, &json!({"amount": 10, "currency": "EUR"})).await.id();
    let second = alice.post(PATH, &wish("10", "1")).await.id();
    let first = alice.post(PATH, &wish("10", "2")).await.id();
    let order = || wire::order("alice", 1_000, "USD");
    let (a, b, c) = (order(), order(), order());

    assert_eq!(app.cashier_asks(&a).await, first);
    assert_eq!(app.cashier_asks(&a).await, first, "a repetition takes nothing more");
    assert_eq!(app.cashier_asks(&b).await, second);
    let third = app.cashier_asks(&c).await;
    assert!(![&bobs, &other, &euro, &first, &second].contains(&&third), "nothing fits any more");

    assert_eq!(app.count("deposit_intents").await, 3);
    assert_eq!(app.count("events WHERE kind = 'deposit.created'").await, 6, "one for each order");
    for (id, order) in [(&first, &a), (&second, &b), (&third, &c)] {
        app.say(&asked(id, order), PURCHASE, SUCCESS).await;
    }
    assert_eq!(app.balance("alice").await, (3_000, 0));
    let other_content = app.ask(&wire::check_deposit(&Order { amount: 1_001, ..a.clone() })).await;
    assert!(other_content.description().starts_with("transaction_id was used"), "{}", other_content.summary());
    assert_eq!(app.cashier_asks(&wire::order("alice", 1_001, "USD")).await, other);
}

#[tokio::test]
async fn identical_questions_in_parallel_take_one_beginning_over() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let ids = [alice.post(PATH, &wish("10", "1")).await.id(), alice.post(PATH, &wish("10", "2")).await.id()];
    let order = wire::order("alice", 1_000, "USD");

    let told = join_all((0..8).map(|_| app.cashier_asks(&order))).await;

    assert!(told.iter().all(|id| *id == ids[1]), "{told:?} {ids:?}");
    assert_eq!((app.count("deposit_intents").await, app.count("deposits").await), (1, 2));
}

#[tokio::test]
async fn what_was_begun_long_ago_is_not_taken_over() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let old = alice.post(PATH, &wish("10", "1")).await.id();
    app.age(DAY_MICROS);
    assert_ne!(app.cashier_asks(&wire::order("alice", 1_000, "USD")).await, old);
    let young = alice.post(PATH, &wish("10", "2")).await.id();
    app.age(DAY_MICROS - 60_000_000);

    assert_eq!(app.cashier_asks(&wire::order("alice", 1_000, "USD")).await, young);
    assert_eq!(app.count("deposit_intents").await, 1, "the old one, which waits for its end");
}

#[tokio::test]
async fn a_question_takes_over_what_was_begun_with_its_own_method() {
    let app = TestApp::with(|text| {
        format!(
            "{text}\n[sites.demo.methods.card]\npayment_group_id = 6\n[sites.demo.methods.bank]\npayment_group_id = 7\n"
        )
    })
    .await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let by =
        |method: &str, key: &str| json!({"amount": 10, "currency": "USD", "method": method, "idempotency_key": key});
    let card = alice.post(PATH, &by("card", "1")).await.id();
    let bank = alice.post(PATH, &by("bank", "2")).await.id();
    let asks = async |group: i64| {
        let mut params = wire::check_deposit(&wire::order("alice", 1_000, "USD"));
        params.insert("payment_group_id".into(), json!(group));
        app.ask(&params).await.json.expect("JSON")["external_id"].as_str().expect("accepted").to_owned()
    };

    assert_eq!(asks(6).await, card, "the older one, for it is by card");
    assert_eq!(asks(8).await, bank, "a group nobody knows fits whatever is left");
}

#[tokio::test]
async fn what_was_begun_long_ago_is_ended_and_told() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let old = alice.post(PATH, &wish("10", "1")).await.id();
    app.age(DAY_MICROS);
    let young = alice.post(PATH, &wish("10", "2")).await.id();

    let expired = app.state.db.read(|conn| deposit::expired(conn, clock::now(), 100)).await.expect("a look");
    assert_eq!(expired.iter().map(|one| &one.external_id).collect::<Vec<_>>(), [&old]);
    for ended in [true, false] {
        let begun = expired[0].clone();
        let expired = app.state.db.write(croupier::db::Scope::Order(begun.external_id.clone()), move |tx| {
            deposit::expire(tx, &begun, clock::now())
        });
        assert_eq!(expired.await.expect("done"), ended, "once, however many instances look");
    }

    let told = alice.get(&format!("/cashier/transactions/{old}")).await;
    let reason = json!("expired or given up");
    assert_eq!((&told.transaction()["status"], &told.transaction()["failure_reason"]), (&json!(6), &reason));
    assert_eq!(app.cashier_asks(&wire::order("alice", 1_000, "USD")).await, young);
    assert_eq!(app.count("events WHERE kind = 'deposit.failed'").await, 1);
}

/// threats R9
#[tokio::test]
async fn a_script_cannot_begin_deposits_without_end() {
    let app = TestApp::with(shut).await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let mut conn = app.database().connect();
    for nth in 0..100 {
        let now = clock::now();
        let sql = format!("INSERT INTO deposit_intents VALUES (1, 'x{nth}', 'carouseller', 1, 'USD', {now})");
        diesel::sql_query(sql).execute(&mut conn).expect("a beginning");
    }

    assert_eq!(alice.post(PATH, &wish("10", "k")).await.refusal(), (409, "INVALID_STATE"));
    diesel::sql_query("DELETE FROM deposit_intents WHERE external_id = 'x7'").execute(&mut conn).expect("one less");
    assert_eq!(alice.post(PATH, &wish("10", "k")).await.refusal(), (502, "PROVIDER_ERROR"), "there is room for one");
    diesel::sql_query("DELETE FROM deposit_intents").execute(&mut conn).expect("none is left");
}

#[tokio::test]
async fn a_declined_deposit_is_told_and_ends() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let told = alice.post(PATH, &wish("10", "k")).await;
    let order = wire::order("alice", 1_000, "USD");
    app.cashier_asks(&order).await;

    app.say(&asked(&told.id(), &order), PURCHASE, DECLINED).await;

    let again = alice.post(PATH, &wish("10", "k")).await;
    assert_eq!(
        (&again.transaction()["status"], &again.transaction()["failure_reason"]),
        (&json!(5), &json!("declined"))
    );
    assert_eq!((again.id(), again.json.get("redirect_url"), again.json.get("next_action")), (told.id(), None, None));
    assert_eq!(app.balance("alice").await, (0, 0));
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_the_same_address() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;

    let first = wish("10", "k");
    let together = join_all((0..8).map(|_| alice.post(PATH, &first))).await;
    let same = |told: &Told| (told.id(), told.json["redirect_url"].clone(), told.json["next_action"].clone());
    assert!(together.iter().all(|told| same(told) == same(&together[0])), "{together:?}");
    assert_eq!((app.count("deposits").await, app.count("deposit_intents").await), (1, 1));
    let asked_of_the_front = app.cashier.asked_of_the_front().len();
    let app = app.restart().await;
    let alice = app.front("alice").await;
    assert_eq!(same(&alice.post(PATH, &wish("10.00", "k")).await), same(&together[0]));
    assert_eq!(app.cashier.asked_of_the_front().len(), asked_of_the_front, "what is known is not asked again");
    for (name, value) in [
        ("amount", json!(11)),
        ("currency", json!("EUR")),
        ("method", json!("cashier")),
        ("provider", json!("carouseller")),
        ("success_url", json!("https://casino.example/")),
        ("failure_url", json!("https://casino.example/")),
        ("comment", json!("x")),
        ("metadata_json", json!("{\"a\":1}")),
    ] {
        let mut other = wish("10", "k");
        other[name] = value;
        assert_eq!(alice.post(PATH, &other).await.refusal(), (409, "IDEMPOTENCY_KEY_REUSED"), "{name}");
    }
    app.wallet().play("alice", "win", 1_000, "r").await;
    assert_eq!(
        alice.post("/cashier/withdrawal", &wish("10", "k")).await.status,
        200,
        "a direction has keys of its own"
    );
}

#[tokio::test]
async fn a_cashier_that_cannot_be_opened_fails_the_deposit_and_says_so() {
    let app = TestApp::with(shut).await;
    app.player("alice").await;
    let alice = app.front("alice").await;

    let told = alice.post(PATH, &wish("10", "k")).await;

    assert_eq!(told.refusal(), (502, "PROVIDER_ERROR"));
    assert!(!told.text.contains("127.0.0.1"), "nothing of our inside is told: {}", told.text);
    let replay = alice.post(PATH, &wish("10", "k")).await;
    assert_eq!(replay.refusal(), (502, "PROVIDER_ERROR"), "every answer is the first one");
    let rows = alice.get("/cashier/transactions").await.json["rows"].clone();
    let reason = "the payment provider could not be opened";
    assert_eq!((&rows[0]["status"], &rows[0]["failure_reason"]), (&json!(5), &json!(reason)));
    assert_eq!((app.count("deposit_intents").await, app.count("events WHERE kind = 'deposit.failed'").await), (0, 1));
    let order = wire::order("alice", 1_000, "USD");
    assert_ne!(app.cashier_asks(&order).await, rows[0]["id"], "what failed is not taken over");
}

#[tokio::test]
async fn an_order_whose_door_nobody_knows_is_opened_again() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let first = alice.post(PATH, &wish("10", "k")).await;
    let (id, asked) = (first.id(), app.cashier.asked_of_the_front().len());
    // As a process leaves it that stops between the order and the answer of the Cashier.
    let app = app
        .restart_after(|conn| {
            let back = [
                "UPDATE cashier_requests SET redirect_url = NULL",
                "DELETE FROM transitions",
                "UPDATE deposits SET status = 0",
            ];
            for sql in back {
                diesel::sql_query(sql).execute(conn).expect(sql);
            }
        })
        .await;
    let alice = app.front("alice").await;

    let again = alice.post(PATH, &wish("10", "k")).await;

    assert_eq!(
        (again.id(), &again.transaction()["status"], &again.json["next_action"]),
        (id, &json!(1), &json!("REDIRECT"))
    );
    assert_eq!(app.cashier.asked_of_the_front().len(), asked + 1);
    assert_eq!(app.count("deposits").await, 1);
}

#[tokio::test]
async fn a_question_before_the_door_is_known_counts_and_a_late_failure_takes_nothing_back() {
    use croupier::cashier::deposit::{Begun, Wanted, begin};
    use croupier::cashier::opening::{Came, note};
    use croupier::providers::{Opened, Texts};

    let app = TestApp::with(shut).await;
    app.player("alice").await;
    let site = app.state.site(croupier::ids::SiteId(SITE)).expect("the site").clone();
    let player = Player { site: SiteId(SITE), login: Login::parse("alice").expect("a login") };
    let settings = app.state.settings.clone();
    let begun = app.state.db.write(croupier::db::Scope::from(&player), move |tx| {
        use croupier::money::{Currency, Money};
        let row = croupier::players::read(tx.read()?, &player)?.expect("alice");
        let wanted = Wanted {
            amount: Money::new(1_000, Currency::parse("USD")?)?,
            provider: None,
            method: None,
            idempotency_key: None,
            comment: String::new(),
            metadata: croupier::cashier::metadata::Metadata::read(None)?,
            urls: [None, None],
            details: Texts::new(),
        };
        match begin(tx, &settings.providers, &site, &row, &wanted, clock::now())? {
            Begun::Open(id, _) => Ok(id),
            other => panic!("{other:?}"),
        }
    });
    let id = begun.await.expect("it is begun");
    let order = wire::order("alice", 1_000, "USD");
    assert_eq!(app.cashier_asks(&order).await, id.as_str());

    let late = id.clone();
    let vault = app.state.vault.clone();
    let failed = app.state.db.write(croupier::db::Scope::from(&late), move |tx| {
        note(tx, &vault, &late, &Came::Shut("too late".into()), clock::now())
    });
    failed.await.expect("nothing to do");

    let known = asked(id.as_str(), &order);
    assert_eq!(app.deposit_status(&known).await, Status::Created);
    app.say(&known, PURCHASE, SUCCESS).await;
    let late = id.clone();
    let vault = app.state.vault.clone();
    let opened = app.state.db.write(croupier::db::Scope::from(&late), move |tx| {
        let door = Opened { redirect_url: Some("https://x.example/".into()), ..Opened::default() };
        note(tx, &vault, &late, &Came::Open(door), clock::now())
    });
    opened.await.expect("it is only noted");
    assert_eq!((app.deposit_status(&known).await, app.balance("alice").await), (Status::Credited, (1_000, 0)));
}

#[tokio::test]
async fn what_is_only_begun_does_not_fill_a_limit_and_what_is_asked_never_passes_it() {
    let app = TestApp::with(|text| set(&text, "sites.demo.limits.USD", "deposit_daily_max", "1500")).await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let given_up = alice.post(PATH, &wish("10", "1")).await.id();
    let again = alice.post(PATH, &wish("10", "2")).await.id();
    assert_eq!(alice.post(PATH, &wish("15.01", "3")).await.refusal(), (400, "AMOUNT_OUT_OF_RANGE"));

    assert_eq!(app.cashier_asks(&wire::order("alice", 1_000, "USD")).await, again);
    let refused = app.ask(&wire::check_deposit(&wire::order("alice", 1_000, "USD"))).await;
    assert_eq!(refused.code(), Some(500), "{given_up} would pass the limit: {}", refused.summary());
    assert_eq!(alice.post(PATH, &wish("5.01", "4")).await.refusal(), (400, "AMOUNT_OUT_OF_RANGE"));
    let small = alice.post(PATH, &wish("5", "5")).await.id();
    let path = format!("{}/protection/limits", app.wallet().player("alice"));
    let own = json!({"currency": "USD", "period": "day", "deposit_max": 1200});
    let limited = app.wallet().call("PUT", &path, &[], Some(own)).await;
    assert_eq!((limited.status, &limited.json["limits"][0]["used"]), (200, &json!(1000)), "{limited:?}");
    let refused = app.ask(&wire::check_deposit(&wire::order("alice", 500, "USD"))).await;
    assert_eq!(refused.code(), Some(500), "a stricter limit holds at once, for {small} too: {}", refused.summary());
    assert_eq!(app.count("deposit_intents").await, 2);
}

#[tokio::test]
async fn what_is_not_right_is_refused_with_its_field_and_leaves_nothing() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.limits.USD", "deposit_min", "500");
        let text = set(&text, "sites.demo.limits.USD", "deposit_max", "50000");
        format!("{text}\n[sites.demo.methods.card]\ncurrencies = [\"USD\"]\n[sites.demo.methods.card.limits.USD]\ndeposit_min = 1000\n\
            [sites.demo.methods.bank]\ncurrencies = [\"USD\", \"EUR\"]\n[sites.demo.methods.old]\nenabled = false\n")
    })
    .await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let before = app.rows().await;
    let good = json!({"amount": 20, "currency": "USD", "method": "card"});
    let table: [(&str, Value, u16, &str, &str); 20] = [
        ("amount", json!(9.99), 400, "AMOUNT_OUT_OF_RANGE", "amount"),
        ("amount", json!(500.01), 400, "AMOUNT_OUT_OF_RANGE", "amount"),
        ("amount", json!(0), 400, "INVALID_DATA", "amount"),
        ("amount", json!(-20), 400, "INVALID_DATA", "amount"),
        ("amount", json!("20.001"), 400, "INVALID_DATA", "amount"),
        ("currency", json!("EUR"), 403, "PAYMENT_METHOD_NOT_AVAILABLE", "method"),
        ("currency", json!("GBP"), 400, "CURRENCY_CONVERSION_REQUIRED", "currency"),
        ("login", json!(999_840), 403, "PERMISSION_DENIED", "login"),
        ("method", json!("old"), 403, "PAYMENT_METHOD_NOT_AVAILABLE", "method"),
        ("method", json!("paper"), 403, "PAYMENT_METHOD_NOT_AVAILABLE", "method"),
        ("method", json!(""), 400, "INVALID_DATA", "method"),
        ("method", json!(5), 400, "INVALID_DATA", "method"),
        ("provider", json!("stripe"), 403, "PAYMENT_METHOD_NOT_AVAILABLE", "method"),
        ("success_url", json!("javascript:alert(1)"), 400, "INVALID_DATA", "success_url"),
        ("failure_url", json!("/ko"), 400, "INVALID_DATA", "failure_url"),
        ("success_url", json!(format!("https://x.example/{}", "x".repeat(2048))), 400, "INVALID_DATA", "success_url"),
        ("comment", json!("x".repeat(513)), 400, "INVALID_DATA", "comment"),
        ("metadata_json", json!("{"), 400, "INVALID_DATA", "metadata_json"),
        ("idempotency_key", json!("x".repeat(129)), 400, "INVALID_DATA", "idempotency_key"),
        ("status", json!(3), 400, "INVALID_DATA", "status"),
    ];
    for (name, value, status, code, field) in table {
        let mut body = good.clone();
        body[name] = value;
        let told = alice.post(PATH, &body).await;
        assert_eq!((told.refusal(), told.field()), ((status, code), field), "{body}");
    }
    let denies = json!({"mode": "deny", "reason": "risk"});
    let path = format!("{}/methods/card", app.wallet().player("alice"));
    app.wallet().call("PUT", &path, &[], Some(denies)).await;
    assert_eq!(
        alice.post(PATH, &good).await.refusal(),
        (403, "PAYMENT_METHOD_NOT_AVAILABLE"),
        "an exception denies it"
    );
    app.wallet().put("alice", json!({"deposit_allowed": false})).await;
    assert_eq!(alice.post(PATH, &good).await.refusal(), (403, "DEPOSIT_NOT_ALLOWED"));

    assert_eq!(app.rows().await, before);
    assert_eq!((app.count("cashier_requests").await, app.count("deposit_intents").await), (0, 0));
    app.wallet().put("alice", json!({"deposit_allowed": true})).await;
    let told = alice.post(PATH, &json!({"amount": 20, "currency": "USD"})).await;
    assert_eq!(told.transaction()["method"], "bank", "the one that is left need not be named");
}
