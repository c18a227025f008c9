//! Requests to the instances: to any of them, again to another one when nobody knows what became of it, to two at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use croupier::simulate::{Params, form};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{KEY, Purse};
use crate::options::Failure;

/// How long one attempt may take. Shorter than most pauses, so that a request goes to another instance while the first still has it.
const PATIENCE: Duration = Duration::from_secs(4);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Cashier,
    GameServer,
    Staff,
    /// A player's front end, on the public side.
    Player,
}

/// A request. Every repetition has the same bytes.
#[derive(Debug, Clone)]
pub struct Call {
    pub side: Side,
    method: Method,
    path: String,
    key: Option<String>,
    /// Of a player's session.
    token: Option<String>,
    body: String,
}

/// An answer that decides.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub json: Value,
    /// How often it was asked before.
    pub tries: u64,
}

impl Answer {
    pub fn code(&self) -> Option<i64> {
        self.json["code"].as_i64()
    }

    pub fn shown(&self) -> String {
        format!("HTTP {} {}", self.status, self.body.chars().take(300).collect::<String>())
    }
}

impl Call {
    /// A signed question of the Cashier.
    pub fn question(purse: &Purse, params: &Params) -> Self {
        Self::of_the_cashier("/cashier/callback/carouseller", purse, params)
    }

    /// A signed notification.
    pub fn notification(purse: &Purse, params: &Params) -> Self {
        Self::of_the_cashier("/cashier/webhook/carouseller", purse, params)
    }

    fn of_the_cashier(path: &str, purse: &Purse, params: &Params) -> Self {
        let body = form(&purse.brand().signed(params));
        Self { side: Side::Cashier, method: Method::POST, path: path.to_owned(), key: None, token: None, body }
    }

    fn with_json(side: Side, method: Method, path: String, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { side, method, path, key: None, token: None, body }
    }

    /// A request of the game server.
    pub fn wallet(method: Method, path: String, body: &Value) -> Self {
        Self::with_json(Side::GameServer, method, format!("/wallet/v1{path}"), body)
    }

    /// Whether an instance can serve.
    pub fn readiness() -> Self {
        Self { path: "/readyz".to_owned(), ..Self::wallet(Method::GET, String::new(), &Value::Null) }
    }

    /// A movement of play; the reference is the key too.
    pub fn play(purse: &Purse, kind: &str, amount: i64, reference: &str) -> Self {
        let body = json!({"kind": kind, "amount": amount, "currency": purse.currency, "reference": reference});
        let key = Some(format!("{}-{reference}", purse.login));
        Self { key, ..Self::wallet(Method::POST, format!("{}/transactions", purse.path()), &body) }
    }

    /// A request of staff.
    pub fn staff(method: Method, path: String, body: &Value) -> Self {
        Self::with_json(Side::Staff, method, format!("/admin/api/v1{path}"), body)
    }

    /// A request of a player who has this session.
    pub fn player(token: &str, path: &str, body: &Value) -> Self {
        Self { token: Some(token.to_owned()), ..Self::with_json(Side::Player, Method::POST, path.to_owned(), body) }
    }

    /// Whether every answer to it has the same body. Staff and players are shown an order as it is at the moment, whoever changes a player is
    /// shown their balances, and each session has a token of its own.
    pub fn says_the_same(&self) -> bool {
        let repeats = matches!(self.side, Side::Cashier | Side::GameServer);
        repeats && self.method != Method::PUT && !self.path.ends_with("/session")
    }

    pub fn shown(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.body)
    }
}

/// Why an attempt decided nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    NoConnection,
    NoAnswer,
    Unavailable,
}

/// How long somebody asks who is not answered.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// After so long a request is given up, and that is a problem.
    pub longest: Duration,
    /// The longest pause between two attempts, in milliseconds; the first one is at most 20.
    pub pause: i64,
}

