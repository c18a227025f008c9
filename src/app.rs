//! A service put together from its settings: databases opened, books checked, listeners bound, workers started; and stopped in order.

mod books;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::api;
use crate::cashier::deposit;
use crate::cashier::doors::Doors;
use crate::clock;
use crate::db::migrate::{self, Policy};
use crate::db::{self, Db, Place, Scope};
use crate::error::Error;
use crate::inquiries::Asker;
use crate::instance::{Instance, Me};
use crate::marks::{self, Mark, MarkFile};
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;
use crate::payouts::sending;
use crate::payouts::worker::Worker;
use crate::providers::Providers;
use crate::pushes::Pusher;
use crate::settings::Settings;
use crate::shared;
use crate::state::Gate;
use crate::vault::Vault;
use crate::webhooks;

use books::{Beside, Books};

pub use crate::state::State;

/// How often the mark outside the database follows the end of the books.
const MARK_PERIOD: Duration = Duration::from_millis(100);

/// How often deposits are ended that players began and gave up, and how many at a time.
const TIDY_PERIOD: Duration = Duration::from_secs(60);
const GIVEN_UP_AT_ONCE: i64 = 100;

/// Lists of players that are read at once: half of the readers.
const PLAYERS_LISTS: usize = 2;

/// How long an order to stop waits for payouts under way. With what the listeners and the last commit take, a stop is done within
/// 30 s (threats NET-8); an answer that comes later finds its payout unknown after the next start.
const STOP_PATIENCE: Duration = Duration::from_secs(25);

/// Why all of the books are checked at the start after that.
const DISK_FAILED: &str = "the disk failed under a checkpoint";

/// How long to wait before what was under way is looked at again, when the database did not let us.
const RECOVER_AGAIN: Duration = Duration::from_secs(2);

/// Why a service does not start. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A service that is ready to run.
pub struct Application {
    state: State,
    public: TcpListener,
    private: TcpListener,
    worker: Worker,
    books: Books,
    stopping: watch::Sender<bool>,
    pusher: Option<Pusher>,
    me: Me,
    // Last, so that the name is given back after everything that uses it.
    _instance: Instance,
}

