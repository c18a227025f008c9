//! What must hold in every state, and of every step: `threats.md`, "what the ledger must satisfy at every commit", and section 6 of the
//! contract. Nothing here asks the product.

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{Attempt, Ending};

use crate::event::Event;
use crate::options::Scope;
use crate::step::{Answer, Step};
use crate::world::{Act, DEPOSIT, Hand, Outbox, PAYOUTS, PEOPLE, Payout, START, There, Told, World};

pub const MONEY: &str = "the balance is what the ledger says, and the hold is what the open payouts need";
pub const OVERDRAWN: &str = "available money is below zero only through a reversal or a correction";
pub const ONE_END: &str = "a hold ends exactly once, when its payout does";
pub const ONE_HOLD: &str = "one question makes one order and one hold";
pub const ONE_CREDIT: &str = "a deposit is credited at most once and reversed at most once";
pub const SENT_ONCE: &str = "at most one initiation may have reached the Cashier";
pub const NOT_YET_SENT: &str = "what waits to be sent was not sent";
pub const DECLINED_UNSENT: &str = "what was declined is never sent";
pub const OUTBOX: &str = "the outbox holds what waits or is under way, and nothing else";
pub const NOT_RELEASED: &str = "nothing is given back that the Cashier has paid or may still pay";
pub const PAID: &str = "nothing is taken that the Cashier has not paid";
pub const APPLIED: &str = "what was acknowledged has had its effect";
pub const FINAL: &str = "final stays final, but for a reversal or a person";
pub const VOUCHED: &str = "money moves on a definite word about this order, or a person's";
pub const TWO_PEOPLE: &str = "two different people for what needs two";
pub const REFUSED: &str = "what is refused or repeated changes nothing";
pub const APART: &str = "what happens to one order changes no other";

/// What does not hold of a state.
pub fn of_state(world: &World, scope: &Scope) -> Option<&'static str> {
    let deposit = &world.deposit;
    let credited = deposit.order.is_some_and(|status| status == Status::Credited || status == Status::Refunded);
    if deposit.credits > 1
        || deposit.reversals > deposit.credits
        || (deposit.credits == 1) != credited
        || (deposit.reversals == 1) != (deposit.order == Some(Status::Refunded))
    {
        return Some(ONE_CREDIT);
    }
    if [Told::Paid, Told::PaidAgain].iter().any(|told| deposit.acked.has(*told)) && deposit.credits == 0 {
        return Some(APPLIED);
    }
    if let Some(broken) = world.payouts.iter().find_map(|payout| of_payout(payout, scope)) {
        return Some(broken);
    }
    (money(world) != (world.available, world.held) || world.held < 0).then_some(MONEY)
}

/// Available and held, from what stands in the ledger and from what is open.
fn money(world: &World) -> (i8, i8) {
    let count = |count: u8| i8::try_from(count).unwrap_or(i8::MAX);
    let deposit = DEPOSIT * (count(world.deposit.credits) - count(world.deposit.reversals));
    let (mut available, mut held) = (START + deposit, 0);
    for (payout, amount) in world.payouts.iter().zip(PAYOUTS) {
        available += amount * (count(payout.releases) - count(payout.holds));
        if payout.turned {
            available += if payout.captures > 0 { amount } else { -amount };
        }
        if payout.order.is_some_and(|(_, stage)| stage != Stage::Done) {
            held += amount;
        }
    }
    (available, held)
}

fn of_payout(payout: &Payout, scope: &Scope) -> Option<&'static str> {
    let Some((status, stage)) = payout.order else {
        return (payout.holds > 0 || payout.reached > 0).then_some(ONE_HOLD);
    };
    if payout.holds != 1 {
        return Some(ONE_HOLD);
    }
    if payout.reached > 1 && !scope.deduplicates {
        return Some(SENT_ONCE);
    }
    if status == Status::Cancelled && payout.reached > 0 {
        return Some(DECLINED_UNSENT);
    }
    let ends = payout.captures + payout.releases;
    if ends != u8::from(stage == Stage::Done) {
        return Some(ONE_END);
    }
    if stage == Stage::Done && (status == Status::Credited) != ((payout.captures == 1) != payout.turned) {
        return Some(ONE_END);
    }
    if matches!(stage, Stage::AwaitingApproval | Stage::Queued) && payout.reached > 0 && !scope.deduplicates {
        return Some(NOT_YET_SENT);
    }
    if (payout.outbox == Outbox::Waits) != (stage == Stage::Queued)
        || (payout.outbox == Outbox::Claimed) != (stage == Stage::Sending)
    {
        return Some(OUTBOX);
    }
    if !payout.lied && !payout.turned {
        let ours = matches!(payout.there, There::Nothing | There::Declined);
        if payout.releases > 0 && !ours {
            return Some(NOT_RELEASED);
        }
        if payout.captures > 0 && payout.there != There::Paid {
            return Some(PAID);
        }
    }
    let told = payout.acked.has(Told::Paid) || payout.acked.has(Told::Declined);
    (told && !payout.lied && stage != Stage::Done).then_some(APPLIED)
}

