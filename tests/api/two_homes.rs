//! The same requests get the same answers, byte for byte, from books in a file and from books on a server (issue 4, point 1; threats R11).

use croupier::payouts::Stage;
use croupier::staff::Role;
use serde_json::{Value, json};

use crate::raw::Answer;
use crate::support::TestApp;
use crate::support::app::set;
use crate::support::database::{TestDatabase, on_a_server};
use crate::support::script::{Script, notice, question};
use crate::support::story::Asked;
use crate::support::wire;

const CALLBACK: &str = "/cashier/callback/carouseller";
const WEBHOOK: &str = "/cashier/webhook/carouseller";

/// Approval by people, four eyes, limits, a method of the players' API: whatever answers differently.
fn strict(text: String) -> String {
    let text = set(&text, "sites.demo.payouts", "auto_approve_up_to", "{ USD = 500 }");
    let text = set(&text, "sites.demo.payouts", "four_eyes_from", "{ USD = 5000 }");
    let text = set(&text, "sites.demo.limits.USD", "deposit_min", "100");
    let text = set(&text, "sites.demo.limits.USD", "deposit_max", "100000");
    let text = set(&text, "sites.demo.limits.USD", "payout_min", "50");
    set(&text, "sites.demo.limits.USD", "payout_daily_max", "20000")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_a_server_answer_alike_byte_for_byte() {
    if !on_a_server() {
        return;
    }
    let mut told = Vec::new();
    let homes: [fn(&std::path::Path) -> TestDatabase; 2] = [TestDatabase::file, TestDatabase::create];
    for home in homes {
        let app = TestApp::at(home, strict).await;
        let mut script = Script::of(&app);
        the_game_server_speaks(&mut script).await;
        what_the_game_server_may_not(&mut script).await;
        let orders = the_cashier_asks(&mut script).await;
        the_cashier_notifies(&mut script, &orders).await;
        a_player_uses_the_cashier(&mut script).await;
        staff_decide(&mut script, &orders).await;
        everybody_reads(&mut script, &orders).await;
        nobody_in_particular(&mut script).await;
        told.push(script.told());
        app.holds().await;
    }

    let (on_a_server, in_a_file) = (told.remove(1), told.remove(0));
    assert!(in_a_file.len() >= 150, "{} requests", in_a_file.len());
    for (nth, (file, server)) in in_a_file.iter().zip(&on_a_server).enumerate() {
        assert_eq!(file.0, server.0, "request {nth} is another one already");
        assert_eq!(file.1, server.1, "request {nth}: {}", file.0);
    }
    assert_eq!(in_a_file.len(), on_a_server.len());
    let refused =
        in_a_file.iter().filter(|(_, answer)| !answer.starts_with('2') || answer.contains("error_description"));
    assert!(refused.count() > in_a_file.len() / 2, "more refusals than successes");
}

fn play(kind: &str, amount: i64, reference: &str) -> Value {
    json!({"kind": kind, "amount": amount, "currency": "USD", "reference": reference})
}

async fn the_game_server_speaks(script: &mut Script<'_>) {
    for (login, fields) in [
        ("alice", json!({"country": "LV", "first_name": "Alice"})),
        ("alice", json!({"country": "DE"})),
        ("Alice", json!({})),
        ("%C3%84nne", json!({"country": "AT"})),
        ("bob", json!({"withdrawal_allowed": false})),
        ("carol", json!({"status": "blocked"})),
        ("dave", json!({"deposit_allowed": false})),
    ] {
        script.wallet("PUT", login, "", &fields).await;
    }
    for (login, key, body) in [
        ("alice", "k1", play("win", 40_000, "r1")),
        ("alice", "k1", play("win", 40_000, "r1")),
        ("alice", "k1", play("win", 40_001, "r1")),
        ("alice", "K1", play("bet", 700, "R1")),
        ("alice", "k2", play("bet", 900, "r2")),
        ("alice", "k3", play("bet", 9_000_000, "r3")),
        ("alice", "k4", play("win", 0, "r2")),
        ("alice", "k5", json!({"kind": "win", "amount": 5, "currency": "EUR", "reference": "r5"})),
        (
            "alice",
            "k6",
            json!({"kind": "adjustment", "amount": -5, "currency": "USD", "reference": "a", "reason": "why"}),
        ),
        ("alice", "k7", json!({"kind": "adjustment", "amount": -5, "currency": "USD", "reference": "a"})),
        ("bob", "k8", play("bonus", 3_000, "b")),
        ("bob", "k1", play("win", 40_000, "r1")),
        ("carol", "k9", play("bet", 1, "c")),
        ("%C3%84nne", "ключ", play("win", 7, "\u{5b57}")),
        ("%C3%84nne", "k10", play("win", 7, "\u{5b57}")),
    ] {
        script.wallet("POST", &format!("{login}/transactions"), key, &body).await;
    }
    for (login, reference) in [("alice", "r2"), ("alice", "r2"), ("alice", "never"), ("bob", "r2"), ("nobody", "r2")] {
        script.wallet("POST", &format!("{login}/transactions/{reference}/rollback"), "", &Value::Null).await;
    }
    script.wallet("POST", "alice/transactions", "k11", &play("bet", 5, "never")).await;
    script.wallet("POST", "alice/transactions/r1/rollback", "", &Value::Null).await;
    script.wallet("POST", "alice/cashier", "", &json!({"language": "en"})).await;
}

async fn what_the_game_server_may_not(script: &mut Script<'_>) {
    for (path, key, body) in [
        ("alice/transactions", "", play("win", 1, "r")),
        ("alice/transactions", "m1", play("gift", 1, "r")),
        ("alice/transactions", "m1", play("win", -1, "r")),
        ("alice/transactions", "m1", play("win", 1_000_000_000_000_001, "r")),
        ("alice/transactions", "m1", play("win", 1, "")),
        ("alice/transactions", "m1", json!({"kind": "win"})),
        ("alice/transactions", "m1", json!([])),
        ("alice/transactions", "m1", json!({"kind": "win", "amount": "1", "currency": "USD", "reference": "r"})),
        ("alice/transactions", "m1", json!({"kind": "win", "amount": 1, "currency": "GBP", "reference": "r"})),
        ("alice/transactions", "m1", json!({"kind": "win", "amount": 1, "currency": "USD", "reference": "r\u{0}"})),
        ("nobody/transactions", "m1", play("win", 1, "r")),
        ("alice%00/transactions", "m1", play("win", 1, "r")),
    ] {
        script.wallet("POST", path, key, &body).await;
    }
    for (method, path) in [
        ("GET", "nobody"),
        ("GET", "%ff"),
        ("GET", "%zz"),
        ("DELETE", "alice"),
        ("GET", "alice/nothing"),
        ("GET", "/wallet/v1/sites/999/players/alice"),
        ("GET", "/wallet/v1/sites/x/players/alice"),
        ("GET", "/wallet/v1/events?after=nonsense"),
        ("GET", "/wallet/v1/events?after=999999"),
        ("GET", "/wallet/v1/events?limit=0"),
        ("GET", "alice/transactions?limit=1001"),
        ("GET", "alice/transactions?after=x"),
    ] {
        script.wallet(method, path, "", &Value::Null).await;
    }
    script.wallet("PUT", "alice", "", &json!({"status": "gone"})).await;
    script.wallet("PUT", "alice", "", &json!({"colour": "red"})).await;
    script.private("GET", "/wallet/v1/events", &[], "").await;
    script.private("GET", "/wallet/v1/events", &[("authorization", "Bearer wrong")], "").await;
}

/// The orders that later chapters are about.
struct Orders {
    credited: String,
    pending: String,
    small: String,
    large: String,
    larger: String,
    declined: String,
}

fn id(answer: &Answer) -> String {
    answer.json()["external_id"].as_str().unwrap_or_else(|| panic!("no order: {}", answer.shown())).to_owned()
}

async fn the_cashier_asks(script: &mut Script<'_>) -> Orders {
    let credited = id(&script.signed(CALLBACK, &question("check_deposit", "alice", 5_000, "1")).await);
    let pending = id(&script.signed(CALLBACK, &question("check_deposit", "alice", 6_000, "2")).await);
    let small = id(&script.signed(CALLBACK, &question("request_payout", "alice", 400, "3")).await);
    sent(script, &small, 400).await;
    let large = id(&script.signed(CALLBACK, &question("request_payout", "alice", 1_000, "4")).await);
    let larger = id(&script.signed(CALLBACK, &question("request_payout", "alice", 5_000, "5")).await);
    let declined = id(&script.signed(CALLBACK, &question("request_payout", "alice", 1_100, "6")).await);
    for (action, login, amount, transaction) in [
        ("check_deposit", "alice", 5_000, "1"),
        ("check_deposit", "alice", 5_001, "1"),
        ("request_payout", "alice", 400, "3"),
        ("request_payout", "alice", 401, "3"),
        ("request_payout", "alice", 5_000, "1"),
        ("request_payout", "bob", 1_000, "20"),
        ("request_payout", "carol", 1_000, "21"),
        ("check_deposit", "dave", 1_000, "22"),
        ("check_deposit", "nobody", 1_000, "23"),
        ("check_deposit", "ALICE", 1_000, "24"),
        ("check_deposit", "alice", 99, "25"),
        ("check_deposit", "alice", 100_001, "26"),
        ("request_payout", "alice", 49, "27"),
        ("request_payout", "alice", 15_000, "28"),
        ("request_payout", "Alice", 100, "29"),
        ("check_deposit", "alice", 0, "30"),
        ("check_deposit", "alice", -5, "31"),
        ("steal", "alice", 100, "32"),
        ("check_deposit", "alice", 100, ""),
    ] {
        script.signed(CALLBACK, &question(action, login, amount, transaction)).await;
    }
    let mut other = question("check_deposit", "alice", 500, "33");
    for (name, value) in
        [("currency", json!("GBP")), ("currency", json!("EUR")), ("site_id", json!(9)), ("amount", json!("ten"))]
    {
        other[name] = value;
        script.signed(CALLBACK, &other).await;
    }
    let json = [("content-type", "application/json")];
    let unsigned = question("check_deposit", "alice", 500, "34").to_string();
    for body in [unsigned.as_str(), "{", "[]", "", r#"{"a":1,"a":2}"#] {
        script.public("POST", CALLBACK, &json, body).await;
    }
    script.public("POST", CALLBACK, &[("content-type", "text/xml")], "<a/>").await;
    script.public("GET", CALLBACK, &[], "").await;
    Orders { credited, pending, small, large, larger, declined }
}

/// Waits until the Cashier has taken a payout and that is written.
async fn sent(script: &Script<'_>, id: &str, amount: i64) {
    let payout = Asked { id: id.to_owned(), order: wire::order("alice", amount, "USD") };
    script.app.comes_to(&payout, Stage::Sent).await;
}

async fn the_cashier_notifies(script: &mut Script<'_>, orders: &Orders) {
    let Orders { credited, pending, small, large, .. } = orders;
    for (id, login, amount, codes, transaction) in [
        (credited, "alice", 5_000, (3, 3), "1"),
        (credited, "alice", 5_000, (3, 4), "1"),
        (credited, "alice", 5_000, (3, 4), "1"),
        (credited, "alice", 5_000, (3, 5), "1"),
        (pending, "alice", 6_001, (3, 4), "2"),
        (pending, "bob", 6_000, (3, 4), "2"),
        (pending, "alice", 6_000, (11, 4), "2"),
        (small, "alice", 400, (11, 4), "3"),
        (small, "alice", 400, (11, 4), "3"),
        (small, "alice", 400, (11, 5), "3"),
        (large, "alice", 1_000, (3, 4), "4"),
        (&"an-order-of-nobody".to_owned(), "alice", 1_000, (3, 4), "77"),
        (credited, "alice", 5_000, (99, 4), "1"),
        (credited, "alice", 5_000, (3, 99), "1"),
        (credited, "alice", 5_000, (4, 4), "1"),
    ] {
        script.signed(WEBHOOK, &notice(id, login, amount, codes, transaction)).await;
    }
    for missing in ["external_id", "amount", "type_id", "transaction_id", "currency"] {
        let mut half = notice(credited, "alice", 5_000, (3, 4), "1");
        half.as_object_mut().expect("an object").remove(missing);
        script.signed(WEBHOOK, &half).await;
    }
    let forged = notice(credited, "alice", 5_000, (3, 4), "1").to_string();
    script.public("POST", WEBHOOK, &[("content-type", "application/json")], &forged).await;
    script.public("POST", "/cashier/webhook/nobody", &[("content-type", "application/json")], &forged).await;
    script.wallet("GET", "alice", "", &Value::Null).await;
}

async fn a_player_uses_the_cashier(script: &mut Script<'_>) {
    script.player("GET", "methods", &Value::Null).await;
    let session = script.wallet("POST", "alice/session", "", &json!({})).await.json();
    let account = session["accounts"][0]["login"].clone();
    script.player = format!("Bearer {}", session["token"].as_str().expect("a token"));
    script.wallet("POST", "carol/session", "", &json!({})).await;
    script.player("GET", &format!("methods?login={account}"), &Value::Null).await;
    script.player("GET", "methods?login=0", &Value::Null).await;
    let mut withdrawn = None;
    let wish = |amount: f64, key: &str| json!({"amount": amount, "currency": "USD", "idempotency_key": key});
    for (path, body) in [
        ("deposit", wish(10.0, "d1")),
        ("deposit", wish(10.0, "d1")),
        ("deposit", wish(11.0, "d1")),
        ("deposit", wish(0.5, "d2")),
        ("deposit", wish(0.0, "d3")),
        ("deposit", json!({"amount": 10.0, "currency": "ZZZ"})),
        ("deposit", json!({"currency": "USD"})),
        ("withdrawal", wish(7.0, "w1")),
        ("withdrawal", wish(7.0, "w1")),
        ("withdrawal", wish(8.0, "w1")),
        ("withdrawal", wish(90_000.0, "w2")),
        ("withdrawal", json!({"amount": "x", "currency": "USD"})),
    ] {
        let told = script.player("POST", path, &body).await.json();
        if let (None, "withdrawal", Some(id)) = (&withdrawn, path, told["transaction"]["id"].as_str()) {
            withdrawn = Some(id.to_owned());
        }
    }
    let lists = [
        "",
        "?limit=3",
        "?limit=3&offset=2",
        "?limit=0",
        "?offset=-1",
        "?_sort=amount",
        "?where=[[\"status\",\"=\",3]]",
        "/nothing",
    ];
    for query in lists {
        script.player("GET", &format!("transactions{query}"), &Value::Null).await;
    }
    let withdrawn = withdrawn.expect("a withdrawal");
    for _ in 0..2 {
        script.player("POST", &format!("withdrawal/{withdrawn}/cancel"), &json!({})).await;
    }
    script.player("POST", "withdrawal/nothing/cancel", &json!({})).await;
    for (what, body) in [
        ("limits", json!({"currency": "USD", "period": "day", "deposit_max": 5_000})),
        ("limits", json!({"currency": "USD", "period": "year", "deposit_max": 5_000})),
        ("exclusion", json!({"kind": "never", "until": null})),
    ] {
        script.wallet("PUT", &format!("alice/protection/{what}"), "", &body).await;
    }
    script.wallet("GET", "alice/protection", "", &Value::Null).await;
    script.player("POST", "deposit", &wish(60.0, "d9")).await;
}

async fn staff_decide(script: &mut Script<'_>, orders: &Orders) {
    let Orders { credited, large, larger, declined, .. } = orders;
    let because = json!({"reason": "checked"});
    script.staff("GET", "payouts", &Value::Null).await;
    let mut tokens = Vec::new();
    for (name, role) in
        [("vera", Role::Viewer), ("otto", Role::Operator), ("ann", Role::Approver), ("bob", Role::Approver)]
    {
        tokens.push(script.app.staff(name, role).await);
    }
    let adjust = |amount: i64| json!({"amount": amount, "currency": "USD", "reason": "a mistake"});
    let acts = [
        (0, format!("payouts/{large}/approve"), because.clone()),
        (1, format!("payouts/{large}/approve"), because.clone()),
        (2, format!("payouts/{large}/approve"), json!({})),
        (2, format!("payouts/{large}/approve"), json!({"reason": ""})),
        (1, format!("payouts/{declined}/decline"), because.clone()),
        (1, format!("payouts/{declined}/decline"), because.clone()),
        (2, format!("payouts/{declined}/approve"), because.clone()),
        (2, format!("payouts/{larger}/approve"), because.clone()),
        (2, format!("payouts/{larger}/approve"), because.clone()),
        (2, "payouts/nothing/approve".to_owned(), because.clone()),
        (2, format!("payouts/{credited}/approve"), because.clone()),
        (1, format!("payouts/{large}/retry"), because.clone()),
        (2, format!("payouts/{large}/resolve"), json!({"reason": "x", "outcome": "maybe"})),
        (2, format!("payouts/{large}/resolve"), json!({"reason": "x", "outcome": "failed"})),
        (2, "players/332/alice/adjust".to_owned(), adjust(-100)),
        (2, "players/332/alice/adjust".to_owned(), adjust(0)),
        (2, "players/332/alice/adjust".to_owned(), adjust(6_000)),
        (3, "players/332/alice/adjust".to_owned(), adjust(6_000)),
        (2, "players/332/nobody/adjust".to_owned(), adjust(5)),
        (1, "players/332/alice/adjust".to_owned(), adjust(5)),
        (1, "reviews/1/close".to_owned(), because.clone()),
        (1, "reviews/1/close".to_owned(), because.clone()),
        (0, "reviews/2/close".to_owned(), because.clone()),
        (1, "reviews/999/close".to_owned(), because.clone()),
    ];
    for (who, path, body) in acts {
        script.staff = tokens[who].clone();
        script.staff("POST", &path, &body).await;
    }
    script.staff = tokens.remove(2);
    script.staff("POST", &format!("payouts/{large}/approve"), &because).await;
    sent(script, large, 1_000).await;
    script.staff("POST", &format!("payouts/{large}/decline"), &because).await;
    script.staff = tokens.remove(2);
    script.staff("POST", &format!("payouts/{larger}/approve"), &because).await;
    sent(script, larger, 5_000).await;
}

async fn everybody_reads(script: &mut Script<'_>, orders: &Orders) {
    let Orders { credited, small, larger, .. } = orders;
    for path in [
        "payouts",
        "payouts?limit=2",
        "payouts?status=9",
        "payouts?status=99",
        "payouts?site_id=332&site_login=alice",
        "payouts?site_login=Alice",
        "payouts?limit=0",
        "deposits",
        "deposits?status=3&limit=1",
        "reviews",
        "reviews?limit=1",
        "audit?limit=5",
        "audit?after=3",
        "nothing",
    ] {
        script.staff("GET", path, &Value::Null).await;
    }
    for path in [
        format!("payouts/{small}"),
        format!("payouts/{larger}"),
        format!("deposits/{credited}"),
        format!("deposits/{small}"),
    ] {
        script.staff("GET", &path, &Value::Null).await;
    }
    let mut next = String::new();
    loop {
        let page =
            script.wallet("GET", &format!("alice/transactions?limit=4&after={next}"), "", &Value::Null).await.json();
        match page["next"].as_str() {
            Some(cursor) => cursor.clone_into(&mut next),
            None => break,
        }
    }
    let mut after = "0".to_owned();
    loop {
        let page =
            script.wallet("GET", &format!("/wallet/v1/events?limit=7&after={after}"), "", &Value::Null).await.json();
        match page["next"].as_str() {
            Some(cursor) => cursor.clone_into(&mut after),
            None => break,
        }
    }
    for login in ["alice", "Alice", "bob", "carol", "dave", "%C3%84nne"] {
        script.wallet("GET", login, "", &Value::Null).await;
    }
}

async fn nobody_in_particular(script: &mut Script<'_>) {
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("POST", "/healthz"),
        ("GET", "/nowhere"),
        ("GET", "/wallet/v1/events"),
    ] {
        script.public(method, path, &[], "").await;
        script.private(method, path, &[], "").await;
    }
}
