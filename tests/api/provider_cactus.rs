//! Cactus: deposits by its page and by an invoice, payouts, callbacks, against the played platform over real HTTP.

use std::net::SocketAddr;

use croupier::clock;
use croupier::db::Scope;
use croupier::ids::{ExternalId, Login, SiteId};
use croupier::money::{Currency, Money};
use croupier::orders::{Status, facts};
use croupier::payouts::approve::{self, By};
use croupier::payouts::{self, Stage};
use croupier::providers::{Desk, Direction, OpenOrder, Texts};
use croupier::simulate::platforms::cactus::{Account, Cactus, Manners, sign};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Taken, Twist};
use croupier::talk::talk;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SITE, set};
use crate::support::player::Told;
use crate::support::story::Asked;
use crate::support::wire;

const WEBHOOK: &str = "/cashier/webhook/cactus";

/// The service, and the platform that its site has an account with.
pub struct Both {
    pub app: TestApp,
    pub cactus: Cactus,
}

impl Both {
    /// `lines`: more of `[sites.demo.cactus]`.
    pub async fn with(manners: Manners, lines: &str) -> Self {
        let cactus = Cactus::start(SocketAddr::from(([127, 0, 0, 1], 0)), Account::example()).await;
        let cactus = cactus.expect("a free port");
        cactus.behave(manners);
        let platform =
            cactus.settings("demo").replacen("[sites.demo.cactus]", &format!("[sites.demo.cactus]\n{lines}"), 1);
        let app = TestApp::with(|text| {
            let text = set(&text, "vault", "keys", "[\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]");
            format!("{text}\n{platform}")
        })
        .await;
        cactus.set_merchant(&app.public);
        app.player_with("alice", 100_000).await;
        Self { app, cactus }
    }

    pub async fn new() -> Self {
        Self::with(Manners::default(), "").await
    }

    /// A deposit of 10.00 USD.
    pub async fn deposit(&self, method: &str) -> Told {
        let body = json!({"amount": "10.00", "currency": "USD", "method": method,
            "success_url": "https://casino.example/ok", "failure_url": "https://casino.example/ko"});
        self.app.front("alice").await.post("/cashier/deposit", &body).await
    }

    /// The same, paid.
    pub async fn paid(&self) -> Asked {
        let asked = self.asked(&self.deposit("cactus_card").await.id());
        self.says(&asked.id, End::Paid).await;
        assert_eq!(self.app.deposit_status(&asked).await, Status::Credited);
        asked
    }

    pub fn asked(&self, id: &str) -> Asked {
        Asked { id: id.to_owned(), order: wire::order("alice", 1_000, "USD") }
    }

    /// A withdrawal of 50.00 USD that staff have approved.
    pub async fn payout(&self, method: &str) -> Asked {
        let details: serde_json::Map<String, Value> =
            self.cactus.details(method).into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        let body = json!({"amount": "50.00", "currency": "USD", "method": method, "details": details});
        let asked = self.asked(&self.app.front("alice").await.post("/cashier/withdrawal", &body).await.id());
        let (id, state) = (ExternalId::parse(&asked.id).expect("an id"), &self.app.state);
        let site = state.site(SiteId(SITE)).expect("the site").clone();
        let by = By { actor: "carol", reason: "checked" };
        let approve =
            state.db.write(Scope::from(&id), move |tx| approve::approve(tx, &site, &id, by, clock::now()).map(|_| ()));
        approve.await.expect("it is approved");
        state.outbox.notify_one();
        asked
    }

    /// The same, taken by the platform.
    pub async fn sent(&self, method: &str) -> Asked {
        let asked = self.payout(method).await;
        self.app.comes_to(&asked, Stage::Sent).await;
        asked
    }

    pub async fn taken(&self, id: &str) -> Taken {
        self.cactus.wait_for(id, PATIENCE).await.expect("the order arrives")
    }

    /// The platform says this of an order, and is told that it was heard.
    pub async fn says(&self, id: &str, end: End) {
        self.twisted(id, end, Twist::None).await;
    }