/// The way in to all instances.
#[derive(Debug)]
pub struct Door {
    http: reqwest::Client,
    addresses: Vec<(SocketAddr, SocketAddr)>,
    staff_token: Mutex<String>,
    patience: Patience,
    /// How many attempts ended how.
    pub counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Door {
    /// `addresses`: the public and the private one of each instance.
    pub fn new(addresses: Vec<(SocketAddr, SocketAddr)>, patience: Patience) -> Result<Self, Failure> {
        // This package leaves the choice of a TLS library to the program.
        let _it_may_be_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(1)).build();
        let http = http.map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { http, addresses, staff_token: Mutex::default(), patience, counts: Mutex::default() })
    }

    pub fn set_staff_token(&self, token: &str) {
        token.clone_into(&mut self.staff_token.lock().expect("nobody panics here"));
    }

    /// How many instances there are.
    pub fn width(&self) -> usize {
        self.addresses.len()
    }

    pub fn anybody(&self, dice: &mut Dice) -> usize {
        usize::try_from(dice.roll() % self.width() as u64).unwrap_or(0)
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().expect("nobody panics while counting").entry(what).or_default() += 1;
    }

    /// One attempt at one instance.
    pub async fn once(&self, call: &Call, at: usize, patience: Duration) -> Result<Answer, Undecided> {
        let answer = tokio::time::timeout(patience, self.send(call, at)).await.unwrap_or(Err(Undecided::NoAnswer));
        self.count(match &answer {
            Ok(answer) if is_too_many(answer) => "429",
            Ok(_) => "answered",
            Err(Undecided::NoConnection) => "no connection",
            Err(Undecided::NoAnswer) => "no answer",
            Err(Undecided::Unavailable) => "503",
        });
        answer
    }

    async fn send(&self, call: &Call, at: usize) -> Result<Answer, Undecided> {
        let (public, private) = self.addresses[at];
        let address = if matches!(call.side, Side::Cashier | Side::Player) { public } else { private };
        let mut request = self.http.request(call.method.clone(), format!("http://{address}{}", call.path));
        request = match call.side {
            Side::Cashier => request.header("content-type", "application/x-www-form-urlencoded"),
            Side::GameServer => request.header("content-type", "application/json").bearer_auth(KEY),
            Side::Staff => {
                let token = self.staff_token.lock().expect("nobody panics here").clone();
                request.header("content-type", "application/json").bearer_auth(token)
            }
            Side::Player => {
                let token = call.token.as_deref().unwrap_or_default();
                request.header("content-type", "application/json").bearer_auth(token)
            }
        };
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        let lost = |error: reqwest::Error| {
            if error.is_connect() { Undecided::NoConnection } else { Undecided::NoAnswer }
        };
        let response = request.body(call.body.clone()).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(lost)?;
        if matches!(status, 408 | 502 | 503 | 504) {
            return Err(Undecided::Unavailable);
        }
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, json, body: String::from_utf8_lossy(&body).into_owned(), tries: 0 })
    }

    /// Asks until there is an answer that decides, each time somebody else, and now and then two at once.
    ///
    /// # Errors
    ///
    /// Nobody decides for too long, or two instances decide differently.
    pub async fn insist(&self, dice: &mut Dice, call: &Call) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.patience.longest;
        let (mut at, mut pause) = (self.anybody(dice), 20);
        for tries in 0.. {
            let answer = if self.width() > 1 && dice.percent(10) {
                self.twice(call, at).await?
            } else {
                self.once(call, at, PATIENCE).await.ok()
            };
            if let Some(answer) = answer {
                return Ok(Answer { tries: tries + answer.tries, ..answer });
            }
            if Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(dice.between(1, pause).unsigned_abs())).await;
            pause = (pause * 2).min(self.patience.pause);
            at = (at + 1) % self.width();
        }
        Err(format!("nobody decides {}", call.shown()))
    }

    /// The same request at two instances at the same time: both answers have the same body, or one of them is missing.
    async fn twice(&self, call: &Call, at: usize) -> Result<Option<Answer>, Failure> {
        let other = (at + 1) % self.width();
        let (first, second) = tokio::join!(self.once(call, at, PATIENCE), self.once(call, other, PATIENCE));
        match (first, second) {
            (Ok(first), Ok(second)) if call.says_the_same() && !same(&first, &second) => {
                Err(format!("two answers to {}: {} and {}", call.shown(), first.shown(), second.shown()))
            }
            // Of two decisions of staff one comes late, and money may come between a refusal and a yes: what was done counts.
            (Ok(first), Ok(second)) => Ok(Some(if first.status == 409 || is_wanting(&first) { second } else { first })),
            // The other one may still be on its way.
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(Some(Answer { tries: 1, ..one })),
            (Err(_), Err(_)) => Ok(None),
        }
    }
}

/// Whether two answers to one request agree: a refusal for want of money may be followed by a yes, since the player may have won.
fn same(first: &Answer, second: &Answer) -> bool {
    is_wanting(first) || is_wanting(second) || first.body == second.body
}

/// Refused because the player has asked for as much as a day may hold. Asked again, it is refused again.
pub fn is_too_many(answer: &Answer) -> bool {
    answer.status == 429
}

/// Refused for want of money.
pub fn is_wanting(answer: &Answer) -> bool {
    answer.status == 402 || answer.code() == Some(402)
}
