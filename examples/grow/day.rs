//! The day that is repeated: the real service plays it once, with the Cashier of `simulate`, in a small database of its own.
//!
//! So every row of a grown book is one that the product has written itself; nothing here knows what must stand in a table.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use croupier::app::{Application, State};
use croupier::clock;
use croupier::db::Scope;
use croupier::ids::{Login, Player, SiteId};
use croupier::money::Currency;
use croupier::payouts::{self, Stage};
use croupier::players;
use croupier::settings::Settings;
use croupier::simulate::caller::{Answer, Caller};
use croupier::simulate::messages::{self, DECLINED, Notice, Order, PAYOUT, PURCHASE, SUCCESS};
use croupier::simulate::meter::Meter;
use croupier::simulate::server::{Behaviour, CashierServer};
use croupier::simulate::{Brand, Encoding};
use croupier::wallet::transactions::{self, Kind, Movement};
use tokio::sync::oneshot;

use crate::Failure;
use crate::random::Random;

/// The site of the books.
pub const SITE: i64 = 332;
/// Its salt.
pub const SALT: &str = "a_salt_for_grown_books_only_0123456789";
/// Players of the day. Each has about ten entries: a paid deposit, seven bets and wins, a payout that was paid; some have a deposit
/// that was declined or given up, some a payout that was declined.
pub const PLAYERS: i64 = 20;
/// What the Cashier's numbers of its transactions begin with; they have eleven digits.
pub const FIRST_TRANSACTION: u64 = 20_000_000_000;

/// How long a payout may take to be sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The login of a player; every one has the same length.
pub fn login(number: i64) -> String {
    format!("customer-{number:07}")
}

/// The settings of a service on the books in `file`, whose marks are in `state`. `approval`: `auto` or `manual`.
pub fn settings(file: &Path, state: &Path, payout_url: &str, approval: &str) -> String {
    let (file, state) = (file.display(), state.display());
    format!(
        "[server]\npublic_bind = \"127.0.0.1:0\"\nprivate_bind = \"127.0.0.1:0\"\nstate_dir = \"{state}\"\n\
         [database]\nurl = \"sqlite://{file}\"\n[wallet]\napi_keys = {{ game = \"{SALT}{SALT}\" }}\n\
         [sites.demo]\nsite_id = {SITE}\ncurrencies = [\"USD\"]\n[sites.demo.carouseller]\nsalts = [\"{SALT}\"]\n\
         payout_url = \"{payout_url}\"\n[sites.demo.payouts]\napproval = \"{approval}\"\n"
    )
}

/// Plays the day in `directory`. Returns the file with its books.
pub fn play(directory: &Path, seed: u64) -> Result<PathBuf, Failure> {
    let file = directory.join("day.db");
    actix_web::rt::System::new().block_on(async {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let brand = Brand::new(SITE, SALT);
        let cashier = CashierServer::start(here, brand.clone(), |_| Behaviour::Accept).await;
        let cashier = cashier.map_err(|error| format!("the Cashier: {error}"))?;
        let settings = Settings::from_text(&settings(&file, directory, &cashier.payout_url(), "auto"))
            .map_err(|problems| format!("the settings: {problems:?}"))?;
        let app = Application::build(settings).await.map_err(|error| error.to_string())?;
        let (state, public) = (app.state().clone(), app.public_address());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = actix_web::rt::spawn(app.run(async {
            let _either_way_it_ends = stopped.await;
        }));
        let caller = Caller::new(&format!("http://{public}"), brand, Arc::new(Meter::default()));
        let mut day = Day { state, caller, random: Random::new(seed), transactions: FIRST_TRANSACTION };
        for number in 1..=PLAYERS {
            day.player(number).await?;
        }
        drop((stop, day));
        running.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    })?;
    Ok(file)
}

struct Day {
    state: State,
    caller: Caller,
    random: Random,
    transactions: u64,
}

