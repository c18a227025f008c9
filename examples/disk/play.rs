//! A scenario, played to a real service whose files are watched. What it acknowledges is noted where it was acknowledged, and entered into a
//! book that knows only the numbers of the scenario.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use croupier::app::Application;
use croupier::db::{self, DbConn, Scope, schema};
use croupier::error::Error;
use croupier::marks::{self, MarkFile};
use croupier::payouts::worker::Worked;
use croupier::simulate::Brand;
use croupier::simulate::server::{Behaviour, CashierServer};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use crate::ask::{Again, Ask, balance, notice, order_in, perform, question};
use crate::disk::{Disk, Fault, Kind, Trace};
use crate::home;
use crate::promise::{Asked, Promise, Rows};
use crate::scenario::{Begins, PLAYERS, Scenario, Step, What, Wish};

/// How long anything may take. Far more than it takes, so that a slow machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a caller asks again before the scenario gives up.
const TRIES: usize = 40;
/// How often it is looked whether a payout is due again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After so many answers that were none, what fails is mended.
const UNTIL_MENDED: u64 = 3;

/// Money by login.
pub type Book = BTreeMap<&'static str, (i64, i64)>;

/// What the book says before anything is asked.
pub fn opening(begins: Begins) -> Book {
    let there = |money: i64| if begins == Begins::Empty { 0 } else { money };
    PLAYERS.iter().map(|(login, money)| (*login, (there(*money), 0))).collect()
}

/// What came of a scenario.
pub struct Played {
    pub trace: Trace,
    pub problems: Vec<String>,
    /// Calls since the fault was set, and the one that failed.
    pub calls: (u64, Option<Kind>),
    /// The service has stopped by itself, because the disk failed under a checkpoint.
    pub ended: bool,
    /// Answers that were none.
    pub temporary: u64,
}

/// The Cashier of a thread of the campaign.
pub async fn cashier() -> CashierServer {
    let here = ([127, 0, 0, 1], 0).into();
    let brand = Brand::new(home::SITE, home::SALT);
    CashierServer::start(here, brand, |_| Behaviour::Accept).await.expect("a free port for the Cashier")
}

/// Plays a scenario. With `fault` a call fails.
pub async fn play(scenario: &Scenario, cashier: &CashierServer, weak: bool, fault: Option<Fault>) -> Played {
    let home = home::directory();
    let before = home::books(scenario.begins).to_vec();
    home::put(home.path(), &before);
    let disk = Disk::watch(home.path(), before, weak);
    let mut stage = Stage {
        home,
        disk: disk.clone(),
        cashier,
        app: None,
        orders: BTreeMap::new(),
        answers: BTreeMap::new(),
        number: 0,
        book: opening(scenario.begins),
        problems: Vec::new(),
        reader: None,
        faulty: fault.is_some(),
        temporary: 0,
    };
    if scenario.fails_from_the_start {
        disk.arm(fault);
    }
    stage.start().await;
    if !scenario.fails_from_the_start {
        disk.arm(fault);
    }
    for step in &scenario.steps {
        if stage.problems.is_empty() && !stage.has_ended() {
            stage.step(step).await;
        }
    }
    let calls = disk.disarm();
    let ended = stage.has_ended();
    stage.close().await;
    Played { trace: disk.end(), problems: stage.problems, calls, ended, temporary: stage.temporary }
}

struct Stage<'a> {
    home: TempDir,
    disk: Arc<Disk>,
    cashier: &'a CashierServer,
    app: Option<Application>,
    orders: BTreeMap<&'static str, String>,
    /// The first answer to each request.
    answers: BTreeMap<String, String>,
    number: usize,
    book: Book,
    problems: Vec<String>,
    /// Somebody who reads an older state.
    reader: Option<DbConn>,
    faulty: bool,
    temporary: u64,
}