impl Application {
    /// Opens the database (migrating it first), checks the books, binds both listeners.
    ///
    /// # Errors
    ///
    /// What is wrong, for the operator. Books that do not hold are no error: money routes stay closed then.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        Self::build_with(settings, Policy::Migrate).await
    }

    /// Like [`Application::build`], with a choice of what to do with an old schema.
    ///
    /// # Errors
    ///
    /// What is wrong, for the operator.
    pub async fn build_with(settings: Settings, policy: Policy) -> Result<Self, StartError> {
        let place = Place::parse(&settings.database.url).map_err(StartError::of)?;
        marks::check_not_emptied(&settings.server.state_dir, &place).map_err(StartError)?;
        let lock = db::FileLock::of(&place).map_err(StartError::of)?;
        db::homes::check(&place).map_err(StartError::of)?;
        for name in migrate::prepare(&place, policy).map_err(StartError::of)? {
            log::info!("database: migrated: {name}");
        }
        let db = Db::open(&place, lock, settings.database.lanes, shared::HOOKS).map_err(StartError::of)?;
        let settings = Arc::new(settings);
        let gate = Gate::default();
        let metrics = Metrics::new();
        let books = books::check(&place, &settings, &gate)?;
        let database_id = db.read(|conn| Ok(migrate::database_id(conn)?)).await.map_err(StartError::of)?;
        let instance = Instance::take(&settings.server.state_dir, &database_id).map_err(StartError)?;
        let me = Me::new(instance.id(), db.is_file());
        metrics.open.set(i64::from(gate.check().is_ok()));
        metrics.books_checked.set(i64::from(books.whole));
        let sites = settings.sites.iter().map(|site| (site.site_id, Arc::new(site.clone()))).collect();
        let outgoing = Outgoing::new().map_err(StartError)?;
        tell_whether_held(&db, &metrics).await?;
        let worker = Worker::new(db.clone(), settings.clone(), outgoing.clone(), metrics.clone(), me.clone());
        let public = bind(settings.server.public_bind)?;
        let private = bind(settings.server.private_bind)?;
        let outbox = Arc::new(Notify::new());
        let polls = Arc::new(Semaphore::new(api::MOST_POLLS));
        let (stopping, stopped) = watch::channel(false);
        let endpoint = settings.events.as_ref();
        let pusher =
            endpoint.map(|events| Pusher::new(db.clone(), events, metrics.clone(), stopped.clone(), me.clone()));
        let pusher = pusher.transpose().map_err(StartError)?;
        let state = State {
            db: db.clone(),
            settings: settings.clone(),
            sites: Arc::new(sites),
            asker: Asker::new(db.clone(), settings.clone(), outgoing.clone(), metrics.clone()),
            vault: Arc::new(Vault::new(&settings.vault)),
            outgoing,
            outbox,
            doors: Doors::default(),
            lists: Arc::new(Semaphore::new(PLAYERS_LISTS)),
            polls,
            stopping: stopped,
            metrics,
            gate,
        };
        Ok(Self { state, public, private, worker, books, stopping, pusher, me, _instance: instance })
    }

    /// Where the Cashier and players connect.
    pub fn public_address(&self) -> SocketAddr {
        self.public.local_addr().expect("a bound listener has an address")
    }

    /// Where the game server, staff and machines connect.
    pub fn private_address(&self) -> SocketAddr {
        self.private.local_addr().expect("a bound listener has an address")
    }

    /// What handlers see; for tests and the demo.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The worker that sends payouts; for tests that drive it step by step.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Which of several services this one is; for tests that make another worker of the same.
    pub fn me(&self) -> &Me {
        &self.me
    }

    /// What pushes events, when an endpoint is set; for tests that drive it step by step.
    pub fn pusher(&self) -> Option<&Pusher> {
        self.pusher.as_ref()
    }

    /// Serves until `stop` completes, then ends in order: listeners, requests under way, payouts under way, the last commit.
    ///
    /// # Errors
    ///
    /// What the listeners say. The disk failed under the database: then the process must end, and a new one may go on.
    pub async fn run(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let (stopping, stopped) = (self.stopping, self.state.stopping.clone());
        let (served, all_served) = watch::channel(false);
        let db = self.state.db.clone();
        let open = self.state.check_open().is_ok();
        let sending = open.then(|| {
            let (worker, wake, state) = (self.worker.clone(), self.state.outbox.clone(), self.state.clone());
            tokio::spawn(start_sending(worker, wake, state, stopped))
        });
        let watching = open.then(|| tokio::spawn(self.worker.clone().watch_open(self.state.stopping.clone())));
        let asking = open.then(|| tokio::spawn(self.state.asker.clone().run(self.state.stopping.clone())));
        let tidying = open.then(|| tokio::spawn(end_what_was_given_up(db.clone(), self.state.stopping.clone())));
        let pushing = self.pusher.filter(|_| open).map(|pusher| tokio::spawn(pusher.run()));
        let marking = open
            .then(|| tokio::spawn(keep_mark(self.books.mark.clone(), db.clone(), self.state.gate.clone(), all_served)));
        let checking = (open && !self.books.whole).then(|| {
            let (gate, metrics) = (self.state.gate.clone(), self.state.metrics.clone());
            let stopped = self.state.stopping.clone();
            let beside = Beside { db: db.clone(), mark: self.books.mark.clone(), gate, metrics, stopped };
            tokio::task::spawn_blocking(move || beside.run())
        });
        let mut deadline = None;
        let stop = async {
            tokio::select! {
                () = stop => {}
                () = db.failed() => {}
            }
            // With nothing to be written any more nothing that is under way can end.
            let patience = if db.has_failed() { Duration::ZERO } else { STOP_PATIENCE };
            deadline = Some(tokio::time::Instant::now() + patience);
            // From now on no payout is taken on, and requests that wait for events are answered; what is under way goes on.
            stopping.send_replace(true);
        };
        api::serve(self.public, self.private, self.state, stop).await?;
        let deadline = deadline.unwrap_or_else(tokio::time::Instant::now);
        if let Some(sending) = sending
            && tokio::time::timeout_at(deadline, sending).await.is_err()
        {
            log::error!("stop: a payout is still under way; it will be unknown after the next start");
        }
        if let Some(pushing) = pushing
            && tokio::time::timeout_at(deadline, pushing).await.is_err()
        {
            log::warn!("stop: events are still being pushed; they are pushed again after the next start");
        }
        if let Some(asking) = asking
            && tokio::time::timeout_at(deadline, asking).await.is_err()
        {
            log::warn!("stop: providers are still being asked about orders; they are asked again after the next start");
        }
        ended(watching, |error| log::error!("stop: the look at payouts under way panicked: {error}")).await;
        ended(tidying, |error| log::error!("stop: the end of given-up deposits panicked: {error}")).await;
        ended(checking, |error| log::error!("stop: the check of the books panicked: {error}")).await;
        served.send_replace(true);
        ended(marking, |error| log::error!("stop: the mark in server.state_dir was not kept: {error}")).await;
        db.close();
        if db.has_failed() {
            // The next start looks at everything.
            if let Err(error) = self.books.mark.raise_doubt(DISK_FAILED) {
                log::error!("the mark in server.state_dir cannot be written: {error}");
            }
            return Err(std::io::Error::other(
                "the disk failed under the database: the log of its writes is kept for the next start",
            ));
        }
        log::info!("stopped");
        Ok(())
    }
}

