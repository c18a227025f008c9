//! Exotic: what is special about it, against the played platform over real HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use croupier::clock;
use croupier::db::Scope;
use croupier::ids::{ExternalId, SiteId};
use croupier::orders::{Status, facts};
use croupier::payouts::approve::{self, By};
use croupier::payouts::{self, Stage};
use croupier::settings::Settings;
use croupier::simulate::platforms::exotic::{Account, Exotic, Refusal, StatusBy};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Taken, Telling, Twist};
use croupier::staff::Role;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SITE, plain_settings, set};
use crate::support::player::Told;
use crate::support::story::Asked;
use crate::support::wire;

/// The service, and the platform that its site has an account with.
struct Both {
    app: TestApp,
    exotic: Exotic,
}

fn with_exotic(text: &str, platform: &str) -> String {
    let text = set(text, "server", "public_url", "\"http://127.0.0.1:8080\"");
    let text = set(&text, "vault", "keys", "[\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]");
    format!("{text}\n{platform}")
}

impl Both {
    async fn with(account: Account) -> Self {
        Self::with_lines(account, &[]).await
    }

    /// With these keys of the account's section as they are given here.
    async fn with_lines(account: Account, lines: &[(&str, &str)]) -> Self {
        let exotic = Exotic::start(SocketAddr::from(([127, 0, 0, 1], 0)), account).await.expect("a free port");
        let app = TestApp::with(|text| {
            let text = with_exotic(&text, &exotic.settings("demo"));
            lines.iter().fold(text, |text, (key, value)| set(&text, "sites.demo.exotic", key, value))
        })
        .await;
        exotic.set_merchant(&app.public);
        app.player_with("alice", 100_000).await;
        Self { app, exotic }
    }

    async fn new() -> Self {
        Self::with(Account::example()).await
    }

    /// A withdrawal of 50.00 USD that staff have approved.
    async fn payout(&self, method: &str) -> Asked {
        let details: serde_json::Map<String, Value> =
            self.exotic.details(method).into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        let body = json!({"amount": "50.00", "currency": "USD", "method": method, "details": details});
        let told = self.app.front("alice").await.post("/cashier/withdrawal", &body).await;
        let asked = Asked { id: told.id(), order: wire::order("alice", 5_000, "USD") };
        self.approve(&asked.id).await;
        asked
    }

    /// One that the platform has taken.
    async fn sent(&self, method: &str) -> Asked {
        let asked = self.payout(method).await;
        self.app.comes_to(&asked, Stage::Sent).await;
        asked
    }

    /// A deposit of 25.00 USD that can be paid.
    async fn begun(&self, method: &str) -> Asked {
        let told = self.deposit(json!({"amount": "25.00", "currency": "USD", "method": method})).await;
        Asked { id: told.id(), order: wire::order("alice", 2_500, "USD") }
    }

    /// Notifies; the notice must be acknowledged.
    async fn tells(&self, asked: &Asked, note: Note) {
        let answer = self.exotic.notify(&asked.id, note).await.expect("an answer");
        assert!(self.exotic.is_acknowledged(&answer), "{note:?}: {}", answer.summary());
    }

    async fn approve(&self, id: &str) {
        let (id, state) = (ExternalId::parse(id).expect("an id"), &self.app.state);
        let site = state.site(SiteId(SITE)).expect("the site").clone();
        let by = By { actor: "carol", reason: "checked" };
        let approve =
            state.db.write(Scope::from(&id), move |tx| approve::approve(tx, &site, &id, by, clock::now()).map(|_| ()));
        approve.await.expect("it is approved");
        state.outbox.notify_one();
    }

    async fn deposit(&self, body: Value) -> Told {
        self.app.front("alice").await.post("/cashier/deposit", &body).await
    }

    async fn taken(&self, id: &str) -> Taken {
        self.exotic.wait_for(id, PATIENCE).await.expect("the order arrives")
    }

    async fn facts(&self, id: &str) -> croupier::providers::Texts {
        let id = id.to_owned();
        self.app.state.db.settle().await;
        self.app.state.db.read(move |conn| facts::of_order(conn, &id)).await.expect("facts")
    }

