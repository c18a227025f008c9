//! `croupier simulate`: the Cashier simulator as a process, for integrators of any merchant implementation; with `--provider` another
//! platform.

mod provider;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::certify::{self, Examined};
use super::{Failure, Outcome};
use crate::simulate::cashier::{Cashier, DepositEnd, PayoutEnd};
use crate::simulate::certify::{self as conformance, Subject};
use crate::simulate::faults::{self, Dice};
use crate::simulate::ladder::Ladder;
use crate::simulate::messages::Order;
use crate::simulate::meter::Meter;
use crate::simulate::platforms;

/// Payouts that wait longer for a person are notified when their initiation comes.
const PATIENCE: Duration = Duration::from_secs(5);
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// Arguments of `croupier simulate`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    examined: Examined,
    /// Be this provider's platform: takes orders, ends them by itself and notifies. Prints the settings that lead to it.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(platforms::NAMES), conflicts_with_all = ["scenario", "salt"])]
    provider: Option<String>,
    /// Where payout initiations come: the merchant's `payout_url` is `http://ADDR/api/payout/`. With --provider where its API is.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    bind: SocketAddr,
    /// A player that deposits and withdraws; repeatable.
    #[arg(long, value_name = "LOGIN", default_value = "user_test")]
    player: Vec<String>,
    /// Run one scenario of the conformance list instead.
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Duplicates, reordering, lost answers, late, forged and contradictory notifications.
    #[arg(long)]
    faults: bool,
    /// Deposits and payouts per second; 0 only takes initiations and answers them. With --provider orders ended per second.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=1000))]
    rate: u64,
    /// How long to run, in seconds; without it until Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// Divides the pauses of the retry ladder; 1 is the real one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    speed: u32,
    /// Decides amounts, outcomes and faults; random without it.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The largest amount of one movement in minor units.
    #[arg(long, value_name = "MINOR", default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1000..=1_000_000_000))]
    amount: i64,
    /// Print one JSON document at the end.
    #[arg(long)]
    json: bool,
}

/// Runs the simulator. Exit code 0 when nothing was against the protocol.
///
/// # Errors
///
/// `NotInOrder` when something was, `WrongUse` when the simulator cannot start or the target does not answer.
pub fn run(args: &Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::WrongUse(format!("no runtime: {error}")))?;
    match (&args.provider, &args.scenario) {
        (Some(name), _) => runtime.block_on(provider::simulate(args, name)),
        (None, Some(name)) => runtime.block_on(scenario(args, name)),
        (None, None) => runtime.block_on(simulate(args)),
    }
}