impl Stage<'_> {
    fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    fn app(&self) -> &Application {
        self.app.as_ref().expect("it was started")
    }

    /// Starts the service. Where a call fails it may refuse to start; then somebody mends what is broken and starts it again.
    async fn start(&mut self) {
        let mut whys = Vec::new();
        for _ in 0..=UNTIL_MENDED {
            let started = match home::service(self.home.path(), Some(self.cashier.address())).await {
                Ok(app) => app.worker().recover().await.map(|_| app).map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            match started {
                Ok(app) => {
                    self.app = Some(app);
                    return;
                }
                Err(why) => {
                    self.undecided(&why);
                    whys.push(why);
                }
            }
        }
        self.problem(format!("the service does not start any more: {}", whys.join("; then: ")));
    }

    /// Nothing was decided: fine while a call fails, and then only for a while.
    fn undecided(&mut self, why: &str) {
        self.temporary += 1;
        if !self.faulty {
            self.problem(format!("not decided although nothing is broken: {why}"));
        }
        if self.temporary >= UNTIL_MENDED {
            self.disk.mend();
        }
    }

    /// Whether the service stops by itself, because the disk failed under a checkpoint.
    fn has_ended(&self) -> bool {
        self.app.as_ref().is_some_and(|app| app.state().db.has_failed())
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(wish) => self.ask(*wish).await,
            Step::Together(wishes) => self.together(wishes).await,
            Step::Send(behaviour, login, change) => self.send(behaviour.clone(), login, *change).await,
            Step::Checkpoint => self.checkpoint().await,
            Step::CheckpointAndCut => self.cut(),
            Step::Hold => self.hold(),
            Step::LetGo => self.reader = None,
            Step::Restart => {
                self.stop();
                self.start().await;
            }
        }
    }

    fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.state().db.close();
        }
    }

    /// The service's own, now.
    async fn checkpoint(&mut self) {
        self.app().state().db.move_log().await;
        if self.app().state().db.has_failed() {
            self.undecided("a checkpoint");
        }
    }

    /// By somebody else, and the log is cut to nothing.
    fn cut(&mut self) {
        let moved =
            db::connect(&home::place(self.home.path())).map_err(|error| error.to_string()).and_then(|mut conn| {
                conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|error| error.to_string())
            });
        if let Err(error) = moved {
            self.undecided(&error);
        }
    }

    /// From here on somebody reads the state of now, and what comes later stays in the log.
    fn hold(&mut self) {
        let begun = db::connect_read_only(&home::place(self.home.path())).map_err(|error| error.to_string()).and_then(
            |mut conn| {
                let sql = "BEGIN; SELECT count(*) FROM players";
                conn.batch_execute(sql).map_err(|error| error.to_string()).map(|()| conn)
            },
        );
        match begun {
            Ok(conn) => self.reader = Some(conn),
            Err(error) => self.undecided(&error),
        }
    }

    /// Makes a request of a wish: the orders it names have their ids by now.
    fn request(&mut self, wish: Wish) -> Arc<Asked> {
        let id = |order: &'static str| self.orders.get(order).cloned().unwrap_or_else(|| order.to_owned());
        let Wish { login, what, change, .. } = wish;
        let ask = match what {
            What::Deposit { order, amount } => question("check_deposit", login, amount, order),
            What::Payout { order, amount } => question("request_payout", login, amount, order),
            What::Notice { order, amount, codes } => notice(&id(order), login, amount, codes, order),
            What::Play { kind, amount, reference } => Ask::Play { login, kind, amount, reference },
            What::Rollback { reference } => Ask::Rollback { login, reference },
            What::Player => Ask::Player { login },
            What::Approve { order, by } => Ask::Approve { id: id(order), by },
            What::Decline { order } => Ask::Decline { id: id(order), by: "ann" },
            What::Resolve { order, paid } => {
                use croupier::payouts::approve::Ending;
                let ending = if paid { Ending::Succeeded } else { Ending::Failed };
                Ask::Resolve { id: id(order), by: "ann", ending }
            }
            What::TakeBack { order } => Ask::TakeBack { login, id: id(order) },
            What::Adjust { amount } => Ask::Adjust { login, amount, by: "ann" },
        };
        self.number += 1;
        Arc::new(Asked { number: self.number, ask, login, change })
    }

    async fn ask(&mut self, wish: Wish) {
        let asked = self.request(wish);
        let first = write(self.app(), &self.disk, &asked).await;
        self.settle(wish, &asked, first).await;
    }

    async fn together(&mut self, wishes: &[Wish]) {
        let all: Vec<(Wish, Arc<Asked>)> = wishes.iter().map(|wish| (*wish, self.request(*wish))).collect();
        let app = self.app();
        let answers = all.iter().map(|(_, asked)| write(app, &self.disk, asked));
        let answers = futures_util::future::join_all(answers).await;
        for ((wish, asked), answer) in all.into_iter().zip(answers) {
            self.settle(wish, &asked, answer).await;
        }
    }

    /// Takes the answer, and asks again while there is none.
    async fn settle(&mut self, wish: Wish, asked: &Arc<Asked>, mut answer: Result<String, Error>) {
        for attempt in 0..TRIES {
            match answer {
                Ok(text) if wish.refused => return self.problem(format!("{:?}: was not refused: {text}", wish.what)),
                Ok(text) => return self.done(wish, asked, text).await,
                Err(error) if error.is_refusal() && wish.refused => return,
                // An answer before was none, and the act had happened.
                Err(error) if error.is_refusal() && attempt > 0 && asked.ask.again() == Again::Refused => {
                    self.disk.note(Promise::Answered(asked.number, "done".into()));
                    return self.done(wish, asked, "done".into()).await;
                }
                Err(error) if error.is_refusal() => {
                    return self.problem(format!("{:?}: refused: {error}", wish.what));
                }
                Err(error) => self.undecided(&format!("{:?}: {error}", wish.what)),
            }
            if self.has_ended() {
                return;
            }
            if asked.ask.again() == Again::Never && self.happened(asked).await {
                self.disk.note(Promise::Answered(asked.number, "done".into()));
                return self.done(wish, asked, "done".into()).await;
            }
            answer = write(self.app(), &self.disk, asked).await;
        }
        self.problem(format!("{:?}: no answer, however often it is asked", wish.what));
    }

    /// Whether something that nobody can ask twice has happened, as a person finds out: by looking.
    async fn happened(&mut self, asked: &Asked) -> bool {
        let (login, before) = (asked.login, self.book.get(asked.login).copied().unwrap_or_default());
        for _ in 0..TRIES {
            match self.app().state().db.read(move |conn| balance(conn, login)).await {
                Ok(found) => return found == (before.0 + asked.change.0, before.1 + asked.change.1),
                Err(error) => self.undecided(&error.to_string()),
            }
        }
        false
    }

    /// A yes: entered into the book, and looked at by whoever keeps marks.
    async fn done(&mut self, wish: Wish, asked: &Arc<Asked>, text: String) {
        if let What::Deposit { order, .. } | What::Payout { order, .. } = wish.what
            && let Some(id) = order_in(&text)
        {
            self.orders.insert(order, id);
        }
        let known = self.answers.entry(format!("{} {:?}", wish.login, wish.what)).or_insert_with(|| text.clone());
        if asked.ask.again() == Again::Same && *known != text {
            let known = known.clone();
            self.problem(format!("{:?}: first {known}, then {text}", wish.what));
        }
        self.enter(asked);
        self.look().await;
    }

    fn enter(&mut self, asked: &Asked) {
        let money = self.book.entry(asked.login).or_default();
        *money = (money.0 + asked.change.0, money.1 + asked.change.1);
    }

    /// Lets the mark follow, in the way and the order of the service's own task, and notes what a reader sees.
    async fn look(&mut self) {
        let seen = self.app().state().db.read(|conn| Ok((rows(conn)?, marks::current(conn)?, database_id(conn)?)));
        let (rows, mark, id) = match seen.await {
            Ok(seen) => seen,
            Err(error) => return self.undecided(&format!("a look at the books: {error}")),
        };
        let directory = self.home.path();
        let file = MarkFile::named(directory, &home::place(directory), &id);
        let name = format!("croupier-{id}.mark");
        file.save(&mark).expect("the mark is no file of the database");
        let bytes = std::fs::read(directory.join(&name)).expect("the mark is there");
        self.disk.note(Promise::Marked(name.into(), bytes.into(), mark));
        self.disk.note(Promise::Seen(rows));
    }

    async fn send(&mut self, behaviour: Behaviour, login: &'static str, change: (i64, i64)) {
        let (disk, sent) = (self.disk.clone(), Arc::new(AtomicBool::new(false)));
        let received = sent.clone();
        self.cashier.answer_with(move |initiation| {
            received.store(true, Ordering::SeqCst);
            disk.note(Promise::Sent(initiation.external_id.clone()));
            behaviour.clone()
        });
        self.number += 1;
        let asked = Arc::new(Asked { number: self.number, ask: Ask::Send, login, change });
        self.disk.note(Promise::Asked(asked.clone()));
        let (began, mut failed, mut waits) = (Instant::now(), false, false);
        loop {
            // A worker that cannot write down what it knows tries on.
            let worked = tokio::select! {
                worked = tokio::time::timeout(PATIENCE, self.app().worker().step()) => worked,
                () = self.app().state().db.failed() => return self.undecided("the worker"),
            };
            match worked {
                Ok(Ok(Worked::Worked)) if sent.load(Ordering::SeqCst) => break,
                // It was claimed and could not be looked at again: certainly not sent, and due again after the service's own pause.
                Ok(Ok(Worked::Worked)) if self.faulty => waits = true,
                Ok(Ok(Worked::Idle)) if waits => tokio::time::sleep(LOOK_AGAIN).await,
                // A claim whose commit nobody knew of: the service's own watch makes it unknown, and so does a start.
                Ok(Ok(Worked::Idle)) if failed && self.recovered().await => {
                    self.disk.note(Promise::Refused(asked.number));
                    return;
                }
                Ok(Ok(worked)) => return self.problem(format!("nothing was sent: {worked:?}")),
                Ok(Err(error)) => {
                    failed = true;
                    self.undecided(&format!("the worker: {error}"));
                }
                Err(_) => return self.problem("the worker does not come back".into()),
            }
            if began.elapsed() > PATIENCE {
                return self.problem("the payout is never sent".into());
            }
        }
        self.disk.note(Promise::Answered(asked.number, String::new()));
        self.enter(&asked);
        self.look().await;
    }

    async fn recovered(&mut self) -> bool {
        for _ in 0..TRIES {
            match self.app().worker().recover().await {
                Ok(count) => return count > 0,
                Err(error) => self.undecided(&error.to_string()),
            }
        }
        false
    }

    /// The end: the books agree with ours and with themselves, nothing was sent twice, and the service stops.
    async fn close(&mut self) {
        self.reader = None;
        if !self.problems.is_empty() || self.app.is_none() || self.has_ended() {
            return self.stop();
        }
        let logins: Vec<&'static str> = self.book.keys().copied().collect();
        let read = self.app().state().db.read(move |conn| {
            let found: Result<Book, Error> =
                logins.into_iter().map(|login| Ok((login, balance(conn, login)?))).collect();
            Ok((found?, croupier::verify::verify(conn, |_| ())?.problems))
        });
        match read.await {
            Ok((found, wrong)) => {
                if found != self.book {
                    let text = format!("balances are {found:?}, the book says {:?}", self.book);
                    self.problem(text);
                }
                self.problems.extend(wrong.into_iter().map(|wrong| format!("verify: {wrong}")));
            }
            Err(error) => self.problem(format!("the books cannot be read at the end: {error}")),
        }
        for id in self.orders.values() {
            if self.cashier.initiations(id).len() > 1 {
                self.problems.push(format!("payout {id} was sent more than once"));
            }
        }
        self.stop();
    }
}

