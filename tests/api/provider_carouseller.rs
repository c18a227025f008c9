//! Carouseller beyond its Cashier: cards host to host through API 1.0, and the status call that settles what nobody knows.

mod relay;

use std::net::SocketAddr;
use std::time::Duration;

use croupier::clock;
use croupier::db::{Scope, WriteTx};
use croupier::deposits;
use croupier::error::Error;
use croupier::ids::{ExternalId, SiteId};
use croupier::orders::{Status, reviews, secrets};
use croupier::payouts::Stage;
use croupier::payouts::approve::{self, By};
use croupier::payouts::outbox::{self, AttemptRow};
use croupier::providers::Direction;
use croupier::settings::Settings;
use croupier::simulate::Brand;
use croupier::simulate::platforms::carouseller::{Account, Carouseller};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Taken, Telling, Twist};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SALT, SITE, set};
use crate::support::player::{Front, Told};
use crate::support::story::Asked;
use crate::support::wire;
use relay::Relay;

const STAFF: By<'static> = By { actor: "olga", reason: "a test" };
const CARD: &str = "4111111111111111";

/// A service, and the platform that its site has an account with.
struct Both {
    app: TestApp,
    platform: Carouseller,
}

impl Both {
    async fn new() -> Self {
        Self::with(|text, _| text).await
    }

    /// With other settings: `change` gets their text and the base address of the platform.
    async fn with(change: impl FnOnce(String, &str) -> String) -> Self {
        Self::at(Self::platform("session_key").await, change).await
    }

    async fn platform(session_key_member: &'static str) -> Carouseller {
        let account = Account { brand: Brand::new(SITE, SALT), session_key_member };
        Carouseller::start(SocketAddr::from(([127, 0, 0, 1], 0)), account).await.expect("a free port")
    }

    async fn at(platform: Carouseller, change: impl FnOnce(String, &str) -> String) -> Self {
        let (given, url) = (platform.settings("demo"), platform.url());
        let (account, methods) = given.split_once("\n\n").expect("an account and its methods");
        let app = TestApp::with(|text| {
            let members = account.lines().skip(1).map(|line| line.split_once(" = ").expect("a key and its value"));
            let text = members.fold(text, |text, (key, value)| set(&text, "sites.demo.carouseller", key, value));
            let vault = "[vault]\nkeys = [\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]";
            change(format!("{text}\n{methods}\n{vault}\n"), &url)
        })
        .await;
        platform.set_merchant(&app.public);
        Self { app, platform }
    }

    /// A player with so much, and their front end.
    async fn alice(&self, amount: i64) -> Front {
        self.app.player_with("alice", amount).await;
        self.app.front("alice").await
    }

    /// A deposit of 20.50 USD by card.
    async fn deposit(&self, front: &Front, key: &str) -> Told {
        let mut wish = wish("20.5", key, &self.platform.deposit_details("501"));
        wish["success_url"] = json!("https://casino.example/ok");
        front.post("/cashier/deposit", &wish).await
    }

    /// A payout of 20.50 USD to a card, approved.
    async fn payout(&self, front: &Front) -> Asked {
        let told =
            front.post("/cashier/withdrawal", &wish("20.5", "out", &self.platform.details("carouseller_card"))).await;
        let id = told.id();
        self.approve(&id).await.expect("it is approved");
        Asked { id, order: wire::order("alice", 2050, "USD") }
    }

    async fn approve(&self, id: &str) -> Result<(), Error> {
        let (id, site) = (ExternalId::parse(id)?, self.app.state.site(SiteId(SITE)).expect("the site").clone());
        let approve = move |tx: &mut WriteTx<'_>| approve::approve(tx, &site, &id, STAFF, clock::now()).map(|_| ());
        self.app.state.db.write(Scope::Nobody, approve).await
    }

    async fn taken(&self, id: &str) -> Taken {
        self.platform.wait_for(id, PATIENCE).await.expect("the platform takes it")
    }

