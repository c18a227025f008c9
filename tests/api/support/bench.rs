//! The service put together in this process without listeners running, so that a test drives the worker step by step and chooses
//! its timeouts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use croupier::app::{Application, State};
use croupier::clock;
use croupier::error::Error;
use croupier::ids::{ExternalId, Login, Player, SiteId};
use croupier::money::Currency;
use croupier::orders::reviews::{self, Review};
use croupier::outgoing::Outgoing;
use croupier::payouts::outbox::{self, AttemptRow};
use croupier::payouts::worker::{Worked, Worker};
use croupier::payouts::{Payout, Stage};
use croupier::providers::RawRequest;
use croupier::questions::{self, Prepared};
use croupier::settings::Settings;
use croupier::simulate::Brand;
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use croupier::{ledger, players, verify, webhooks};

use crate::process::{SALT, SITE, Service, Setup, notification, question};
use crate::raw::Request;
use crate::support::database::TestDatabase;

pub const LOGIN: &str = "anna";
pub const MONEY: i64 = 1_000_000;

/// A service in pieces, and the Cashier it sends to.
pub struct Bench {
    /// The files; no process is started.
    files: Service,
    pub app: Application,
    pub worker: Worker,
    transactions: std::sync::atomic::AtomicU64,
}

pub fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A Cashier that answers as told.
pub async fn cashier(choose: impl Fn(&Initiation) -> Behaviour + Send + Sync + 'static) -> CashierServer {
    cashier_at(here(), choose).await
}

pub async fn cashier_at(
    address: SocketAddr,
    choose: impl Fn(&Initiation) -> Behaviour + Send + Sync + 'static,
) -> CashierServer {
    CashierServer::start(address, Brand::new(SITE, SALT), choose).await.expect("the address is free")
}

impl Bench {
    pub async fn new(payout_url: &str) -> Self {
        Self::with(Setup { payout_url: payout_url.to_owned(), ..Setup::default() }).await
    }

    pub async fn with(setup: Setup) -> Self {
        let files = Service::new(setup);
        let (app, worker) = build(&files, Duration::from_millis(400)).await;
        let bench = Self { files, app, worker, transactions: 1.into() };
        bench.give(MONEY).await;
        bench
    }

    /// Stops as a crash would (nothing is recorded any more) and starts on the same files with changed settings.
    pub async fn reborn(self, change: impl FnOnce(&mut Setup)) -> Self {
        let Self { mut files, app, worker, transactions } = self;
        app.state().db.close();
        drop((app, worker));
        files.change(change);
        let (app, worker) = build(&files, Duration::from_millis(400)).await;
        Self { files, app, worker, transactions }
    }

    pub fn state(&self) -> &State {
        self.app.state()
    }

    pub fn database(&self) -> &TestDatabase {
        self.files.database()
    }

    async fn give(&self, amount: i64) {
        use croupier::wallet::transactions::{Kind, Movement, make};
        let player = player();
        let currency = Currency::parse("USD").expect("a currency");
        let given = self.state().db.write(croupier::db::Scope::from(&player), move |tx| {
            players::put(tx, &player, &players::Change::default(), clock::now())?;
            let (reference, reason) = ("seed".to_owned(), None);
            let player = player.clone();
            make(tx, "seed", &Movement { player, kind: Kind::Bonus, amount, currency, reference, reason }, clock::now())
        });
        given.await.expect("a bonus");
    }

    /// Asks for a payout that must be accepted.
    pub async fn payout(&self, amount: i64) -> ExternalId {
        let transaction = self.transactions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = question("request_payout", LOGIN, amount, transaction);
        let question =
            self.state().settings.providers.carouseller.read_question(&received(&request)).expect("a good question");
        let site = self.state().site(SiteId(SITE)).expect("the site").clone();
        questions::answer(&self.state().db, Prepared::new("carouseller", site, question)).await.expect("accepted")
    }

    /// Delivers a notification about a payout.
    pub async fn notify(&self, id: &ExternalId, amount: i64, status_id: i64) {
        let request = notification(id.as_str(), LOGIN, amount, (11, status_id), 77);
        let notification = self
            .state()
            .settings
            .providers
            .carouseller
            .read_notification(&received(&request))
            .expect("a good notification");
        let stored = self.state().db.write(id, move |tx| webhooks::receive(tx, &notification, clock::now()));
        stored.await.expect("stored");
    }

    pub async fn step(&self) -> Worked {
        self.worker.step().await.expect("a step")
    }

    pub async fn standing(&self, id: &ExternalId) -> Payout {
        self.worker.standing(id).await.expect("a read").expect("the payout")
    }

    pub async fn stage(&self, id: &ExternalId) -> Stage {
        Stage::from_name(&self.standing(id).await.stage).expect("a stage")
    }

    pub async fn attempts(&self, id: &ExternalId) -> Vec<AttemptRow> {
        let id = id.clone();
        let read = self.state().db.read(move |conn| Ok(outbox::attempts(conn, id.as_str())?));
        read.await.expect("attempts")
    }

    pub async fn reviews(&self, id: &ExternalId) -> Vec<Review> {
        let id = id.clone();
        let read = self.state().db.read(move |conn| Ok(reviews::of_order(conn, id.as_str())?));
        read.await.expect("reviews")
    }

    /// Available and held US dollars.
    pub async fn balance(&self) -> (i64, i64) {
        let read = self.state().db.read(|conn| {
            let row = players::read(conn, &player())?.ok_or(Error::UnknownPlayer)?;
            Ok(ledger::balances(conn, ledger::PlayerId(row.id))?)
        });
        let balances = read.await.expect("balances");
        let (_, dollars) = balances.into_iter().find(|(code, _)| code == "USD").expect("dollars");
        (dollars.available, dollars.held)
    }

    /// Makes every payout that waits for another try due now.
    pub async fn make_due(&self, due_at: i64) {
        use croupier::db::schema::outbox;
        use diesel::prelude::*;
        let set = self.state().db.write(croupier::db::Scope::Nobody, move |tx| {
            diesel::update(outbox::table).set(outbox::due_at.eq(due_at)).execute(tx.conn()?)?;
            Ok(())
        });
        set.await.expect("an update");
    }

    /// A reading of a stage that is waited for, within bounds.
    pub async fn wait_for(&self, id: &ExternalId, stage: Stage) -> Payout {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let payout = self.standing(id).await;
            if payout.stage == stage.name() {
                return payout;
            }
            assert!(std::time::Instant::now() < deadline, "{} stays {}", id.as_str(), payout.stage);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Every invariant of the books.
    pub async fn assert_books(&self) {
        let report = self.state().db.read(move |conn| verify::verify(conn, |_| ()));
        let report = report.await.expect("a report");
        assert!(report.ok, "{:?}", report.problems);
    }
}

async fn build(files: &Service, patience: Duration) -> (Application, Worker) {
    let settings = Settings::load_with_warnings(&files.settings()).expect("good settings").0;
    let app = Application::build(settings).await.expect("it starts");
    let outgoing = Outgoing::with_timeouts(patience, patience).expect("a client");
    let state = app.state();
    let worker =
        Worker::new(state.db.clone(), state.settings.clone(), outgoing, state.metrics.clone(), app.me().clone());
    (app, worker)
}

fn received(request: &Request) -> RawRequest<'_> {
    RawRequest::plain(Some("application/json"), "", request.body.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

pub fn player() -> Player {
    Player { site: SiteId(SITE), login: Login::parse(LOGIN).expect("a login") }
}
