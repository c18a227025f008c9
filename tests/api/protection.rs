//! Limits by period, limits of the player's own, self-exclusion and cool-off: they block deposits, never payouts.

use croupier::clock;
use croupier::ids::{Login, Player, SiteId};
use croupier::limits::Period;
use croupier::money::Currency;
use croupier::protection::own_limits;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SITE, set};
use crate::support::wire::{self, Reply};

async fn protect(app: &TestApp, login: &str, what: &str, body: Value) -> Reply {
    let wallet = app.wallet();
    wallet.call("PUT", &format!("{}/protection/{what}", wallet.player(login)), &[], Some(body)).await
}

async fn shown(app: &TestApp, login: &str) -> Value {
    let wallet = app.wallet();
    wallet.call("GET", &format!("{}/protection", wallet.player(login)), &[], None).await.json
}

/// What the Cashier is told when it asks for a deposit.
async fn answer(app: &TestApp, login: &str, amount: i64, currency: &str) -> String {
    let answer = app.ask(&wire::check_deposit(&wire::order(login, amount, currency))).await;
    let json = answer.json.clone().expect("JSON");
    json["error_description"].as_str().unwrap_or("accepted").to_owned()
}

fn limit(deposit_max: Value, period: &str) -> Value {
    json!({"currency": "USD", "period": period, "deposit_max": deposit_max})
}

#[tokio::test]
async fn deposits_and_payouts_fit_into_the_day_the_week_and_the_month_of_the_site() {
    for period in ["daily", "weekly", "monthly"] {
        let app = TestApp::with(|settings| {
            let settings = set(&settings, "sites.demo.limits.USD", &format!("deposit_{period}_max"), "1000");
            set(&settings, "sites.demo.limits.USD", &format!("payout_{period}_max"), "500")
        })
        .await;
        app.player_with("alice", 5000).await;
        app.player_with("bob", 5000).await;

        app.deposit("alice", 700).await;
        assert_eq!(answer(&app, "alice", 301, "USD").await, "Amount is above the maximum", "{period}");
        assert_eq!(answer(&app, "alice", 5000, "EUR").await, "accepted", "{period}: another currency");
        assert_eq!(answer(&app, "bob", 1000, "USD").await, "accepted", "{period}: another player");
        app.deposit("alice", 300).await;
        assert_eq!(answer(&app, "alice", 1, "USD").await, "Amount is above the maximum", "{period}");

        app.payout("alice", 500).await;
        let more = app.ask(&wire::request_payout(&wire::order("alice", 1, "USD"))).await;
        assert_eq!(more.json.expect("JSON")["error_description"], "Amount is above the maximum", "{period}");
    }
}

#[tokio::test]
async fn what_was_declined_or_refunded_makes_room_again() {
    let app = TestApp::with(|settings| set(&settings, "sites.demo.limits.USD", "deposit_daily_max", "1000")).await;
    app.player("alice").await;
    let declined = app.deposit("alice", 1000).await;
    assert_eq!(answer(&app, "alice", 1, "USD").await, "Amount is above the maximum");

    app.notify(&wire::notification(&declined.id, &declined.order, 3, 6)).await;
    let paid = app.deposit("alice", 1000).await;
    app.notify(&wire::notification(&paid.id, &paid.order, 3, 4)).await;

    assert_eq!(app.balance("alice").await, (1000, 0));
    assert_eq!(answer(&app, "alice", 1, "USD").await, "Amount is above the maximum");
}

#[tokio::test]
async fn deposits_at_the_same_time_do_not_pass_a_limit_together() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    assert_eq!(protect(&app, "alice", "limits", limit(json!(1000), "day")).await.status, 200);

    let asked = (0..20).map(|_| answer(&app, "alice", 300, "USD"));
    let answers = futures_util::future::join_all(asked).await;

    assert_eq!(answers.iter().filter(|answer| *answer == "accepted").count(), 3, "{answers:?}");
    assert_eq!(shown(&app, "alice").await["limits"][0]["used"], 900);
}