    /// Notifies; it must be acknowledged.
    async fn says(&self, id: &str, end: End) {
        self.platform.set(id, end);
        let answer = self.platform.notify(id, Note::PLAIN).await.expect("an answer");
        assert!(self.platform.is_acknowledged(&answer), "{}", answer.summary());
    }

    async fn notified(&self, id: &str, says: Option<End>, twist: Twist) -> bool {
        let answer = self.platform.notify(id, Note { says, twist }).await.expect("an answer");
        self.platform.is_acknowledged(&answer)
    }

    async fn asks(&self, id: &str, direction: Direction) -> Result<String, Error> {
        self.app.state.asker.ask_now(&ExternalId::parse(id)?, direction).await
    }

    async fn deposit_status(&self, id: &str) -> Status {
        let id = id.to_owned();
        let found = self.app.read(move |conn| deposits::find(conn, &id)).await.expect("the deposit");
        Status::from_code(found.status).expect("a status")
    }

    async fn attempts(&self, id: &str) -> Vec<AttemptRow> {
        let id = id.to_owned();
        self.app.read(move |conn| outbox::attempts(conn, &id)).await
    }

    /// The attempts, as soon as they are like this.
    async fn attempts_when(&self, id: &str, are: impl Fn(&[AttemptRow]) -> bool) -> Vec<AttemptRow> {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(2));
        loop {
            let attempts = self.attempts(id).await;
            if are(&attempts) {
                return attempts;
            }
            assert!(tokio::time::Instant::now() < until, "{attempts:?}");
            look.tick().await;
        }
    }

    async fn reviews(&self, id: &str) -> Vec<String> {
        let id = id.to_owned();
        let rows = self.app.state.db.read(move |conn| Ok(reviews::of_order(conn, &id)?)).await.expect("reviews");
        rows.into_iter().map(|review| review.kind).collect()
    }
}

fn wish(amount: &str, key: &str, details: &[(&'static str, &'static str)]) -> Value {
    let details: serde_json::Map<String, Value> =
        details.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
    json!({"amount": amount, "currency": "USD", "idempotency_key": key, "method": "carouseller_card",
        "details": details})
}

#[tokio::test]
async fn a_card_deposit_goes_host_to_host_and_is_credited_by_its_notification() {
    let both = Both::new().await;
    let alice = both.alice(1000).await;

    let told = both.deposit(&alice, "one").await;

    assert_eq!((&told.transaction()["status"], &told.json["next_action"]), (&json!(1), &json!("REDIRECT")));
    assert!(told.json["redirect_url"].as_str().unwrap().contains("/3ds/"), "{told:?}");
    let (id, taken) = (told.id(), both.taken(&told.id()).await);
    assert_eq!((taken.amount, taken.method.as_str(), taken.login.as_str()), (2050, "501", "alice"));
    for (name, value) in [("external_id", &id), ("order_ref", &id), ("card_number", &CARD.to_owned())] {
        assert_eq!(taken.params[name], json!(value), "{name}");
    }
    assert_eq!(taken.params["redirect_success_url"], "https://casino.example/ok");
    let order = id.clone();
    let kept = both.app.read(move |conn| deposits::find(conn, &order)).await.expect("the deposit").details;
    assert!(
        kept.contains("411111...1111") && !kept.contains(CARD) && kept.contains("\"details.cvv\":\"***\""),
        "{kept}"
    );

    both.says(&id, End::Paid).await;
    both.says(&id, End::Paid).await;

    assert_eq!(both.app.balance("alice").await, (3050, 0), "once");
    both.says(&id, End::Declined).await;
    assert_eq!((both.app.balance("alice").await, both.deposit_status(&id).await), ((3050, 0), Status::Credited));
    assert_eq!(both.reviews(&id).await, ["decline_after_credit"]);
}

#[tokio::test]
async fn a_session_key_is_found_under_its_other_name_and_a_decline_ends_the_deposit() {
    let both = Both::at(Both::platform("key").await, |text, _| text).await;
    let alice = both.alice(1000).await;
    let id = both.deposit(&alice, "one").await.id();

    both.says(&id, End::Declined).await;

    assert_eq!((both.app.balance("alice").await, both.deposit_status(&id).await), ((1000, 0), Status::Failed));
}

