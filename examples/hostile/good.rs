//! Good traffic: signed questions at their times, each on a connection of its own, whatever became of those before.
//!
//! It runs on a thread of its own, so that what is measured is the service and not the attackers' side of this program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use croupier::simulate::Brand;
use croupier::simulate::messages::{self, Order};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::options::Failure;
use crate::service::{SALT, SITE};
use crate::wire;

/// Every third request repeats an earlier one.
const FRESH: u64 = 3;

/// What became of the good requests of one stretch.
#[derive(Debug, Default, Clone)]
pub struct Traffic {
    /// From when each should have been sent to the last byte of its answer, shortest first.
    pub took: Vec<Duration>,
    /// New questions among them.
    pub fresh: u64,
    pub problems: Vec<String>,
}

impl Traffic {
    /// So many of 100 took no longer than this.
    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.took.len() * percent).div_ceil(100).saturating_sub(1);
        self.took.get(at).copied().unwrap_or_default()
    }

    pub fn longest(&self) -> Duration {
        self.took.last().copied().unwrap_or_default()
    }
}

/// A stretch of good traffic that goes on until it is ended.
pub struct Good {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Traffic, Failure>>,
}

impl Good {
    /// So many in a second. `numbers` gives transaction ids, so that no stretch repeats another one.
    pub fn start(rate: u64, address: SocketAddr, numbers: Arc<AtomicU64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(traffic(rate, address, &numbers, &stopping))
        });
        Self { stop, thread }
    }

    /// Sends no more, and waits for the last answers.
    pub async fn end(self) -> Result<Traffic, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        let joined =
            tokio::task::spawn_blocking(move || self.thread.join()).await.map_err(|error| error.to_string())?;
        joined.map_err(|_| "the good traffic panicked".to_owned())?
    }
}

async fn traffic(rate: u64, address: SocketAddr, numbers: &AtomicU64, stop: &AtomicBool) -> Result<Traffic, Failure> {
    let pace = Duration::from_secs(1) / u32::try_from(rate.max(1)).unwrap_or(1);
    let (began, mut sent) = (Instant::now(), 0);
    let mut asking: JoinSet<(Duration, Option<String>)> = JoinSet::new();
    let (mut traffic, mut number) = (Traffic::default(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = began + pace * sent;
        tokio::time::sleep_until(due.into()).await;
        if u64::from(sent) % FRESH != 1 || number == 0 {
            number = numbers.fetch_add(1, Ordering::Relaxed) + 1;
            traffic.fresh += 1;
        }
        let transaction_id = number;
        asking.spawn(async move {
            let wrong = ask(address, transaction_id).await;
            (due.elapsed(), wrong)
        });
        sent += 1;
        while let Some(answered) = asking.try_join_next() {
            traffic.note(answered.map_err(|error| error.to_string())?);
        }
    }
    while let Some(answered) = asking.join_next().await {
        traffic.note(answered.map_err(|error| error.to_string())?);
    }
    traffic.took.sort_unstable();
    Ok(traffic)
}

impl Traffic {
    fn note(&mut self, (took, wrong): (Duration, Option<String>)) {
        self.took.push(took);
        self.problems.extend(wrong);
    }
}

/// One question of the Cashier. What is wrong with its answer.
async fn ask(address: SocketAddr, transaction_id: u64) -> Option<String> {
    let order = Order { login: "anna".to_owned(), amount: 1_000, currency: "USD".to_owned(), transaction_id };
    let params = Brand::new(SITE, SALT).signed(&messages::check_deposit(SITE, &order));
    let request = wire::post("/cashier/callback/carouseller", &Value::Object(params).to_string());
    match wire::exchange(address, &request).await {
        Ok(answer) => {
            let json = answer.json().unwrap_or_default();
            let good = answer.status() == Some(200) && json["code"] == 0 && json["external_id"].is_string();
            (!good).then(|| format!("a good question was answered {}", String::from_utf8_lossy(&answer.bytes)))
        }
        Err(error) => Some(format!("a good question was not answered: {error}")),
    }
}
