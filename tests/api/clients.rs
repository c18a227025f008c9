//! Clients that ask, play and notify while the service is killed or stopped, each with a book of its own of everything that was acknowledged.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use croupier::db::schema::payouts;
use croupier::payouts::Stage;
use croupier::simulate::faults::Dice;
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use diesel::prelude::*;
use serde_json::Value;

use crate::process::{SITE, Service, notification, play, question, wallet};
use crate::raw::{Answer, Connection, Request};

/// Where the service is.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub public: SocketAddr,
    pub private: SocketAddr,
}

/// What an acknowledged request has done.
#[derive(Debug, Clone)]
enum Effect {
    /// A deposit was opened; its notification follows.
    Deposit { amount: i64, transaction: u64 },
    /// A deposit was credited.
    Credit { amount: i64 },
    /// Money is held for a payout.
    Payout { amount: i64, transaction: u64 },
    /// A payout has ended.
    End { amount: i64, paid: bool },
    /// A movement of play on this client's own player.
    Play { change: i64 },
    /// A win of the player all clients share.
    Shared { amount: i64 },
    /// A notification that says nothing new.
    Nothing,
}

/// A request with its effect.
#[derive(Debug, Clone)]
struct Step {
    request: Request,
    effect: Effect,
}

/// A payout whose end nobody has told the service.
#[derive(Debug, Clone)]
pub struct OpenPayout {
    pub external_id: String,
    pub amount: i64,
    transaction: u64,
    /// Its end is never told.
    abandoned: bool,
}

/// What must be true of a client's player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Book {
    pub available: i64,
    pub held: i64,
}

/// One client with its player, its dice and its book.
pub struct Client {
    pub login: String,
    dice: Dice,
    references: u64,
    todo: VecDeque<Step>,
    pub open: Vec<OpenPayout>,
    pub book: Book,
    pub shared: i64,
}

/// The player all clients win for.
pub const SHARED: &str = "shared";

/// How the Cashier treats a payout of this amount.
pub fn behaviour(initiation: &Initiation) -> Behaviour {
    match initiation.amount.unwrap_or(0) % 10 {
        6 => Behaviour::Slow(Duration::from_millis(25)),
        7 => Behaviour::Hangup,
        8 => Behaviour::Refuse(1001),
        9 => Behaviour::Reset,
        _ => Behaviour::Accept,
    }
}

/// Whether the Cashier definitely refuses a payout of this amount.
pub fn is_refused(amount: i64) -> bool {
    amount % 10 == 8
}

impl Client {
    pub fn new(number: u64, seed: u64, money: i64) -> Self {
        Self {
            login: format!("player{number}"),
            dice: Dice::new(seed).fork(number),
            references: 0,
            todo: VecDeque::new(),
            open: Vec::new(),
            book: Book { available: money, held: 0 },
            shared: 0,
        }
    }

    /// Works until the service is gone.
    pub fn run(&mut self, target: Target, cashier: &CashierServer) {
        let Ok(mut lines) = Lines::open(target) else { return };
        loop {
            self.plan(cashier);
            if self.next(&mut lines).is_err() {
                return;
            }
        }
    }

    /// Repeats what was not answered and finishes what was begun.
    pub fn finish(&mut self, target: Target) {
        let mut lines = Lines::open(target).expect("the service is up");
        while !self.todo.is_empty() {
            self.next(&mut lines).expect("nobody kills the service now");
        }
    }

    fn reference(&mut self) -> u64 {
        self.references += 1;
        self.references
    }

