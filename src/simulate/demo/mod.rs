//! The main job, played from both sides: players deposit, play and withdraw against a real merchant, and at the end
//! the simulator's book says what must be true.

mod compare;
mod life;
mod report;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::book::{Book, End};
use super::cashier::{Cashier, DepositEnd, PayoutEnd};
use super::faults::{DepositFault, Dice, PayoutFault};
use super::gameserver::GameServer;
use super::messages::Order;
use super::meter::Meter;
use super::visits::Visits;
use crate::secret::Secret;

pub use report::{Flow, LedgerCheck, Report};

/// Players in action at once: enough to compete, not so many that latency is only queueing.
const AT_ONCE: usize = 32;

/// How much to play.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many players.
    pub players: u64,
    /// Rounds of deposit, play and payout for each.
    pub rounds: u64,
    /// Whether things go wrong on purpose.
    pub faults: bool,
    /// Decides every amount, outcome and fault.
    pub seed: u64,
    /// The platform that the players' API leads to; `None`: they come to the Cashier's own page.
    pub provider: Option<&'static str>,
}

/// Who moves the money.
#[derive(Debug)]
pub enum Side {
    /// The Cashier, which asks the merchant.
    Cashier(Box<Cashier>),
    /// A platform, which the merchant asks.
    Platform(Box<Visits>),
}

impl Side {
    async fn deposit(&self, order: &Order, pays: bool, fault: DepositFault, dice: &mut Dice) -> DepositEnd {
        match self {
            Side::Cashier(cashier) => cashier.deposit(order, pays, fault, dice).await,
            Side::Platform(visits) => visits.deposit(order, pays, fault).await,
        }
    }

    async fn payout(&self, order: &Order, pays: bool, fault: PayoutFault, dice: &mut Dice) -> PayoutEnd {
        match self {
            Side::Cashier(cashier) => cashier.payout(order, pays, fault, dice).await,
            Side::Platform(visits) => visits.payout(order, pays, fault).await,
        }
    }

    async fn deliver_late(&self) -> Vec<String> {
        match self {
            Side::Cashier(cashier) => cashier.deliver_late().await,
            Side::Platform(visits) => visits.teller().deliver_late().await,
        }
    }

    /// The payouts that arrived, as often as they did.
    fn initiated(&self) -> Vec<String> {
        match self {
            Side::Cashier(cashier) => cashier.server().all().into_iter().map(|one| one.external_id).collect(),
            Side::Platform(visits) => {
                let asked_for = visits.teller().asked_for().into_iter();
                asked_for.flat_map(|(id, count)| std::iter::repeat_n(id, count)).collect()
            }
        }
    }

    /// Payouts that arrived more than once where that could pay them twice, with how often.
    fn doubles(&self) -> Vec<(String, usize)> {
        match self {
            Side::Cashier(cashier) => cashier.server().doubles(),
            Side::Platform(visits) => visits.teller().doubles(),
        }
    }
}

/// The merchant's wallet API.
#[derive(Debug, Clone)]
pub struct Wallet {
    /// Base address of the private listener.
    pub private: String,
    /// The site's number.
    pub site_id: i64,
    /// Bearer key.
    pub key: Secret,
}

/// What the merchant's own records say, beside its APIs.
pub trait Records: Sync {
    /// How these orders stand, deposits and payouts alike: the end, and the merchant's own word for it. An order that is
    /// not there is left out.
    fn ends(
        &self,
        external_ids: Vec<String>,
    ) -> impl Future<Output = Result<BTreeMap<String, (End, String)>, String>> + Send;
}

/// What a progress display shows. Counts only grow.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rounds done.
    pub rounds: AtomicU64,
    /// Deposits that ended.
    pub deposits: AtomicU64,
    /// Payouts that ended.
    pub payouts: AtomicU64,
    /// Whether the players are done and the books are being compared.
    pub comparing: AtomicU64,
}

/// Everything a player's life needs.
#[derive(Debug)]
struct World {
    plan: Plan,
    side: Side,
    game: GameServer,
    book: Mutex<Book>,
    progress: Arc<Progress>,
}

impl World {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics while writing the book")
    }
}

/// Plays the whole plan and compares the merchant with the book. The ledger check is the caller's to add.
pub async fn run(
    plan: Plan,
    wallet: &Wallet,
    records: &impl Records,
    side: Side,
    meter: Arc<Meter>,
    progress: Arc<Progress>,
) -> Report {
    let started = Instant::now();
    let game = GameServer::new(&wallet.private, wallet.site_id, wallet.key.clone(), meter.clone());
    let world = Arc::new(World { plan, side, game, book: Mutex::default(), progress });
    play(&world).await;
    for failed in world.side.deliver_late().await {
        world.book().problem(format!("late: {failed}"));
    }
    let took = started.elapsed();
    world.progress.comparing.store(1, Ordering::Relaxed);
    let differences = compare::with_book(&world, records).await;
    let book = world.book().clone();
    report::make(plan, took, &meter, &book, (world.side.initiated().len(), world.side.doubles().len()), differences)
}

async fn play(world: &Arc<World>) {
    let dice = Dice::new(world.plan.seed);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut lives = JoinSet::new();
    for number in 0..world.plan.players {
        let (world, places, dice) = (world.clone(), places.clone(), dice.fork(number));
        lives.spawn(async move {
            let _place = places.acquire().await.expect("the semaphore is never closed");
            life::live(&world, number, dice).await;
        });
    }
    while let Some(ended) = lives.join_next().await {
        if let Err(error) = ended {
            world.book().problem(format!("a player's life broke off: {error}"));
        }
    }
}
