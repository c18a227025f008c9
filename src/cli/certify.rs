//! `croupier certify`: the conformance lists and a report to send on. With `--target` the Cashier's list against any merchant, with
//! `--wallet` the game server's list against any wallet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Args as ClapArgs};

use super::{Failure, Outcome};
use crate::money::Currency;
use crate::secret::Secret;
use crate::simulate::Brand;
use crate::simulate::caller::{Caller, RawCall, Route};
use crate::simulate::certify::{self, Bench, Certificate, Finding, Scenario, Subject, wallet};
use crate::simulate::meter::Meter;
use crate::simulate::server::{Behaviour, CashierServer};

const CALLBACK_PATH: &str = "/cashier/callback/carouseller";
const WEBHOOK_PATH: &str = "/cashier/webhook/carouseller";
/// The brand of the shipped settings.
const SITE: i64 = 332;

/// Whom to examine, and with what. `simulate` can be another provider, to which brand and salt mean nothing.
#[derive(Debug, ClapArgs)]
pub struct Examined {
    /// Base address of the merchant's public listener.
    #[arg(long, value_name = "URL")]
    pub(super) target: url::Url,
    /// The brand's number at the Cashier.
    #[arg(long, value_name = "N", required_unless_present = "provider", default_value_t = SITE, hide_default_value = true)]
    pub(super) site_id: i64,
    /// The salt of the brand's signatures.
    #[arg(long, value_name = "S", required_unless_present = "provider", default_value = "", hide_default_value = true)]
    pub(super) salt: String,
    /// The path of questions under the target.
    #[arg(long, value_name = "PATH", default_value = CALLBACK_PATH)]
    pub(super) callback_path: String,
    /// The path of notifications under the target.
    #[arg(long, value_name = "PATH", default_value = WEBHOOK_PATH)]
    pub(super) webhook_path: String,
    /// The players' currency.
    #[arg(long, value_name = "CODE", default_value = "USD")]
    pub(super) currency: String,
}

/// Arguments of `croupier certify`.
#[derive(Debug, ClapArgs)]
#[command(group(ArgGroup::new("examined").required(true).args(["target", "wallet"])))]
pub struct Args {
    /// Base address of a merchant's public listener: tries what the Cashier expects. Needs --site-id and --salt.
    #[arg(long, value_name = "URL", requires = "site_id", requires = "salt")]
    target: Option<url::Url>,
    /// Base address of a wallet's private listener: tries what a game server expects. Needs --key.
    #[arg(long, value_name = "URL", requires = "key")]
    wallet: Option<url::Url>,
    /// The brand's number; 332 for a wallet when it is not given.
    #[arg(long, value_name = "N")]
    site_id: Option<i64>,
    /// The salt of the brand's signatures.
    #[arg(long, value_name = "S", conflicts_with = "wallet")]
    salt: Option<String>,
    /// The game server's bearer key.
    #[arg(long, value_name = "K", conflicts_with = "target")]
    key: Option<String>,
    /// The path of questions under the target.
    #[arg(long, value_name = "PATH", default_value = CALLBACK_PATH)]
    callback_path: String,
    /// The path of notifications under the target.
    #[arg(long, value_name = "PATH", default_value = WEBHOOK_PATH)]
    webhook_path: String,
    /// The players' currency.
    #[arg(long, value_name = "CODE", default_value = "USD")]
    currency: String,
    /// With --target a test player that may deposit and withdraw: what it has is withdrawn. With --wallet how the names of the
    /// players begin that are made for the test.
    #[arg(long, value_name = "LOGIN", default_value = "certify")]
    player: String,
    /// Minor units of one movement; a merchant's limits must allow one to ten times as much.
    #[arg(long, value_name = "MINOR", default_value_t = 1000, value_parser = clap::value_parser!(i64).range(2..=1_000_000_000))]
    amount: i64,
    /// Where the merchant's initiations come: its `payout_url`. Scenarios that need it are skipped without it.
    #[arg(long, value_name = "ADDR", conflicts_with = "wallet")]
    bind: Option<SocketAddr>,
    /// Only this scenario; repeatable.
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Also write the report as Markdown.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the conformance list. Exit code 0 when nothing failed.
///
/// # Errors
///
/// `NotInOrder` when a scenario failed, `WrongUse` when the merchant does not answer at all.
pub fn run(args: &Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::WrongUse(format!("no runtime: {error}")))?;
    runtime.block_on(examine(args))
}

