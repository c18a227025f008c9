//! The load: each player deposits, plays and asks for payouts, one step after another, at whichever instance the dice say.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use croupier::simulate::faults::Dice;
use croupier::simulate::messages::{self, DECLINED, Notice, Order, PAYOUT, PURCHASE, SUCCESS};
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::book::Book;
use crate::door::{Answer, Call, Door, is_wanting};
use crate::instance::SITE;
use crate::payout;

/// A player for whom everybody wins.
pub const SHARED: &str = "shared";
/// A player who never has enough: everybody bets for them.
pub const POOR: &str = "poor";
/// More than anybody loses.
const PURSE: i64 = 1_000_000_000;

/// What all parts of the load share.
#[derive(Debug)]
pub struct Load {
    pub door: Door,
    pub cashier: CashierServer,
    book: Mutex<Book>,
    pub stop: watch::Receiver<bool>,
}

impl Load {
    pub fn new(door: Door, cashier: CashierServer, stop: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self { door, cashier, book: Mutex::default(), stop })
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
    pub async fn create(&self, dice: &mut Dice, login: &str, money: i64) {
        self.book().player(login);
        let put = Call::wallet(Method::PUT, format!("/sites/{SITE}/players/{login}"), &json!({"country": "LV"}));
        if let Some(answer) = self.ask(dice, &put).await.filter(|answer| !matches!(answer.status, 200 | 201)) {
            self.unexpected(&put, &answer);
        }
        if money > 0 {
            self.play(dice, login, "bonus", money, "purse").await;
        }
    }

