//! `croupier demo`: the main job with nothing prepared. A throw-away database, croupier, and the simulated Cashier on
//! loopback; players deposit, play and withdraw over real signed HTTP. Ends with a table that ends with the ledger check.
//!
//! With `--provider` the money moves through another simulated platform: players ask through the players' API, and staff approve.

mod host;
mod progress;
mod table;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;

use super::{Failure, Outcome};
use crate::simulate::Brand;
use crate::simulate::caller::Caller;
use crate::simulate::cashier::Cashier;
use crate::simulate::demo::{self, Plan, Progress, Report, Side, Wallet};
use crate::simulate::front::Front;
use crate::simulate::gameserver::GameServer;
use crate::simulate::ladder::Ladder;
use crate::simulate::meter::Meter;
use crate::simulate::platforms;
use crate::simulate::teller::Teller;
use crate::simulate::visits::Visits;

use host::Host;

const SITE_ID: i64 = 332;
/// 45 seconds become 225 milliseconds.
const LADDER_SPEED: u32 = 200;
/// From the answer to `request_payout`, or an approval, to the initiation.
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
    /// Play through this provider: players ask through the players' API, its simulated platform is called. Without it the Cashier asks.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(platforms::NAMES))]
    provider: Option<String>,
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
    let meter = Arc::new(Meter::default());
    let provider = args.provider.as_ref().and_then(|wanted| platforms::NAMES.into_iter().find(|name| name == wanted));
    let (host, side) = match provider {
        None => with_cashier(directory, &meter).await,
        Some(name) => with_platform(directory, name, &meter).await,
    }
    .map_err(Failure::WrongUse)?;

    let plan = Plan { players: args.players, rounds: args.rounds, faults: args.faults, seed: args.seed, provider };
    let wallet = Wallet { private: host.private().to_owned(), site_id: SITE_ID, key: host.wallet_key().clone() };
    let counts = Arc::new(Progress::default());
    let display = progress::show(plan, counts.clone(), meter.clone());
    let mut report = demo::run(plan, &wallet, &host, side, meter, counts).await;
    display.finish().await;

    match host.verify().await {
        Ok(check) => report.ledger = Some(check),
        Err(reason) => report.differences.push(format!("the ledger could not be checked: {reason}")),
    }
    print(args, &report);
    if args.keep {
        keep(&host, provider.unwrap_or("carouseller"), directory).await;
    }
    host.stop().await;
    if report.holds() { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

/// croupier, and the Cashier that asks it.
async fn with_cashier(directory: &Path, meter: &Arc<Meter>) -> Result<(Host, Side), String> {
    let brand = Brand::new(SITE_ID, &random_hex()?);
    let cashier = Cashier::start(loopback(), brand.clone()).await;
    let cashier = cashier.map_err(|error| format!("the simulated Cashier: {error}"))?;
    let account = format!(
        "[sites.demo.carouseller]\nsalts = [\"{}\"]\npayout_url = \"{}\"\nauthlink_url = \"{}\"\n",
        brand.salt.expose(),
        cashier.payout_url(),
        cashier.authlink_url()
    );
    let host = Host::start(directory, &account).await?;
    let caller = Caller::new(host.public(), brand, meter.clone());
    let cashier = cashier.with(caller, Ladder::new(LADDER_SPEED), PATIENCE);
    Ok((host, Side::Cashier(Box::new(cashier))))
}

/// croupier, and the platform that it asks.
async fn with_platform(directory: &Path, name: &str, meter: &Arc<Meter>) -> Result<(Host, Side), String> {
    let platform = platforms::start(name, SITE_ID, loopback()).await;
    let platform = platform.map_err(|error| format!("the simulated {name}: {error}"))?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| format!("no randomness: {error}"))?;
    let vault = format!("[vault]\nkeys = [\"{}\"]\n", base64::engine::general_purpose::STANDARD.encode(key));
    let host = Host::start(directory, &format!("{}\n{vault}", platform.settings("demo"))).await?;
    platform.set_merchant(host.public());
    let game = GameServer::new(host.private(), SITE_ID, host.wallet_key().clone(), meter.clone());
    let front = Front::new(host.public(), host.private(), host.staff_token().clone(), meter.clone());
    let teller = Teller::new(platform, LADDER_SPEED, meter.clone());
    let visits = Visits::new(teller, game, front, PATIENCE);
    Ok((host, Side::Platform(Box::new(visits))))
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn print(args: &Args, report: &Report) {
    if args.json {
        println!("{}", report.to_json());
    } else {
        println!("{}", table::text(report));
    }
}

async fn keep(host: &Host, provider: &str, directory: &Path) {
    eprintln!("croupier is up until Ctrl-C");
    match provider {
        "carouseller" => eprintln!("  for the Cashier    {}/cashier/callback/carouseller", host.public()),
        other => eprintln!("  for {other:<15}{}/cashier/webhook/{other}", host.public()),
    }
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
