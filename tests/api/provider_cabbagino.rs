//! API 2.0 of the Cabbagino brand: what is special about it, against the played platform over real HTTP.

use std::net::SocketAddr;

use croupier::ids::ExternalId;
use croupier::orders::{Status, facts};
use croupier::payouts::{self, Stage};
use croupier::providers::{Direction, Texts};
use croupier::settings::Settings;
use croupier::simulate::platforms::cabbagino::{Account, Cabbagino};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Taken, Twist};
use croupier::staff::Role;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SALT, plain_settings, set};
use crate::support::player::Told;
use crate::support::story::Asked;
use crate::support::wire;

/// The service, and the platform that its site has an account with.
struct Both {
    app: TestApp,
    platform: Cabbagino,
    carol: String,
}

/// Cards are also deposited by, which a casino must want: their code goes through it.
fn with_cabbagino(text: &str, platform: &str) -> String {
    let text = set(text, "vault", "keys", "[\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]");
    set(&format!("{text}\n{platform}"), "sites.demo.methods.cabbagino_card", "deposits", "true")
}

impl Both {
    async fn with(account: Account, lines: &[(&str, &str)]) -> Self {
        let platform = Cabbagino::start(SocketAddr::from(([127, 0, 0, 1], 0)), account).await.expect("a free port");
        let app = TestApp::with(|text| {
            let text = with_cabbagino(&text, &platform.settings("demo"));
            lines.iter().fold(text, |text, (key, value)| set(&text, "sites.demo.cabbagino", key, value))
        })
        .await;
        platform.set_merchant(&app.public);
        let profile = json!({"country": "LV", "first_name": "Alice", "last_name": "Lee"});
        assert_eq!(app.wallet().put("alice", profile).await.status, 201);
        app.player_with("alice", 100_000).await;
        let carol = app.staff("carol", Role::Approver).await;
        Self { app, platform, carol }
    }

    async fn new() -> Self {
        Self::with(Account::default(), &[]).await
    }

    /// A withdrawal of 50.00 USD that staff have approved.
    async fn payout(&self, method: &str) -> Asked {
        let details = object(self.platform.details(method));
        let body = json!({"amount": "50.00", "currency": "USD", "method": method, "details": details});
        let told = self.app.front("alice").await.post("/cashier/withdrawal", &body).await;
        let asked = Asked { id: told.id(), order: wire::order("alice", 5_000, "USD") };
        assert_eq!(self.app.decide(&self.carol, "approve", &asked.id).await.status, 200);
        asked
    }

    /// One that the platform has taken.
    async fn sent(&self, method: &str) -> Asked {
        let asked = self.payout(method).await;
        self.app.comes_to(&asked, Stage::Sent).await;
        asked
    }

    async fn deposit(&self, method: &str) -> Told {
        let details = object(self.platform.deposit_details(method));
        let body = json!({"amount": "25.00", "currency": "USD", "method": method, "details": details});
        self.app.front("alice").await.post("/cashier/deposit", &body).await
    }

    /// A deposit of 25.00 USD that can be paid.
    async fn begun(&self, method: &str) -> Asked {
        Asked { id: self.deposit(method).await.id(), order: wire::order("alice", 2_500, "USD") }
    }

    /// Notifies; the notification must be acknowledged.
    async fn tells(&self, asked: &Asked, note: Note) {
        let answer = self.platform.notify(&asked.id, note).await.expect("an answer");
        assert!(self.platform.is_acknowledged(&answer), "{note:?}: {}", answer.summary());
    }

    /// The same with members that no end has.
    async fn tells_with(&self, asked: &Asked, changes: &[(&str, Value)]) {
        let answer = self.platform.notify_with(&asked.id, changes).await.expect("an answer");
        assert!(self.platform.is_acknowledged(&answer), "{changes:?}: {}", answer.summary());
    }

    async fn taken(&self, id: &str) -> Taken {
        self.platform.wait_for(id, PATIENCE).await.expect("the order arrives")
    }

    async fn facts(&self, id: &str) -> Texts {
        let id = id.to_owned();
        self.app.state.db.settle().await;
        self.app.state.db.read(move |conn| facts::of_order(conn, &id)).await.expect("facts")
    }

    async fn balance(&self) -> (i64, i64) {
        self.app.balance("alice").await
    }
}

fn object(details: Vec<(&'static str, &'static str)>) -> Value {
    Value::Object(details.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect())
}