#[tokio::test]
async fn a_refused_deposit_has_failed_and_one_without_a_session_was_never_sent() {
    let both = Both::new().await;
    let alice = both.alice(1000).await;
    both.platform.answer_with(Answering::Refuse);

    let told = both.deposit(&alice, "one").await;

    assert_eq!(told.refusal(), (502, "PROVIDER_ERROR"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let shut = |text: String, _: &str| {
        set(&text, "sites.demo.carouseller", "session_url", &format!("\"http://{nobody}/v1/get_session_key/\""))
    };
    let both = Both::with(shut).await;
    let alice = both.alice(1000).await;
    assert_eq!(both.deposit(&alice, "one").await.refusal(), (502, "PROVIDER_ERROR"));
    assert!(both.platform.orders().is_empty());
}

#[tokio::test]
async fn a_deposit_whose_answer_is_lost_is_not_sent_again_and_the_status_call_says_how_it_ended() {
    let both = Both::new().await;
    let alice = both.alice(1000).await;
    both.platform.answer_with(Answering::Hangup);

    let told = both.deposit(&alice, "one").await;
    let again = both.deposit(&alice, "one").await;

    assert_eq!((&told.transaction()["status"], told.json.get("redirect_url")), (&json!(1), None), "{told:?}");
    assert_eq!(again.id(), told.id());
    assert_eq!(both.taken(&told.id()).await.asked, 1, "a card is not charged twice");
    both.platform.set(&told.id(), End::Paid);
    let said = both.asks(&told.id(), Direction::Deposit).await.expect("an answer");
    assert_eq!(said, "deposit paid (status 4)");
    assert_eq!(both.app.balance("alice").await, (3050, 0));
    both.says(&told.id(), End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (3050, 0), "credited once");
    assert_eq!(both.reviews(&told.id()).await, Vec::<String>::new(), "the notification is about the same payment");
}

#[tokio::test]
async fn the_cashiers_question_never_takes_over_what_went_host_to_host() {
    let both = Both::new().await;
    let alice = both.alice(1000).await;
    let direct = both.deposit(&alice, "one").await.id();

    let answer = both.platform.check_deposit(&wire::order("alice", 2050, "USD")).await.expect("an answer");

    let of_the_page = answer.external_id().expect("an id").to_owned();
    assert_ne!(of_the_page, direct);
    both.says(&direct, End::Paid).await;
    both.says(&of_the_page, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (5100, 0), "two deposits, both credited");
}

#[tokio::test]
async fn a_payout_to_a_card_is_sent_once_with_nothing_readable_in_the_books_and_captured() {
    let both = Both::new().await;
    let alice = both.alice(5000).await;

    let asked = both.payout(&alice).await;

    both.app.comes_to(&asked, Stage::Sent).await;
    let taken = both.taken(&asked.id).await;
    assert_eq!((taken.amount, taken.asked, taken.login.as_str()), (2050, 1, "alice"));
    assert_eq!((&taken.params["amount"], &taken.params["order_ref"]), (&json!(20.5), &json!(asked.id)));
    let attempts = both.attempts(&asked.id).await;
    let body = String::from_utf8(attempts[0].body.clone()).expect("text");
    assert!(body.contains("\"amount\":20.5") && body.contains("\"session_key\":\"***\""), "{body}");
    assert!(!body.contains(CARD) && !body.contains(taken.params["session_key"].as_str().unwrap()), "{body}");
    both.says(&asked.id, End::Paid).await;
    both.says(&asked.id, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (2950, 0));
    both.says(&asked.id, End::Declined).await;
    assert_eq!(both.app.balance("alice").await, (2950, 0), "final stays final");
    assert_eq!(both.reviews(&asked.id).await, ["decline_after_success"]);
}

#[tokio::test]
async fn a_declined_and_a_refused_payout_give_the_money_back() {
    for answering in [Answering::Accept, Answering::Refuse] {
        let both = Both::new().await;
        let alice = both.alice(5000).await;
        both.platform.answer_with(answering.clone());
        let asked = both.payout(&alice).await;

        if answering == Answering::Accept {
            both.app.comes_to(&asked, Stage::Sent).await;
            both.says(&asked.id, End::Declined).await;
        }

        both.app.comes_to(&asked, Stage::Done).await;
        assert_eq!(both.app.balance("alice").await, (5000, 0), "{answering:?}");
    }
}

#[tokio::test]
async fn a_payout_whose_answer_is_lost_is_held_until_the_status_call_says_how_it_ended() {
    // Of a payout that expired or was rejected nobody says that it cannot be paid any more.
    let (held, unclear) = ((2950, 2050), ["payout_unknown", "payout_unclear"].as_slice());
    let ends = [
        (End::Paid, (2950, 0), &unclear[..1]),
        (End::Declined, (5000, 0), &unclear[..1]),
        (End::Expired, held, unclear),
        (End::Cancelled, held, unclear),
    ];
    for (end, balance, reviews) in ends {
        let both = Both::new().await;
        let alice = both.alice(5000).await;
        both.platform.answer_with(Answering::Hangup);
        let asked = both.payout(&alice).await;
        both.app.comes_to(&asked, Stage::Unknown).await;
        assert_eq!(both.app.balance("alice").await, (2950, 2050), "the hold stays");
        both.platform.set(&asked.id, end);

        both.asks(&asked.id, Direction::Payout).await.expect("an answer");

        assert_eq!(both.app.balance("alice").await, balance, "{end:?}");
        assert_eq!(both.taken(&asked.id).await.asked, 1, "never sent again");
        assert_eq!(both.reviews(&asked.id).await, reviews, "{end:?}");
        both.says(&asked.id, end).await;
        let after = if balance == held { (5000, 0) } else { balance };
        assert_eq!(both.app.balance("alice").await, after, "{end:?}, and once");
    }
}

#[tokio::test]
async fn not_found_and_no_answer_prove_nothing() {
    for (answering, telling) in [
        (Answering::Vanish, Telling::Truth),
        (Answering::Hangup, Telling::NotFound),
        (Answering::Hangup, Telling::Unavailable),
        (Answering::Hangup, Telling::TooMany),
        (Answering::Hangup, Telling::Hangup),
    ] {
        let both = Both::new().await;
        let alice = both.alice(5000).await;
        both.platform.answer_with(answering.clone());
        both.platform.tell_with(telling);
        let asked = both.payout(&alice).await;
        both.app.comes_to(&asked, Stage::Unknown).await;

        both.asks(&asked.id, Direction::Payout).await.expect("it is asked");

        assert_eq!(both.app.balance("alice").await, (2950, 2050), "{answering:?} {telling:?}");
        assert_eq!(both.app.payout_standing(&asked).await.1, Stage::Unknown, "{answering:?} {telling:?}");
    }
}

#[tokio::test]
async fn the_status_call_settles_an_unknown_payout_of_the_main_cashier_too() {
    let both = Both::new().await;
    both.alice(5000).await;
    both.platform.answer_with(Answering::Hangup);
    let order = wire::order("alice", 2050, "USD");
    let id = both.platform.request_payout(&order).await.expect("an answer").external_id().expect("an id").to_owned();
    let asked = Asked { id, order };
    both.app.comes_to(&asked, Stage::Unknown).await;
    both.platform.set(&asked.id, End::Paid);

    both.asks(&asked.id, Direction::Payout).await.expect("an answer");

    assert_eq!(both.app.balance("alice").await, (2950, 0));
}

#[tokio::test]
async fn an_unsigned_notification_moves_only_what_the_platform_confirms_when_it_is_asked() {
    let unsigned = |text: String, _: &str| {
        let text = set(&text, "sites.demo.carouseller", "accept_unsigned_webhooks", "true");
        set(&text, "sites.demo.carouseller", "allow_from", "[\"127.0.0.1\"]")
    };
    let both = Both::with(unsigned).await;
    let alice = both.alice(1000).await;
    let id = both.deposit(&alice, "one").await.id();

    assert!(both.notified(&id, Some(End::Paid), Twist::NoSignature).await, "it was asked, and is not paid yet");
    assert_eq!((both.app.balance("alice").await, both.platform.asked_about(&id)), ((1000, 0), 1));
    both.platform.set(&id, End::Paid);
    assert!(both.notified(&id, Some(End::Paid), Twist::NoSignature).await);

    assert_eq!((both.app.balance("alice").await, both.platform.asked_about(&id)), ((3050, 0), 2));
    assert_eq!(both.reviews(&id).await, Vec::<String>::new(), "nobody has to look");
}

#[tokio::test]
async fn what_is_wrongly_signed_or_about_other_terms_moves_nothing() {
    let both = Both::new().await;
    let alice = both.alice(5000).await;
    let asked = both.payout(&alice).await;
    both.app.comes_to(&asked, Stage::Sent).await;
    both.platform.set(&asked.id, End::Paid);

    for twist in [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature] {
        assert!(!both.notified(&asked.id, None, twist).await, "{twist:?}");
    }
    for twist in [Twist::OtherAmount, Twist::OtherCurrency, Twist::OtherPlayer, Twist::OtherDirection] {
        assert!(both.notified(&asked.id, None, twist).await, "{twist:?} is parked");
    }

    assert_eq!(both.app.balance("alice").await, (2950, 2050));
    assert_eq!(both.app.payout_standing(&asked).await.1, Stage::Sent);
}

#[tokio::test]
async fn details_that_are_no_card_are_refused_before_money_is_held() {
    let both = Both::new().await;
    let alice = both.alice(5000).await;
    let card = both.platform.details("carouseller_card");
    let mut with_code = card.clone();
    with_code.push(("cvv", "123"));
    let cases: [(Vec<_>, &str); 3] =
        [(Vec::new(), "card_number"), (card[..3].to_vec(), "card_holder"), (with_code, "cvv")];

    for (details, field) in cases {
        let told = alice.post("/cashier/withdrawal", &wish("20.5", field, &details)).await;
        assert_eq!((told.status, told.field()), (400, field), "{told:?}");
    }

    assert_eq!(both.app.balance("alice").await, (5000, 0));
    let told = alice.post("/cashier/deposit", &wish("20.5", "in", &card)).await;
    assert_eq!((told.status, told.field()), (400, "cvv"), "{told:?}");
}

#[tokio::test]
async fn a_payout_without_a_session_was_certainly_not_sent_and_goes_when_there_is_one() {
    let gate = Relay::new().await;
    let url = gate.url.clone();
    let both =
        Both::with(move |text, _| set(&text, "sites.demo.carouseller", "session_url", &format!("\"{url}\""))).await;
    let alice = both.alice(5000).await;

    // No target yet: each session is hung up on.
    let asked = both.payout(&alice).await;
    let attempts = both.attempts_when(&asked.id, |all| all.iter().any(|one| one.outcome.is_some())).await;

    assert_eq!((attempts[0].outcome.as_deref(), attempts[0].body.as_slice()), (Some("not_sent"), &b""[..]));
    assert_eq!(both.app.balance("alice").await, (2950, 2050));
    assert_eq!(both.reviews(&asked.id).await, Vec::<String>::new());
    gate.leads_to(format!("{}/v1/get_session_key/", both.platform.url()));
    both.app.comes_to(&asked, Stage::Sent).await;
    assert_eq!(both.taken(&asked.id).await.asked, 1);
}

#[tokio::test]
async fn what_was_settled_while_it_was_prepared_is_not_sent_by_whoever_prepared_it() {
    let gate = Relay::new().await;
    let url = gate.url.clone();
    let both =
        Both::with(move |text, _| set(&text, "sites.demo.carouseller", "session_url", &format!("\"{url}\""))).await;
    let alice = both.alice(5000).await;
    gate.leads_to(format!("{}/v1/get_session_key/", both.platform.url()));
    let held = gate.holds_the_next();
    let asked = both.payout(&alice).await;
    gate.comes_to(1).await;

    // As another instance does it, or the next start.
    let settle = |tx: &mut WriteTx<'_>| {
        let open = outbox::open_attempts(tx.read()?)?;
        outbox::settle(tx, &open[0], |_, _| false, "a test", clock::now())
    };
    assert!(both.app.state.db.write(Scope::Order(asked.id.clone()), settle).await.expect("it is settled"));
    both.app.comes_to(&asked, Stage::Sent).await;
    held.send(()).expect("it still waits");

    let attempts = both.attempts_when(&asked.id, |all| all[0].note.contains("the answer came later")).await;
    let outcomes: Vec<_> = attempts.iter().map(|one| one.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("not_sent"), Some("accepted")]);
    assert!(attempts[0].body.is_empty(), "nothing of the first one went out");
    assert_eq!(both.taken(&asked.id).await.asked, 1);
    both.says(&asked.id, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (2950, 0));
}

