//! The list of a player's transactions: everything that moved, and nobody else's.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::player::{Front, Told};
use crate::support::wire::encoded;

const PATH: &str = "/cashier/transactions";

/// The ids of a page.
fn ids(told: &Told) -> Vec<String> {
    assert_eq!(told.status, 200, "{told:?}");
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    told.json["rows"].as_array().unwrap().iter().map(id).collect()
}

async fn ask(front: &Front, query: &str) -> Told {
    front.get(&format!("{PATH}?{query}")).await
}

/// A player with two deposits and two payouts: the ids from the oldest to the newest.
async fn history(app: &TestApp, login: &str) -> [String; 4] {
    let paid = app.paid_deposit(login, 12_345).await;
    let open = app.deposit_in(login, 250, "JPY").await;
    let sent = app.sent_payout(login, 1_000).await;
    app.say_not_paid_out(&sent).await;
    let front = app.front(login).await;
    let told = front.post("/cashier/withdrawal", &json!({"amount": 5, "currency": "USD", "comment": "mine"})).await;
    [paid.id, open.id, sent.id, told.id()]
}

#[tokio::test]
async fn everything_a_player_moved_is_listed_newest_first() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let [paid, open, sent, own] = history(&app, "alice").await;
    history(&app, "bob").await;
    let alice = app.front("alice").await;

    let told = alice.get(PATH).await;

    assert_eq!(ids(&told), [own, sent, open, paid]);
    assert_eq!(told.json["count"], 4);
    let rows = told.json["rows"].as_array().unwrap();
    let short =
        |row: &Value| [&row["type"], &row["status"], &row["source"], &row["provider"]].map(Value::clone).to_vec();
    assert_eq!(short(&rows[0]), [json!(1), json!(9), json!(1), json!("manual")]);
    assert_eq!(short(&rows[1]), [json!(1), json!(5), json!(0), json!("carouseller")]);
    assert_eq!(short(&rows[2]), [json!(0), json!(0), json!(0), json!("carouseller")]);
    assert_eq!(short(&rows[3]), [json!(0), json!(3), json!(0), json!("carouseller")]);
    assert_eq!((&rows[1]["failure_reason"], &rows[3]["failure_reason"]), (&json!("declined"), &json!("")));
    assert!(rows[1]["processed_time"].as_i64() > Some(0) && rows[2]["processed_time"] == 0);
    for text in ["\"amount\":123.45,", "\"amount\":250,", "\"conversion_rate\":1.0,"] {
        assert!(told.text.contains(text), "{text}: {}", told.text);
    }
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 24), "every field of the API");
    assert_ne!(rows[3]["provider_payment_id"], "", "the Cashier's id");
}

#[tokio::test]
async fn one_transaction_is_shown_to_its_player_only() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let of_alice = history(&app, "alice").await;
    let (alice, bob) = (app.front("alice").await, app.front("bob").await);
    let listed = alice.get(PATH).await;

    for (id, place) in of_alice.iter().zip([3, 2, 1, 0]) {
        let told = alice.get(&format!("{PATH}/{id}")).await;
        assert_eq!(told.transaction(), &listed.json["rows"][place]);
        assert_eq!(bob.get(&format!("{PATH}/{id}")).await.refusal(), (404, "NOT_FOUND"));
    }
    assert_eq!(ids(&bob.get(PATH).await), Vec::<String>::new());
    let query = format!("where[0][0]=id&where[0][1]==&where[0][2]={}", of_alice[0]);
    assert_eq!(ids(&ask(&bob, &query).await), Vec::<String>::new(), "no condition reaches further");
}