#[tokio::test]
async fn a_player_lowers_a_limit_at_once_and_raises_it_only_later() {
    let app = TestApp::with(|settings| set(&settings, "sites.demo", "raise_limits_after_hours", "48")).await;
    app.player("alice").await;
    protect(&app, "alice", "limits", limit(json!(1000), "week")).await;
    let lowered = protect(&app, "alice", "limits", limit(json!(500), "week")).await;
    assert_eq!(
        (&lowered.json["limits"][0]["deposit_max"], &lowered.json["limits"][0]["next"]),
        (&json!(500), &Value::Null)
    );
    assert_eq!(answer(&app, "alice", 501, "USD").await, "Amount is above the maximum");

    let raised = protect(&app, "alice", "limits", limit(json!(2000), "week")).await.json;
    assert_eq!(raised["limits"][0]["deposit_max"], 500);
    assert_eq!(raised["limits"][0]["next"]["deposit_max"], 2000);
    assert_eq!(answer(&app, "alice", 501, "USD").await, "Amount is above the maximum");
    let from = clock::parse_rfc3339(raised["limits"][0]["next"]["from"].as_str().expect("a time")).expect("a time");
    let hours = (from - clock::now()) / 3_600_000_000;
    assert!((47..=48).contains(&hours), "{hours}");

    let lifted = protect(&app, "alice", "limits", limit(Value::Null, "week")).await.json;
    assert_eq!(
        (&lowered.json["limits"][0]["deposit_max"], &lifted["limits"][0]["next"]["deposit_max"]),
        (&json!(500), &Value::Null)
    );
    assert!(lifted["limits"][0]["next"]["from"].is_string(), "lifting it waits too: {lifted}");
    assert_eq!(lifted["history"].as_array().map(Vec::len), Some(4), "every wish is evidence: {lifted}");

    // The time passes: the wish comes into force by itself.
    let at = from + 3_600_000_000;
    let player = Player { site: SiteId(SITE), login: Login::parse("alice").expect("a login") };
    let limit = app
        .state
        .db
        .write(croupier::db::Scope::from(&player), move |tx| {
            let usd = Currency::parse("USD")?;
            own_limits::set(tx, &player, (usd, Period::Week), Some(9000), 48, at)
        })
        .await
        .expect("set");
    assert_eq!(limit.amount, Some(9000), "nothing was in force any more, so 9000 is stricter");
}

#[tokio::test]
async fn an_excluded_player_cannot_deposit_and_can_always_withdraw() {
    let app = TestApp::spawn().await;
    for (login, kind, until) in
        [("alice", "cool_off", json!("2999-01-01T00:00:00Z")), ("bob", "self_exclusion", Value::Null)]
    {
        app.player_with(login, 1000).await;
        let open = app.deposit(login, 100).await;
        let excluded = protect(&app, login, "exclusion", json!({"kind": kind, "until": until})).await;
        assert_eq!((excluded.status, &excluded.json["excluded"]), (200, &json!(true)), "{excluded:?}");
        assert_eq!(excluded.json["for_ever"], json!(until.is_null()));

        assert_eq!(answer(&app, login, 100, "USD").await, "Deposits are not allowed");
        app.notify(&wire::notification(&open.id, &open.order, 3, 4)).await;
        assert_eq!(app.balance(login).await, (1100, 0), "what is paid is the player's");
        app.payout(login, 1100).await;

        for shorter in ["2998-12-31T00:00:00Z", "2030-01-01T00:00:00Z"] {
            let reply = protect(&app, login, "exclusion", json!({"kind": "cool_off", "until": shorter})).await;
            assert_eq!(reply.problem(), (409, "conflict"), "{login} {shorter}");
        }
        let reply = app.wallet().put(login, json!({"deposit_allowed": true})).await;
        assert_eq!(reply.status, 200);
        assert_eq!(answer(&app, login, 100, "USD").await, "Deposits are not allowed", "no other switch lifts it");
    }
    let app = app.restart().await;
    assert_eq!(answer(&app, "bob", 100, "USD").await, "Deposits are not allowed");
    assert_eq!(shown(&app, "bob").await["history"][0]["detail"], "for ever");
}

