//! The load: each player deposits, plays and asks for payouts, one step after another, at whichever instance the dice say.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use croupier::simulate::faults::Dice;
use croupier::simulate::messages::{self, DECLINED, Notice, Order, PAYOUT, SUCCESS};
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::book::Book;
use crate::door::{Answer, Call, Door, is_too_many, is_wanting};
use crate::house::{AUTOMATIC, Purse, SITES};
use crate::payout::{self, Held};

/// A player for whom everybody wins.
pub const SHARED: &str = "shared";
/// A player who never has enough: everybody bets for them.
pub const POOR: &str = "poor";
/// More than anybody loses.
const START: i64 = 1_000_000_000;
/// How many notices a player remembers to hear again.
const REMEMBERED: usize = 200;

/// What all parts of the load share.
#[derive(Debug)]
pub struct Load {
    pub door: Door,
    /// Of each site.
    pub cashiers: Vec<CashierServer>,
    /// The longest pause between two steps of a player.
    pace: Duration,
    book: Mutex<Book>,
    pub stop: watch::Receiver<bool>,
}

impl Load {
    pub fn new(door: Door, cashiers: Vec<CashierServer>, pace: Duration, stop: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self { door, cashiers, pace, book: Mutex::default(), stop })
    }

    /// The Cashier of a site.
    pub fn cashier_of(&self, site: i64) -> &CashierServer {
        let at = SITES.iter().position(|one| one.id == site).unwrap_or(0);
        &self.cashiers[at]
    }

    /// Whether a payout has come to a Cashier.
    pub fn is_initiated(&self, external_id: &str) -> bool {
        self.cashiers.iter().any(|cashier| !cashier.initiations(external_id).is_empty())
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics while writing the book")
    }

    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Asks until somebody decides. What cannot be decided is a problem of the service.
    pub async fn ask(&self, dice: &mut Dice, call: &Call) -> Option<Answer> {
        match self.door.insist(dice, call).await {
            Ok(answer) => Some(answer),
            Err(failure) => {
                self.book().problem(failure);
                None
            }
        }
    }

    /// Notes that an answer is not one that this request may get.
    pub fn unexpected(&self, call: &Call, answer: &Answer) {
        self.book().problem(format!("{} was answered {}", call.shown(), answer.shown()));
    }

    /// Creates a player with money.
    pub async fn create(&self, dice: &mut Dice, purse: &Purse, money: i64) {
        self.book().player(purse);
        let put = Call::wallet(Method::PUT, purse.path(), &json!({"country": "LV"}));
        if let Some(answer) = self.ask(dice, &put).await.filter(|answer| !matches!(answer.status, 200 | 201)) {
            self.unexpected(&put, &answer);
        }
        if money > 0 {
            self.play(dice, purse, "bonus", money, &purse.reference("start")).await;
        }
    }

    /// A movement of play that must be taken, or may be refused for want of money when it is a bet of the poor one. How often it was
    /// asked before, when it was refused.
    pub async fn play(&self, dice: &mut Dice, purse: &Purse, kind: &str, amount: i64, reference: &str) -> Option<u64> {
        let call = Call::play(purse, kind, amount, reference);
        let answer = self.ask(dice, &call).await?;
        if is_wanting(&answer) && purse.login == POOR {
            return Some(answer.tries);
        }
        if !matches!(answer.status, 200 | 201) {
            self.unexpected(&call, &answer);
            return None;
        }
        let change = if kind == "bet" { -amount } else { amount };
        let mut book = self.book();
        book.played(purse, reference, change);
        book.answered(&call, &answer.body);
        None
    }
}

/// How the Cashier treats a payout of this amount.
pub fn behaviour(initiation: &Initiation) -> Behaviour {
    match initiation.amount.unwrap_or(0) % 20 {
        6 => Behaviour::Slow(Duration::from_millis(400)),
        7 => Behaviour::Hangup,
        8 | 18 => Behaviour::Refuse(1001),
        9 => Behaviour::Reset,
        17 => Behaviour::Status(502),
        _ => Behaviour::Accept,
    }
}

/// One purse and who plays with it.
pub struct Player {
    pub load: Arc<Load>,
    pub purse: Purse,
    pub dice: Dice,
    steps: u64,
    /// Of the players' API, once it is there.
    session: Option<String>,
    said: Vec<Notice>,
    payouts: JoinSet<()>,
}

