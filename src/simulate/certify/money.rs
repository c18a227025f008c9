//! Money, seen from outside: what can be withdrawn is there. Every scenario first empties the player's balance.

use super::Severity::{self, Critical, High};
use super::bench::{Bench, COPIES, accepted, failed, insufficient};
use super::{Check, Scenario, Stop};
use crate::simulate::Encoding;
use crate::simulate::messages::{CHARGEBACK, DECLINED, PENDING, PURCHASE, REFUND, SUCCESS, with};

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = deposits();
    scenarios.extend(payouts());
    scenarios
}

fn deposits() -> Vec<Scenario> {
    vec![
        tried(Critical, "money-of-a-paid-deposit", "a paid deposit can be withdrawn, once", |b| Box::pin(paid(b))),
        tried(Critical, "no-money-before-payment", "an accepted question alone brings no money", |b| {
            Box::pin(unpaid(b, None))
        }),
        tried(Critical, "no-money-from-a-decline", "a declined deposit brings no money", |b| {
            Box::pin(unpaid(b, Some(DECLINED)))
        }),
        tried(High, "no-money-from-a-pending-status", "a status that is not final brings no money", |b| {
            Box::pin(unpaid(b, Some(PENDING)))
        }),
        tried(High, "no-money-from-partial-success", "partial success is not booked by itself", |b| {
            Box::pin(unpaid(b, Some(24)))
        }),
        tried(Critical, "copies-of-payment-count-once", "copies of one payment at the same time count once", |b| {
            Box::pin(copies(b))
        }),
        tried(Critical, "types-of-payment-count-once", "two kinds of payment for one order count once", |b| {
            Box::pin(two_types(b))
        }),
        tried(Critical, "other-amount-brings-nothing", "another amount brings nothing, the right one then all", |b| {
            Box::pin(other_amount(b))
        }),
        tried(Critical, "forged-payment-brings-nothing", "a forged notification brings nothing", |b| {
            Box::pin(forged(b))
        }),
        tried(High, "declined-then-paid-counts", "success after a decline brings the money, once", |b| {
            Box::pin(declined_then_paid(b))
        }),
        tried(High, "paid-then-declined-stays", "a decline after success takes nothing back", |b| {
            Box::pin(paid_then_declined(b))
        }),
        tried(Critical, "refund-takes-back", "a refund takes the money back", |b| Box::pin(taken_back(b, REFUND))),
        tried(Critical, "chargeback-takes-back", "a chargeback takes the money back", |b| {
            Box::pin(taken_back(b, CHARGEBACK))
        }),
    ]
}

fn payouts() -> Vec<Scenario> {
    vec![
        tried(Critical, "payout-beyond-the-balance", "more than there is is answered 402", |b| {
            Box::pin(beyond_balance(b))
        }),
        tried(Critical, "refusal-is-not-remembered", "after 402 and a deposit the same question is answered 50", |b| {
            Box::pin(not_remembered(b))
        }),
        tried(Critical, "payout-repeat-holds-once", "the same payout question twice holds the money once", |b| {
            Box::pin(repeat_holds_once(b))
        }),
        tried(Critical, "payout-copies-hold-once", "copies of a payout question at the same time hold it once", |b| {
            Box::pin(copies_hold_once(b))
        }),
        tried(Critical, "payouts-cannot-overspend", "payouts at the same time never exceed the balance", |b| {
            Box::pin(cannot_overspend(b))
        }),
    ]
}

fn tried<F>(severity: Severity, name: &'static str, promise: &'static str, check: F) -> Scenario
where
    F: for<'a> Fn(&'a Bench) -> Check<'a> + Send + Sync + 'static,
{
    Scenario::new(severity, name, promise, move |bench| {
        let check = check(bench);
        Box::pin(async move {
            bench.empty().await?;
            check.await
        })
    })
}

/// Whether exactly one unit can be withdrawn.
async fn one_unit(bench: &Bench) -> Result<(), Stop> {
    bench.cannot_withdraw(2 * bench.unit()).await?;
    bench.withdraw(bench.unit()).await?;
    bench.cannot_withdraw(bench.unit()).await
}

async fn paid(bench: &Bench) -> Result<(), Stop> {
    bench.fund(bench.unit()).await?;
    one_unit(bench).await
}

async fn unpaid(bench: &Bench, status: Option<i64>) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    if let Some(status) = status {
        bench.notify(&bench.notice(&external_id, &order, PURCHASE, status)).await?;
    }
    bench.cannot_withdraw(bench.unit()).await
}

async fn copies(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    bench.notify_copies(&bench.notice(&external_id, &order, PURCHASE, SUCCESS)).await?;
    one_unit(bench).await
}

