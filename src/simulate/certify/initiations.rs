//! Payout initiations and how payouts end. They need an address where initiations come (`--bind`) and automatic approval.

use std::time::{Duration, Instant};

use super::Severity::{self, Critical, High};
use super::bench::{Bench, failed};
use super::{Check, Scenario, Stop};
use crate::simulate::messages::{DECLINED, Order, PAYOUT, PENDING, SUCCESS, with};
use crate::simulate::server::Behaviour;
use crate::simulate::sign;

/// Long enough for a merchant that would send again after a lost answer to have done so.
const SEND_AGAIN: Duration = Duration::from_secs(5);
const RELEASE: Duration = Duration::from_secs(20);

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = sending();
    scenarios.extend(ending());
    scenarios
}

fn sending() -> Vec<Scenario> {
    vec![
        tried(
            Critical,
            "initiation-is-signed",
            "the initiation arrives with a right signature",
            Behaviour::Accept,
            |b| Box::pin(signed(b)),
        ),
        tried(
            Critical,
            "initiation-says-what-was-agreed",
            "order, player, amount, currency and purse agree",
            Behaviour::Accept,
            |b| Box::pin(agrees(b)),
        ),
        lost("lost-answer-is-not-repeated", "after a lost answer nothing is sent again", Behaviour::Hangup),
        lost("reset-is-not-repeated", "after a reset nothing is sent again", Behaviour::Reset),
        lost("bad-gateway-is-not-repeated", "after HTTP 502 nothing is sent again", Behaviour::Status(502)),
        lost("too-many-requests-is-not-repeated", "after HTTP 429 nothing is sent again", Behaviour::Status(429)),
        lost("page-is-not-an-answer", "after a page instead of JSON nothing is sent again", Behaviour::Html),
        lost("broken-json-is-not-an-answer", "after broken JSON nothing is sent again", Behaviour::BrokenJson),
        tried(
            High,
            "refused-initiation-releases",
            "a definite refusal gives the money back",
            Behaviour::Refuse(7),
            |b| Box::pin(refused(b)),
        ),
        tried(
            Critical,
            "notification-before-the-answer",
            "a notification that overtakes the answer counts",
            Behaviour::Slow(Duration::from_secs(2)),
            |b| Box::pin(overtaken(b)),
        ),
    ]
}

fn ending() -> Vec<Scenario> {
    vec![
        tried(
            Critical,
            "declined-payout-gives-back",
            "a declined payout gives the money back, once",
            Behaviour::Accept,
            |b| Box::pin(ends(b, &[DECLINED, DECLINED], 1)),
        ),
        tried(Critical, "paid-payout-takes", "a paid payout gives nothing back", Behaviour::Accept, |b| {
            Box::pin(ends(b, &[SUCCESS, SUCCESS], 0))
        }),
        tried(
            Critical,
            "paid-payout-then-declined",
            "a decline after success gives nothing back",
            Behaviour::Accept,
            |b| Box::pin(ends(b, &[SUCCESS, DECLINED], 0)),
        ),
        tried(
            Critical,
            "declined-payout-then-paid",
            "success after a decline takes nothing by itself",
            Behaviour::Accept,
            |b| Box::pin(ends(b, &[DECLINED, SUCCESS], 1)),
        ),
        tried(
            High,
            "pending-payout-stays-held",
            "a status that is not final gives nothing back",
            Behaviour::Accept,
            |b| Box::pin(ends(b, &[PENDING, 20], 0)),
        ),
        tried(High, "partial-payout-stays-held", "partial success gives nothing back", Behaviour::Accept, |b| {
            Box::pin(ends(b, &[24], 0))
        }),
        tried(
            Critical,
            "payout-with-other-amount",
            "a decline with another amount gives nothing back",
            Behaviour::Accept,
            |b| Box::pin(other_amount(b)),
        ),
    ]
}

fn tried<F>(severity: Severity, name: &'static str, promise: &'static str, behaviour: Behaviour, check: F) -> Scenario
where
    F: for<'a> Fn(&'a Bench) -> Check<'a> + Send + Sync + 'static,
{
    Scenario::new(severity, name, promise, move |bench| {
        let (behaviour, check) = (behaviour.clone(), check(bench));
        Box::pin(async move {
            bench.server()?.answer_with(|_| Behaviour::Accept);
            bench.empty().await?;
            bench.server()?.answer_with(move |_| behaviour.clone());
            let found = check.await;
            bench.server()?.answer_with(|_| Behaviour::Accept);
            found
        })
    })
}

