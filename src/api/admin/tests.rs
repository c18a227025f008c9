//! The back office over HTTP on a service's own state: who gets in, what two people must agree on, what is shown.

use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::{App, test, web};
use serde_json::{Value, json};

use super::scope;
use crate::app::{Application, State};
use crate::db::{Scope, WriteTx};
use crate::error::Error;
use crate::ids::{Login, Player, SiteId};
use crate::ledger::{self, PlayerId};
use crate::money::{Currency, Money};
use crate::players::{self, Change};
use crate::providers::{Direction, Question};
use crate::questions::{self, Prepared};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::staff::passwords::Hashed;
use crate::staff::{Role, accounts};
use crate::testing::database::TestDatabase;

pub(super) struct Desk {
    pub(super) state: State,
    tokens: Vec<(&'static str, Secret)>,
    asked: AtomicU8,
    _database: TestDatabase,
    _dir: tempfile::TempDir,
}

impl Desk {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (shown, database) = (dir.path().display(), TestDatabase::create(dir.path()));
        let text = format!(
            "[server]\npublic_bind = \"127.0.0.1:0\"\nprivate_bind = \"127.0.0.1:0\"\nstate_dir = \"{shown}\"\n\
             [database]\nurl = \"{}\"\n[sites.demo]\nsite_id = 332\ncurrencies = [\"USD\"]\n\
             [sites.demo.carouseller]\nsalts = [\"a-salt-that-is-long-enough-0123\"]\n\
             payout_url = \"https://cashier.example/\"\n[sites.demo.payouts]\nfour_eyes_from = {{ USD = 1000 }}\n",
            database.url()
        );
        let mut settings = Settings::from_text(&text).unwrap();
        change(&mut settings);
        let state = Application::build(settings).await.unwrap().state().clone();
        let tokens = state.db.write(Scope::from(&alice()), people).await.unwrap();
        Self { state, tokens, asked: AtomicU8::new(0), _database: database, _dir: dir }
    }

    async fn ask(&self, who: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value, HeaderMap) {
        let token = self.tokens.iter().find(|(name, _)| *name == who).map(|(_, token)| token.expose().to_owned());
        let app = test::init_service(App::new().app_data(web::Data::new(self.state.clone())).service(scope())).await;
        let mut request = test::TestRequest::default().method(method).uri(&format!("/admin/api/v1{path}"));
        if let Some(token) = token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let answer = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = test::read_body(answer).await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null), headers)
    }

    pub(super) async fn get(&self, who: &str, path: &str) -> (u16, Value) {
        let (status, body, _) = self.ask(who, Method::GET, path, None).await;
        (status, body)
    }

    pub(super) async fn post(&self, who: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, body, _) = self.ask(who, Method::POST, path, Some(body)).await;
        (status, body)
    }

    async fn order(&self, direction: Direction, amount: i64) -> String {
        self.order_through("carouseller", direction, amount).await
    }

    pub(super) async fn order_through(&self, provider: &'static str, direction: Direction, amount: i64) -> String {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = Question {
            direction,
            site: SiteId(332),
            login: Login::parse("alice").unwrap(),
            amount: Money::new(amount, usd()).unwrap(),
            transaction_id: Some(number.to_string()),
            fingerprint: [number; 32],
            purse: Some("411111...1111".into()),
            details: vec![("invoice_id".into(), "7".into())],
        };
        let site = self.state.site(SiteId(332)).unwrap().clone();
        questions::answer(&self.state.db, Prepared::new(provider, site, question)).await.unwrap().to_string()
    }
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

const PEOPLE: [(&str, Role); 5] = [
    ("vera", Role::Viewer),
    ("otto", Role::Operator),
    ("ann", Role::Approver),
    ("bob", Role::Approver),
    ("adam", Role::Admin),
];

fn alice() -> Player {
    Player { site: SiteId(332), login: Login::parse("alice").unwrap() }
}

fn people(tx: &mut WriteTx<'_>) -> Result<Vec<(&'static str, Secret)>, Error> {
    let password = Hashed::new(&Secret::new("correct horse"))?;
    let player = alice();
    let (row, _) = players::put(tx, &player, &Change::default(), 1)?;
    ledger::bonus(tx, "start", player.site, PlayerId(row.id), Money::new(10_000, usd())?, 1)?;
    let issue = |(name, role)| {
        accounts::add(tx, "cli", name, role, &password, 1)?;
        Ok((name, accounts::issue_token(tx, "cli", name, 1)?))
    };
    PEOPLE.into_iter().map(issue).collect()
}

fn because() -> Value {
    json!({"reason": "checked"})
}