impl Player {
    /// Creates the player and plays until the load stops.
    pub async fn live(load: Arc<Load>, number: u64, mut dice: Dice) {
        let purse = Purse::numbered(number);
        load.create(&mut dice, &purse, START).await;
        let payouts = JoinSet::new();
        let mut player = Self { load, purse, dice, steps: 0, session: None, said: Vec::new(), payouts };
        let pace = i64::try_from(player.load.pace.as_millis()).unwrap_or(i64::MAX);
        while !player.load.is_stopping() {
            player.step().await;
            let pause = player.dice.between(0, pace).unsigned_abs();
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        while player.payouts.join_next().await.is_some() {}
    }

    async fn step(&mut self) {
        self.steps += 1;
        let (number, amount) = (self.steps, self.dice.between(100, 9_999));
        match self.dice.between(0, 14) {
            0 | 1 => self.deposit(amount).await,
            2..=4 => self.payout(amount).await,
            5 => self.movement("bet", amount, number).await,
            6 => self.movement("win", amount, number).await,
            7 => self.movement("refund", amount, number).await,
            8 => {
                let reference = self.purse.reference(&number.to_string());
                self.load.play(&mut self.dice, &Purse::of(SHARED), "win", amount, &reference).await;
            }
            9 => self.bet_and_undo(amount, number).await,
            10 => self.begin_deposit().await,
            11 => self.withdraw(amount).await,
            12 => self.late().await,
            _ => self.poor(amount, number).await,
        }
    }

    async fn movement(&mut self, kind: &str, amount: i64, number: u64) {
        let reference = self.purse.reference(&format!("{kind}-{number}"));
        self.load.play(&mut self.dice, &self.purse, kind, amount, &reference).await;
    }

    pub fn order(&mut self, amount: i64) -> Order {
        let (transaction_id, currency) = (self.dice.transaction_id(), self.purse.currency.to_owned());
        Order { login: self.purse.login.clone(), amount, currency, transaction_id }
    }

    /// Another number at every step.
    pub fn number_of_begun(&self) -> i64 {
        i64::try_from(self.steps).unwrap_or(i64::MAX)
    }

    /// Keeps a notice, to hear it again much later.
    pub fn remember(&mut self, notice: &Notice) {
        if self.said.len() < REMEMBERED {
            self.said.push(notice.clone());
        } else {
            let at = usize::try_from(self.dice.roll()).unwrap_or(0) % REMEMBERED;
            self.said[at] = notice.clone();
        }
    }

    pub fn something_said(&mut self) -> Option<Notice> {
        let last = i64::try_from(self.said.len()).unwrap_or(0) - 1;
        self.said.get(usize::try_from(self.dice.between(0, last)).unwrap_or(0)).cloned()
    }

    /// A payout that the Cashier asks for; what becomes of it goes on beside this player's other steps.
    async fn payout(&mut self, amount: i64) {
        let order = self.order(amount);
        let call = Call::question(&self.purse, &messages::request_payout(self.purse.site, &order));
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let Some(external_id) = accepted(&answer, 50) else { return self.load.unexpected(&call, &answer) };
        self.load.book().answered(&call, &answer.body);
        let notice = Notice { external_id, order, type_id: PAYOUT, status_id: SUCCESS };
        self.follow(notice, amount > AUTOMATIC, None);
    }

    /// A withdrawal that the player asks for in the players' API, and now and then takes back.
    async fn withdraw(&mut self, amount: i64) {
        let body = json!({
            "amount": self.purse.decimals(amount), "currency": self.purse.currency,
            "idempotency_key": self.purse.reference(&format!("withdrawal-{}", self.steps)),
            "metadata_json": json!({"customer_purse": "555555...4444"}).to_string(),
        });
        let Some(external_id) = self.as_player("/cashier/withdrawal", &body).await else { return };
        let token = self.session.clone().filter(|_| self.dice.percent(30));
        let path = format!("/cashier/withdrawal/{external_id}/cancel");
        let take_back = token.map(|token| Call::player(&token, &path, &Value::Null));
        let order = self.order(amount);
        let notice = Notice { external_id, order, type_id: PAYOUT, status_id: SUCCESS };
        self.follow(notice, true, take_back);
    }

    fn follow(&mut self, notice: Notice, waits: bool, take_back: Option<Call>) {
        self.load.book().payout_held(&notice.external_id, &self.purse, notice.order.amount, waits);
        let held = Held { purse: self.purse.clone(), notice, waits, take_back };
        self.payouts.spawn(payout::live(self.load.clone(), held, self.dice.fork(self.steps)));
        // What has ended needs no memory.
        while self.payouts.try_join_next().is_some() {}
    }

    /// Asks in the players' API, now and then a second time with the same key; the id of the order. `None` too when the player has asked
    /// for as much as a day may hold.
    pub async fn as_player(&mut self, path: &str, body: &Value) -> Option<String> {
        let token = self.token().await?;
        let call = Call::player(&token, path, body);
        let mut first: Option<String> = None;
        for _ in 0..=usize::from(self.dice.percent(25)) {
            let answer = self.load.ask(&mut self.dice, &call).await?;
            if is_too_many(&answer) && first.is_none() {
                return None;
            }
            let id = answer.json["transaction"]["id"].as_str().filter(|_| answer.status == 200).map(str::to_owned);
            if id.is_none() || first.is_some() && first != id {
                self.load.unexpected(&call, &answer);
                return None;
            }
            first = id;
        }
        first
    }

    async fn token(&mut self) -> Option<String> {
        if self.session.is_none() {
            let call = Call::wallet(Method::POST, format!("{}/session", self.purse.path()), &json!({}));
            let answer = self.load.ask(&mut self.dice, &call).await?;
            self.session = answer.json["token"].as_str().map(str::to_owned);
            if self.session.is_none() {
                self.load.unexpected(&call, &answer);
            }
        }
        self.session.clone()
    }

    async fn bet_and_undo(&mut self, amount: i64, number: u64) {
        let reference = self.purse.reference(&format!("undone-{number}"));
        self.load.play(&mut self.dice, &self.purse, "bet", amount, &reference).await;
        self.undo(&self.purse.clone(), &reference, amount, true).await;
    }

    /// Bets and wins of one poor player by everybody at once.
    async fn poor(&mut self, amount: i64, number: u64) {
        let (poor, reference) = (Purse::of(POOR), self.purse.reference(&number.to_string()));
        if self.dice.percent(30) {
            self.load.play(&mut self.dice, &poor, "win", amount, &reference).await;
        } else if self.load.play(&mut self.dice, &poor, "bet", amount, &reference).await.is_some_and(|tries| tries > 0)
        {
            // An attempt whose answer was lost may still be on its way, and be taken when there is money. A game server that goes on
            // without the bet takes it back.
            self.undo(&poor, &reference, amount, false).await;
        }
    }

    /// Takes a bet back. `known`: whether the book has it.
    async fn undo(&mut self, purse: &Purse, reference: &str, amount: i64, known: bool) {
        let path = format!("{}/transactions/{reference}/rollback", purse.path());
        let call = Call::wallet(Method::POST, path, &Value::Null);
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let Some(applied) =
            answer.json["applied"].as_bool().filter(|applied| answer.status == 200 && (*applied || !known))
        else {
            return self.load.unexpected(&call, &answer);
        };
        let mut book = self.load.book();
        if applied {
            book.played(purse, reference, -amount);
            book.undone(purse, reference, amount);
        }
        book.answered(&call, &answer.body);
    }
}

pub fn accepted(answer: &Answer, code: i64) -> Option<String> {
    let external_id = answer.json["external_id"].as_str()?;
    (answer.status == 200 && answer.code() == Some(code)).then(|| external_id.to_owned())
}

/// Sends a notification until it is acknowledged.
pub async fn notify(load: &Load, dice: &mut Dice, purse: &Purse, notice: &Notice) -> bool {
    let call = Call::notification(purse, &messages::notification(purse.site, notice));
    let Some(answer) = load.ask(dice, &call).await else { return false };
    let good = answer.status == 200 && answer.code() == Some(0);
    if good {
        load.book().answered(&call, &answer.body);
    } else {
        load.unexpected(&call, &answer);
    }
    good
}

/// The Cashier's word that it was not paid.
pub fn declined(notice: &Notice) -> Notice {
    Notice { status_id: DECLINED, ..notice.clone() }
}
