//! A Cashier that says nothing must not hold up the payouts of another account (threats OUT-8).

use std::sync::Arc;
use std::time::{Duration, Instant};

use croupier::simulate::messages::Order;

use crate::caller::Caller;
use crate::fault::Fault;
use crate::options::{Failure, Options};
use crate::row::Stage;
use crate::service::Service;

/// More than an account may have under way, so that some wait behind those that hang.
const HANGING: u64 = 48;
const OTHERS: u64 = 12;

/// Payouts to a Cashier that takes bytes and says nothing, waited for as long as in production; then payouts of another account, which
/// must all be accepted or refused while the first ones hang. What does not hold.
pub async fn run(options: &Options) -> Result<Vec<String>, Failure> {
    let (silent, other) = (Stage::start(Fault::Blackhole, options).await?, Stage::start(Fault::Calm, options).await?);
    let sites = [&silent, &other].map(|stage| (stage.site.clone(), stage.way_out.address));
    let service = Service::start(&sites).await?;
    let sending = service.send(None)?;
    let began = Instant::now();
    ask(&service, &silent, HANGING).await?;
    while silent.way_out.seen().posts.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ask(&service, &other, OTHERS).await?;
    let at_rest = |stage: &str| !matches!(stage, "queued" | "sending");
    let rested = service.wait_for(&other.site, |standing| at_rest(&standing.stage)).await?;
    let took = began.elapsed();
    let hanging = service.payouts(&silent.site).await?;
    let mut problems = Vec::new();
    // Whoever waits for those that hang waits until they are given up.
    if hanging.values().any(|standing| at_rest(&standing.stage)) {
        problems.push(format!("payouts of another account waited {took:?} for a Cashier that says nothing"));
    }
    if rested.values().any(|standing| !at_rest(&standing.stage)) {
        problems.push("payouts of another account never came to rest".to_owned());
    }
    // Nobody need wait for the rest of it.
    sending.abort();
    service.stop().await?;
    Ok(problems)
}

async fn ask(service: &Service, stage: &Stage, count: u64) -> Result<(), Failure> {
    let (way, site) = (service.public, stage.site.clone());
    let caller = Arc::new(Caller { way, straight: way, site, requests: 0.into() });
    service.player(&stage.site, "anna", 1_000_000).await?;
    for transaction_id in 1..=count {
        let order = Order { login: "anna".to_owned(), amount: 1_005, currency: "USD".to_owned(), transaction_id };
        caller.ask(order).await?;
    }
    Ok(())
}
