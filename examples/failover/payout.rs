//! What becomes of a payout: staff decide where they must, the Cashier takes it, and mostly says how it ended.

use std::sync::Arc;
use std::time::Duration;

use croupier::simulate::faults::Dice;
use croupier::simulate::messages::Notice;
use croupier::simulate::server::{Behaviour, Initiation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::book::Decision;
use crate::door::{Answer, Call};
use crate::house::Purse;
use crate::player::{Load, behaviour, declined, notify};

/// How long an initiation is waited for after the load has stopped. One that never comes is not a problem by itself: its instance may
/// have died between the claim and the request.
const GRACE: Duration = Duration::from_secs(3);

/// A payout that was acknowledged.
pub struct Held {
    pub purse: Purse,
    /// What the Cashier would say of it.
    pub notice: Notice,
    /// Whether staff must approve it.
    pub waits: bool,
    /// How its player takes it back, when they do.
    pub take_back: Option<Call>,
}

/// Follows one payout to its end, or to where nobody says any more.
pub async fn live(load: Arc<Load>, held: Held, mut dice: Dice) {
    let Held { purse, notice, waits, take_back } = held;
    let external_id = notice.external_id.clone();
    let goes_on = match take_back {
        Some(call) => player(&load, &mut dice, &call, &external_id).await,
        None => !waits || staff(&load, &mut dice, &external_id).await,
    };
    if !goes_on {
        return;
    }
    let Some(initiation) = initiation(&load, &mut dice, &external_id, purse.site).await else { return };
    if matches!(behaviour(&initiation), Behaviour::Refuse(_)) || dice.percent(12) {
        return;
    }
    let pause = if dice.percent(30) { 0 } else { dice.between(10, 800) };
    tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
    let paid = dice.percent(70);
    let (word, opposite) = if paid { (notice.clone(), declined(&notice)) } else { (declined(&notice), notice) };
    for _ in 0..=usize::from(dice.percent(25)) {
        if notify(&load, &mut dice, &purse, &word).await {
            load.book().payout_told(&external_id, paid);
        }
    }
    if dice.percent(12) {
        // It contradicts what is final: acknowledged, and no money moves.
        notify(&load, &mut dice, &purse, &opposite).await;
    }
}

/// The initiation, once it has come. A person looks after a payout that is unknown and never came, or leaves it as it is.
async fn initiation(load: &Load, dice: &mut Dice, external_id: &str, site: i64) -> Option<Initiation> {
    loop {
        let last = load.is_stopping();
        let patience = if last { GRACE } else { Duration::from_secs(1) };
        let found = load.cashier_of(site).wait_for(external_id, patience).await;
        if found.is_some() || last {
            return found;
        }
        if dice.percent(50) {
            continue;
        }
        let unknown = show(load, dice, external_id).await.is_some_and(|payout| payout["stage"] == "unknown");
        if unknown && !load.is_initiated(external_id) {
            resolve(load, dice, external_id, false).await;
            return None;
        }
    }
}

/// A player takes a withdrawal back, now and then while staff approve it. Whether the payout goes on.
async fn player(load: &Load, dice: &mut Dice, take_back: &Call, external_id: &str) -> bool {
    let approve = decision(external_id, "approve");
    let answer = if dice.percent(50) {
        let mut other = dice.fork(1);
        let (answer, approved) = tokio::join!(load.ask(dice, take_back), load.ask(&mut other, &approve));
        if approved.is_none() {
            return false;
        }
        answer
    } else {
        load.ask(dice, take_back).await
    };
    let Some(answer) = answer else { return false };
    if !matches!(answer.status, 200 | 409) {
        load.unexpected(take_back, &answer);
    }
    look(load, dice, external_id).await
}

/// Staff approve, decline, do both at once, or forget. Whether the payout goes on.
async fn staff(load: &Load, dice: &mut Dice, external_id: &str) -> bool {
    let (approve, decline) = (decision(external_id, "approve"), decision(external_id, "decline"));
    match dice.between(0, 9) {
        0..=5 => decide(load, dice, &approve, external_id).await,
        6 | 7 => decide(load, dice, &decline, external_id).await,
        8 => {
            let mut other = dice.fork(1);
            let both = tokio::join!(load.ask(dice, &approve), load.ask(&mut other, &decline));
            if both.0.is_some() && both.1.is_some() { look(load, dice, external_id).await } else { false }
        }
        _ => false,
    }
}

fn decision(external_id: &str, what: &str) -> Call {
    let body = json!({"reason": "the campaign decides so"});
    Call::staff(Method::POST, format!("/payouts/{external_id}/{what}"), &body)
}

async fn decide(load: &Load, dice: &mut Dice, call: &Call, external_id: &str) -> bool {
    let Some(answer) = load.ask(dice, call).await else { return false };
    // 409: an attempt whose answer was lost has decided it.
    if !(answer.status == 200 || answer.status == 409 && answer.tries > 0) {
        load.unexpected(call, &answer);
    }
    look(load, dice, external_id).await
}

/// Books what was decided, as the service says it: of two decisions only one can count, whichever it is.
async fn look(load: &Load, dice: &mut Dice, external_id: &str) -> bool {
    let Some(payout) = show(load, dice, external_id).await else { return false };
    let (status, stage) = (payout["status"].as_i64(), payout["stage"].as_str());
    let cancelled = status == Some(6);
    if stage == Some("awaiting_approval") {
        load.book().problem(format!("payout {external_id} still waits after a decision"));
        return false;
    }
    load.book().decided(external_id, if cancelled { Decision::Declined } else { Decision::Approved });
    !cancelled
}

/// A payout as staff see it.
pub async fn show(load: &Load, dice: &mut Dice, external_id: &str) -> Option<Value> {
    let call = Call::staff(Method::GET, format!("/payouts/{external_id}"), &Value::Null);
    let answer: Answer = load.ask(dice, &call).await?;
    if answer.status != 200 {
        load.unexpected(&call, &answer);
        return None;
    }
    let inner = &answer.json["payout"];
    Some(if inner.is_object() { inner.clone() } else { answer.json.clone() })
}

/// A person says how a payout of unknown outcome ended. Whether that was taken.
pub async fn resolve(load: &Load, dice: &mut Dice, external_id: &str, paid: bool) -> bool {
    let outcome = if paid { "succeeded" } else { "failed" };
    let body = json!({"outcome": outcome, "reason": "the Cashier's own list says so"});
    let call = Call::staff(Method::POST, format!("/payouts/{external_id}/resolve"), &body);
    let Some(answer) = load.ask(dice, &call).await else { return false };
    let good = answer.status == 200 || answer.status == 409 && answer.tries > 0;
    if good {
        load.book().decided(external_id, Decision::Resolved { paid });
    } else {
        load.unexpected(&call, &answer);
    }
    good
}
