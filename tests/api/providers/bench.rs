//! What the table stands on: a service whose site has accounts with platforms, and whole steps in one word.

use std::future::Future;
use std::sync::{Arc, Mutex};

use croupier::ids::ExternalId;
use croupier::orders::{Status, reviews};
use croupier::payouts::Stage;
use croupier::payouts::worker::Worked;
use croupier::providers::Direction;
use croupier::providers::registry::Accounts;
use croupier::simulate::caller::Answer;
use croupier::simulate::messages::Order;
use croupier::simulate::platforms::host::{Host, Incoming, Reply};
use croupier::simulate::platforms::{self, End, Note, Platform, Taken, Twist};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, SITE, VAULT, set};
use crate::support::player::Told;
use crate::support::story::Asked;

/// What a player starts with, and what an order is about, minor units of USD.
pub const MONEY: i64 = 100_000;
pub const AMOUNT: i64 = 10_000;
const IN_MAJOR: &str = "100.00";

/// Providers whose own proof covers less than what they say (their chapters in docs/PROVIDERS.md).
const ASKED_FIRST: [&str; 2] = ["exotic", "rebilly"];

/// The names of all providers there are.
pub fn providers() -> Vec<&'static str> {
    Accounts::default().done().all().map(|provider| provider.name()).collect()
}