#[actix_web::test]
async fn nobody_gets_in_without_a_token_and_every_answer_is_guarded() {
    let desk = Desk::open().await;
    let routes = [
        (Method::GET, "/payouts"),
        (Method::GET, "/payouts/x"),
        (Method::GET, "/deposits"),
        (Method::GET, "/reviews"),
        (Method::GET, "/audit"),
        (Method::POST, "/payouts/x/approve"),
        (Method::POST, "/payouts/x/resolve"),
        (Method::POST, "/players/332/alice/adjust"),
        (Method::POST, "/reviews/1/close"),
    ];
    for (method, path) in routes {
        let (status, body, headers) = desk.ask("nobody", method, path, None).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthorized")), "{path}");
        assert!(headers.contains_key("www-authenticate"));
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
        assert_eq!(headers.get("x-frame-options").unwrap(), "DENY");
        assert_eq!(headers.get("content-security-policy").unwrap(), "default-src 'none'; frame-ancestors 'none'");
    }
    for (method, path, wanted) in
        [(Method::GET, "/nothing", 404), (Method::DELETE, "/payouts", 405), (Method::GET, "/payouts/x/approve", 405)]
    {
        let (status, _, headers) = desk.ask("adam", method, path, None).await;
        assert_eq!((status, headers.get("x-frame-options").unwrap().to_str().unwrap()), (wanted, "DENY"), "{path}");
    }
}

#[actix_web::test]
async fn roles_are_refused_what_is_not_theirs() {
    let desk = Desk::open().await;
    let id = desk.order(Direction::Payout, 500).await;
    let resolve = json!({"reason": "r", "outcome": "failed"});
    let adjust = json!({"amount": 5, "currency": "USD", "reason": "r"});
    let refused = [
        ("vera", format!("/payouts/{id}/approve"), because()),
        ("vera", format!("/payouts/{id}/decline"), because()),
        ("vera", format!("/payouts/{id}/retry"), because()),
        ("vera", "/reviews/1/close".into(), because()),
        ("otto", format!("/payouts/{id}/approve"), because()),
        ("otto", format!("/payouts/{id}/resolve"), resolve),
        ("otto", "/players/332/alice/adjust".into(), adjust),
    ];
    for (who, path, body) in refused {
        let (status, body) = desk.post(who, &path, body).await;
        assert_eq!((status, &body["code"]), (403, &json!("not_permitted")), "{who} {path}");
    }
    desk.state.db.write(Scope::Nobody, |tx| accounts::disable(tx, "cli", "adam", 2)).await.unwrap();
    assert_eq!(desk.get("adam", "/payouts").await.0, 401);
    assert_eq!(desk.get("vera", &format!("/payouts/{id}")).await.1["stage"], "awaiting_approval");
    assert_eq!(desk.post("otto", &format!("/payouts/{id}/decline"), because()).await.1["status_name"], "cancelled");
}

#[actix_web::test]
async fn bodies_that_are_not_a_decision_change_nothing() {
    let desk = Desk::open().await;
    let id = desk.order(Direction::Payout, 500).await;
    let approve = format!("/payouts/{id}/approve");
    let resolve = format!("/payouts/{id}/resolve");
    let adjust = "/players/332/alice/adjust".to_owned();
    let long = "x".repeat(1025);
    let bad = [
        (&approve, json!({}), "missing_field", "reason"),
        (&approve, json!({"reason": "  "}), "missing_field", "reason"),
        (&approve, json!({"reason": long}), "invalid_field", "reason"),
        (&approve, json!({"reason": "a\u{0}b"}), "invalid_field", "reason"),
        (&approve, json!({"reason": 7}), "invalid_field", "reason"),
        (&approve, json!({"reason": "r", "state": "done"}), "unknown_field", "state"),
        (&resolve, because(), "missing_field", "outcome"),
        (&resolve, json!({"reason": "r", "outcome": "paid"}), "invalid_field", "outcome"),
        (&adjust, json!({"amount": 0, "currency": "USD", "reason": "r"}), "invalid_amount", "amount"),
        (&adjust, json!({"amount": i64::MIN, "currency": "USD", "reason": "r"}), "invalid_amount", "amount"),
        (&adjust, json!({"amount": 1.5, "currency": "USD", "reason": "r"}), "invalid_field", "amount"),
        (&adjust, json!({"amount": 5, "currency": "EUR", "reason": "r"}), "unsupported_currency", "currency"),
        (&adjust, json!({"amount": 5, "currency": "USD"}), "missing_field", "reason"),
    ];
    for (path, given, code, field) in bad {
        let (status, body) = desk.post("adam", path, given).await;
        assert_eq!((status, &body["code"], &body["field"]), (400, &json!(code), &json!(field)), "{path}");
    }
    let nowhere = ["/payouts/none/approve", "/payouts/a%20b/approve"];
    for path in nowhere {
        assert_eq!(desk.post("adam", path, because()).await.0, 404, "{path}");
    }
    for player in ["332/bella", "333/alice", "x/alice"] {
        let given = json!({"amount": 5, "currency": "USD", "reason": "r"});
        assert_eq!(desk.post("adam", &format!("/players/{player}/adjust"), given).await.0, 404, "{player}");
    }
    assert_eq!(desk.get("adam", &format!("/payouts/{id}")).await.1["stage"], "awaiting_approval");
}