async fn examine(args: &Args) -> Outcome {
    let certificate = match (&args.target, &args.salt, &args.wallet, &args.key) {
        (Some(target), Some(salt), None, None) => examine_merchant(args, target, salt).await?,
        (None, None, Some(wallet), Some(key)) => examine_wallet(args, wallet, key).await?,
        (_, _, _, _) => {
            let text = "give --target with --site-id and --salt, or --wallet with --key";
            return Err(Failure::WrongUse(text.to_owned()));
        }
    };
    if args.json {
        println!("{}", certificate.to_json());
    } else {
        println!("{}", certificate.to_text());
    }
    if let Some(file) = &args.report {
        let written = std::fs::write(file, certificate.to_markdown());
        written.map_err(|error| Failure::WrongUse(format!("{}: {error}", file.display())))?;
    }
    if certificate.holds() { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

async fn examine_merchant(args: &Args, target: &url::Url, salt: &str) -> Result<Certificate, Failure> {
    let examined = Examined {
        target: target.clone(),
        site_id: args.site_id.unwrap_or(SITE),
        salt: salt.to_owned(),
        callback_path: args.callback_path.clone(),
        webhook_path: args.webhook_path.clone(),
        currency: args.currency.clone(),
    };
    let scenarios = chosen(certify::all(), &args.scenario)?;
    let caller = examined.caller(Arc::new(Meter::default()))?;
    reachable(&caller).await?;
    let subject = Subject {
        target: target.to_string(),
        site_id: examined.site_id,
        login: args.player.clone(),
        currency: examined.currency()?,
        amount: args.amount,
    };
    examine_with(caller, args.bind, subject, &scenarios).await
}

async fn examine_wallet(args: &Args, wallet: &url::Url, key: &str) -> Result<Certificate, Failure> {
    web_address("--wallet", wallet)?;
    let scenarios = chosen(wallet::all(), &args.scenario)?;
    let subject = wallet::Subject {
        wallet: wallet.to_string(),
        site_id: args.site_id.unwrap_or(SITE),
        key: Secret::new(key),
        prefix: args.player.clone(),
        currency: currency(&args.currency)?,
        amount: args.amount,
    };
    let about = subject.about();
    let bench = wallet::Bench::new(subject, seed()?);
    bench.reachable().await.map_err(Failure::WrongUse)?;
    Ok(certify::run(about, &bench, &scenarios, progress(scenarios.len())).await)
}

/// Tries the scenarios and shows each finding on stderr as it comes.
pub(super) async fn examine_with(
    caller: Caller,
    bind: Option<SocketAddr>,
    subject: Subject,
    scenarios: &[Scenario],
) -> Result<Certificate, Failure> {
    let server = match bind {
        Some(address) => {
            let started = CashierServer::start(address, caller.brand().clone(), |_| Behaviour::Accept).await;
            Some(started.map_err(|error| Failure::WrongUse(format!("cannot listen on {address}: {error}")))?)
        }
        None => None,
    };
    let about = subject.about();
    let bench = Bench::new(caller, server, subject, seed()?);
    Ok(certify::run(about, &bench, scenarios, progress(scenarios.len())).await)
}

fn seed() -> Result<u64, Failure> {
    getrandom::u64().map_err(|error| Failure::WrongUse(format!("no randomness: {error}")))
}

/// Shows each finding as it comes.
fn progress(all: usize) -> impl FnMut(&Finding) {
    let mut number = 0;
    move |finding| {
        number += 1;
        eprintln!("{number:3}/{all} {}", finding.line());
    }
}

/// Those of the scenarios that have these names; all without names.
///
/// # Errors
///
/// `WrongUse` with the known names when one is unknown.
pub(super) fn chosen<B>(all: Vec<Scenario<B>>, names: &[String]) -> Result<Vec<Scenario<B>>, Failure> {
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|scenario| scenario.name != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
        return Err(Failure::WrongUse(format!("no scenario {unknown}; there are {}", known.join(", "))));
    }
    let wanted = |scenario: &Scenario<B>| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// Whether anybody answers HTTP there.
pub(super) async fn reachable(caller: &Caller) -> Result<(), Failure> {
    let call = RawCall { route: Route::Callback, method: "GET", query: "", headers: &[], body: Vec::new() };
    caller.raw(call).await.map(|_| ()).map_err(|error| Failure::WrongUse(format!("the target: {error}")))
}

impl Examined {
    /// A caller that signs for this brand.
    pub(super) fn caller(&self, meter: Arc<Meter>) -> Result<Caller, Failure> {
        web_address("--target", &self.target)?;
        let caller = Caller::new(self.target.as_str(), Brand::new(self.site_id, &self.salt), meter);
        Ok(caller.with_paths(self.target.as_str(), &self.callback_path, &self.webhook_path))
    }

    /// The currency, upper-cased.
    pub(super) fn currency(&self) -> Result<String, Failure> {
        currency(&self.currency)
    }
}

fn currency(code: &str) -> Result<String, Failure> {
    let parsed = Currency::parse(code);
    parsed.map(|currency| currency.code().to_owned()).map_err(|error| Failure::WrongUse(error.to_string()))
}

fn web_address(argument: &str, address: &url::Url) -> Result<(), Failure> {
    if matches!(address.scheme(), "http" | "https") {
        return Ok(());
    }
    Err(Failure::WrongUse(format!("{argument} must be an http or https address")))
}