/// Tries a promise with every provider at once, each with a service of its own.
pub async fn every<F, P>(promise: F)
where
    F: Fn(Bench) -> P + Clone + Send + Sync + 'static,
    P: Future<Output = ()> + Send + 'static,
{
    let tried = providers().into_iter().map(|name| {
        let promise = promise.clone();
        (name, tokio::spawn(async move { promise(Bench::with(&[name]).await).await }))
    });
    let mut broken = Vec::new();
    for (name, trial) in tried.collect::<Vec<_>>() {
        if trial.await.is_err() {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "not kept by {broken:?}: what broke stands above");
}

/// A service, and the platforms that its site has accounts with. The first one is tried.
pub struct Bench {
    pub app: Arc<TestApp>,
    pub platforms: Vec<Arc<dyn Platform>>,
}

impl Bench {
    /// A service with accounts at these platforms.
    pub async fn with(names: &[&str]) -> Self {
        Self::with_settings(names, |text| text).await
    }

    /// The same, with settings changed.
    pub async fn with_settings(names: &[&str], change: impl FnOnce(String) -> String) -> Self {
        let mut started = Vec::new();
        for name in names {
            let platform = platforms::start(name, SITE, ([127, 0, 0, 1], 0).into()).await;
            started.push(platform.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
        let accounts: String = started.iter().map(|platform| platform.settings("demo") + "\n").collect();
        let app = TestApp::quiet(|plain, public| {
            let plain = set(&plain, "server", "public_url", &format!("\"{public}\""));
            let (before, own) = plain.split_once("[sites.demo.carouseller]").expect("the plain account");
            let (_, after) = own.split_once("[sites.demo.payouts]").expect("what follows it");
            change(format!("{before}{accounts}[sites.demo.payouts]{after}{VAULT}"))
        })
        .await;
        for platform in &started {
            platform.set_merchant(&app.public);
        }
        Self { app: Arc::new(app), platforms: started }
    }

    /// The same service, of which another platform is tried.
    pub fn trying(&self, nth: usize) -> Self {
        let mut platforms = self.platforms.clone();
        platforms.swap(0, nth);
        Self { app: self.app.clone(), platforms }
    }

    /// The platform that is tried.
    pub fn platform(&self) -> &dyn Platform {
        &*self.platforms[0]
    }

    /// A player who has won this much, with a profile: some providers want to know who is paid.
    pub async fn player(&self, login: &str, money: i64) {
        let profile = json!({"country": "LV", "first_name": "Alice", "last_name": "Liddell"});
        assert_eq!(self.app.wallet().put(login, profile).await.status, 201);
        if money > 0 {
            self.app.player_with(login, money).await;
        }
    }

    /// Asks for a deposit as the player's front end does.
    pub async fn ask_deposit(&self, login: &str, key: &str) -> Told {
        let details = self.platform().deposit_details(self.platform().method());
        self.ask("/cashier/deposit", login, key, &details).await
    }

    /// Asks for a withdrawal.
    pub async fn ask_withdrawal(&self, login: &str, key: &str) -> Told {
        let details = self.platform().details(self.platform().method());
        self.ask("/cashier/withdrawal", login, key, &details).await
    }

    async fn ask(&self, path: &str, login: &str, key: &str, details: &[(&str, &str)]) -> Told {
        let mut body = json!({"amount": IN_MAJOR, "currency": "USD", "method": self.platform().method(),
            "idempotency_key": key, "success_url": "https://casino.example/paid"});
        if path.ends_with("withdrawal") {
            body.as_object_mut().expect("an object").remove("success_url");
        }
        if !details.is_empty() {
            body["details"] = details.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        }
        self.app.front(login).await.post(path, &body).await
    }

    /// A deposit that the platform knows.
    pub async fn deposit(&self, login: &str, key: &str) -> Asked {
        let told = self.ask_deposit(login, key).await;
        assert!(matches!(told.json["next_action"].as_str(), Some("REDIRECT" | "SHOW_REQUISITES")), "{told:?}");
        let asked = asked(&told.id(), login);
        self.taken(&asked).await;
        asked
    }

    /// A withdrawal that staff have approved; nothing is sent yet.
    pub async fn approved(&self, login: &str, key: &str) -> Asked {
        let asked = asked(&self.ask_withdrawal(login, key).await.id(), login);
        self.app.approve(&asked.id).await.expect("staff may approve it");
        asked
    }

    /// A payout that the platform has taken.
    pub async fn sent(&self, login: &str, key: &str) -> Asked {
        let asked = self.approved(login, key).await;
        self.send().await;
        assert_eq!(self.app.payout_standing(&asked).await.1, Stage::Sent, "{:?}", self.attempts(&asked).await);
        self.taken(&asked).await;
        asked
    }

    /// Sends everything that is due.
    pub async fn send(&self) {
        while self.app.worker.step().await.expect("a step") == Worked::Worked {}
    }

    /// The order as the platform has it; it must say what was agreed.
    pub async fn taken(&self, asked: &Asked) -> Taken {
        let taken = self.platform().wait_for(&asked.id, PATIENCE).await.expect("the platform takes the order");
        assert_eq!((taken.amount, taken.currency.as_str()), (AMOUNT, "USD"), "{taken:?}");
        taken
    }

    /// The platform ends the order and says so; that must be acknowledged.
    pub async fn end(&self, asked: &Asked, end: End) {
        self.platform().set(&asked.id, end);
        self.say(asked, Note::PLAIN).await;
    }

    /// The platform says something of an order; it must be acknowledged.
    pub async fn say(&self, asked: &Asked, note: Note) {
        let answer = self.note(asked, note).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(self.platform().is_acknowledged(&answer), "{note:?}: HTTP {} {text}", answer.status);
    }

    /// The platform says several times at once how the order stands. One is acknowledged; while the service is at work with it, it may put
    /// the others off. None is refused.
    pub async fn say_together(&self, asked: &Asked) {
        let together = join_all((0..5).map(|_| self.note(asked, Note::PLAIN))).await;
        let taken = together.iter().filter(|answer| self.platform().is_acknowledged(answer)).count();
        let off = together.iter().filter(|answer| answer.status == 503).count();
        assert!(taken > 0 && taken + off == together.len(), "{together:?}");
    }

    /// Whether what it tells is asked for before it counts: a lie is found out then, and nobody need be shown it.
    pub fn asks_first(&self) -> bool {
        ASKED_FIRST.contains(&self.platform().name())
    }

    /// What a notification is answered.
    pub async fn note(&self, asked: &Asked, note: Note) -> Answer {
        self.platform().notify(&asked.id, note).await.unwrap_or_else(|error| panic!("{note:?}: {error}"))
    }

    /// Status of a deposit, and the player's balance.
    pub async fn deposit_stands(&self, asked: &Asked) -> (Status, (i64, i64)) {
        (self.app.deposit_status(asked).await, self.app.balance(&asked.order.login).await)
    }

    /// Status and stage of a payout, and the player's balance.
    pub async fn payout_stands(&self, asked: &Asked) -> (Status, Stage, (i64, i64)) {
        let (status, stage) = self.app.payout_standing(asked).await;
        (status, stage, self.app.balance(&asked.order.login).await)
    }

    /// How often the platform was asked for an order; 0 when it has none.
    pub fn times_asked(&self, asked: &Asked) -> usize {
        self.platform().orders().into_iter().find(|order| order.id == asked.id).map_or(0, |order| order.asked)
    }

    /// Attempts to send a payout: outcome and note.
    pub async fn attempts(&self, asked: &Asked) -> Vec<(Option<String>, String)> {
        let id = asked.id.clone();
        let all = self.app.read(move |conn| croupier::payouts::outbox::attempts(conn, &id)).await;
        all.into_iter().map(|one| (one.outcome, one.note)).collect()
    }

    /// The kinds of the reviews of an order.
    pub async fn reviews_of(&self, asked: &Asked) -> Vec<String> {
        let id = asked.id.clone();
        let all = self.app.read(move |conn| reviews::of_order(conn, &id)).await;
        all.into_iter().map(|review| review.kind).collect()
    }

    /// Asks the provider about an order now; gives what it said, when it could be asked.
    pub async fn inquire(&self, asked: &Asked, direction: Direction) -> Option<String> {
        let id = ExternalId::parse(&asked.id).expect("an id");
        self.app.state.asker.ask_now(&id, direction).await.ok()
    }

    /// The same as soon as the provider may be asked again.
    pub async fn inquire_in_turn(&self, asked: &Asked, direction: Direction) -> String {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
        loop {
            if let Some(said) = self.inquire(asked, direction).await {
                return said;
            }
            assert!(tokio::time::Instant::now() < until, "it may be asked again");
            look.tick().await;
        }
    }

    /// A message of a platform as it would arrive, caught on its way.
    pub async fn caught(&self, platform: &dyn Platform, asked: &Asked, note: Note) -> Incoming {
        let seen: Arc<Mutex<Vec<Incoming>>> = Arc::default();
        let noted = seen.clone();
        let handler = move |incoming: Incoming| -> futures_util::future::BoxFuture<'static, Reply> {
            noted.lock().expect("nobody panics here").push(incoming);
            Box::pin(async { Reply::ok(json!({"code": 0, "result": "ok"})) })
        };
        let relay = Host::start(([127, 0, 0, 1], 0).into(), Arc::new(handler)).await.expect("a free port");
        platform.set_merchant(&format!("http://{}", relay.address()));
        platform.notify(&asked.id, note).await.expect("the relay answers");
        platform.set_merchant(&self.app.public);
        let caught = seen.lock().expect("nobody panics here").pop();
        caught.expect("it was sent")
    }

    /// Sends a caught message to another path.
    pub async fn forward(&self, message: &Incoming, path: &str) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = http.post(format!("{}{path}", self.app.public)).body(message.body.clone());
        for (name, value) in
            message.headers.iter().filter(|(name, _)| name == "content-type" || name == "authorization")
        {
            request = request.header(name, value);
        }
        request.send().await.expect("an answer").status().as_u16()
    }
}

/// An order of [`AMOUNT`] with this id.
fn asked(id: &str, login: &str) -> Asked {
    let order = Order { login: login.to_owned(), amount: AMOUNT, currency: "USD".to_owned(), transaction_id: 0 };
    Asked { id: id.to_owned(), order }
}

/// A notification that says this of its order, with something wrong in it.
pub fn twisted(says: End, twist: Twist) -> Note {
    Note { says: Some(says), twist }
}