async fn scenario(args: &Args, name: &str) -> Outcome {
    let scenarios = certify::chosen(conformance::all(), &[name.to_owned()])?;
    let caller = args.examined.caller(Arc::new(Meter::default()))?;
    certify::reachable(&caller).await?;
    let subject = Subject {
        target: args.examined.target.to_string(),
        site_id: args.examined.site_id,
        login: args.player.first().cloned().unwrap_or_default(),
        currency: args.examined.currency()?,
        amount: 1000,
    };
    let certificate = certify::examine_with(caller, Some(args.bind), subject, &scenarios).await?;
    if args.json {
        println!("{}", certificate.to_json());
    } else {
        println!("{}", certificate.to_text());
    }
    if certificate.holds() { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

/// What came out so far.
#[derive(Debug, Default)]
struct Tally {
    paid: AtomicU64,
    declined: AtomicU64,
    /// The merchant said no.
    refused: AtomicU64,
    /// Accepted payouts whose initiation did not come soon.
    waiting: AtomicU64,
    /// Initiations that came later and were notified then.
    settled: AtomicU64,
    /// Against the protocol.
    broken: AtomicU64,
}

impl Tally {
    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn of(count: &AtomicU64) -> u64 {
        count.load(Ordering::Relaxed)
    }

    fn line(&self, requests: u64) -> String {
        let [paid, declined, refused, broken] = [&self.paid, &self.declined, &self.refused, &self.broken].map(Self::of);
        let [waiting, settled] = [&self.waiting, &self.settled].map(Self::of);
        format!(
            "{requests} requests; {paid} orders paid, {declined} declined, {refused} refused, {waiting} left waiting, \
             {settled} settled later, {broken} broken"
        )
    }
}

async fn simulate(args: &Args) -> Outcome {
    let meter = Arc::new(Meter::default());
    let caller = args.examined.caller(meter.clone())?;
    let currency = args.examined.currency()?;
    let cashier = Cashier::start(args.bind, caller.brand().clone()).await;
    let cashier = cashier.map_err(|error| Failure::WrongUse(format!("cannot listen on {}: {error}", args.bind)))?;
    eprintln!("taking initiations at {}, opening at {}", cashier.payout_url(), cashier.authlink_url());
    let cashier = Arc::new(cashier.with(caller, Ladder::new(args.speed), PATIENCE));
    if args.rate > 0 {
        certify::reachable(cashier.caller()).await?;
    }
    let seed = seed(args)?;
    let tally = Arc::new(Tally::default());
    let mut players = JoinSet::new();
    for (number, login) in (0u64..).zip(args.player.clone()) {
        let dice = Dice::new(seed).fork(number);
        let customer = Customer {
            login,
            currency: currency.clone(),
            most: args.amount,
            faults: args.faults,
            dice,
            cashier: cashier.clone(),
            tally: tally.clone(),
        };
        if let Some(pause) = pause(args.rate, args.player.len()) {
            players.spawn(customer.act(pause));
        }
    }
    players.spawn(settle(cashier.clone(), tally.clone(), Dice::new(seed).fork(u64::MAX)));
    watch(args.duration, &tally, &meter).await;
    players.shutdown().await;
    for failed in cashier.deliver_late().await {
        eprintln!("late: {failed}");
        Tally::add(&tally.broken);
    }
    finish(args.json, &tally, &meter, (cashier.server().all().len(), cashier.server().doubles()))
}

/// The seed that was given, or a new one.
fn seed(args: &Args) -> Result<u64, Failure> {
    match args.seed {
        Some(seed) => Ok(seed),
        None => getrandom::u64().map_err(|error| Failure::WrongUse(format!("no randomness: {error}"))),
    }
}

/// Looks after initiations that no player waits for, for ever.
async fn settle(cashier: Arc<Cashier>, tally: Arc<Tally>, mut dice: Dice) {
    loop {
        let (settled, failed) = cashier.settle_unclaimed(&mut dice).await;
        tally.settled.fetch_add(settled, Ordering::Relaxed);
        for reason in failed {
            eprintln!("{reason}");
            Tally::add(&tally.broken);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The pause between two orders of one player so that all together make the rate; `None`: nobody acts.
fn pause(rate: u64, players: usize) -> Option<Duration> {
    let players = u32::try_from(players).unwrap_or(u32::MAX);
    let rate = u32::try_from(rate).ok().filter(|rate| *rate > 0)?;
    Some(Duration::from_secs(1) * players / rate)
}

/// Prints a line now and then until the time is over or Ctrl-C.
async fn watch(duration: Option<u64>, tally: &Tally, meter: &Meter) {
    let started = Instant::now();
    loop {
        let left = duration.map(|seconds| Duration::from_secs(seconds).saturating_sub(started.elapsed()));
        if left == Some(Duration::ZERO) {
            return;
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return,
            () = tokio::time::sleep(left.unwrap_or(REPORT_EVERY).min(REPORT_EVERY)) => {
                eprintln!("{} s: {}", started.elapsed().as_secs(), tally.line(meter.requests()));
            }
        }
    }
}

/// Prints what came of it. `initiations`: how many payouts arrived, and those that arrived more than once.
fn finish(json: bool, tally: &Tally, meter: &Meter, (initiations, doubles): (usize, Vec<(String, usize)>)) -> Outcome {
    let holds = doubles.is_empty() && Tally::of(&tally.broken) == 0;
    let latency = meter.latency();
    if json {
        let answers: Vec<Value> = meter
            .answers()
            .into_iter()
            .map(|(request, answer, count)| json!({"request": request, "answer": answer, "count": count}))
            .collect();
        let document = json!({
            "ok": holds, "requests": meter.requests(), "by_answer": answers,
            "orders": {"paid": Tally::of(&tally.paid), "declined": Tally::of(&tally.declined),
                "refused": Tally::of(&tally.refused), "waiting": Tally::of(&tally.waiting),
                "settled_later": Tally::of(&tally.settled), "broken": Tally::of(&tally.broken)},
            "initiations": initiations, "double_initiations": doubles.len(),
            "latency_microseconds": {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99, "max": latency.max},
        });
        println!("{document}");
    } else {
        println!("{}", tally.line(meter.requests()));
        for (request, answer, count) in meter.answers() {
            println!("  {request}: {answer}: {count}");
        }
        println!("half answered within {} µs, 99 of 100 within {} µs", latency.p50, latency.p99);
        println!("{initiations} initiations, {} double", doubles.len());
    }
    for (external_id, count) in doubles {
        eprintln!("payout {external_id} was initiated {count} times");
    }
    if holds { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

/// One player at the Cashier's window.
struct Customer {
    login: String,
    currency: String,
    most: i64,
    faults: bool,
    dice: Dice,
    cashier: Arc<Cashier>,
    tally: Arc<Tally>,
}

impl Customer {
    /// Deposits twice as often as it withdraws, for ever.
    async fn act(mut self, pause: Duration) {
        loop {
            let started = Instant::now();
            let broken = if self.dice.percent(67) { self.deposit().await } else { self.withdraw().await };
            if let Err(reason) = broken {
                eprintln!("{}: {reason}", self.login);
                Tally::add(&self.tally.broken);
            }
            tokio::time::sleep(pause.saturating_sub(started.elapsed())).await;
        }
    }

    fn order(&mut self) -> Order {
        let amount = self.dice.between(1_000, self.most);
        let (login, currency) = (self.login.clone(), self.currency.clone());
        Order { login, amount, currency, transaction_id: self.dice.transaction_id() }
    }

    async fn deposit(&mut self) -> Result<(), String> {
        let (order, pays) = (self.order(), self.dice.percent(85));
        let fault = faults::deposit(&mut self.dice, self.faults);
        match self.cashier.deposit(&order, pays, fault, &mut self.dice).await {
            DepositEnd::Paid(_) => Tally::add(&self.tally.paid),
            DepositEnd::Declined(_) => Tally::add(&self.tally.declined),
            DepositEnd::Refused(_) => Tally::add(&self.tally.refused),
            DepositEnd::Broken(reason) => return Err(format!("{reason} ({fault:?})")),
        }
        Ok(())
    }

    async fn withdraw(&mut self) -> Result<(), String> {
        let (order, pays) = (self.order(), self.dice.percent(75));
        let fault = faults::payout(&mut self.dice, self.faults);
        match self.cashier.payout(&order, pays, fault, &mut self.dice).await {
            PayoutEnd::Paid(_) => Tally::add(&self.tally.paid),
            PayoutEnd::Declined(_) => Tally::add(&self.tally.declined),
            PayoutEnd::Insufficient | PayoutEnd::Refused(_) => Tally::add(&self.tally.refused),
            PayoutEnd::Waiting(_) => Tally::add(&self.tally.waiting),
            PayoutEnd::Broken(_, reason) => return Err(format!("{reason} ({fault:?})")),
        }
        Ok(())
    }
}