/// What does not hold of a step.
pub fn of_step(before: &World, event: Event, step: &Step) -> Option<&'static str> {
    let after = &step.world;
    let refused = matches!(step.answer, Answer::Conflict | Answer::NoFunds | Answer::Reused);
    let asked_again = match event {
        Event::AskPayout(number) => before.payouts[usize::from(number)].order.is_some(),
        Event::AskDeposit => before.deposit.order.is_some(),
        Event::TellPayout(number, told) => before.payouts[usize::from(number)].acked.has(told),
        Event::TellDeposit(told) => before.deposit.acked.has(told),
        _ => false,
    };
    if (refused || asked_again || event.is_elsewhere()) && ours(before) != ours(after) {
        return Some(if event.is_elsewhere() { VOUCHED } else { REFUSED });
    }
    for at in 0..PAYOUTS.len() {
        let (was, is) = (&before.payouts[at], &after.payouts[at]);
        if event.payout() != Some(at) && event != Event::Crash && was != is {
            return Some(APART);
        }
        if let Some(broken) = of_change(was, is, at, event) {
            return Some(broken);
        }
    }
    let of_deposit = matches!(event, Event::AskDeposit | Event::TellDeposit(_) | Event::Finish | Event::Crash);
    if !of_deposit && before.deposit != after.deposit {
        return Some(APART);
    }
    let reversed = after.deposit.reversals > before.deposit.reversals;
    let falls = after.available < 0 && after.available < before.available;
    if falls && !reversed && !matches!(event, Event::Resolve(..)) {
        return Some(OVERDRAWN);
    }
    let was_final = matches!(before.deposit.order, Some(Status::Credited | Status::Refunded));
    (was_final && before.deposit.order != after.deposit.order && !reversed).then_some(FINAL)
}

/// What is committed here; the rest is what processes and the Cashier know.
fn ours(world: &World) -> World {
    let mut world = *world;
    for payout in &mut world.payouts {
        let Payout { order, key, outbox, holds, captures, releases, turned, not_sent, attempt, .. } = *payout;
        let (earlier, seen, yes) = (payout.earlier, payout.seen, payout.yes);
        let committed =
            Payout { order, key, outbox, holds, captures, releases, turned, not_sent, attempt, ..Payout::default() };
        *payout = Payout { earlier, seen, yes, ..committed };
    }
    world.deposit.acked = world.deposit.seen;
    world
}

fn of_change(was: &Payout, is: &Payout, at: usize, event: Event) -> Option<&'static str> {
    let by_person = matches!(event, Event::Resolve(..));
    let stage = was.order.map(|(_, stage)| stage);
    if stage == Some(Stage::Done) && was.order != is.order && !by_person {
        return Some(FINAL);
    }
    let refused = was.hand == Hand::Answer(Attempt::Refused) && !was.earlier;
    let vouched_release = match event {
        Event::TellPayout(_, told) => told == Told::Declined,
        Event::Record(_) => refused && was.reached == 1,
        Event::Decline(_) => !was.may_have_reached(),
        Event::Resolve(_, ending, _) => ending == Ending::Failed,
        _ => false,
    };
    let vouched_capture = match event {
        Event::TellPayout(_, told) => told == Told::Paid && was.may_have_reached(),
        Event::Resolve(_, ending, _) => ending == Ending::Succeeded,
        _ => false,
    };
    if (is.releases > was.releases && !vouched_release) || (is.captures > was.captures && !vouched_capture) {
        return Some(VOUCHED);
    }
    let agreed = |act: Act, person| PEOPLE[at] == 1 || was.yes[act.number()].is_some_and(|by| by != person);
    let decided = is.order != was.order;
    let lawful = match event {
        Event::Approve(_, person) => !decided || agreed(Act::Approve, person),
        Event::Resolve(_, ending, person) => !decided || agreed(Act::Resolve(ending), person),
        _ => true,
    };
    (!lawful).then_some(TWO_PEOPLE)
}