/// Waits for a task that ends by itself now.
async fn ended(task: Option<JoinHandle<()>>, panicked: impl FnOnce(JoinError)) {
    if let Some(task) = task
        && let Err(error) = task.await
    {
        panicked(error);
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    api::bind(address).map_err(|error| StartError(format!("cannot listen on {address}: {error}")))
}

/// Says loudly that no payout goes out, and what to do about it.
async fn tell_whether_held(db: &Db, metrics: &Metrics) -> Result<(), StartError> {
    let held = db.read(|conn| Ok(sending::held_back(conn)?)).await.map_err(StartError::of)?;
    metrics.sending_held.set(i64::from(held.is_some()));
    if let Some((why, queued)) = held {
        log::error!(
            "payouts are held back until a person confirms with `croupier sending confirm`: {why}; {queued} wait"
        );
    }
    Ok(())
}

async fn start_sending(worker: Worker, wake: Arc<Notify>, state: State, mut stopped: watch::Receiver<bool>) {
    match apply_parked(&state.db, &state.settings.providers).await {
        Ok(0) => {}
        Ok(applied) => log::info!("{applied} notifications that came before their orders were looked at again"),
        Err(error) => log::error!("notifications that wait for their orders cannot be looked at: {error}"),
    }
    loop {
        match worker.recover().await {
            Ok(0) => break,
            Ok(left) => {
                log::error!("{left} payouts were under way when the process stopped; see their reviews");
                break;
            }
            Err(error) => {
                log::error!("payouts are not sent: what was under way cannot be settled, trying again: {error}");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RECOVER_AGAIN) => {}
            _ = stopped.changed() => return,
        }
    }
    worker.run(wake, stopped).await;
}

/// Applies notifications that came before their orders did, each in a write of its own. Returns how many.
async fn apply_parked(db: &Db, providers: &Providers) -> Result<usize, Error> {
    let mut applied = 0;
    for parked in db.read(webhooks::parked).await? {
        let Some(provider) = providers.get(&parked.provider).map(|provider| provider.name()) else { continue };
        let id = parked.id;
        let done = db
            .write(Scope::Order(parked.external_id), move |tx| webhooks::apply_parked(tx, id, provider, clock::now()));
        match done.await {
            Ok(done) => applied += usize::from(done),
            Err(error) => log::warn!("a notification that came before its order waits until the next start: {error}"),
        }
    }
    Ok(applied)
}

/// Ends deposits that nobody takes over any more, each in a write of its own. Returns how many.
async fn expire(db: &Db) -> Result<usize, Error> {
    let mut ended = 0;
    for begun in db.read(|conn| deposit::expired(conn, clock::now(), GIVEN_UP_AT_ONCE)).await? {
        ended += usize::from(
            db.write(Scope::Number(begun.player), move |tx| deposit::expire(tx, &begun, clock::now())).await?,
        );
    }
    Ok(ended)
}

/// Ends deposits that players began and the Cashier never asked about.
async fn end_what_was_given_up(db: Db, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        match expire(&db).await {
            Ok(_) => {}
            Err(error) => log::error!("deposits that players gave up cannot be ended, trying again: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY_PERIOD) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// What the books have lost of what the last mark knew: a failover to a standby that lags, or an older copy under the same address.
async fn what_was_lost(db: &Db, last: Option<Mark>) -> Option<String> {
    let last = last?;
    match db.read(move |conn| marks::lost(conn, &last)).await {
        Ok(lost) => lost.into_iter().next(),
        // Looked at again when the mark moves next.
        Err(error) => {
            log::warn!("the end of the books cannot be compared with its mark now: {error}");
            None
        }
    }
}

/// Lets the mark outside the database follow its end. The database always commits first.
async fn keep_mark(mark: MarkFile, db: Db, gate: Gate, mut stopped: watch::Receiver<bool>) {
    let mut last = mark.load().ok().flatten();
    loop {
        let stopping = *stopped.borrow();
        if stopping {
            // The last word: with everything that was answered.
            db.settle().await;
        }
        match db.read(marks::current).await {
            // A mark must not know what a failover can still take back: it waits for a commit that covers it.
            Ok(current) if last.as_ref() != Some(&current) && db.settle().await => {
                if let Some(lost) = what_was_lost(&db, last.clone()).await {
                    // The mark stays: it is the evidence.
                    db.distrust(&lost);
                    gate.close(lost);
                    return;
                }
                let (mark, wanted) = (mark.clone(), current.clone());
                match tokio::task::spawn_blocking(move || mark.save(&wanted)).await {
                    Ok(Ok(())) => last = Some(current),
                    Ok(Err(error)) => log::error!("the mark in server.state_dir cannot be written: {error}"),
                    Err(error) => log::error!("the mark in server.state_dir was not written: {error}"),
                }
            }
            Ok(_) => {}
            Err(error) => log::error!("the end of the books cannot be read for the mark: {error}"),
        }
        if stopping {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(MARK_PERIOD) => {}
            _ = stopped.changed() => {}
        }
    }
}