#[actix_web::test]
async fn large_payouts_need_two_different_people() {
    let desk = Desk::open().await;
    let id = desk.order(Direction::Payout, 1000).await;
    let path = format!("/payouts/{id}/approve");

    assert_eq!(desk.post("ann", &path, because()).await, (202, json!({"approvals": 1, "required": 2})));
    assert_eq!(desk.post("ann", &path, because()).await.0, 409);
    let (status, payout) = desk.post("bob", &path, because()).await;

    assert_eq!((status, &payout["stage"], &payout["status"]), (200, &json!("queued"), &json!(1)));
    assert_eq!(desk.post("adam", &path, because()).await.0, 409, "it is approved already");
}

#[actix_web::test]
async fn small_payouts_need_one_person() {
    let desk = Desk::open().await;
    let id = desk.order(Direction::Payout, 999).await;

    let (status, payout) = desk.post("ann", &format!("/payouts/{id}/approve"), because()).await;

    assert_eq!((status, &payout["stage"]), (200, &json!("queued")));
}

#[actix_web::test]
async fn adjustments_of_staff_may_go_below_zero_and_large_ones_need_two_people() {
    let desk = Desk::open().await;
    let path = "/players/332/alice/adjust";
    let take = |amount: i64| json!({"amount": amount, "currency": "usd", "reason": "won by mistake"});

    assert_eq!(desk.post("ann", path, take(-999)).await.1["available"], 9001);
    assert_eq!(desk.post("ann", path, take(-20_000)).await, (202, json!({"approvals": 1, "required": 2})));
    assert_eq!(desk.post("ann", path, take(-20_000)).await.0, 409);
    assert_eq!(desk.post("bob", path, take(-20_001)).await.0, 202, "another amount is another adjustment");
    assert_eq!(desk.post("bob", path, take(-20_000)).await.1["available"], -10_999);

    let (_, reviews) = desk.get("vera", "/reviews").await;
    assert_eq!(reviews["items"][0]["kind"], "below_zero");
    assert_eq!(desk.post("otto", "/reviews/1/close", because()).await.1["closed_by"], "otto");
    assert_eq!(desk.post("otto", "/reviews/1/close", because()).await.0, 409);
    assert_eq!(desk.post("otto", "/reviews/2/close", because()).await.0, 404);
    assert_eq!(desk.get("vera", "/reviews").await.1["items"], json!([]));
    assert_eq!(desk.get("vera", "/reviews?status=all").await.1["items"][0]["close_reason"], "checked");
}

#[actix_web::test]
async fn lists_are_filtered_and_paged() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for amount in [100, 200, 300] {
        ids.push(desk.order(Direction::Payout, amount).await);
    }
    desk.order(Direction::Deposit, 700).await;

    let (_, first) = desk.get("vera", "/payouts?limit=2&status=manual_review&site_id=332&site_login=alice").await;
    assert_eq!(first["items"][0]["external_id"], json!(ids[0]));
    assert_eq!((&first["next"], first["items"].as_array().unwrap().len()), (&json!(ids[1]), 2));
    let (_, second) = desk.get("vera", &format!("/payouts?limit=2&after={}", ids[1])).await;
    assert_eq!((&second["items"][0]["amount"], &second["next"]), (&json!(300), &Value::Null));
    for empty in ["status=3", "site_id=1", "site_login=bella", "stage=sent", "status=credited"] {
        assert_eq!(desk.get("vera", &format!("/payouts?{empty}")).await.1["items"], json!([]), "{empty}");
    }
    assert_eq!(desk.get("vera", "/deposits?status=0").await.1["items"][0]["site_login"], "alice");
    let bad = [
        "limit=0",
        "limit=501",
        "limit=x",
        "status=10",
        "status=paid",
        "stage=x",
        "site_id=-1",
        "after=%20",
        "state=1",
    ];
    for query in bad {
        assert_eq!(desk.get("vera", &format!("/payouts?{query}")).await.0, 400, "{query}");
    }
}

#[actix_web::test]
async fn a_payout_shows_its_whole_life_and_the_audit_who_did_it() {
    let desk = Desk::open().await;
    let id = desk.order(Direction::Payout, 1000).await;
    desk.post("ann", &format!("/payouts/{id}/approve"), because()).await;
    desk.post("bob", &format!("/payouts/{id}/approve"), because()).await;

    let (_, payout) = desk.get("vera", &format!("/payouts/{id}")).await;

    assert_eq!((&payout["purse"], &payout["details"]["invoice_id"]), (&json!("411111...1111"), &json!("7")));
    let moments = payout["timeline"].as_array().unwrap();
    let types: Vec<_> = moments.iter().map(|moment| moment["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["callback", "ledger_entry", "approval", "transition"]);
    assert_eq!(moments[1]["postings"][1], json!({"account": "player:1:USD", "part": "held", "change": 1000}));
    assert_eq!((&moments[3]["actor"], &moments[3]["to"]["stage"]), (&json!("bob"), &json!("queued")));
    assert!(moments.windows(2).all(|pair| pair[0]["at"].as_str() <= pair[1]["at"].as_str()));
    let rows = desk.get("vera", "/audit?after=10").await.1["items"].clone();
    let who: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["actor"].clone()).collect();
    assert_eq!((who, &rows[0]["act"]), (vec![json!("ann"), json!("bob")], &json!("payout.approve")));
    assert_eq!(desk.get("vera", "/audit?limit=1").await.1["next"], "1");
}