    /// Waits until the last attempt of a payout has this outcome.
    async fn attempted(&self, asked: &Asked, outcome: &str) {
        assert_eq!(self.app.outcome(asked).await, outcome);
    }
}

#[tokio::test]
async fn a_payout_goes_out_by_every_rail_and_its_hold_stays_until_the_end_is_known() {
    let both = Both::new().await;
    for (nth, rail) in ["card", "sbp", "score", "iban"].into_iter().enumerate() {
        let asked = both.payout(&format!("exotic_{rail}")).await;
        let taken = both.taken(&asked.id).await;
        both.app.comes_to(&asked, Stage::Sent).await;

        let seen = (taken.method.as_str(), taken.amount, taken.currency.as_str(), taken.login.as_str(), taken.asked);
        assert_eq!(seen, (rail, 5_000, "USD", "alice", 1));
        let held = 5_000 * (i64::try_from(nth).expect("a few") + 1);
        assert_eq!(both.app.balance("alice").await, (100_000 - held, held), "nothing is final on its answer");
        assert_eq!(both.facts(&asked.id).await["internal_transaction_id"], taken.own_id);
    }
    both.app.holds().await;
}

#[tokio::test]
async fn no_whole_card_number_stays_in_the_books() {
    let both = Both::new().await;
    let asked = both.payout("exotic_card").await;
    both.app.comes_to(&asked, Stage::Sent).await;

    let id = asked.id.clone();
    let attempts = both.app.read(move |conn| payouts::outbox::attempts(conn, &id)).await;
    let id = asked.id.clone();
    let payout = both.app.read(move |conn| payouts::find(conn, &id)).await.expect("the payout");
    let written = format!("{attempts:?} {payout:?} {:?}", both.facts(&asked.id).await);
    assert!(!written.contains("4276345439581234"), "{written}");
    assert_eq!(both.facts(&asked.id).await["recipient_ends_with"], "1234");
}