impl Day {
    /// One player from the first deposit to the last payout. Nothing stays held, and what is left is not below zero, so the same can
    /// happen again to somebody who has money already.
    async fn player(&mut self, number: i64) -> Result<(), Failure> {
        let player = Player { site: SiteId(SITE), login: Login::parse(&login(number)).map_err(text)? };
        let put = player.clone();
        let made = self
            .state
            .db
            .write(Scope::from(&player), move |tx| players::put(tx, &put, &players::Change::default(), clock::now()));
        made.await.map_err(text)?;
        let amount = self.random.between(3_000, 9_000);
        let order = self.order(number, amount);
        let id = self.ask(messages::check_deposit(SITE, &order)).await?;
        self.say(&id, &order, PURCHASE, SUCCESS).await?;
        if number % 2 == 0 {
            let given_up = self.order(number, 5_000);
            self.ask(messages::check_deposit(SITE, &given_up)).await?;
        }
        if number % 5 == 0 {
            let declined = self.order(number, 7_000);
            let id = self.ask(messages::check_deposit(SITE, &declined)).await?;
            self.say(&id, &declined, PURCHASE, DECLINED).await?;
        }
        for nth in 0..7 {
            let (kind, amount) = if nth % 3 == 2 { (Kind::Win, 1..400) } else { (Kind::Bet, 100..250) };
            let amount = self.random.between(amount.start, amount.end);
            self.play(&player, kind, amount).await?;
        }
        let amount = self.random.between(500, 1_000);
        let paid_out = self.order(number, amount);
        self.payout(&paid_out, SUCCESS).await?;
        if number % 10 == 0 {
            let declined = self.order(number, 300);
            self.payout(&declined, DECLINED).await?;
        }
        Ok(())
    }

    fn order(&mut self, player: i64, amount: i64) -> Order {
        self.transactions += 1;
        Order { login: login(player), amount, currency: "USD".into(), transaction_id: self.transactions }
    }

    async fn play(&mut self, player: &Player, kind: Kind, amount: i64) -> Result<(), Failure> {
        let currency = Currency::parse("USD").map_err(text)?;
        let (key, reference) = (self.random.uuid(), self.random.uuid());
        let movement = Movement { player: player.clone(), kind, amount, currency, reference, reason: None };
        let make = move |tx: &mut croupier::db::WriteTx<'_>| transactions::make(tx, &key, &movement, clock::now());
        self.state.db.write(Scope::from(player), make).await.map_err(text)?;
        Ok(())
    }

    async fn payout(&mut self, order: &Order, end: i64) -> Result<(), Failure> {
        let id = self.ask(messages::request_payout(SITE, order)).await?;
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(2));
        loop {
            look.tick().await;
            let wanted = id.clone();
            let found = self.state.db.read(move |conn| Ok(payouts::find(conn, &wanted)?)).await.map_err(text)?;
            let stage = found.map(|payout| payout.standing()).transpose().map_err(text)?.map(|(_, stage)| stage);
            if stage == Some(Stage::Sent) {
                return self.say(&id, order, PAYOUT, end).await;
            }
            if tokio::time::Instant::now() > until {
                return Err(format!("payout {id} is not sent"));
            }
        }
    }

    async fn ask(&self, question: croupier::simulate::Params) -> Result<String, Failure> {
        let answer = self.caller.ask(&question, Encoding::Form).await.map_err(text)?;
        answer.external_id().map(str::to_owned).ok_or_else(|| answer.summary())
    }

    async fn say(&self, id: &str, order: &Order, type_id: i64, status_id: i64) -> Result<(), Failure> {
        let notice = Notice { external_id: id.to_owned(), order: order.clone(), type_id, status_id };
        let answer: Answer =
            self.caller.notify(&messages::notification(SITE, &notice), Encoding::Form).await.map_err(text)?;
        if answer.acknowledges() { Ok(()) } else { Err(answer.summary()) }
    }
}

fn text(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}