#[tokio::test]
async fn conditions_pick_what_they_say_in_every_way_of_writing_them() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let [paid, open, sent, own] = history(&app, "alice").await;
    let (alice, session) = (app.front("alice").await, app.session("alice").await);
    let (usd, yen) = (&session["accounts"][0]["login"], &session["accounts"][2]["login"]);
    let json = |name: &str, list: Value| format!("{name}={}", encoded(&list.to_string()));
    let table: Vec<(String, Vec<&String>)> = vec![
        ("where[0][0]=status&where[0][1]==&where[0][2]=3".into(), vec![&paid]),
        ("where%5B0%5D%5B0%5D=status&where%5B0%5D%5B1%5D=%3D&where%5B0%5D%5B2%5D=3".into(), vec![&paid]),
        (json("where", json!([["status", "=", 3]])), vec![&paid]),
        (json("where", json!([["status", "=", "3"], ["type", "=", 1]])), vec![]),
        (json("whereNot", json!([["status", "=", 3]])), vec![&own, &sent, &open]),
        (json("where", json!([["status", "!=", 3], ["type", "=", 0]])), vec![&open]),
        (json("where", json!([["status", ">=", 5]])), vec![&own, &sent]),
        (json("whereIn", json!([["status", [0, 9]]])), vec![&own, &open]),
        ("whereIn[0][0]=status&whereIn[0][1][0]=0&whereIn[0][1][1]=9".into(), vec![&own, &open]),
        (json("whereNotIn", json!([["status", [0, 9]]])), vec![&sent, &paid]),
        (json("whereBetween", json!([["status", [3, 5]]])), vec![&sent, &paid]),
        (json("whereNotBetween", json!([["status", [3, 5]]])), vec![&own, &open]),
        (json("where", json!([["provider", "like", "MAN%"]])), vec![&own]),
        (json("where", json!([["currency", "=", "JPY"]])), vec![&open]),
        (json("where", json!([["source", "=", 1]])), vec![&own]),
        (json("where", json!([["login", "=", yen]])), vec![&open]),
        (format!("login={yen}"), vec![&open]),
        (format!("login={usd}"), vec![&own, &sent, &paid]),
        ("login=alice".into(), vec![&own, &sent, &open, &paid]),
        (json("orderBy", json!([["status", "asc"]])), vec![&open, &paid, &sent, &own]),
        ("orderBy[0][0]=created_time&orderBy[0][1]=desc".into(), vec![&own, &sent, &open, &paid]),
        (json("orderBy", json!([["id", "asc"]])), vec![&paid, &open, &sent, &own]),
        (json("orderBy", json!([["type"], ["status", "DESC"]])), vec![&paid, &open, &own, &sent]),
        ("where=[]&orderBy=[]&limit=&offset=".into(), vec![&own, &sent, &open, &paid]),
    ];
    for (query, expected) in table {
        assert_eq!(ids(&ask(&alice, &query).await), expected.into_iter().cloned().collect::<Vec<_>>(), "{query}");
    }
}

#[tokio::test]
async fn pages_have_bounds_and_tell_how_much_there_is() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let [paid, open, sent, own] = history(&app, "alice").await;
    let alice = app.front("alice").await;

    for (query, expected) in [
        ("limit=2", vec![&own, &sent]),
        ("limit=2&offset=2", vec![&open, &paid]),
        ("limit=1000&offset=3", vec![&paid]),
        ("offset=4", vec![]),
    ] {
        let told = ask(&alice, query).await;
        assert_eq!((ids(&told), &told.json["count"]), (expected.into_iter().cloned().collect(), &json!(4)), "{query}");
    }
    let told = ask(&alice, "limit=1&where[0][0]=type&where[0][1]==&where[0][2]=1").await;
    assert_eq!((ids(&told), &told.json["count"]), (vec![own], &json!(2)), "what passes, before paging");
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_and_never_passed_over() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let json = |name: &str, list: Value| format!("{name}={}", encoded(&list.to_string()));
    let many = |count: usize| Value::Array(vec![json!(["status", "=", 1]); count]);
    let values: Vec<usize> = (0..101).collect();
    let mut refused: Vec<(String, &str)> = vec![
        (json("where", json!([["amount", "=", 1]])), "where"),
        (json("where", json!([["Status", "=", 1]])), "where"),
        (json("where", json!([["status; DROP TABLE payouts", "=", 1]])), "where"),
        (json("where", json!([["status", "==", 1]])), "where"),
        (json("where", json!([["status", "in", 1]])), "where"),
        (json("where", json!([["status", "like", "1"]])), "where"),
        (json("where", json!([["status", "=", "one"]])), "where"),
        (json("where", json!([["status", "=", 1.5]])), "where"),
        (json("where", json!([["status", "=", null]])), "where"),
        (json("where", json!([["status", "="]])), "where"),
        (json("where", json!([["status", "=", [1]]])), "where"),
        (json("where", json!(["status", "=", 1])), "where"),
        (json("where", json!({"status": 1})), "where"),
        (json("where", many(21)), "where"),
        (json("whereNot", json!([["status"]])), "whereNot"),
        (json("whereIn", json!([["status", 1]])), "whereIn"),
        (json("whereIn", json!([["status", values]])), "whereIn"),
        (json("whereIn", json!([["status", ["x"]]])), "whereIn"),
        (json("whereBetween", json!([["status", [1]]])), "whereBetween"),
        (json("whereBetween", json!([["status", [1, 2, 3]]])), "whereBetween"),
        (json("whereNotBetween", json!([["status", 1, 2]])), "whereNotBetween"),
        (json("orderBy", json!([["amount", "asc"]])), "orderBy"),
        (json("orderBy", json!([["status", "up"]])), "orderBy"),
        ("where[0][0]=status&where[0][2]=1".into(), "where"),
        ("where[1][0]=status".into(), "where"),
        ("whereSomething[0][0]=status".into(), "query"),
        ("filter=1".into(), "query"),
    ];
    for (name, values) in [
        ("limit", ["0", "1001", "-1", "x", "1.0", "99999999999999999999"]),
        ("offset", ["-1", "x", "1.5", "+1", "0x1", "99999999999999999999"]),
    ] {
        refused.extend(values.map(|value| (format!("{name}={value}"), name)));
    }
    for (query, field) in refused {
        let told = ask(&alice, &query).await;
        assert_eq!((told.refusal(), told.field()), ((400, "INVALID_DATA"), field), "{query}");
    }
    assert_eq!(ask(&alice, &json("where", many(20))).await.status, 200);
}