#[tokio::test]
async fn what_the_platform_says_decides_whether_a_payout_goes_again_ends_or_waits_for_people() {
    let both = Both::new().await;
    both.exotic.answer_with(Answering::Refuse);
    both.exotic.refuse_with(Refusal::MethodDisabled);
    let disabled = both.payout("exotic_sbp").await;
    both.app.comes_to(&disabled, Stage::Done).await;
    assert_eq!(both.app.balance("alice").await, (100_000, 0), "definitely not taken: the money is back");

    for refusal in [Refusal::Overloading, Refusal::LowBalance] {
        both.exotic.refuse_with(refusal);
        let later = both.payout("exotic_sbp").await;
        both.attempted(&later, "not_sent").await;
        both.app.comes_to(&later, Stage::Queued).await;
    }
    assert_eq!(both.app.balance("alice").await, (90_000, 10_000), "it goes again when there is room");
    assert!(both.exotic.orders().is_empty());
    assert_eq!(both.app.reviews().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_payout_whose_answer_is_lost_is_unknown_held_and_sent_once() {
    let both = Both::new().await;
    let lost = [
        Answering::Hangup,
        Answering::Reset,
        Answering::Status(500),
        Answering::Status(200),
        Answering::Html,
        Answering::BrokenJson,
        Answering::Vanish,
        Answering::Redirect("http://127.0.0.1:9/".into()),
    ];
    for (nth, answering) in lost.into_iter().enumerate() {
        both.exotic.answer_with(answering.clone());
        let asked = both.payout("exotic_card").await;
        both.attempted(&asked, "unknown").await;
        both.app.comes_to(&asked, Stage::Unknown).await;

        let held = 5_000 * (i64::try_from(nth).expect("a few") + 1);
        assert_eq!(both.app.balance("alice").await, (100_000 - held, held), "{answering:?}");
    }
    assert!(both.exotic.orders().iter().all(|order| order.asked == 1), "{:?}", both.exotic.orders());
    both.app.holds().await;
}

#[tokio::test]
async fn a_deposit_shows_what_to_pay_to_and_the_amount_that_the_platform_wants() {
    let both = Both::with(Account { pay_in_surcharge: 7, ..Account::example() }).await;
    let body = json!({"amount": "25.00", "currency": "USD", "method": "exotic_card", "idempotency_key": "k",
        "details": {"bank": "sber"}});
    let told = both.deposit(body.clone()).await;

    assert_eq!((&told.transaction()["status"], &told.json["next_action"]), (&json!(1), &json!("SHOW_REQUISITES")));
    let requisites = &told.json["requisites"];
    let shown =
        ["card_number", "amount", "currency", "holder"].map(|name| requisites[name].as_str().unwrap_or_default());
    assert_eq!(shown, ["4276345439581234", "25.07", "USD", "Petrov Petr Petrovich"]);
    assert!(requisites["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{requisites}");
    assert_eq!(both.facts(&told.id()).await["amount_differs"], "asked for 25.00, to be paid 25.07");
    let again = both.deposit(body).await;
    assert_eq!((again.id(), &again.json["requisites"]), (told.id(), requisites), "a repetition is shown the same");
    assert_eq!(both.taken(&told.id()).await.asked, 1);
    assert_eq!(both.app.balance("alice").await, (100_000, 0));
}

#[tokio::test]
async fn a_deposit_that_was_refused_has_failed_and_one_that_was_lost_may_be_paid() {
    let both = Both::new().await;
    let body =
        |key: &str| json!({"amount": "25.00", "currency": "USD", "method": "exotic_sbp", "idempotency_key": key});
    both.exotic.answer_with(Answering::Refuse);
    assert_eq!(both.deposit(body("refused")).await.refusal(), (502, "PROVIDER_ERROR"));

    both.exotic.answer_with(Answering::Hangup);
    let lost = both.deposit(body("lost")).await;
    let asked = Asked { id: lost.id(), order: wire::order("alice", 2_500, "USD") };
    assert_eq!(both.app.deposit_status(&asked).await, Status::PendingPayment);
    assert!(both.facts(&lost.id()).await["opening"].contains("unknown"));

    both.exotic.answer_with(Answering::Accept);
    both.deposit(body("lost")).await.transaction();
    assert_eq!(both.taken(&lost.id()).await.asked, 1, "it is never made twice");
}

#[tokio::test]
async fn what_the_player_gave_is_checked_before_money_is_held() {
    let both = Both::new().await;
    let alice = both.app.front("alice").await;
    let wish =
        |method: &str, details: Value| json!({"amount": "5", "currency": "USD", "method": method, "details": details});
    let refused = [
        ("/cashier/withdrawal", wish("exotic_card", json!({"number_card": "42763454395812345"})), "number_card"),
        ("/cashier/withdrawal", wish("exotic_card", json!({})), "number_card"),
        ("/cashier/withdrawal", wish("exotic_sbp", json!({"phone_number": "79161234567"})), "bank_name"),
        ("/cashier/withdrawal", wish("exotic_iban", json!({"iban_number": "DE89:eur"})), "iban_number"),
        ("/cashier/withdrawal", wish("exotic_score", json!({"number_score": "1", "sign": "x"})), "number_score"),
        ("/cashier/deposit", wish("exotic_card", json!({"number_card": "4276345439581234"})), "details"),
    ];
    for (path, body, field) in refused {
        let told = alice.post(path, &body).await;
        assert_eq!((told.status, told.field()), (400, field), "{body}: {told:?}");
    }
    assert_eq!(both.app.balance("alice").await, (100_000, 0));
    assert!(both.exotic.orders().is_empty());
}

#[tokio::test]
async fn a_notice_that_is_not_the_platforms_moves_nothing() {
    let both = Both::new().await;
    let asked = both.payout("exotic_card").await;
    both.app.comes_to(&asked, Stage::Sent).await;
    both.exotic.set(&asked.id, End::Paid);
    let before = both.app.rows().await;

    for twist in [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature] {
        let answer = both.exotic.notify(&asked.id, Note { says: None, twist }).await.expect("an answer");
        assert_eq!((answer.status, answer.code()), (403, Some(500)), "{twist:?}: {}", answer.summary());
        assert!(!both.exotic.is_acknowledged(&answer));
    }
    let account = Account::example();
    let sign = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(
        format!("{}:{}", asked.id, account.sign_key.expose()).as_bytes(),
    ));
    let notice = json!({"order_id": asked.id, "standart_sign": sign, "type": "pay_out", "status": "successful",
        "fiat_amount": "50.00", "fiat_currency": "usd", "payment_method": "card"});
    let token = account.callback_token.expose();
    for path in [
        "exotic".to_owned(),
        "exotic/".to_owned(),
        format!("exotic/success/{}", asked.id),
        format!("exotic/success/another-token-of-theirs-000/{}", asked.id),
        format!("exotic/success/{token}/{}", ExternalId::generate()),
        format!("exotic/success/{token}/{}/more", asked.id),
        "carouseller".to_owned(),
        format!("carouseller/success/{token}/{}", asked.id),
    ] {
        let told = both.app.stranger().post(&format!("/cashier/webhook/{path}"), &notice).await;
        assert!(matches!(told.status, 403 | 404), "{path}: {told:?}");
    }
    assert_eq!(both.app.rows().await, before);
    assert_eq!(both.exotic.asked_about(&asked.id), 0, "strangers make us ask nobody");
    assert_eq!(both.app.payout_standing(&asked).await.1, Stage::Sent);
}

#[tokio::test]
async fn a_notice_makes_us_ask_and_what_is_answered_ends_the_payout() {
    let ends = [
        (End::Paid, Status::Credited, (95_000, 0)),
        (End::Declined, Status::Failed, (100_000, 0)),
        (End::Expired, Status::Failed, (100_000, 0)),
        (End::Cancelled, Status::Cancelled, (100_000, 0)),
    ];
    for (end, status, balance) in ends {
        let both = Both::new().await;
        let asked = both.sent("exotic_card").await;
        both.exotic.set(&asked.id, end);
        both.tells(&asked, Note::PLAIN).await;

        assert_eq!(both.app.payout_standing(&asked).await, (status, Stage::Done), "{end:?}");
        assert_eq!((both.app.balance("alice").await, both.exotic.asked_about(&asked.id)), (balance, 1), "{end:?}");
        both.tells(&asked, Note::PLAIN).await;
        assert_eq!(both.app.balance("alice").await, balance, "{end:?}: a repetition changes nothing");
        assert_eq!(both.app.reviews().await, Vec::<String>::new(), "{end:?}");
        both.app.holds().await;
    }
}

#[tokio::test]
async fn a_deposit_ends_as_the_status_call_says() {
    let ends = [
        (End::Paid, Status::Credited, 102_500),
        (End::Declined, Status::Failed, 100_000),
        (End::Expired, Status::Cancelled, 100_000),
        (End::Cancelled, Status::Cancelled, 100_000),
    ];
    for (end, status, available) in ends {
        let both = Both::new().await;
        let asked = both.begun("exotic_sbp").await;
        both.exotic.set(&asked.id, end);
        both.tells(&asked, Note::PLAIN).await;

        assert_eq!(both.app.deposit_status(&asked).await, status, "{end:?}");
        assert_eq!(both.app.balance("alice").await, (available, 0), "{end:?}");
        both.app.holds().await;
    }
}

#[tokio::test]
async fn a_notice_that_lies_moves_only_what_the_platform_stands_by() {
    let both = Both::new().await;
    let asked = both.sent("exotic_card").await;
    let claims = |says| Note { says: Some(says), twist: Twist::None };

    // Whoever has seen one notice can write the opposite one: nothing in it but the order is signed.
    both.tells(&asked, claims(End::Paid)).await;
    assert_eq!(both.app.balance("alice").await, (95_000, 5_000), "it is still waiting there");
    both.exotic.set(&asked.id, End::Paid);
    both.tells(&asked, claims(End::Declined)).await;
    assert_eq!(both.app.payout_standing(&asked).await, (Status::Credited, Stage::Done));
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    let facts = both.facts(&asked.id).await;
    assert!(facts["cheque_urls"].contains("/cheques/") && facts.contains_key("merchant_spent_usdt"), "{facts:?}");
    both.app.holds().await;
}

#[tokio::test]
async fn amounts_and_directions_in_a_notice_are_not_believed() {
    let both = Both::new().await;
    let asked = both.begun("exotic_card").await;
    both.exotic.set(&asked.id, End::Paid);

    both.tells(&asked, Note { says: None, twist: Twist::OtherDirection }).await;
    assert_eq!(both.app.balance("alice").await, (102_500, 0), "the order's own amount, once");
    for twist in [Twist::OtherAmount, Twist::OtherCurrency] {
        both.tells(&asked, Note { says: None, twist }).await;
    }
    assert_eq!(both.app.balance("alice").await, (102_500, 0));
    both.app.holds().await;
}

#[tokio::test]
async fn while_the_platform_cannot_be_asked_nothing_moves_and_the_notice_is_wanted_again() {
    for telling in [Telling::Unavailable, Telling::TooMany, Telling::NotFound, Telling::Hangup] {
        let both = Both::new().await;
        let asked = both.sent("exotic_card").await;
        both.exotic.set(&asked.id, End::Declined);
        both.exotic.tell_with(telling);
        let answer = both.exotic.notify(&asked.id, Note::PLAIN).await.expect("an answer");

        assert_eq!((answer.status, answer.code()), (503, Some(500)), "{telling:?}: {}", answer.summary());
        assert_eq!(both.app.payout_standing(&asked).await, (Status::PendingPayment, Stage::Sent), "{telling:?}");
        assert_eq!(both.app.balance("alice").await, (95_000, 5_000), "{telling:?}");
    }
}

#[tokio::test]
async fn what_contradicts_the_end_is_shown_to_people_and_moves_nothing() {
    let both = Both::new().await;
    let asked = both.sent("exotic_card").await;
    both.exotic.set(&asked.id, End::Paid);
    both.tells(&asked, Note::PLAIN).await;
    both.exotic.set(&asked.id, End::Declined);
    both.tells(&asked, Note::PLAIN).await;

    assert_eq!(both.app.payout_standing(&asked).await, (Status::Credited, Stage::Done));
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    assert_eq!(both.app.reviews().await, ["decline_after_success"]);
    both.app.holds().await;
}

#[tokio::test]
async fn an_amount_that_the_platform_made_its_own_is_for_people_to_credit() {
    let both = Both::with(Account { pay_in_surcharge: 7, ..Account::example() }).await;
    let asked = both.begun("exotic_card").await;
    both.exotic.set(&asked.id, End::Paid);
    both.tells(&asked, Note::PLAIN).await;

    assert_eq!(both.app.balance("alice").await, (100_000, 0));
    assert_eq!(both.app.reviews().await, ["amount_differs"]);
    both.app.holds().await;
}

#[tokio::test]
async fn an_order_is_found_by_whichever_id_the_platform_knows() {
    let account = Account { status_by: StatusBy::InternalTransactionId, ..Account::example() };
    let both = Both::with_lines(account, &[("status_by", "\"order_id\"")]).await;
    let asked = both.sent("exotic_card").await;
    both.exotic.set(&asked.id, End::Paid);
    both.tells(&asked, Note::PLAIN).await;

    assert_eq!(both.app.payout_standing(&asked).await.0, Status::Credited);
    assert_eq!(both.facts(&asked.id).await["status_by"], "internal_transaction_id");
}

#[tokio::test]
async fn a_payout_whose_answer_was_lost_is_settled_by_asking() {
    let both = Both::new().await;
    both.exotic.answer_with(Answering::Hangup);
    let asked = both.payout("exotic_iban").await;
    both.app.comes_to(&asked, Stage::Unknown).await;
    both.exotic.set(&asked.id, End::Paid);
    both.tells(&asked, Note::PLAIN).await;

    assert_eq!(both.app.payout_standing(&asked).await, (Status::Credited, Stage::Done));
    assert_eq!((both.app.balance("alice").await, both.taken(&asked.id).await.asked), ((95_000, 0), 1));
    both.app.holds().await;
}

#[tokio::test]
async fn a_notice_about_an_order_that_we_do_not_have_is_kept_for_people() {
    let both = Both::new().await;
    let asked = both.sent("exotic_card").await;
    both.tells(&asked, Note { says: Some(End::Paid), twist: Twist::UnknownOrder }).await;

    assert_eq!(both.app.balance("alice").await, (95_000, 5_000));
    assert_eq!(both.app.reviews().await, ["unknown_order"]);
}

#[tokio::test]
async fn a_cancellation_asks_and_the_platform_decides() {
    let both = Both::new().await;
    let carol = both.app.staff("carol", Role::Approver).await;
    let cancel = async |asked: &Asked, token: &str| {
        let path = format!("/admin/api/v1/providers/{SITE}/exotic/cancel");
        let body = json!({"external_id": asked.id, "reason": "the player asked"});
        both.app.as_staff(token, "POST", &path, body).await
    };
    let heeded = both.sent("exotic_card").await;
    let told = cancel(&heeded, &carol).await;
    assert_eq!((told.status, &told.json["answer"]["asked"]), (200, &json!(true)), "{told:?}");
    assert_eq!(both.exotic.cancellations(&heeded.id), 1);
    assert_eq!(both.app.payout_standing(&heeded).await.1, Stage::Sent, "asked for, not done");
    both.tells(&heeded, Note::PLAIN).await;
    assert_eq!(both.app.payout_standing(&heeded).await, (Status::Cancelled, Stage::Done));

    both.exotic.heed_cancellations(false);
    let paid = both.sent("exotic_card").await;
    assert_eq!(cancel(&paid, &carol).await.status, 200);
    both.exotic.set(&paid.id, End::Paid);
    both.tells(&paid, Note::PLAIN).await;
    assert_eq!(both.app.payout_standing(&paid).await, (Status::Credited, Stage::Done), "it was paid all the same");
    assert_eq!(cancel(&paid, &carol).await.status, 409, "its money is taken: nothing is asked any more");
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    both.app.holds().await;
}

#[tokio::test]
async fn settings_that_cannot_work_stop_the_start() {
    let both = Both::new().await;
    let plain = plain_settings(both.app.directory(), "http://127.0.0.1:9/", "http://127.0.0.1:9/");
    let good = with_exotic(&plain, &both.exotic.settings("demo"));
    let errors = |text: &str| match Settings::from_text(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().filter(|problem| problem.is_error()).map(|problem| problem.key).collect(),
    };
    assert_eq!(errors(&good), Vec::<String>::new());
    let own = "sites.demo.exotic";
    let salt = format!("[\"{}\"]", crate::support::app::SALT);
    let broken = [
        (good.replace("public_url = \"http://127.0.0.1:8080\"", ""), "server.public_url"),
        (good.replace("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AQE="), "vault.keys"),
        (set(&good, own, "callback_formula", "\"{order_id}\""), "sites.demo.exotic.callback_formula"),
        (set(&good, own, "sign_keys", &salt), "sites.demo.exotic.sign_keys"),
        (
            set(&good, "sites.demo.methods.exotic_card", "provider_method", "\"crypto\""),
            "sites.demo.methods.exotic_card",
        ),
        (set(&good, "sites.demo", "currencies", "[\"JPY\", \"KWD\"]"), "sites.demo.exotic"),
    ];
    for (text, key) in broken {
        let found = errors(&text);
        assert!(found.iter().any(|found| found.starts_with(key)), "{key}: {found:?}");
    }
}

/// The life of an order at the platform, and ten minutes: nobody is asked before.
#[test]
fn the_first_question_comes_after_the_life_of_an_order() {
    let directory = std::path::Path::new("/nowhere");
    let own = "[sites.demo.exotic]\nmerchant = \"m1\"\nsign_keys = [\"a-sign-key-of-these-tests\"]\n\
               api_key = \"an-api-key-of-these-tests\"\nurl = \"https://exotic.example\"\npayout_minutes = 60\n\
               callback_token = \"a-token-that-nobody-guesses\"\n";
    let text = with_exotic(&plain_settings(directory, "http://127.0.0.1:9/", "http://127.0.0.1:9/"), own);
    let settings = Settings::from_text(&text).expect("good settings");
    let exotic = settings.providers.get("exotic").expect("the driver");

    let patience = Duration::from_secs(exotic.manners(SiteId(SITE)).patience);
    assert_eq!(patience, Duration::from_secs(70 * 60));
}
