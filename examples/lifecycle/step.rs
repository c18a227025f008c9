//! What follows from an event: the product's decisions, and around them effects as simple as they can be written.

use croupier::deposits::lifecycle::Decision as OnDeposit;
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{
    self, AfterAttempt, AfterSilence, Attempt, Decision, Earlier, Ending, Resolution, Retried,
};

use crate::event::Event;
use crate::options::Scope;
use crate::policy::Policy;
use crate::world::{Act, DEPOSIT, Hand, Outbox, PAYOUTS, PEOPLE, Person, There, Told, Tried, World};

/// What whoever asked is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is so now, or was so before.
    Done,
    /// Another person must want it too.
    Waiting,
    /// Not enough money.
    NoFunds,
    /// The id is known with other content.
    Reused,
    /// Staff may not.
    Conflict,
}

/// What follows from an event.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub world: World,
    pub answer: Answer,
    /// Reviews that it opened.
    pub reviews: u8,
}

/// What follows from `event`.
pub fn step(world: &World, event: Event, policy: Policy, scope: &Scope) -> Step {
    let mut moment = Moment { world: *world, policy, scope, reviews: 0 };
    let answer = moment.take(event);
    Step { world: moment.world, answer, reviews: moment.reviews }
}

struct Moment<'a> {
    world: World,
    policy: Policy,
    scope: &'a Scope,
    reviews: u8,
}

