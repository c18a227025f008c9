//! `croupier demo`: the main job with nothing prepared. A throw-away database, croupier, and the simulated Cashier on
//! loopback; players deposit, play and withdraw over real signed HTTP. Ends with a table that ends with the ledger check.

mod host;
mod progress;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::{Failure, Outcome};
use crate::simulate::Brand;
use crate::simulate::caller::Caller;
use crate::simulate::cashier::Cashier;
use crate::simulate::demo::{self, Plan, Progress, Report, Wallet};
use crate::simulate::ladder::Ladder;
use crate::simulate::meter::Meter;

use host::Host;

const SITE_ID: i64 = 332;
/// 45 seconds become 225 milliseconds.
const LADDER_SPEED: u32 = 200;
/// From the answer to `request_payout` to the initiation.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `croupier demo`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// How many players take part.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    players: u64,
    /// Rounds of deposit, play and payout for each player.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rounds: u64,
    /// Duplicates, reordering, lost answers, late, forged and contradictory notifications.
    #[arg(long)]
    faults: bool,
    /// Decides every amount, outcome and fault.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Leave everything up until Ctrl-C; prints the addresses and a back-office login.
    #[arg(long)]
    keep: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the demo. Exit code 0 only if the books balance, every payout ended as the simulator's own book says,
/// and nothing was double.
///
/// # Errors
///
/// `NotInOrder` when something does not hold, `WrongUse` when the demo could not be set up.
pub fn run(args: &Args) -> Outcome {
    if std::env::var_os("RUST_LOG").is_none() {
        log::set_max_level(log::LevelFilter::Off);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::WrongUse(format!("no runtime: {error}")))?;
    let directory = Directory::create(args.keep).map_err(Failure::WrongUse)?;
    runtime.block_on(play(args, &directory.path))
}

async fn play(args: &Args, directory: &Path) -> Outcome {
    let brand = Brand::new(SITE_ID, &random_hex().map_err(Failure::WrongUse)?);
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let cashier = Cashier::start(loopback, brand.clone()).await;
    let cashier = cashier.map_err(|error| Failure::WrongUse(format!("the simulated Cashier: {error}")))?;
    let addresses = [cashier.payout_url(), cashier.authlink_url()];
    let host = Host::start(directory, &brand, &addresses).await.map_err(Failure::WrongUse)?;

    let meter = Arc::new(Meter::default());
    let caller = Caller::new(host.public(), brand, meter.clone());
    let cashier = cashier.with(caller, Ladder::new(LADDER_SPEED), PATIENCE);
    let plan = Plan { players: args.players, rounds: args.rounds, faults: args.faults, seed: args.seed };
    let wallet = Wallet { private: host.private().to_owned(), key: host.wallet_key().clone() };
    let counts = Arc::new(Progress::default());
    let display = progress::show(plan, counts.clone(), meter.clone());
    let mut report = demo::run(plan, &wallet, &host, cashier, meter, counts).await;
    display.finish().await;

    match host.verify().await {
        Ok(check) => report.ledger = Some(check),
        Err(reason) => report.differences.push(format!("the ledger could not be checked: {reason}")),
    }
    print(args, &report);
    if args.keep {
        keep(&host, directory).await;
    }
    host.stop().await;
    if report.holds() { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

fn print(args: &Args, report: &Report) {
    if args.json {
        println!("{}", report.to_json());
    } else {
        println!("{}", table::text(report));
    }
}

async fn keep(host: &Host, directory: &Path) {
    eprintln!("croupier is up until Ctrl-C");
    eprintln!("  for the Cashier    {}/cashier/callback/carouseller", host.public());
    eprintln!("  back office        {}/admin", host.private());
    eprintln!("  API, in a browser  {}/docs", host.private());
    eprintln!("  login              {} / {}", host.staff_name(), host.staff_password().expose());
    eprintln!("  staff token        {}", host.staff_token().expose());
    eprintln!("  wallet key         {}", host.wallet_key().expose());
    eprintln!("  settings and books {}", directory.display());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("croupier: cannot wait for Ctrl-C: {error}");
    }
}

/// 40 random hex digits.
fn random_hex() -> Result<String, String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

/// The demo's own directory; gone at the end unless it is kept.
struct Directory {
    path: PathBuf,
    keep: bool,
}

impl Directory {
    fn create(keep: bool) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("croupier-demo-{}", random_hex()?));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, keep })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