#[tokio::test]
async fn a_payout_goes_out_by_every_method_and_ends_as_notified() {
    let both = Both::new().await;
    for method in ["card", "p2p", "japan", "vega", "jeton"] {
        let before = both.balance().await.0;
        let asked = both.sent(&format!("cabbagino_{method}")).await;
        let taken = both.taken(&asked.id).await;
        assert_eq!(
            (taken.amount, taken.currency.as_str(), taken.login.as_str(), taken.asked),
            (5_000, "USD", "alice", 1)
        );
        assert_eq!(both.balance().await, (before - 5_000, 5_000), "nothing is final on its answer");
        assert_eq!(both.facts(&asked.id).await["order_id"], taken.own_id);

        both.platform.set(&asked.id, End::Paid);
        both.tells(&asked, Note::PLAIN).await;
        both.tells(&asked, Note::PLAIN).await;
        assert_eq!(both.app.payout_standing(&asked).await, (Status::Credited, Stage::Done), "{method}");
        assert_eq!(both.balance().await, (before - 5_000, 0), "once");
    }
    assert_eq!(both.app.reviews().await, Vec::<String>::new());
    both.app.holds().await;
}

#[tokio::test]
async fn a_declined_payout_gives_the_money_back_once() {
    let both = Both::new().await;
    let asked = both.sent("cabbagino_card").await;
    both.tells(&asked, Note { says: Some(End::Declined), twist: Twist::None }).await;
    assert_eq!(both.app.payout_standing(&asked).await, (Status::Failed, Stage::Done));
    both.tells(&asked, Note { says: Some(End::Paid), twist: Twist::None }).await;

    assert_eq!((both.balance().await, both.app.reviews().await), ((100_000, 0), vec!["success_after_end".to_owned()]));

    both.platform.answer_with(Answering::Refuse);
    let refused = both.payout("cabbagino_jeton").await;
    both.app.comes_to(&refused, Stage::Done).await;
    assert_eq!(both.balance().await, (100_000, 0), "a decline of the very call is one");
    both.app.holds().await;
}

#[tokio::test]
async fn secrets_of_cards_and_wallets_are_kept_nowhere() {
    let both = Both::new().await;
    let card = both.sent("cabbagino_card").await;
    let vega = both.sent("cabbagino_vega").await;
    let deposit = both.begun("cabbagino_card").await;
    assert_eq!(both.taken(&deposit.id).await.params["payment_data"]["cvv"], "123", "it went through");

    let mut written = String::new();
    for asked in [&card, &vega] {
        let (id, other) = (asked.id.clone(), asked.id.clone());
        let attempts = both.app.read(move |conn| payouts::outbox::attempts(conn, &id)).await;
        let payout = both.app.read(move |conn| payouts::find(conn, &other)).await.expect("the payout");
        let bodies: String =
            attempts.iter().map(|attempt| String::from_utf8_lossy(&attempt.body).into_owned()).collect();
        written.push_str(&format!("{bodies} {payout:?}"));
    }
    let id = deposit.id.clone();
    let order = both.app.read(move |conn| croupier::deposits::find(conn, &id)).await.expect("the deposit");
    written.push_str(&format!("{order:?} {:?}", both.facts(&deposit.id).await));
    for secret in ["4111111111111111", "wallet password", "\"cvv\":\"123\"", "\"123\""] {
        assert!(!written.contains(secret), "{secret}: {written}");
    }
}

#[tokio::test]
async fn a_deposit_is_paid_on_a_page_or_to_what_is_shown() {
    let both = Both::new().await;
    let page = both.deposit("cabbagino_card").await;
    assert_eq!((&page.transaction()["status"], &page.json["next_action"]), (&json!(1), &json!("REDIRECT")));
    assert!(page.json["redirect_url"].as_str().is_some_and(|url| url.contains("/3ds/")), "{page:?}");

    let shown = both.deposit("cabbagino_p2p").await;
    assert_eq!(shown.json["next_action"], "SHOW_REQUISITES", "{shown:?}");
    let expected = json!({"card_number": "5555555555554444", "holder": "Jane Roe", "bank_name": "First Bank",
        "amount": "25.00", "currency": "USD"});
    assert_eq!(shown.json["requisites"], expected);

    let asked = Asked { id: shown.id(), order: wire::order("alice", 2_500, "USD") };
    both.platform.set(&asked.id, End::Paid);
    for _ in 0..3 {
        both.tells(&asked, Note::PLAIN).await;
    }
    assert_eq!((both.app.deposit_status(&asked).await, both.balance().await), (Status::Credited, (102_500, 0)));
    both.app.holds().await;
}

