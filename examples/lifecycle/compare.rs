//! The model's state against what stands in the real books.

use croupier::db::DbConn;
use croupier::deposits;
use croupier::error::Error;
use croupier::ledger::lookup;
use croupier::orders::Status;
use croupier::payouts::lifecycle::{Attempt, Ending};
use croupier::payouts::{self, outbox};
use croupier::staff::approvals;
use croupier::webhooks;

use crate::books::{Hands, Rules, units};
use crate::step::Answer;
use crate::world::{Act, Deposit, Hand, Outbox, Payout, TOLD, Tried, World};

/// What an error of the product is as an answer; `None`: it must never happen.
pub fn answer_of(error: &Error) -> Option<Answer> {
    match error {
        Error::InsufficientFunds => Some(Answer::NoFunds),
        Error::ReferenceReused => Some(Answer::Reused),
        Error::Conflict(_) => Some(Answer::Conflict),
        _ => None,
    }
}

/// In what that which processes know differs from the model.
pub fn hands_differ(hands: &Hands, world: &World) -> Option<String> {
    let known = |number: usize| match &hands.claims[number] {
        None => Hand::Empty,
        Some((_, None)) => Hand::Claim,
        Some((_, Some(outcome))) => Hand::Answer(*outcome),
    };
    let differs = |(number, payout): (usize, &Payout)| {
        let known = known(number);
        (known != payout.hand).then(|| format!("payout {number}: in hand is {known:?}, not {:?}", payout.hand))
    };
    world.payouts.iter().enumerate().find_map(differs)
}

/// In what the books differ from the model.
pub fn differs(conn: &mut DbConn, rules: &Rules, hands: &Hands, world: &World) -> Result<Option<String>, Error> {
    let balance = rules.balance(conn)?;
    let expected = (units(world.available), units(world.held));
    if balance != expected {
        return Ok(Some(format!("the player has {balance:?} and should have {expected:?}")));
    }
    let due = outbox::due(conn, hands.later(), 10, &[])?;
    for (number, payout) in world.payouts.iter().enumerate() {
        let id = hands.ids[number].as_ref().map(|id| id.as_str());
        let queued = id.is_some_and(|id| due.iter().any(|due| due.external_id == id));
        if queued != (payout.outbox == Outbox::Waits) {
            return Ok(Some(format!("payout {number}: whether it waits to be sent: {queued}")));
        }
        if id.is_some() != payout.order.is_some() {
            return Ok(Some(format!("payout {number}: whether there is one: {}", id.is_some())));
        }
        if let Some(id) = id
            && let Some(what) = payout_differs(conn, id, payout)?
        {
            return Ok(Some(format!("payout {number}: {what}")));
        }
    }
    let id = hands.ids[2].as_ref().map(|id| id.as_str());
    if id.is_some() != world.deposit.order.is_some() {
        return Ok(Some(format!("whether there is a deposit: {}", id.is_some())));
    }
    match id {
        Some(id) => Ok(deposit_differs(conn, id, &world.deposit)?.map(|what| format!("the deposit: {what}"))),
        None => Ok(None),
    }
}

fn payout_differs(conn: &mut DbConn, id: &str, model: &Payout) -> Result<Option<String>, Error> {
    let row = payouts::find(conn, id)?.ok_or(Error::NotFound("payout"))?;
    let standing = row.standing()?;
    if Some(standing) != model.order {
        return Ok(Some(format!("it stands at {standing:?} and should at {:?}", model.order)));
    }
    let attempts = outbox::attempts(conn, id)?;
    let outcome = |attempt: &outbox::AttemptRow| attempt.outcome.clone();
    let (not_sent, other): (Vec<_>, Vec<_>) =
        attempts.iter().map(outcome).partition(|outcome| outcome.as_deref() == Some(Attempt::NotSent.name()));
    let expected = match model.attempt {
        Tried::Never => None,
        Tried::Open => Some(None),
        Tried::Settled(attempt) => Some(Some(attempt.name().to_owned())),
    };
    let before = other.len() - usize::from(expected.is_some()).min(other.len());
    let newest = expected.is_none() || other.last() == expected.as_ref();
    if not_sent.len() != usize::from(model.not_sent) || !newest || (before > 0) != model.earlier {
        return Ok(Some(format!("its attempts came to {other:?}, and {} were not sent", not_sent.len())));
    }
    let yes: Vec<(String, String)> =
        approvals::pending(conn, id)?.into_iter().map(|one| (one.act, one.actor)).collect();
    let acts = [Act::Approve, Act::Resolve(Ending::Succeeded), Act::Resolve(Ending::Failed)];
    let wanted = |act: &Act| model.yes[act.number()].map(|person| (name(*act), person.name().to_owned()));
    let expected: Vec<_> = acts.iter().filter_map(wanted).collect();
    if yes.len() != expected.len() || !expected.iter().all(|one| yes.contains(one)) {
        return Ok(Some(format!("{yes:?} wait for another person, and should {expected:?}")));
    }
    if let Some(what) = entries_differ(conn, id, model)? {
        return Ok(Some(what));
    }
    let stored = webhooks::of_order(conn, id)?.len();
    let expected = TOLD.into_iter().filter(|told| model.seen.has(*told)).count();
    Ok((stored != expected).then(|| format!("{stored} notifications are stored, not {expected}")))
}

fn name(act: Act) -> String {
    match act {
        Act::Approve => "approve".into(),
        Act::Resolve(ending) => format!("resolve:{}", ending.name()),
    }
}

fn entries_differ(conn: &mut DbConn, id: &str, model: &Payout) -> Result<Option<String>, Error> {
    let entries = lookup::of_order(conn, id)?;
    let count = |kind: &str| entries.iter().filter(|entry| entry.kind == kind).count();
    let found = [count("hold"), count("capture"), count("release")];
    let expected = [model.holds, model.captures, model.releases].map(usize::from);
    let turned = (entries.len() - found.iter().sum::<usize>()) % 2 == 1;
    let differs = found != expected || turned != model.turned;
    Ok(differs.then(|| format!("its holds, captures and releases are {found:?} and should be {expected:?}")))
}

fn deposit_differs(conn: &mut DbConn, id: &str, model: &Deposit) -> Result<Option<String>, Error> {
    let row = deposits::find(conn, id)?.ok_or(Error::NotFound("deposit"))?;
    let status = Status::from_code(row.status)?;
    if Some(status) != model.order {
        return Ok(Some(format!("it stands at {status:?} and should at {:?}", model.order)));
    }
    let entries = lookup::of_order(conn, id)?.len();
    if entries != usize::from(model.credits + model.reversals) {
        return Ok(Some(format!("it has {entries} entries")));
    }
    let stored = webhooks::of_order(conn, id)?;
    let expected = TOLD.into_iter().filter(|told| model.seen.has(*told)).count();
    let waiting = stored.iter().filter(|row| row.verdict == webhooks::Verdict::BeforePayment.name()).count();
    let differs = stored.len() != expected || waiting != usize::from(model.waiting);
    Ok(differs.then(|| format!("{} notifications are stored, not {expected}; {waiting} wait", stored.len())))
}
