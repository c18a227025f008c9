//! A game server in one file: how to play against the wallet API so that no crash, on either side, costs anybody a cent.
//!
//! Three rules are enough, and each has its place below:
//!
//! 1. Write down what you are about to ask, and make it durable, before you ask (`Game::settle`).
//! 2. An answer that did not come is not a no. Repeat the same request under the same key until there is one (`Game::insist`).
//! 3. If you will not wait, roll the bet back, and insist on the rollback. Whether the bet had arrived no longer matters.
//!
//!     cargo run --example game_server -- --wallet http://127.0.0.1:8081 --key K --journal game.journal
//!
//! Kill it whenever you like and start it again with the same arguments: it reads its journal and goes on. At the end it compares
//! its own book with the wallet's balances and prints one line of JSON. The exit code is 0 when they agree.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

const CURRENCY: &str = "USD";
/// What every player begins with, and gets again when a bet is refused.
const PURSE: i64 = 1_000;
/// How long an answer may take. Too short is safe: the request is repeated.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a player who gives up early waits. Short enough that some bets arrive and some do not.
const IMPATIENCE: Duration = Duration::from_millis(1);
/// The longest pause before a request is repeated.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What went wrong for good. Everything that may pass is repeated and never gets here.
type Failure = String;

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(summary) => {
            println!("{summary}");
            if summary["ok"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("game_server: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<Value, Failure> {
    let game = Arc::new(Game::from_arguments()?);
    let players: Vec<_> = (0..game.players).map(|number| tokio::spawn(game.clone().player(number))).collect();
    let (mut rounds, mut differences) = (0, Vec::new());
    for player in players {
        let (played, difference) = player.await.map_err(|error| error.to_string())??;
        rounds += played;
        differences.extend(difference);
    }
    let repeated = game.repeated.load(Ordering::Relaxed);
    Ok(json!({"ok": differences.is_empty(), "rounds": rounds, "players": game.players, "repeated": repeated,
        "differences": differences}))
}

/// One request of a round: `bet`, `hasty bet`, `win`, `bonus` or `rollback`, and its amount. Nobody waits for the answer to a hasty bet: a
/// rollback follows.
type Step = (&'static str, i64);

/// What a round will be. It comes from the seed alone, as the spin of a real game comes from what the game has stored.
fn round(dice: &mut Dice) -> Vec<Step> {
    let (stake, prize) = (dice.between(1, 100), dice.between(1, 190));
    match dice.between(0, 9) {
        0..=3 => vec![("bet", stake), ("win", prize)],
        4..=5 => vec![("bet", stake), ("win", 0)],
        6 => vec![("bet", stake), ("bet", prize), ("rollback", 0)],
        7 => vec![("hasty bet", stake), ("rollback", 0)],
        8 => vec![("rollback", 0), ("bet", stake)],
        _ => vec![("bet", stake), ("bet", stake), ("win", prize), ("win", prize)],
    }
}

struct Game {
    /// The address under which the site's players are.
    site: String,
    authorization: String,
    players: u64,
    rounds: u64,
    seed: u64,
    http: reqwest::Client,
    journal: Journal,
    repeated: AtomicU64,
}

impl Game {
    fn from_arguments() -> Result<Self, Failure> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let text = |name: &str, otherwise: &str| {
            let value = given.iter().position(|one| one == name).and_then(|at| given.get(at + 1));
            value.cloned().unwrap_or_else(|| otherwise.to_owned())
        };
        let number = |name: &str, otherwise: &str| {
            text(name, otherwise).parse::<u64>().map_err(|_| format!("{name} must be a number"))
        };
        let (wallet, site_id) = (text("--wallet", "http://127.0.0.1:8081"), number("--site-id", "332")?);
        let journal = text("--journal", "game.journal");
        // This package leaves the choice of a TLS library to the program; with reqwest's own default this line is not needed.
        let _it_may_be_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Ok(Self {
            site: format!("{}/wallet/v1/sites/{site_id}", wallet.trim_end_matches('/')),
            authorization: format!("Bearer {}", text("--key", "")),
            players: number("--players", "4")?.max(1),
            rounds: number("--rounds", "100")?,
            seed: number("--seed", "1")?,
            http: http.map_err(|error| format!("no HTTP client: {error}"))?,
            journal: Journal::open(&journal).map_err(|error| format!("{journal}: {error}"))?,
            repeated: AtomicU64::new(0),
        })
    }

    /// Plays all rounds of one player. Gives how many were played, and how the books differ if they do.
    async fn player(self: Arc<Self>, number: u64) -> Result<(u64, Option<String>), Failure> {
        let Self { seed, rounds, players, .. } = *self;
        let mut player =
            Player { login: format!("game-{seed}-player-{number}"), available: 0, stakes: 0, undone: false };
        // The same request creates a player or finds them there, so it may be repeated freely.
        let create = || self.send(self.http.put(self.path(&player.login)).body("{}"));
        self.insist(&player.login, true, create).await?;
        self.settle(&mut player, "purse", "purse", ("bonus", PURSE)).await?;
        // The rounds are dealt to the players in turn.
        let mut played = 0;
        for round_number in (number..rounds).step_by(players as usize) {
            (player.stakes, player.undone) = (0, false);
            let name = format!("round-{round_number}");
            for (place, step) in round(&mut Dice::new(seed, round_number)).into_iter().enumerate() {
                let accepted = self.settle(&mut player, &name, &format!("{name}-{place}"), step).await?;
                if !accepted {
                    // The bet was refused for want of money: this round is over, and the house is generous.
                    self.settle(&mut player, &name, &format!("{name}-bonus"), ("bonus", PURSE)).await?;
                    break;
                }
            }
            played += 1;
        }
        Ok((played, self.compare(&player).await?))
    }

    /// Asks for one step and books the answer. `false`: the wallet refused a bet for want of money.
    ///
    /// Rule 1: the request is durable in the journal before it is sent. If we die now, we shall know what we may have asked.
    async fn settle(&self, player: &mut Player, round: &str, key: &str, step: Step) -> Result<bool, Failure> {
        let key = format!("{}-{key}", player.login);
        let answer = match self.journal.answers.get(&key) {
            // Answered before a restart: book it again, ask nothing.
            Some(answer) => answer.clone(),
            None if step.0 == "hasty bet" => {
                if self.journal.begin(&key, round, step).await? {
                    // Rule 3: we do not wait, so nobody knows whether this bet arrives. The rollback that follows settles it.
                    let _nobody_waits = tokio::time::timeout(IMPATIENCE, self.ask(player, round, &key, step)).await;
                }
                return Ok(true);
            }
            None => {
                // An intent from before a restart is repeated under its key: the wallet knows whether it is done.
                let first = self.journal.begin(&key, round, step).await?;
                let answer = self.insist(&key, first, || self.ask(player, round, &key, step)).await?;
                self.journal.end(&key, &answer).await?;
                answer
            }
        };
        player.book(step, &answer)
    }

    /// Rule 2: repeats a request until there is an answer that decides it.
    ///
    /// No connection, no answer in time, and every 5xx say nothing about what was done. All other refusals but 402 mean that this
    /// program is wrong: it stops and says so, and the journal keeps the request.
    async fn insist<F>(&self, key: &str, mut first: bool, ask: impl Fn() -> F) -> Result<Value, Failure>
    where
        F: Future<Output = Result<(u16, Value), reqwest::Error>>,
    {
        let mut pause = Duration::from_millis(5);
        loop {
            if !first {
                self.repeated.fetch_add(1, Ordering::Relaxed);
                self.journal.write(json!({"again": key}), false).await?;
            }
            first = false;
            match ask().await {
                Ok((200 | 201, body)) if body.is_object() => return Ok(body),
                Ok((402, body)) if body["code"] == "insufficient_funds" => return Ok(body),
                Ok((status @ 400..=499, body)) if !matches!(status, 408 | 425 | 429) => {
                    return Err(format!("{key} was refused with {status}: {body}"));
                }
                Ok(_) | Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends one step, once.
    async fn ask(&self, player: &Player, round: &str, key: &str, step: Step) -> Result<(u16, Value), reqwest::Error> {
        let transactions = format!("{}/transactions", self.path(&player.login));
        let request = match step {
            ("rollback", _) => self.http.post(format!("{transactions}/{round}/rollback")),
            (kind, amount) => {
                let kind = kind.trim_start_matches("hasty ");
                let body = json!({"kind": kind, "amount": amount, "currency": CURRENCY, "reference": round});
                self.http.post(transactions).header("idempotency-key", key).body(body.to_string())
            }
        };
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
        let request = request.header("authorization", &self.authorization).header("content-type", "application/json");
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    fn path(&self, login: &str) -> String {
        format!("{}/players/{login}", self.site)
    }

    /// Compares our book with the wallet's balance.
    async fn compare(&self, player: &Player) -> Result<Option<String>, Failure> {
        let login = &player.login;
        let shown = self.insist(login, true, || self.send(self.http.get(self.path(login)))).await?;
        let balances = shown["balances"].as_array().cloned().unwrap_or_default();
        let own = balances.into_iter().find(|one| one["currency"] == CURRENCY).unwrap_or_default();
        let same = own["available"] == player.available && own["held"] == 0;
        Ok((!same).then(|| format!("{login}: our book says {}, the wallet {own}", player.available)))
    }
}

/// Our book about one player.
struct Player {
    login: String,
    available: i64,
    /// What this round has taken and a rollback would give back.
    stakes: i64,
    /// This round was rolled back: its bets have no effect, whenever they come.
    undone: bool,
}

impl Player {
    fn book(&mut self, step: Step, answer: &Value) -> Result<bool, Failure> {
        if answer["code"] == "insufficient_funds" {
            return Ok(false);
        }
        match step {
            ("bet", _) if self.undone => {
                if answer["rolled_back"] != true {
                    return Err(format!("a bet of {} was taken after its rollback: {answer}", self.login));
                }
            }
            ("bet", amount) => {
                self.available -= amount;
                self.stakes += amount;
            }
            ("rollback", _) => {
                self.available += self.stakes;
                (self.stakes, self.undone) = (0, true);
                return Ok(true);
            }
            (_, amount) => self.available += amount,
        }
        // The wallet says what is left with every answer: a difference is found at once, not at the end of the month.
        if answer["available"] == self.available {
            return Ok(true);
        }
        Err(format!("{}: our book says {} after a {}, the wallet {answer}", self.login, self.available, step.0))
    }
}

/// What was asked and what was answered: lines of JSON, only ever appended.
struct Journal {
    file: Arc<Mutex<File>>,
    asked: Mutex<HashSet<String>>,
    answers: HashMap<String, Value>,
}

impl Journal {
    /// Opens the journal and reads what was there. A last line that was torn by a crash was never durable, so never asked for.
    fn open(path: &str) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        let (mut asked, mut answers) = (HashSet::new(), HashMap::new());
        for line in text[..whole].lines() {
            let mut line: Value = serde_json::from_str(line)?;
            if let Some(key) = line["ask"].as_str() {
                asked.insert(key.to_owned());
            } else if let Some(key) = line["answer"].as_str().map(str::to_owned) {
                answers.insert(key, line["body"].take());
            }
        }
        Ok(Self { file: Arc::new(Mutex::new(file)), asked: Mutex::new(asked), answers })
    }

    /// Writes an intent and makes it durable. `false`: it was there already.
    async fn begin(&self, key: &str, round: &str, (kind, amount): Step) -> Result<bool, Failure> {
        let new = self.asked.lock().expect("nobody panics here").insert(key.to_owned());
        if new {
            self.write(json!({"ask": key, "round": round, "kind": kind, "amount": amount}), true).await?;
        }
        Ok(new)
    }

    /// Writes an outcome. It becomes durable with the next intent: if it is lost, the request is repeated and answered alike.
    async fn end(&self, key: &str, body: &Value) -> Result<(), Failure> {
        self.write(json!({"answer": key, "body": body}), false).await
    }

    async fn write(&self, line: Value, durable: bool) -> Result<(), Failure> {
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().expect("nobody panics here");
            file.write_all(format!("{line}\n").as_bytes())?;
            if durable { file.sync_data() } else { Ok(()) }
        });
        written.await.map_err(|error| error.to_string())?.map_err(|error| format!("the journal: {error}"))
    }
}

/// A small generator (SplitMix64), so that a seed gives the same game everywhere.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, round: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ round.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// A number of `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        low + ((z ^ (z >> 31)) % (high - low + 1).cast_unsigned()).cast_signed()
    }
}