async fn two_types(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    for type_id in [1, 2, PURCHASE] {
        let again = with(bench.notice(&external_id, &order, type_id, SUCCESS), "transaction_id", bench.fresh_id());
        bench.notify(&again).await?;
    }
    one_unit(bench).await
}

async fn other_amount(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    let right = bench.notice(&external_id, &order, PURCHASE, SUCCESS);
    let other = with(with(right.clone(), "amount", 10 * bench.unit()), "real_amount", 10 * bench.unit());
    bench.notify(&other).await?;
    bench.cannot_withdraw(bench.unit()).await?;
    bench.notify(&right).await?;
    one_unit(bench).await
}

async fn forged(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    let notice = bench.notice(&external_id, &order, PURCHASE, SUCCESS);
    bench.caller().notify_as_is(&with(notice, "signature", "0".repeat(40)), Encoding::Json).await?;
    bench.cannot_withdraw(bench.unit()).await
}

async fn declined_then_paid(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    bench.notify(&bench.notice(&external_id, &order, PURCHASE, DECLINED)).await?;
    bench.notify(&bench.notice(&external_id, &order, PURCHASE, SUCCESS)).await?;
    one_unit(bench).await
}

async fn paid_then_declined(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.fund(bench.unit()).await?;
    bench.notify(&bench.notice(&external_id, &order, PURCHASE, DECLINED)).await?;
    one_unit(bench).await
}

async fn taken_back(bench: &Bench, type_id: i64) -> Result<(), Stop> {
    let (order, external_id) = bench.fund(bench.unit()).await?;
    let back = bench.notice(&external_id, &order, type_id, SUCCESS);
    bench.notify_copies(&with(back, "transaction_id", bench.fresh_id())).await?;
    bench.cannot_withdraw(bench.unit()).await?;
    // Taken back once, not once per copy: the next deposit is whole again.
    bench.fund(bench.unit()).await?;
    one_unit(bench).await
}

async fn beyond_balance(bench: &Bench) -> Result<(), Stop> {
    bench.fund(bench.unit()).await?;
    bench.cannot_withdraw(2 * bench.unit()).await?;
    bench.withdraw(bench.unit()).await.map(|_| ())
}

async fn not_remembered(bench: &Bench) -> Result<(), Stop> {
    let question = bench.payout(bench.unit());
    insufficient(&bench.ask(&question).await?)?;
    bench.fund(bench.unit()).await?;
    accepted(&bench.ask(&question).await?, 50).map(|_| ())
}

async fn repeat_holds_once(bench: &Bench) -> Result<(), Stop> {
    bench.fund(2 * bench.unit()).await?;
    let question = bench.payout(bench.unit());
    let first = bench.ask(&question).await?;
    accepted(&first, 50)?;
    let second = bench.ask(&question).await?;
    if first.json != second.json {
        return Err(failed("the first answer again", &second));
    }
    bench.withdraw(bench.unit()).await?;
    bench.cannot_withdraw(bench.unit()).await
}

async fn copies_hold_once(bench: &Bench) -> Result<(), Stop> {
    bench.fund(2 * bench.unit()).await?;
    let question = bench.payout(bench.unit());
    let copies = (0..COPIES).map(|_| bench.ask(&question));
    let mut ids = Vec::new();
    for answer in futures_util::future::join_all(copies).await {
        ids.push(accepted(&answer?, 50)?);
    }
    ids.dedup();
    if ids.len() != 1 {
        return Err(Stop::Failed(format!("one payout became {} orders", ids.len())));
    }
    bench.withdraw(bench.unit()).await?;
    bench.cannot_withdraw(bench.unit()).await
}

async fn cannot_overspend(bench: &Bench) -> Result<(), Stop> {
    bench.fund(10 * bench.unit()).await?;
    let questions: Vec<_> = (0..COPIES).map(|_| bench.payout(3 * bench.unit())).collect();
    let mut approved = 0;
    for answer in futures_util::future::join_all(questions.iter().map(|question| bench.ask(question))).await {
        let answer = answer?;
        match answer.code() {
            Some(50) => approved += 1,
            Some(402) => {}
            Some(_) if answer.description().starts_with("Amount is above") => {
                return Err(Stop::Skipped("the merchant's limits forbid payouts of three units".to_owned()));
            }
            Some(_) | None => return Err(failed("code 50 or 402", &answer)),
        }
    }
    if approved == 3 {
        return Ok(());
    }
    Err(Stop::Failed(format!("of 8 payouts of 3 units {approved} were approved with 10 units on the balance, not 3")))
}
