//! `croupier certify`: the simulator's conformance list against any merchant implementation, and a report to send on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;

use super::{Failure, Outcome};
use crate::money::Currency;
use crate::simulate::Brand;
use crate::simulate::caller::{Caller, RawCall, Route};
use crate::simulate::certify::{self, Bench, Certificate, Scenario, Subject};
use crate::simulate::meter::Meter;
use crate::simulate::server::{Behaviour, CashierServer};

/// Whom to examine, and with what.
#[derive(Debug, ClapArgs)]
pub struct Examined {
    /// Base address of the merchant's public listener.
    #[arg(long, value_name = "URL")]
    pub(super) target: url::Url,
    /// The brand's number at the Cashier.
    #[arg(long, value_name = "N")]
    pub(super) site_id: i64,
    /// The salt of the brand's signatures.
    #[arg(long, value_name = "S")]
    pub(super) salt: String,
    /// The path of questions under the target.
    #[arg(long, value_name = "PATH", default_value = "/cashier/callback/carouseller")]
    pub(super) callback_path: String,
    /// The path of notifications under the target.
    #[arg(long, value_name = "PATH", default_value = "/cashier/webhook/carouseller")]
    pub(super) webhook_path: String,
    /// The players' currency.
    #[arg(long, value_name = "CODE", default_value = "USD")]
    pub(super) currency: String,
}

/// Arguments of `croupier certify`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    examined: Examined,
    /// A test player that may deposit and withdraw: what it has is withdrawn.
    #[arg(long, value_name = "LOGIN", default_value = "certify")]
    player: String,
    /// Minor units of one movement; the merchant's limits must allow one to ten times as much.
    #[arg(long, value_name = "MINOR", default_value_t = 1000, value_parser = clap::value_parser!(i64).range(2..=1_000_000_000))]
    amount: i64,
    /// Where the merchant's initiations come: its `payout_url`. Scenarios that need it are skipped without it.
    #[arg(long, value_name = "ADDR")]
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
    let scenarios = chosen(&args.scenario)?;
    let caller = args.examined.caller(Arc::new(Meter::default()))?;
    reachable(&caller).await?;
    let subject = Subject {
        target: args.examined.target.to_string(),
        site_id: args.examined.site_id,
        login: args.player.clone(),
        currency: args.examined.currency()?,
        amount: args.amount,
    };
    let certificate = examine_with(caller, args.bind, subject, &scenarios).await?;
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
    let seed = getrandom::u64().map_err(|error| Failure::WrongUse(format!("no randomness: {error}")))?;
    let bench = Bench::new(caller, server, subject, seed);
    let mut number = 0;
    let all = scenarios.len();
    Ok(certify::run(&bench, scenarios, |finding| {
        number += 1;
        eprintln!("{number:3}/{all} {}", finding.line());
    })
    .await)
}

/// The scenarios of these names; all without names.
///
/// # Errors
///
/// `WrongUse` with the known names when one is unknown.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Scenario>, Failure> {
    let all = certify::all();
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|scenario| scenario.name != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
        return Err(Failure::WrongUse(format!("no scenario {unknown}; there are {}", known.join(", "))));
    }
    let wanted = |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
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
        if !matches!(self.target.scheme(), "http" | "https") {
            return Err(Failure::WrongUse("--target must be an http or https address".to_owned()));
        }
        let caller = Caller::new(self.target.as_str(), Brand::new(self.site_id, &self.salt), meter);
        Ok(caller.with_paths(self.target.as_str(), &self.callback_path, &self.webhook_path))
    }

    /// The currency, upper-cased.
    pub(super) fn currency(&self) -> Result<String, Failure> {
        let parsed = Currency::parse(&self.currency);
        parsed.map(|currency| currency.code().to_owned()).map_err(|error| Failure::WrongUse(error.to_string()))
    }
}