    /// A movement of play that must be taken, or may be refused for want of money when it is a bet of the poor one. How often it was
    /// asked before, when it was refused.
    pub async fn play(&self, dice: &mut Dice, login: &str, kind: &str, amount: i64, reference: &str) -> Option<u64> {
        let call = Call::play(login, kind, amount, reference);
        let answer = self.ask(dice, &call).await?;
        if is_wanting(&answer) && login == POOR {
            return Some(answer.tries);
        }
        if !matches!(answer.status, 200 | 201) {
            self.unexpected(&call, &answer);
            return None;
        }
        let change = if kind == "bet" { -amount } else { amount };
        let mut book = self.book();
        book.played(login, reference, change);
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

/// One player.
pub struct Player {
    load: Arc<Load>,
    login: String,
    dice: Dice,
    steps: u64,
    payouts: JoinSet<()>,
}

impl Player {
    /// Creates the player and plays until the load stops.
    pub async fn live(load: Arc<Load>, number: u64, mut dice: Dice) {
        let login = format!("player-{number}");
        load.create(&mut dice, &login, PURSE).await;
        let mut player = Self { load, login, dice, steps: 0, payouts: JoinSet::new() };
        while !player.load.is_stopping() {
            player.step().await;
            let pause = player.dice.between(0, 60).unsigned_abs();
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        while player.payouts.join_next().await.is_some() {}
    }

    async fn step(&mut self) {
        self.steps += 1;
        let (number, amount) = (self.steps, self.dice.between(100, 9_999));
        match self.dice.between(0, 11) {
            0 | 1 => self.deposit(amount).await,
            2..=4 => self.payout(amount).await,
            5 => self.movement("bet", amount, number).await,
            6 => self.movement("win", amount, number).await,
            7 => self.movement("refund", amount, number).await,
            8 => {
                let reference = format!("{}-{number}", self.login);
                self.load.play(&mut self.dice, SHARED, "win", amount, &reference).await;
            }
            9 => self.bet_and_undo(amount, number).await,
            _ => self.poor(amount, number).await,
        }
    }

    async fn movement(&mut self, kind: &str, amount: i64, number: u64) {
        self.load.play(&mut self.dice, &self.login, kind, amount, &format!("{kind}-{number}")).await;
    }

    fn order(&mut self, amount: i64) -> Order {
        let transaction_id = self.dice.transaction_id();
        Order { login: self.login.clone(), amount, currency: "USD".to_owned(), transaction_id }
    }

    /// A deposit, and mostly its notification, now and then a second time.
    async fn deposit(&mut self, amount: i64) {
        let order = self.order(amount);
        let call = Call::question(&messages::check_deposit(SITE, &order));
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let Some(external_id) = accepted(&answer, 0) else { return self.load.unexpected(&call, &answer) };
        {
            let mut book = self.load.book();
            book.deposit_opened(&external_id, &self.login, amount);
            book.answered(&call, &answer.body);
        }
        if self.dice.percent(10) {
            return;
        }
        let notice = Notice { external_id: external_id.clone(), order, type_id: PURCHASE, status_id: SUCCESS };
        for _ in 0..=usize::from(self.dice.percent(25)) {
            if notify(&self.load, &mut self.dice, &notice).await {
                self.load.book().deposit_paid(&external_id);
            }
        }
    }

    /// A payout; what becomes of it goes on beside this player's other steps.
    async fn payout(&mut self, amount: i64) {
        let order = self.order(amount);
        let call = Call::question(&messages::request_payout(SITE, &order));
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let Some(external_id) = accepted(&answer, 50) else { return self.load.unexpected(&call, &answer) };
        {
            let mut book = self.load.book();
            book.payout_held(&external_id, &self.login, amount);
            book.answered(&call, &answer.body);
        }
        let notice = Notice { external_id, order, type_id: PAYOUT, status_id: SUCCESS };
        let dice = self.dice.fork(self.steps);
        self.payouts.spawn(payout::live(self.load.clone(), notice, dice));
        // What has ended needs no memory.
        while self.payouts.try_join_next().is_some() {}
    }

    async fn bet_and_undo(&mut self, amount: i64, number: u64) {
        let reference = format!("undone-{number}");
        self.load.play(&mut self.dice, &self.login, "bet", amount, &reference).await;
        self.undo(&self.login.clone(), &reference, amount, true).await;
    }

    /// Bets and wins of one poor player by everybody at once.
    async fn poor(&mut self, amount: i64, number: u64) {
        let reference = format!("{}-{number}", self.login);
        if self.dice.percent(30) {
            self.load.play(&mut self.dice, POOR, "win", amount, &reference).await;
        } else if self.load.play(&mut self.dice, POOR, "bet", amount, &reference).await.is_some_and(|tries| tries > 0) {
            // An attempt whose answer was lost may still be on its way, and be taken when there is money. A game server that goes on
            // without the bet takes it back.
            self.undo(POOR, &reference, amount, false).await;
        }
    }

    /// Takes a bet back. `known`: whether the book has it.
    async fn undo(&mut self, login: &str, reference: &str, amount: i64, known: bool) {
        let path = format!("/sites/{SITE}/players/{login}/transactions/{reference}/rollback");
        let call = Call::wallet(Method::POST, path, &Value::Null);
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let Some(applied) =
            answer.json["applied"].as_bool().filter(|applied| answer.status == 200 && (*applied || !known))
        else {
            return self.load.unexpected(&call, &answer);
        };
        let mut book = self.load.book();
        if applied {
            book.played(login, reference, -amount);
            book.undone(login, reference, amount);
        }
        book.answered(&call, &answer.body);
    }
}

fn accepted(answer: &Answer, code: i64) -> Option<String> {
    let external_id = answer.json["external_id"].as_str()?;
    (answer.status == 200 && answer.code() == Some(code)).then(|| external_id.to_owned())
}

/// Sends a notification until it is acknowledged.
pub async fn notify(load: &Load, dice: &mut Dice, notice: &Notice) -> bool {
    let call = Call::notification(&messages::notification(SITE, notice));
    let Some(answer) = load.ask(dice, &call).await else { return false };
    let good = answer.status == 200 && answer.code() == Some(0);
    if good {
        load.book().answered(&call, &answer.body);
    } else {
        load.unexpected(&call, &answer);
    }
    good
}

/// The Cashier's word that a payout was not paid.
pub fn declined(notice: &Notice) -> Notice {
    Notice { status_id: DECLINED, ..notice.clone() }
}