#[tokio::test]
async fn a_deposit_that_was_declined_has_failed_and_one_that_was_lost_may_be_paid() {
    let both = Both::new().await;
    both.platform.answer_with(Answering::Refuse);
    assert_eq!(both.deposit("cabbagino_vega").await.refusal(), (502, "PROVIDER_ERROR"));

    both.platform.answer_with(Answering::Hangup);
    let lost = both.begun("cabbagino_vega").await;
    assert_eq!(both.app.deposit_status(&lost).await, Status::PendingPayment);
    both.platform.set(&lost.id, End::Paid);
    both.tells(&lost, Note::PLAIN).await;
    assert_eq!(both.balance().await, (102_500, 0), "the money came all the same");

    both.platform.answer_with(Answering::Accept);
    let declined = both.begun("cabbagino_vega").await;
    both.tells(&declined, Note { says: Some(End::Declined), twist: Twist::None }).await;
    assert_eq!(both.app.deposit_status(&declined).await, Status::Failed);
    both.app.holds().await;
}

#[tokio::test]
async fn a_refund_of_this_family_is_no_purchase() {
    let both = Both::new().await;
    let asked = both.begun("cabbagino_p2p").await;
    both.platform.set(&asked.id, End::Paid);
    both.tells(&asked, Note::PLAIN).await;
    both.tells_with(&asked, &[("type", 3.into()), ("status", 4.into())]).await;

    assert_eq!((both.app.deposit_status(&asked).await, both.balance().await), (Status::Refunded, (100_000, 0)));
    both.app.holds().await;
}

#[tokio::test]
async fn what_is_not_clear_waits_for_people_or_for_more() {
    let both = Both::new().await;
    let payout = both.sent("cabbagino_card").await;
    both.tells_with(&payout, &[("status", 7.into())]).await;
    assert_eq!(both.app.payout_standing(&payout).await.1, Stage::Sent, "unknown is no end");
    both.tells_with(&payout, &[("status", 6.into())]).await;
    assert_eq!(both.app.payout_standing(&payout).await, (Status::ManualReview, Stage::Unknown));
    assert_eq!((both.balance().await, both.app.reviews().await), ((95_000, 5_000), vec!["payout_unclear".to_owned()]));
    both.tells_with(&payout, &[("type", 11.into()), ("status", 4.into())]).await;
    assert_eq!(both.app.payout_standing(&payout).await, (Status::Credited, Stage::Done), "an old number of a payout");
    both.app.holds().await;
}

#[tokio::test]
async fn what_does_not_agree_with_the_order_is_parked() {
    let both = Both::new().await;
    let asked = both.begun("cabbagino_p2p").await;
    both.platform.set(&asked.id, End::Paid);
    for twist in
        [Twist::OtherAmount, Twist::OtherCurrency, Twist::OtherPlayer, Twist::OtherDirection, Twist::UnknownOrder]
    {
        both.tells(&asked, Note { says: None, twist }).await;
        assert_eq!(both.balance().await, (100_000, 0), "{twist:?}");
    }
    let kinds = ["amount_differs", "currency_differs", "other_player", "other_direction", "unknown_order"];
    assert_eq!(both.app.reviews().await, kinds);
    assert_eq!(both.app.deposit_status(&asked).await, Status::PendingPayment);
}

#[tokio::test]
async fn a_notification_that_is_not_the_platforms_moves_nothing() {
    let both = Both::new().await;
    let asked = both.begun("cabbagino_p2p").await;
    both.platform.set(&asked.id, End::Paid);
    let before = both.app.rows().await;
    for twist in [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature] {
        let answer = both.platform.notify(&asked.id, Note { says: None, twist }).await.expect("an answer");
        assert_eq!((answer.status, answer.code()), (403, Some(500)), "{twist:?}: {}", answer.summary());
    }
    // Rightly signed, to the route of another family: there 1 is an authorization and 4 a success, too.
    assert_eq!(both.told_elsewhere("carouseller").await, 403);
    assert_eq!(both.app.rows().await, before);
    assert_eq!(both.balance().await, (100_000, 0));
}

impl Both {
    /// What the platform's own notification is answered at another provider's route.
    async fn told_elsewhere(&self, provider: &str) -> u16 {
        let body = json!({"site_id": 332, "status": 4, "type": 1, "status_id": 4, "type_id": 1, "amount": 2500,
            "currency": "USD", "site_login": "alice", "customer_id": "alice", "external_id": self.platform.orders()[0].id,
            "transaction_id": "1", "order_id": "1"});
        let salt = Account::default().salt;
        let signed = croupier::simulate::sign::signed(body.as_object().expect("an object"), salt.expose());
        let path = format!("/cashier/webhook/{provider}");
        self.app.stranger().post(&path, &Value::Object(signed)).await.status
    }
}