    fn plan(&mut self, cashier: &CashierServer) {
        if !self.todo.is_empty() {
            return;
        }
        let (login, amount) = (self.login.clone(), self.dice.between(100, 9_999));
        let movement = |kind: &str, reference: u64| play(&login, kind, amount, &format!("{kind}-{reference}"));
        let reference = self.reference();
        let step = match self.dice.between(0, 9) {
            0 | 1 => {
                let transaction = self.dice.transaction_id();
                let request = question("check_deposit", &login, amount, transaction);
                Step { request, effect: Effect::Deposit { amount, transaction } }
            }
            2 | 3 => {
                let transaction = self.dice.transaction_id();
                let request = question("request_payout", &login, amount, transaction);
                Step { request, effect: Effect::Payout { amount, transaction } }
            }
            4 | 5 => match self.end_of_payout(cashier) {
                Some(step) => step,
                None => Step { request: movement("refund", reference), effect: Effect::Play { change: amount } },
            },
            6 => Step { request: movement("bet", reference), effect: Effect::Play { change: -amount } },
            7 => Step { request: movement("win", reference), effect: Effect::Play { change: amount } },
            8 => {
                let request = play(SHARED, "win", amount, &format!("{login}-{reference}"));
                Step { request, effect: Effect::Shared { amount } }
            }
            _ => return self.plan_rollback(amount, reference),
        };
        self.todo.push_back(step);
    }

    /// A bet and its undoing.
    fn plan_rollback(&mut self, amount: i64, reference: u64) {
        let name = format!("undone-{reference}");
        let bet = Step { request: play(&self.login, "bet", amount, &name), effect: Effect::Play { change: -amount } };
        let undo = wallet("POST", &self.login, &format!("/transactions/{name}/rollback"), &Value::Null);
        self.todo.extend([bet, Step { request: undo, effect: Effect::Play { change: amount } }]);
    }

    /// The notification of a payout the Cashier has taken.
    fn end_of_payout(&mut self, cashier: &CashierServer) -> Option<Step> {
        let taken = |one: &OpenPayout| {
            !one.abandoned && !is_refused(one.amount) && !cashier.initiations(&one.external_id).is_empty()
        };
        let at = self.open.iter().position(taken)?;
        if self.dice.percent(15) {
            self.open[at].abandoned = true;
            return None;
        }
        let one = self.open.remove(at);
        let paid = self.dice.percent(70);
        let word = if paid { (11, 4) } else { (11, 6) };
        let request = notification(&one.external_id, &self.login, one.amount, word, one.transaction);
        if self.dice.percent(30) {
            // The same notification comes again later.
            self.todo.push_back(Step { request: request.clone(), effect: Effect::Nothing });
        }
        self.todo.push_front(Step { request, effect: Effect::End { amount: one.amount, paid } });
        self.todo.pop_front()
    }

    /// Sends what comes first, now and then twice at once; it stays first until it is answered.
    fn next(&mut self, lines: &mut Lines) -> io::Result<()> {
        let Some(step) = self.todo.front().cloned() else { return Ok(()) };
        let twice = self.dice.percent(15);
        let line = lines.of(&step.request);
        line.send(&step.request)?;
        let twin = if twice {
            let mut other = Connection::open(line.peer()?)?;
            other.send(&step.request)?;
            Some(other)
        } else {
            None
        };
        let answer = line.receive()?;
        self.todo.pop_front();
        let request = step.request.clone();
        self.enter(step, &answer);
        if let Some(mut other) = twin {
            assert_same(&request, &answer, &other.receive()?);
        }
        Ok(())
    }

    /// Books what was acknowledged.
    fn enter(&mut self, step: Step, answer: &Answer) {
        assert_accepted(&step, answer);
        let external_id = || answer.json()["external_id"].as_str().expect("an id").to_owned();
        match step.effect {
            Effect::Deposit { amount, transaction } => {
                let request = notification(&external_id(), &self.login, amount, (3, 4), transaction);
                self.todo.push_back(Step { request: request.clone(), effect: Effect::Credit { amount } });
                if self.dice.percent(30) {
                    self.todo.push_back(Step { request, effect: Effect::Nothing });
                }
            }
            Effect::Credit { amount } => self.book.available += amount,
            Effect::Payout { amount, transaction } => {
                self.book.available -= amount;
                self.book.held += amount;
                let external_id = external_id();
                self.open.push(OpenPayout { external_id, amount, transaction, abandoned: false });
            }
            Effect::End { amount, paid } => {
                self.book.held -= amount;
                self.book.available += if paid { 0 } else { amount };
            }
            Effect::Play { change } => self.book.available += change,
            Effect::Shared { amount } => self.shared += amount,
            Effect::Nothing => {}
        }
    }
}