#[tokio::test]
async fn wishes_that_make_no_sense_are_refused_with_the_field() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let limits = [
        (json!({"currency": "USD", "period": "day"}), "missing_field", "deposit_max"),
        (json!({"currency": "USD", "deposit_max": 5}), "missing_field", "period"),
        (json!({"period": "day", "deposit_max": 5}), "missing_field", "currency"),
        (json!({"currency": "GBP", "period": "day", "deposit_max": 5}), "unsupported_currency", "currency"),
        (limit(json!(5), "year"), "invalid_field", "period"),
        (limit(json!(-1), "day"), "invalid_field", "deposit_max"),
        (limit(json!(1_000_000_000_000_001_i64), "day"), "invalid_field", "deposit_max"),
        (limit(json!(5.5), "day"), "invalid_field", "deposit_max"),
        (limit(json!("5"), "day"), "invalid_field", "deposit_max"),
        (json!({"currency": "USD", "period": "day", "deposit_max": 5, "bet_max": 5}), "unknown_field", "bet_max"),
    ];
    for (body, code, field) in limits {
        let reply = protect(&app, "alice", "limits", body.clone()).await;
        assert_eq!((reply.problem(), reply.json["field"].as_str().unwrap_or("")), ((400, code), field), "{body}");
    }
    let exclusions = [
        (json!({"kind": "holiday", "until": null}), "invalid_field", "kind"),
        (json!({"kind": "cool_off"}), "missing_field", "until"),
        (json!({"until": null}), "missing_field", "kind"),
        (json!({"kind": "cool_off", "until": "2020-01-01T00:00:00Z"}), "invalid_field", "until"),
        (json!({"kind": "cool_off", "until": "tomorrow"}), "invalid_field", "until"),
        (json!({"kind": "cool_off", "until": 5}), "invalid_field", "until"),
    ];
    for (body, code, field) in exclusions {
        let reply = protect(&app, "alice", "exclusion", body.clone()).await;
        assert_eq!((reply.problem(), reply.json["field"].as_str().unwrap_or("")), ((400, code), field), "{body}");
    }
    assert_eq!(protect(&app, "nobody", "limits", limit(json!(5), "day")).await.problem(), (404, "unknown_player"));
    let for_ever = json!({"kind": "cool_off", "until": null});
    assert_eq!(protect(&app, "nobody", "exclusion", for_ever).await.problem(), (404, "unknown_player"));
    let empty = json!({"excluded": false, "excluded_until": null, "for_ever": false, "limits": [], "history": []});
    assert_eq!(shown(&app, "alice").await, empty);
}

#[tokio::test]
async fn a_limit_of_nothing_lets_nothing_in() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    protect(&app, "alice", "limits", limit(json!(0), "month")).await;

    assert_eq!(answer(&app, "alice", 1, "USD").await, "Amount is above the maximum");
    assert_eq!(answer(&app, "alice", 1, "EUR").await, "accepted");
}

#[tokio::test]
async fn a_method_has_limits_of_its_own_for_the_questions_of_its_group() {
    let app = TestApp::with(|settings| {
        let card = set(&settings, "sites.demo.methods.card", "payment_group_id", "6");
        let card = set(&card, "sites.demo.methods.card.limits.USD", "deposit_min", "200");
        set(&card, "sites.demo.methods.card.limits.USD", "deposit_max", "400")
    })
    .await;
    app.player("alice").await;
    let asked = async |amount: i64, group: i64| {
        let mut params = wire::check_deposit(&wire::order("alice", amount, "USD"));
        params.insert("payment_group_id".into(), json!(group));
        let json = app.ask(&params).await.json.expect("JSON");
        json["error_description"].as_str().unwrap_or("accepted").to_owned()
    };

    assert_eq!(asked(199, 6).await, "Amount is below the minimum");
    assert_eq!(asked(401, 6).await, "Amount is above the maximum");
    assert_eq!(asked(200, 6).await, "accepted");
    assert_eq!(asked(401, 7).await, "accepted", "another group");

    let wallet = app.wallet();
    let exception = async |body: Value| {
        let path = format!("{}/methods/card", wallet.player("alice"));
        let reply = wallet.call("PUT", &path, &[], Some(body)).await;
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
    };
    exception(json!({"mode": "allow", "currency": "USD", "max_amount": 900, "reason": "a good guest"})).await;
    assert_eq!(asked(900, 6).await, "accepted", "an exception holds on every way in");
    assert_eq!(asked(901, 6).await, "Amount is above the maximum");
    assert_eq!(asked(199, 6).await, "Amount is below the minimum");
    exception(json!({"mode": "deny", "reason": "a stolen card"})).await;
    assert_eq!(asked(300, 6).await, "Deposits are not allowed");
    assert_eq!(asked(300, 7).await, "accepted", "another group");
}