/// After an answer that proves nothing, the payout is not sent again, the money stays held, and the notification ends it.
fn lost(name: &'static str, promise: &'static str, behaviour: Behaviour) -> Scenario {
    tried(Critical, name, promise, behaviour, |bench| Box::pin(waits(bench)))
}

/// A payout of one unit, the only money there is, that was initiated.
async fn sent(bench: &Bench) -> Result<(Order, String), Stop> {
    bench.server()?;
    bench.fund(bench.unit()).await?;
    let (order, external_id) = bench.withdraw(bench.unit()).await?;
    bench.initiation(&external_id).await?;
    Ok((order, external_id))
}

async fn finish(bench: &Bench, external_id: &str, order: &Order, status_id: i64) -> Result<(), Stop> {
    bench.notify(&bench.notice(external_id, order, PAYOUT, status_id)).await
}

async fn signed(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    let holds = bench.initiation(&external_id).await?.signature_holds;
    finish(bench, &external_id, &order, SUCCESS).await?;
    if holds { Ok(()) } else { Err(Stop::Failed("the initiation's signature does not hold".to_owned())) }
}

async fn agrees(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    let initiation = bench.initiation(&external_id).await?;
    finish(bench, &external_id, &order, SUCCESS).await?;
    let purse = initiation.params.get("customer_purse").map(sign::text).unwrap_or_default();
    let said = (initiation.login, initiation.amount, initiation.currency, purse);
    let agreed = (order.login, Some(order.amount), order.currency, "555555...4444".to_owned());
    if said == agreed { Ok(()) } else { Err(Stop::Failed(format!("the initiation says {said:?}, not {agreed:?}"))) }
}

async fn waits(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    let again = bench.server()?.wait(SEND_AGAIN, &external_id, 2).await;
    let free = bench.cannot_withdraw(bench.unit()).await;
    finish(bench, &external_id, &order, DECLINED).await?;
    if again.is_some() {
        return Err(Stop::Failed("the payout was sent again".to_owned()));
    }
    free?;
    bench.withdraw(bench.unit()).await.map(|_| ())
}

/// The release comes a moment after the refusal: asks until the money can be withdrawn again.
async fn refused(bench: &Bench) -> Result<(), Stop> {
    let (_, refused) = sent(bench).await?;
    // It has arrived, and its answer may still be chosen.
    bench.server()?.answer_with(move |initiation| {
        if initiation.external_id == refused { Behaviour::Refuse(7) } else { Behaviour::Accept }
    });
    let started = Instant::now();
    loop {
        let answer = bench.ask(&bench.payout(bench.unit())).await?;
        match answer.code() {
            Some(50) => return Ok(()),
            Some(402) if started.elapsed() < RELEASE => tokio::time::sleep(Duration::from_millis(200)).await,
            Some(_) | None => return Err(failed("code 50 after the release", &answer)),
        }
    }
}

async fn overtaken(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    finish(bench, &external_id, &order, DECLINED).await?;
    bench.server()?.answer_with(|_| Behaviour::Accept);
    bench.withdraw(bench.unit()).await?;
    bench.cannot_withdraw(bench.unit()).await
}

/// After these statuses so many units can be withdrawn.
async fn ends(bench: &Bench, statuses: &[i64], units: i64) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    for status in statuses {
        finish(bench, &external_id, &order, *status).await?;
    }
    for _ in 0..units {
        bench.withdraw(bench.unit()).await?;
    }
    bench.cannot_withdraw(bench.unit()).await
}

async fn other_amount(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = sent(bench).await?;
    let right = bench.notice(&external_id, &order, PAYOUT, DECLINED);
    let other = with(with(right.clone(), "amount", order.amount + 1), "real_amount", order.amount + 1);
    bench.notify(&other).await?;
    bench.cannot_withdraw(bench.unit()).await?;
    bench.notify(&right).await?;
    bench.withdraw(bench.unit()).await.map(|_| ())
}