impl Moment<'_> {
    fn take(&mut self, event: Event) -> Answer {
        match event {
            Event::AskPayout(number) => return self.ask_payout(number.into()),
            Event::AskDeposit => self.world.deposit.order = self.world.deposit.order.or(Some(Status::Created)),
            Event::AskPayoutOtherwise(_) | Event::AskDepositOtherwise => return Answer::Reused,
            Event::Approve(number, person) => return self.approve(number.into(), person),
            Event::Decline(number) => return self.decline(number.into()),
            Event::Retry(number) => return self.retry(number.into()),
            Event::Resolve(number, ending, person) => return self.resolve(number.into(), ending, person),
            Event::Claim(number) => self.claim(number.into()),
            Event::Send(number, fate) => self.send(number.into(), fate),
            Event::Record(number) => self.record(number.into()),
            Event::GiveUp(number) => self.give_up(number.into()),
            Event::Crash => {
                self.world.crashes -= 1;
                self.world.payouts.iter_mut().for_each(|payout| payout.hand = Hand::Empty);
                self.world.deposit.half = None;
            }
            Event::Wait(number) if self.policy.releases_in_time() => self.release(number.into(), Status::Failed),
            Event::Wait(_) => {}
            Event::Arrive(number) => self.arrives(number.into()),
            Event::Decide(number, ending) => self.decides(number.into(), ending),
            Event::Contradict(number) => self.contradicts(number.into()),
            Event::TellPayout(number, told) => self.tell_payout(number.into(), told),
            Event::TellDeposit(told) => self.tell_deposit(told),
            Event::Finish => self.finish(),
        }
        Answer::Done
    }

    fn ask_payout(&mut self, at: usize) -> Answer {
        let (amount, payout) = (PAYOUTS[at], &mut self.world.payouts[at]);
        if payout.key {
            return Answer::Done;
        }
        if self.world.available < amount {
            return Answer::NoFunds;
        }
        payout.holds += 1;
        payout.key = true;
        payout.order = Some(lifecycle::first_standing(PEOPLE[at] == 1));
        if payout.order.is_some_and(|(_, stage)| stage == Stage::Queued) {
            payout.outbox = Outbox::Waits;
        }
        self.world.available -= amount;
        self.world.held += amount;
        Answer::Done
    }

    fn standing(&self, at: usize) -> (Status, Stage) {
        self.world.payouts[at].order.expect("only what was asked for has a life")
    }

    fn approve(&mut self, at: usize, person: Person) -> Answer {
        if !self.policy.may_approve(self.standing(at).1) {
            return Answer::Conflict;
        }
        let answer = self.agree(at, Act::Approve, person);
        if answer == Answer::Done {
            let payout = &mut self.world.payouts[at];
            payout.outbox = Outbox::Waits;
            payout.order = Some((Status::PendingPayment, Stage::Queued));
        }
        answer
    }

    /// A yes for another act of the same subject does not count, and is used up with it.
    fn agree(&mut self, at: usize, act: Act, person: Person) -> Answer {
        let before = self.world.payouts[at].yes[act.number()].map(Person::name);
        match self.policy.is_agreed(before.as_slice(), person.name(), PEOPLE[at]) {
            None => Answer::Conflict,
            Some(false) => {
                self.world.payouts[at].yes[act.number()] = Some(person);
                Answer::Waiting
            }
            Some(true) => {
                self.world.payouts[at].yes = [None; 3];
                Answer::Done
            }
        }
    }

    fn decline(&mut self, at: usize) -> Answer {
        let reached = self.world.payouts[at].may_have_reached();
        match self.policy.decline(self.standing(at).1, reached) {
            Err(_) => Answer::Conflict,
            Ok(()) => {
                self.release(at, Status::Cancelled);
                Answer::Done
            }
        }
    }

    fn retry(&mut self, at: usize) -> Answer {
        let payout = &self.world.payouts[at];
        let tried = lifecycle::Tried {
            ever: payout.not_sent > 0 || payout.may_have_reached(),
            under_way: payout.is_open(),
            deduplicates: self.scope.deduplicates,
            tells_status: false,
        };
        match lifecycle::retry(self.standing(at).1, tried) {
            Ok(Retried::Queued) => {
                self.queue_again(at);
                Answer::Done
            }
            Ok(Retried::Ask) | Err(_) => Answer::Conflict,
        }
    }

    fn queue_again(&mut self, at: usize) {
        let payout = &mut self.world.payouts[at];
        payout.outbox = Outbox::Waits;
        payout.order = Some((Status::PendingPayment, Stage::Queued));
    }

    fn resolve(&mut self, at: usize, ending: Ending, person: Person) -> Answer {
        let (status, stage) = self.standing(at);
        let Ok(resolution) = lifecycle::resolve(status, stage, false, ending) else { return Answer::Conflict };
        let answer = self.agree(at, Act::Resolve(ending), person);
        if answer != Answer::Done {
            return answer;
        }
        let payout = &mut self.world.payouts[at];
        let is_so = match ending {
            Ending::Succeeded => payout.there == There::Paid,
            Ending::Failed => matches!(payout.there, There::Nothing | There::Declined),
        };
        payout.lied |= !is_so;
        match resolution {
            Resolution::Capture => self.capture(at),
            Resolution::Release => self.release(at, Status::Failed),
            Resolution::Correct => {
                let paid = ending == Ending::Succeeded;
                payout.turned = !payout.turned;
                payout.order = Some((if paid { Status::Credited } else { Status::Failed }, Stage::Done));
                self.world.available += if paid { -PAYOUTS[at] } else { PAYOUTS[at] };
                self.reviews += u8::from(self.world.available < 0);
            }
        }
        Answer::Done
    }

    fn claim(&mut self, at: usize) {
        let (status, stage) = self.standing(at);
        if !self.policy.may_claim(stage) {
            return;
        }
        let payout = &mut self.world.payouts[at];
        payout.earlier |= payout.attempt != Tried::Never;
        payout.attempt = Tried::Open;
        payout.outbox = Outbox::Claimed;
        payout.order = Some((status, Stage::Sending));
        payout.hand = Hand::Claim;
    }

    fn send(&mut self, at: usize, fate: Attempt) {
        let awaited = lifecycle::awaits_answer(self.standing(at).1);
        let payout = &mut self.world.payouts[at];
        if !payout.is_open() || !awaited {
            payout.hand = Hand::Answer(Attempt::NotSent);
            return;
        }
        payout.hand = Hand::Answer(fate);
        payout.reached = (payout.reached + u8::from(fate != Attempt::NotSent)).min(2);
        if payout.there == There::Nothing {
            match fate {
                Attempt::Accepted => self.arrives(at),
                Attempt::Unknown => payout.there = There::OnTheWay,
                Attempt::Refused | Attempt::NotSent => {}
            }
        }
    }

    fn record(&mut self, at: usize) {
        let (status, stage) = self.standing(at);
        let payout = &mut self.world.payouts[at];
        let Hand::Answer(outcome) = std::mem::take(&mut payout.hand) else { return };
        if !payout.is_open() {
            return;
        }
        payout.attempt = match outcome {
            Attempt::NotSent => Tried::Never,
            Attempt::Accepted | Attempt::Refused | Attempt::Unknown => Tried::Settled(outcome),
        };
        payout.not_sent += u8::from(outcome == Attempt::NotSent);
        if !lifecycle::awaits_answer(stage) {
            return;
        }
        match self.policy.after_attempt(outcome, payout.earlier) {
            AfterAttempt::Sent => {
                payout.outbox = Outbox::Gone;
                payout.order = Some((status, Stage::Sent));
            }
            AfterAttempt::QueueAgain => {
                payout.outbox = Outbox::Waits;
                payout.order = Some((status, Stage::Queued));
            }
            AfterAttempt::Release => {
                self.release(at, Status::Failed);
                self.world.payouts[at].key = !self.policy.forgets_refused();
            }
            AfterAttempt::Unknown(kind) => self.unknown(at, kind),
        }
    }

    fn unknown(&mut self, at: usize, kind: &'static str) {
        let status = lifecycle::status_of_unknown(self.standing(at).0, kind);
        let payout = &mut self.world.payouts[at];
        payout.outbox = Outbox::Gone;
        payout.order = Some((status, Stage::Unknown));
        self.reviews += 1;
    }

    fn give_up(&mut self, at: usize) {
        let stage = self.standing(at).1;
        let payout = &mut self.world.payouts[at];
        payout.attempt = Tried::Settled(Attempt::Unknown);
        if !lifecycle::awaits_answer(stage) {
            return;
        }
        match self.policy.after_silence(payout.earlier, self.scope.deduplicates) {
            AfterSilence::QueueAgain => self.queue_again(at),
            AfterSilence::Unknown(kind) => self.unknown(at, kind),
        }
    }

    fn arrives(&mut self, at: usize) {
        let payout = &mut self.world.payouts[at];
        payout.there = There::Has;
        if self.scope.pending {
            payout.said.add(Told::Pending);
        }
    }

    fn decides(&mut self, at: usize, ending: Ending) {
        let payout = &mut self.world.payouts[at];
        let paid = ending == Ending::Succeeded;
        payout.there = if paid { There::Paid } else { There::Declined };
        payout.said.add(if paid { Told::Paid } else { Told::Declined });
    }

    fn contradicts(&mut self, at: usize) {
        let payout = &mut self.world.payouts[at];
        payout.lied = true;
        payout.said.add(if payout.there == There::Paid { Told::Declined } else { Told::Paid });
    }

    fn tell_payout(&mut self, at: usize, told: Told) {
        let (status, stage) = self.standing(at);
        let payout = &mut self.world.payouts[at];
        payout.acked.add(told);
        if payout.seen.has(told) {
            return;
        }
        let before = payout.seen;
        payout.seen.add(told);
        let said = |earlier| match earlier {
            Earlier::Paid => before.has(Told::Paid),
            Earlier::MovedByAnother => false,
        };
        let reached = payout.may_have_reached();
        match self.policy.on_payout_news((status, stage), reached, told.of_payout(), said) {
            Decision::Capture => self.capture(at),
            Decision::Release(to) => self.release(at, to),
            Decision::Sent => payout.order = Some((status, Stage::Sent)),
            Decision::HoldAndReview(_) => {
                payout.outbox = Outbox::Gone;
                payout.order = Some((Status::ManualReview, Stage::Unknown));
                self.reviews += 1;
            }
            Decision::Record => {}
            Decision::Review(_) => self.reviews += 1,
        }
    }

    fn capture(&mut self, at: usize) {
        self.world.payouts[at].captures += 1;
        self.world.held -= PAYOUTS[at];
        self.end(at, Status::Credited);
    }

    fn release(&mut self, at: usize, to: Status) {
        self.world.payouts[at].releases += 1;
        self.world.held -= PAYOUTS[at];
        self.world.available += PAYOUTS[at];
        self.end(at, to);
    }

    fn end(&mut self, at: usize, status: Status) {
        let payout = &mut self.world.payouts[at];
        if self.policy.clears_outbox() {
            payout.outbox = Outbox::Gone;
        }
        payout.yes = [None; 3];
        payout.order = Some((status, Stage::Done));
    }

    fn tell_deposit(&mut self, told: Told) {
        let deposit = &mut self.world.deposit;
        if deposit.seen.has(told) {
            deposit.acked.add(told);
            return;
        }
        deposit.seen.add(told);
        if self.policy.marks_first() {
            deposit.half = Some(told);
            return;
        }
        deposit.acked.add(told);
        self.apply_to_deposit(told);
    }

    fn finish(&mut self) {
        if let Some(told) = self.world.deposit.half.take() {
            self.world.deposit.acked.add(told);
            self.apply_to_deposit(told);
        }
    }

    fn apply_to_deposit(&mut self, told: Told) {
        let deposit = &mut self.world.deposit;
        let status = deposit.order.expect("only what was asked about has a life");
        match self.policy.on_deposit_news(status, told.of_deposit()) {
            OnDeposit::Credit => {
                deposit.credits += 1;
                deposit.order = Some(Status::Credited);
                self.world.available += DEPOSIT;
                if std::mem::take(&mut self.world.deposit.waiting) {
                    self.apply_to_deposit(Told::Refunded);
                }
            }
            OnDeposit::Refund => self.reverse(Status::Refunded),
            OnDeposit::ChargeBack => self.reverse(Status::Chargeback),
            OnDeposit::Move(to) => deposit.order = Some(to),
            OnDeposit::MoveAndReview(to, _) => {
                deposit.order = Some(to);
                self.reviews += 1;
            }
            OnDeposit::Record => {}
            OnDeposit::Review(_) => self.reviews += 1,
            OnDeposit::AwaitPayment => {
                deposit.waiting = true;
                self.reviews += 1;
            }
        }
    }

    fn reverse(&mut self, to: Status) {
        let deposit = &mut self.world.deposit;
        deposit.reversals += 1;
        deposit.order = Some(to);
        self.world.available -= DEPOSIT;
        self.reviews += u8::from(self.world.available < 0);
    }
}
