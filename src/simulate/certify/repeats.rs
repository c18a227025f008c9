//! Repeated questions: one effect, the same answer.

use super::Severity::{Critical, High};
use super::bench::{Bench, COPIES, accepted, failed, refused};
use super::{Scenario, Stop};
use crate::simulate::Encoding;
use crate::simulate::messages::with;

const REUSED: &[&str] = &["transaction_id was used with other parameters"];

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(Critical, "repeat-same-answer", "the same transaction_id gets the same answer", |b| {
            Box::pin(same_answer(b))
        }),
        Scenario::new(Critical, "repeat-in-other-dress", "the same question as a form gets the same answer", |b| {
            Box::pin(other_dress(b))
        }),
        Scenario::new(Critical, "repeat-in-parallel", "copies at the same time get equal answers", |b| {
            Box::pin(in_parallel(b))
        }),
        Scenario::new(
            Critical,
            "repeat-with-other-amount",
            "a used transaction_id with another amount is refused",
            |b| Box::pin(other_amount(b)),
        ),
        Scenario::new(
            Critical,
            "repeat-with-other-purse",
            "a used transaction_id with another purse is refused",
            |b| Box::pin(other_purse(b)),
        ),
        Scenario::new(Critical, "repeat-after-other-content", "after a refused misuse the first answer stands", |b| {
            Box::pin(first_stands(b))
        }),
        Scenario::new(High, "other-transaction-other-order", "another transaction_id is another order", |b| {
            Box::pin(other_order(b))
        }),
        Scenario::new(High, "no-transaction-id", "the same content without transaction_id is the same order", |b| {
            Box::pin(without_id(b))
        }),
    ]
}

async fn same_answer(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    let first = bench.ask(&question).await?;
    accepted(&first, 0)?;
    let second = bench.ask(&question).await?;
    if first.json == second.json { Ok(()) } else { Err(failed("the first answer again", &second)) }
}

async fn other_dress(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    let first = bench.ask(&question).await?;
    accepted(&first, 0)?;
    let second = bench.caller().ask(&question, Encoding::Form).await?;
    if first.json == second.json { Ok(()) } else { Err(failed("the first answer again", &second)) }
}

async fn in_parallel(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    let copies = (0..COPIES).map(|_| bench.ask(&question));
    let mut ids = Vec::new();
    for answer in futures_util::future::join_all(copies).await {
        ids.push(accepted(&answer?, 0)?);
    }
    ids.dedup();
    if ids.len() == 1 { Ok(()) } else { Err(Stop::Failed(format!("one question became {} orders", ids.len()))) }
}

async fn other_amount(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    accepted(&bench.ask(&question).await?, 0)?;
    refused(&bench.ask(&with(question, "amount", bench.unit() + 1)).await?, REUSED)
}

async fn other_purse(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    accepted(&bench.ask(&question).await?, 0)?;
    refused(&bench.ask(&with(question, "customer_purse", "411111...1111")).await?, REUSED)
}

async fn first_stands(bench: &Bench) -> Result<(), Stop> {
    let question = bench.deposit();
    let first = bench.ask(&question).await?;
    accepted(&first, 0)?;
    bench.ask(&with(question.clone(), "amount", bench.unit() + 1)).await?;
    let third = bench.ask(&question).await?;
    if first.json == third.json { Ok(()) } else { Err(failed("the first answer again", &third)) }
}

async fn other_order(bench: &Bench) -> Result<(), Stop> {
    let first = accepted(&bench.ask(&bench.deposit()).await?, 0)?;
    let second = accepted(&bench.ask(&bench.deposit()).await?, 0)?;
    if first != second { Ok(()) } else { Err(Stop::Failed("two orders share an external_id".to_owned())) }
}

async fn without_id(bench: &Bench) -> Result<(), Stop> {
    // An amount that no earlier run is likely to have used within its ten minutes.
    let amount = bench.unit() + i64::try_from(bench.fresh_id() % 10_000).unwrap_or(0);
    let question = crate::simulate::messages::without(with(bench.deposit(), "amount", amount), "transaction_id");
    let first = bench.ask(&question).await?;
    accepted(&first, 0)?;
    let second = bench.ask(&question).await?;
    if first.json == second.json { Ok(()) } else { Err(failed("the first answer again", &second)) }
}