    pub async fn twisted(&self, id: &str, end: End, twist: Twist) {
        let answer = self.cactus.notify(id, Note { says: Some(end), twist }).await.expect("an answer");
        assert!(answer.acknowledges() && self.cactus.is_acknowledged(&answer), "{}", answer.summary());
    }

    /// POSTs a signed body to a route of ours; its status and text.
    pub async fn post(&self, route: &str, body: &Value) -> (u16, String) {
        let signed = sign::signed(wire::params(body.clone()), Account::example().salt.expose());
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let sent = http.post(format!("{}{route}", self.app.public)).header("content-type", "application/json");
        let answer = sent.body(Value::Object(signed).to_string()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    }

    /// A callback about an order, as the platform would write it.
    pub async fn callback(&self, id: &str, invoice: i64, status: i64, more: &[(&str, Value)]) -> (u16, String) {
        let mut body = json!({"request_id": id, "site_login": "alice", "amount": 1_000, "status": status, "currency": "USD",
            "site_id": SITE, "invoice_id": invoice, "received_amount": if status == 3 { 1_000 } else { 0 },
            "received_currency": "USD", "method": "card", "description": ""});
        for (name, value) in more {
            match value {
                Value::Null => drop(body.as_object_mut().expect("an object").remove(*name)),
                value => body[*name] = value.clone(),
            }
        }
        self.post(WEBHOOK, &body).await
    }
}

#[tokio::test]
async fn a_deposit_is_paid_on_the_platforms_page_and_credited_once() {
    let both = Both::new().await;
    let told = both.deposit("cactus_card").await;
    let taken = both.taken(&told.id()).await;

    assert_eq!((&told.transaction()["status"], &told.json["next_action"]), (&json!(1), &json!("REDIRECT")));
    let page = told.json["redirect_url"].as_str().expect("an address");
    assert!(page.starts_with(&format!("{}/api/jsapi/open/", both.cactus.url())), "{page}");
    assert_eq!(
        (taken.method.as_str(), taken.amount, taken.params["success_url"].clone()),
        ("card", 1_000, json!("https://casino.example/ok"))
    );
    let asked = both.asked(&told.id());
    both.says(&asked.id, End::Pending).await;
    assert_eq!(both.app.balance("alice").await, (100_000, 0));
    for _ in 0..3 {
        both.says(&asked.id, End::Paid).await;
    }
    assert_eq!(both.app.balance("alice").await, (101_000, 0));
    both.says(&asked.id, End::Declined).await;
    assert_eq!(
        (both.app.balance("alice").await, both.app.reviews().await),
        ((101_000, 0), vec!["decline_after_credit".to_owned()])
    );
    assert_eq!(both.cactus.orders().len(), 1);
}

#[tokio::test]
async fn without_an_address_in_the_answer_the_page_is_that_of_the_key() {
    let both = Both::with(Manners { redirects: false, ..Manners::default() }, "").await;
    let told = both.deposit("cactus_sbp").await;

    let page = told.json["redirect_url"].as_str().expect("an address").to_owned();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let shown = http.get(&page).send().await.expect("the page").text().await.expect("a text");
    assert!(shown.contains("1000 minor units of USD"), "{page}: {shown}");
}

#[tokio::test]
async fn requisites_of_an_invoice_are_shown_and_its_first_status_ends_nothing() {
    let manners = Manners { by_invoice: true, first_status: 3, ..Manners::default() };
    let both = Both::with(manners, "").await;
    let told = both.deposit("cactus_card").await;

    assert_eq!(told.json["next_action"], "SHOW_REQUISITES");
    let requisites = json!({"card_number": "4242424242424242", "bank_name": "Testbank", "card_holder": "John Wick"});
    assert_eq!((&told.json["requisites"], &told.transaction()["status"]), (&requisites, &json!(1)));
    assert_eq!(both.app.balance("alice").await, (100_000, 0));
    let (id, own) = (told.id(), both.taken(&told.id()).await.own_id);
    let known = both.app.state.db.read(move |conn| facts::of_order(conn, &id)).await.expect("facts");
    assert_eq!(known["invoice_id"], own);
    both.says(&told.id(), End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (101_000, 0));
}

#[tokio::test]
async fn a_declined_deposit_is_credited_when_it_is_paid_after_all() {
    let both = Both::new().await;
    let asked = both.asked(&both.deposit("cactus_card").await.id());

    for end in [End::Expired, End::Cancelled, End::Declined] {
        both.says(&asked.id, end).await;
        assert_eq!(both.app.deposit_status(&asked).await, Status::Failed);
    }
    both.says(&asked.id, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (101_000, 0));
    both.app.holds().await;
}

#[tokio::test]
async fn an_opening_whose_answer_is_lost_may_be_paid_and_a_refused_one_may_not() {
    let both = Both::with(Manners { by_invoice: true, ..Manners::default() }, "").await;
    for answering in [Answering::Hangup, Answering::Status(500), Answering::Html, Answering::BrokenJson] {
        both.cactus.answer_with(answering.clone());
        let told = both.deposit("cactus_sbp").await;
        assert_eq!(told.transaction()["status"], 1, "{answering:?}");
        both.says(&told.id(), End::Paid).await;
        assert_eq!(both.app.deposit_status(&both.asked(&told.id())).await, Status::Credited, "{answering:?}");
    }
    both.cactus.answer_with(Answering::Refuse);
    assert_eq!(both.deposit("cactus_sbp").await.refusal(), (502, "PROVIDER_ERROR"));
    assert_eq!(both.app.balance("alice").await, (104_000, 0));
}

#[tokio::test]
async fn every_payout_method_goes_out_with_its_details_and_nothing_is_final_on_the_answer() {
    let both = Both::with(Manners { first_status: 3, ..Manners::default() }, "").await;
    let methods = ["card", "sbp", "walletm10", "localbanks", "binance", "cash", "mts", "papara", "pix"];
    for (at, method) in (1..).zip(methods) {
        let asked = both.sent(&format!("cactus_{method}")).await;
        let taken = both.taken(&asked.id).await;
        let given: serde_json::Map<String, Value> =
            both.cactus.details(method).into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        assert_eq!(taken.params["additional_fields"], Value::Object(given), "{method}");
        assert_eq!(
            (taken.amount, taken.currency.as_str(), taken.login.as_str(), taken.asked),
            (5_000, "USD", "alice", 1)
        );
        assert_eq!(both.app.balance("alice").await, (100_000 - at * 5_000, at * 5_000), "{method}");
    }
    let written = both.app.count("payout_attempts WHERE body LIKE '%4242424242424242%'").await;
    assert_eq!(written, 0, "no whole card number stays in the books");
}

#[tokio::test]
async fn a_payout_ends_with_the_callback_and_stays_as_it_ended() {
    let both = Both::new().await;
    let (paid, declined) = (both.sent("cactus_sbp").await, both.sent("cactus_mts").await);

    both.says(&paid.id, End::Pending).await;
    assert_eq!(both.app.balance("alice").await, (90_000, 10_000));
    both.says(&paid.id, End::Paid).await;
    both.says(&paid.id, End::Paid).await;
    both.says(&declined.id, End::Declined).await;
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    assert_eq!(both.app.payout_standing(&paid).await, (Status::Credited, Stage::Done));
    assert_eq!(both.app.payout_standing(&declined).await, (Status::Failed, Stage::Done));

    both.says(&paid.id, End::Declined).await;
    both.says(&declined.id, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (95_000, 0), "final stays final");
    assert_eq!(both.app.reviews().await, ["decline_after_success", "success_after_end"]);
}

#[tokio::test]
async fn details_are_refused_before_anything_is_held() {
    let both = Both::new().await;
    let alice = both.app.front("alice").await;
    for (details, field) in [
        (json!({"phone_number": "79999999999"}), "phone_holder"),
        (json!({"phone_number": "+7 999", "phone_holder": "John Wick"}), "phone_number"),
        (json!({"phone_number": "79999999999", "phone_holder": "John Wick", "card_number": "1"}), "details"),
        (json!({"phone_number": "79999999999", "phone_holder": "x;amount:1"}), "details"),
    ] {
        let body = json!({"amount": "50.00", "currency": "USD", "method": "cactus_sbp", "details": details});
        let told = alice.post("/cashier/withdrawal", &body).await;
        assert_eq!((told.refusal(), told.field()), ((400, "INVALID_DATA"), field), "{details}");
    }
    assert_eq!((both.app.balance("alice").await, both.cactus.orders().len()), ((100_000, 0), 0));
}

#[tokio::test]
async fn a_lost_answer_keeps_the_hold_is_never_repeated_and_the_callback_ends_it() {
    let both = Both::new().await;
    let lost = [
        Answering::Hangup,
        Answering::Reset,
        Answering::Status(200),
        Answering::Status(429),
        Answering::Status(503),
        Answering::Html,
        Answering::BrokenJson,
        Answering::Vanish,
        Answering::Redirect("https://elsewhere.example/".into()),
    ];
    for (at, answering) in (1..).zip(lost) {
        both.cactus.answer_with(answering.clone());
        let asked = both.payout("cactus_mts").await;
        assert_eq!(both.app.outcome(&asked).await, "unknown", "{answering:?}");
        assert_eq!(both.app.payout_standing(&asked).await, (Status::PendingPayment, Stage::Unknown));
        assert_eq!(both.app.balance("alice").await, (100_000 - at * 5_000, at * 5_000), "{answering:?}");
    }
    let orders = both.cactus.orders();
    assert_eq!(orders.len(), 7, "two were not taken");
    for taken in orders {
        both.says(&taken.id, End::Paid).await;
        assert_eq!(both.cactus.orders().iter().find(|one| one.id == taken.id).expect("it").asked, 1);
    }
    assert_eq!(both.app.balance("alice").await, (55_000, 10_000), "the two wait for a person");
}

#[tokio::test]
async fn a_signed_refusal_gives_the_money_back() {
    let both = Both::new().await;
    both.cactus.answer_with(Answering::Refuse);

    let asked = both.payout("cactus_mts").await;

    assert_eq!(both.app.outcome(&asked).await, "refused");
    assert_eq!((both.app.balance("alice").await, both.cactus.orders().len()), ((100_000, 0), 0));
}

#[tokio::test]
async fn what_is_not_rightly_signed_leaves_nothing() {
    let both = Both::new().await;
    let (deposit, payout) = (both.deposit("cactus_card").await.id(), both.sent("cactus_mts").await.id);
    let before = both.app.rows().await;

    for id in [&deposit, &payout] {
        for twist in [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature] {
            let answer = both.cactus.notify(id, Note { says: Some(End::Paid), twist }).await.expect("an answer");
            assert_eq!(answer.status, 403, "{twist:?}");
            assert!(!both.cactus.is_acknowledged(&answer), "it comes again");
        }
    }
    let body = json!({"request_id": deposit, "site_login": "alice", "amount": 1_000, "status": 3, "currency": "USD",
        "site_id": SITE, "invoice_id": 1, "received_amount": 1_000, "received_currency": "USD", "method": "card"});
    for route in ["/cashier/webhook/carouseller", "/cashier/callback/carouseller", "/cashier/webhook/exotic"] {
        both.post(route, &body).await;
    }
    let answer = json!({"success": true, "message": "Payout initialized", "request_id": payout, "status": 3, "site_id": SITE,
        "site_login": "alice", "amount": 5_000, "currency": "USD", "invoice_id": 1, "received_amount": 5_000,
        "received_currency": "USD", "method": "MTS"});
    assert_eq!(both.post(WEBHOOK, &answer).await.0, 403, "an answer to a call of ours is no callback");
    assert_eq!(both.callback(&deposit, 1, 3, &[("received_amount", Value::Null)]).await.0, 400);
    assert_eq!(both.app.rows().await, before);
    assert_eq!(both.app.balance("alice").await, (95_000, 5_000));
}

#[tokio::test]
async fn what_does_not_agree_with_the_order_waits_for_a_person() {
    let both = Both::new().await;
    let (deposit, payout) = (both.deposit("cactus_card").await.id(), both.sent("cactus_mts").await.id);
    let twists = [
        (Twist::OtherAmount, "amount_differs"),
        (Twist::OtherCurrency, "currency_differs"),
        (Twist::OtherPlayer, "other_player"),
        (Twist::OtherDirection, "other_direction"),
        (Twist::UnknownOrder, "unknown_order"),
    ];
    let mut expected = Vec::new();
    for id in [&deposit, &payout] {
        for (twist, kind) in twists {
            both.twisted(id, End::Paid, twist).await;
            expected.push(kind);
            assert_eq!(both.app.reviews().await, expected, "{twist:?}");
        }
    }
    for (amount, currency, kind) in
        [(999, "USD", "amount_differs"), (1_000, "EUR", "currency_differs"), (0, "USD", "amount_differs")]
    {
        both.cactus.notify_received(&deposit, amount, currency).await.expect("an answer");
        expected.push(kind);
        assert_eq!(both.app.reviews().await, expected, "{amount} {currency}");
    }
    assert_eq!(both.app.balance("alice").await, (95_000, 5_000), "nothing moved");
    both.says(&deposit, End::Paid).await;
    both.says(&payout, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (96_000, 0));
}

#[tokio::test]
async fn without_a_direction_in_the_callback_the_order_decides_it() {
    let both = Both::with(Manners { says_direction: false, ..Manners::default() }, "").await;
    let (first, second) = (both.deposit("cactus_card").await.id(), both.deposit("cactus_card").await.id());
    let (paid, declined) = (both.sent("cactus_mts").await, both.sent("cactus_mts").await);

    for (id, end) in
        [(&first, End::Paid), (&second, End::Declined), (&paid.id, End::Paid), (&declined.id, End::Declined)]
    {
        both.says(id, End::Pending).await;
        both.says(id, end).await;
        both.says(id, end).await;
    }

    assert_eq!(both.app.balance("alice").await, (96_000, 0));
    assert_eq!(both.app.deposit_status(&both.asked(&second)).await, Status::Failed);
    assert_eq!(both.app.payout_standing(&declined).await, (Status::Failed, Stage::Done));
    assert_eq!(both.app.reviews().await, Vec::<String>::new());
    both.app.holds().await;
    let early = json!([both.callback("not-yet", 7, 3, &[]).await.0, both.app.reviews().await]);
    assert_eq!(early, json!([200, ["unknown_order"]]));
}

#[tokio::test]
async fn an_order_is_asked_about_where_the_platform_has_given_an_address() {
    let both = Both::new().await;
    both.cactus.answer_with(Answering::Hangup);
    let lost = both.payout("cactus_mts").await;
    assert_eq!(both.app.outcome(&lost).await, "unknown");
    let deposit = both.deposit("cactus_card").await.id();
    let ask = async |id: &str, direction| {
        both.app.state.asker.ask_now(&ExternalId::parse(id).expect("an id"), direction).await
    };

    both.cactus.set(&lost.id, End::Paid);
    let said = ask(&lost.id, Direction::Payout).await.expect("it can be asked");
    assert!(said.contains("status 3"), "{said}");
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    assert_eq!(both.cactus.asked_about(&lost.id), 1);
    both.says(&lost.id, End::Paid).await;
    assert_eq!(
        (both.app.balance("alice").await, both.app.reviews().await.len()),
        ((95_000, 0), 1),
        "the callback only agrees"
    );

    let silent = Both::with(Manners { tells_status: false, ..Manners::default() }, "").await;
    let asked = silent.deposit("cactus_card").await.id();
    let refused = silent.app.state.asker.ask_now(&ExternalId::parse(&asked).expect("an id"), Direction::Deposit).await;
    assert!(refused.expect_err("the manual has no such call").to_string().contains("no call that tells"));
    assert_eq!(both.app.deposit_status(&both.asked(&deposit)).await, Status::PendingPayment);
    let id = lost.id.clone();
    assert!(both.app.read(move |conn| payouts::find(conn, &id)).await.is_some());
}

impl Both {
    /// A call of staff, as the back office makes it.
    async fn call(&self, name: &str, order: Option<&str>, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let provider = self.app.state.settings.providers.get("cactus").expect("it is there");
        let site = SiteId(SITE);
        let order = order.map(|id| OpenOrder {
            external_id: ExternalId::parse(id).expect("an id"),
            site,
            login: Login::parse("alice").expect("a login"),
            amount: Money::new(1_000, Currency::parse("USD").expect("a currency")).expect("an amount"),
            direction: Direction::Deposit,
            rail: None,
            facts: Texts::new(),
            about: None,
        });
        let parameters = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let desk = Desk { site, order, parameters };
        let rules = provider.address_rules(site);
        let called = talk(&self.app.state.outgoing, &rules, |replies| provider.call(name, &desk, replies)).await;
        called.map_err(|broken| broken.into_error().to_string())
    }
}

#[tokio::test]
async fn staff_see_balances_and_failed_invoices_and_take_deposits_back() {
    let both = Both::with(Manners { by_invoice: true, ..Manners::default() }, "").await;
    let paid = both.deposit("cactus_card").await.id();
    both.says(&paid, End::Paid).await;
    both.cactus.set(&paid, End::Paid);
    let open = both.deposit("cactus_sbp").await.id();

    let balance = both.call("balance", None, &[("currency", "USD")]).await.expect("balances");
    assert_eq!(balance["balances"][0]["amount"], "1000010.0", "{balance}");
    let project = both.call("balance_project", None, &[]).await.expect("balances");
    assert_eq!(project["project_balance"].as_array().map(Vec::len), Some(9), "{project}");
    let closed = both.call("close_invoice", Some(&open), &[]).await.expect("closed");
    assert_eq!((&closed["status"], &closed["received_amount"]), (&json!(4), &json!(0)));
    assert_eq!(both.app.deposit_status(&both.asked(&open)).await, Status::PendingPayment, "the answer ends nothing");
    let late = both.call("close_invoice", Some(&paid), &[]).await.expect("it says how it stands");
    assert_eq!(
        (&late["success"], &late["status"], &late["received_amount"]),
        (&json!(false), &json!(3), &json!(1_000))
    );
    assert_eq!(both.call("close_invoice", Some("nobody"), &[]).await, Err("the provider: Invoice not found".into()));
    let failed = both.call("failed_invoices", None, &[("currency", "USD"), ("limit", "5")]).await.expect("a list");
    assert_eq!(
        (failed["invoices"].as_array().map(Vec::len), &failed["invoices"][0]["amount"]),
        (Some(1), &json!("10.0"))
    );
    both.says(&open, End::Cancelled).await;
    assert_eq!(both.app.deposit_status(&both.asked(&open)).await, Status::Failed);
    assert_eq!(both.app.balance("alice").await, (101_000, 0));
}

#[tokio::test]
async fn staff_change_cash_orders_and_reserve_amounts() {
    let both = Both::with(Manners { by_invoice: true, ..Manners::default() }, "").await;
    let details = json!({"address": "Pushkin street", "username": "@test", "messenger": "telegram", "asap": "true"});
    let body = json!({"amount": "10.00", "currency": "USD", "method": "cactus_cash", "details": details});
    let cash = both.app.front("alice").await.post("/cashier/deposit", &body).await.id();

    let edit = [("update_type", "edit"), ("address", "elsewhere"), ("asap", "false")];
    both.call("cash_update", Some(&cash), &edit).await.expect("changed");
    assert_eq!(Value::Object(both.cactus.edited(&cash)), json!({"address": "elsewhere", "asap": "false"}));
    both.call("cash_update", Some(&cash), &[("update_type", "delete")]).await.expect("taken back");
    assert_eq!(both.call("cash_update", Some(&cash), &edit).await, Err("the provider: Invoice is final".into()));
    let mut amounts = Vec::new();
    for nth in 0..8 {
        let id = format!("r{nth}");
        let wish = [
            ("request_id", id.as_str()),
            ("site_login", "alice"),
            ("method", "card"),
            ("currency", "USD"),
            ("amount", "5000"),
        ];
        amounts.push(both.call("book_cabinet", None, &wish).await.map(|booked| booked["amount"].clone()));
    }
    assert_eq!(amounts[..2], [Ok(json!(5_000)), Ok(json!(5_100))]);
    assert!(amounts[7].as_ref().is_err_and(|error| error.contains("404")), "{amounts:?}");
}