/// Asks, and notes question and answer at their places.
async fn write(app: &Application, disk: &Arc<Disk>, asked: &Arc<Asked>) -> Result<String, Error> {
    disk.note(Promise::Asked(asked.clone()));
    let ask = asked.ask.clone();
    let written = app.state().db.write(Scope::Nobody, move |tx| perform(tx, &ask));
    let answer = tokio::time::timeout(PATIENCE, written).await;
    let answer = answer.unwrap_or_else(|_| Err(Error::Internal(format!("no answer within {PATIENCE:?}"))));
    match &answer {
        Ok(text) => disk.note(Promise::Answered(asked.number, text.clone())),
        Err(error) if error.is_refusal() => disk.note(Promise::Refused(asked.number)),
        Err(_) => {}
    }
    answer
}

/// Numbers of rows that only grow.
pub fn rows(conn: &mut DbConn) -> QueryResult<Rows> {
    Ok([
        schema::transitions::table.count().get_result(conn)?,
        schema::webhooks::table.count().get_result(conn)?,
        schema::payout_attempts::table.count().get_result(conn)?,
        schema::question_keys::table.count().get_result(conn)?,
        schema::wallet_transactions::table.count().get_result(conn)?,
        schema::reviews::table.count().get_result(conn)?,
    ])
}

fn database_id(conn: &mut DbConn) -> QueryResult<String> {
    db::migrate::database_id(conn)
}