/// The two kept connections of a client.
struct Lines {
    public: Connection,
    private: Connection,
}

impl Lines {
    fn open(target: Target) -> io::Result<Self> {
        Ok(Self { public: Connection::open(target.public)?, private: Connection::open(target.private)? })
    }

    fn of(&mut self, request: &Request) -> &mut Connection {
        if request.path.starts_with("/cashier/") { &mut self.public } else { &mut self.private }
    }
}

fn assert_accepted(step: &Step, answer: &Answer) {
    let good = match step.effect {
        Effect::Deposit { .. } | Effect::Credit { .. } | Effect::End { .. } | Effect::Nothing => {
            answer.status == 200 && answer.code() == Some(0)
        }
        Effect::Payout { .. } => answer.status == 200 && answer.code() == Some(50),
        Effect::Play { .. } | Effect::Shared { .. } => matches!(answer.status, 200 | 201),
    };
    assert!(good, "site {SITE}: {} {} was answered {}", step.request.path, step.request.body, answer.shown());
}

/// A repetition has the same body; only the status of the wallet may say that it is one.
fn assert_same(request: &Request, first: &Answer, again: &Answer) {
    let shown = |answer: &Answer| answer.shown();
    assert_eq!(first.body, again.body, "{} {}: {} / {}", request.path, request.body, shown(first), shown(again));
    if request.path.starts_with("/cashier/") {
        assert_eq!(first.status, again.status);
    } else {
        assert!(matches!(again.status, 200 | 201), "{}", shown(again));
    }
}

/// The stages of all payouts, as soon as nothing is on its way.
pub fn settled_payouts(service: &Service) -> HashMap<String, Stage> {
    let mut conn = service.database().connect_read_only();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let rows: Vec<(String, String)> =
            payouts::table.select((payouts::external_id, payouts::stage)).load(&mut conn).expect("payouts");
        let stage = |name: &str| Stage::from_name(name).expect("a stage");
        let stages: HashMap<String, Stage> = rows.into_iter().map(|(id, name)| (id, stage(&name))).collect();
        if !stages.values().any(|stage| matches!(stage, Stage::Queued | Stage::Sending)) {
            return stages;
        }
        assert!(Instant::now() < deadline, "payouts stay on their way:\n{}", service.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// With nothing in flight, the service must agree with the books of the clients.
pub fn compare(service: &Service, cashier: &CashierServer, clients: &[Client], stages: &HashMap<String, Stage>) {
    for client in clients {
        let mut expected = client.book;
        for payout in &client.open {
            let stage = stages[&payout.external_id];
            let initiated = cashier.initiations(&payout.external_id).len();
            match stage {
                Stage::Done => {
                    assert!(is_refused(payout.amount), "payout {} ended by itself", payout.external_id);
                    expected.held -= payout.amount;
                    expected.available += payout.amount;
                }
                Stage::Sent => assert_eq!(initiated, 1, "payout {} is said to be sent", payout.external_id),
                Stage::Unknown => assert!(initiated <= 1),
                Stage::AwaitingApproval | Stage::Queued | Stage::Sending => panic!("not settled: {stage:?}"),
            }
        }
        let (available, held) = service.balance(&client.login);
        assert_eq!(Book { available, held }, expected, "the books of {}", client.login);
    }
    let shared: i64 = clients.iter().map(|client| client.shared).sum();
    assert_eq!(service.balance(SHARED), (shared, 0), "the player all clients win for");
}