#[tokio::test]
async fn a_payout_whose_answer_was_lost_stays_held_and_can_be_asked_about_only_at_the_other_brand() {
    let other_brand = Account { status_by_external_id: true, ..Account::default() };
    for (account, lines, can) in [(Account::default(), vec![], false), (other_brand, vec![("site_id", "332")], true)] {
        let both = Both::with(account, &lines).await;
        both.platform.answer_with(Answering::Hangup);
        let asked = both.payout("cabbagino_card").await;
        both.app.comes_to(&asked, Stage::Unknown).await;
        assert_eq!(both.balance().await, (95_000, 5_000));

        both.platform.set(&asked.id, End::Paid);
        let id = ExternalId::parse(&asked.id).expect("an id");
        let said = both.app.state.asker.ask_now(&id, Direction::Payout).await.expect("it may be asked");
        assert_eq!((both.platform.asked_about(&asked.id) == 1, said.contains("paid")), (can, can), "{said}");
        let expected = if can { (Status::Credited, Stage::Done) } else { (Status::PendingPayment, Stage::Unknown) };
        assert_eq!(both.app.payout_standing(&asked).await, expected);
        assert_eq!(both.balance().await, (95_000, if can { 0 } else { 5_000 }));
        both.app.holds().await;
    }
}

#[tokio::test]
async fn an_order_is_settled_by_asking_when_no_notification_comes() {
    let both = Both::new().await;
    let asked = both.sent("cabbagino_card").await;
    both.platform.set(&asked.id, End::Declined);
    let id = ExternalId::parse(&asked.id).expect("an id");
    both.app.state.asker.ask_now(&id, Direction::Payout).await.expect("it may be asked");

    assert_eq!(both.app.payout_standing(&asked).await, (Status::Failed, Stage::Done));
    both.tells(&asked, Note::PLAIN).await;
    assert_eq!((both.balance().await, both.app.reviews().await), ((100_000, 0), Vec::new()));
    both.app.holds().await;
}

#[tokio::test]
async fn what_the_player_gave_is_checked_before_money_is_held() {
    let both = Both::new().await;
    let alice = both.app.front("alice").await;
    let wish =
        |method: &str, details: Value| json!({"amount": "5", "currency": "USD", "method": method, "details": details});
    let refused = [
        ("/cashier/withdrawal", wish("cabbagino_card", json!({"wallet": "1"})), "card_number"),
        (
            "/cashier/withdrawal",
            wish(
                "cabbagino_card",
                json!({"card_number": "4111111111111111", "card_holder": "A B",
            "exp_year": "2028", "exp_month": "06", "cvv": "123"}),
            ),
            "details",
        ),
        ("/cashier/withdrawal", wish("cabbagino_jeton", json!({"wallet": "1;amount:1"})), "details"),
        ("/cashier/withdrawal", wish("cabbagino_jeton", json!({"wallet": "1", "password": ""})), "password"),
        ("/cashier/deposit", wish("cabbagino_card", json!({})), "card_number"),
        ("/cashier/deposit", wish("cabbagino_p2p", json!({"external_id": "x"})), "details"),
    ];
    for (path, body, field) in refused {
        let told = alice.post(path, &body).await;
        assert_eq!((told.status, told.field()), (400, field), "{body}: {told:?}");
    }
    assert_eq!(both.balance().await, (100_000, 0));
    assert!(both.platform.orders().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start() {
    let both = Both::new().await;
    let plain = plain_settings(both.app.directory(), "http://127.0.0.1:9/", "http://127.0.0.1:9/");
    let good = with_cabbagino(&plain, &both.platform.settings("demo"));
    let errors = |text: &str| match Settings::from_text(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().filter(|problem| problem.is_error()).map(|problem| problem.key).collect(),
    };
    assert_eq!(errors(&good), Vec::<String>::new());
    let own = "sites.demo.cabbagino";
    let broken = [
        (set(&good, own, "salts", &format!("[\"{SALT}\"]")), "sites.demo.cabbagino.salts"),
        (set(&good, own, "salts", "[\"with;semicolon-and-long-enough\"]"), "sites.demo.cabbagino.salts"),
        (set(&good, own, "merchant_key", "\"\""), "sites.demo.cabbagino.merchant_key"),
        (set(&good, own, "payment_data", "{ TEST_PS = \"x\" }"), "sites.demo.cabbagino.payment_data.TEST_PS"),
        (set(&good, own, "payment_data", "{ P2P_PS = \"japan_bank\" }"), "sites.demo.methods.cabbagino_p2p.deposits"),
        (set(&good, "sites.demo", "currencies", "[\"UGX\"]"), "sites.demo.methods.cabbagino_card.deposits"),
    ];
    for (text, key) in broken {
        let found = errors(&text);
        assert!(found.iter().any(|found| found == key), "{key}: {found:?}");
    }
}