#[tokio::test]
async fn an_allowed_repeat_goes_out_with_the_same_bytes_whatever_the_new_session_is() {
    let wire = Relay::new().await;
    let both = Both::with(|text, base| {
        wire.leads_to(format!("{base}/v1/payments/payout/"));
        let text = set(&text, "sites.demo.carouseller", "direct_payout_url", &format!("\"{}\"", wire.url));
        set(&text, "sites.demo.carouseller", "deduplicates_external_id", "true")
    })
    .await;
    let alice = both.alice(5000).await;
    both.platform.answer_with(Answering::Hangup);
    let asked = both.payout(&alice).await;
    both.app.comes_to(&asked, Stage::Unknown).await;
    both.platform.answer_with(Answering::Accept);

    let (id, settings) = (ExternalId::parse(&asked.id).expect("an id"), both.app.state.settings.clone());
    let retry = move |tx: &mut WriteTx<'_>| approve::retry(tx, &settings.providers, &id, STAFF, clock::now());
    both.app.state.db.write(Scope::Order(asked.id.clone()), retry).await.expect("it may go again");

    both.app.comes_to(&asked, Stage::Sent).await;
    let bodies = wire.bodies();
    assert_eq!(bodies.len(), 2);
    assert!(!bodies[0].is_empty() && bodies[0] == bodies[1], "identical bytes");
    assert_eq!(both.taken(&asked.id).await.asked, 2);
    let (vault, id) = (both.app.state.vault.clone(), asked.id.clone());
    let sealed = both.app.state.db.read(move |conn| secrets::open(conn, &vault, &id, secrets::Kept::Body)).await;
    assert_eq!(sealed.expect("a read").expect("it is kept until the end"), bodies[0]);
    both.says(&asked.id, End::Paid).await;
    assert_eq!(both.app.balance("alice").await, (2950, 0), "paid once");
    let (vault, id) = (both.app.state.vault.clone(), asked.id.clone());
    let sealed = both.app.state.db.read(move |conn| secrets::open(conn, &vault, &id, secrets::Kept::Body)).await;
    assert_eq!(sealed.expect("a read"), None, "and then gone");
}

#[tokio::test]
async fn a_group_that_is_only_half_described_and_a_session_that_is_missing_stop_the_start() {
    let both = Both::new().await;
    let text = both.app.settings_text();
    let errors = |text: &str| {
        let problems = Settings::from_text(text).expect_err("it does not start");
        problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    let method = "sites.demo.methods.carouseller_card";

    let half = errors(&set(text, method, "provider_method", "\"1207\""));
    assert!(half.contains(&format!("{method}.deposits")) && half.contains(&format!("{method}.payouts")), "{half:?}");
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("session_url")).collect();
    let missing = errors(&without.join("\n"));
    assert!(missing.contains(&"sites.demo.carouseller.session_url".to_owned()), "{missing:?}");
}
