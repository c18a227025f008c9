//! What can happen next, each in one commit or outside all of them.

use std::fmt;

use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{Attempt, Ending};

use crate::options::Scope;
use crate::world::{Act, Deposit, Hand, Outbox, PEOPLE, Payout, Person, TOLD, There, Told, World};

/// Something that happens. Payouts are 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The Cashier asks for a payout, for the first time or again.
    AskPayout(u8),
    /// The same id with another amount.
    AskPayoutOtherwise(u8),
    /// The Cashier asks about the deposit.
    AskDeposit,
    AskDepositOtherwise,
    Approve(u8, Person),
    Decline(u8),
    Retry(u8),
    Resolve(u8, Ending, Person),
    /// A worker takes it on: the attempt is written down.
    Claim(u8),
    /// It looks once more and sends: this is what it knows afterwards.
    Send(u8, Attempt),
    /// It writes down what it knows.
    Record(u8),
    /// Nobody waits for the answer any more: after a stop, or because the process stood still.
    GiveUp(u8),
    /// The process stops and starts again.
    Crash,
    /// Time passes over a payout whose outcome nobody knows.
    Wait(u8),
    /// A request that was on its way arrives at the Cashier.
    Arrive(u8),
    /// The Cashier pays, or declines, and is going to say so.
    Decide(u8, Ending),
    /// The Cashier says the opposite of what it did.
    Contradict(u8),
    /// A notification about a payout is delivered, for the first time or again.
    TellPayout(u8, Told),
    TellDeposit(Told),
    /// A notification that was only marked takes effect. Never happens in the product.
    Finish,
}

/// What may happen next. Whatever the product has to refuse is there too.
pub fn possible(world: &World, scope: &Scope) -> Vec<Event> {
    let mut events = Vec::with_capacity(24);
    for (number, payout) in (0..).zip(&world.payouts) {
        if number < scope.payouts {
            of_payout(number, payout, scope, &mut events);
        }
    }
    if !scope.deposit.is_empty() {
        of_deposit(&world.deposit, scope, &mut events);
    }
    if world.crashes > 0 && world.is_under_way() {
        events.push(Event::Crash);
    }
    events
}

fn of_payout(number: u8, payout: &Payout, scope: &Scope, events: &mut Vec<Event>) {
    events.push(Event::AskPayout(number));
    let Some((_, stage)) = payout.order else { return };
    events.push(Event::AskPayoutOtherwise(number));
    by_staff(number, payout, scope, events);
    if payout.outbox == Outbox::Waits && payout.hand == Hand::Empty {
        events.push(Event::Claim(number));
    }
    match payout.hand {
        Hand::Empty => {}
        Hand::Claim => {
            if payout.not_sent < scope.not_sent {
                events.push(Event::Send(number, Attempt::NotSent));
            }
            let fates = [Attempt::Unknown, Attempt::Accepted, Attempt::Refused];
            events.extend(fates.map(|fate| Event::Send(number, fate)));
        }
        Hand::Answer(_) => events.push(Event::Record(number)),
    }
    if payout.is_open() && (payout.hand == Hand::Empty || scope.stalls) {
        events.push(Event::GiveUp(number));
    }
    if stage == Stage::Unknown {
        events.push(Event::Wait(number));
    }
    at_the_cashier(number, payout, scope, events);
    let told = TOLD.into_iter().filter(|told| payout.said.has(*told));
    events.extend(told.map(|told| Event::TellPayout(number, told)));
}

fn by_staff(number: u8, payout: &Payout, scope: &Scope, events: &mut Vec<Event>) {
    let mut wanted = |act: Act, event: &dyn Fn(Person) -> Event| {
        events.push(event(Person::Ann));
        // Who is first is called Ann.
        if PEOPLE[usize::from(number)] > 1 && payout.yes[act.number()].is_some() {
            events.push(event(Person::Bob));
        }
    };
    wanted(Act::Approve, &|person| Event::Approve(number, person));
    for ending in [Ending::Succeeded, Ending::Failed].into_iter().filter(|_| scope.resolves) {
        wanted(Act::Resolve(ending), &|person| Event::Resolve(number, ending, person));
    }
    events.extend([Event::Decline(number), Event::Retry(number)]);
}

fn at_the_cashier(number: u8, payout: &Payout, scope: &Scope, events: &mut Vec<Event>) {
    match payout.there {
        There::OnTheWay => events.push(Event::Arrive(number)),
        There::Has => events.extend([Ending::Succeeded, Ending::Failed].map(|ending| Event::Decide(number, ending))),
        // A success of what was never sent, or was refused.
        There::Nothing if scope.lies && !payout.said.has(Told::Paid) => events.push(Event::Contradict(number)),
        There::Paid if !payout.said.has(Told::Declined) => events.push(Event::Contradict(number)),
        There::Declined if !payout.said.has(Told::Paid) => events.push(Event::Contradict(number)),
        There::Nothing | There::Paid | There::Declined => {}
    }
}

fn of_deposit(deposit: &Deposit, scope: &Scope, events: &mut Vec<Event>) {
    events.push(Event::AskDeposit);
    if deposit.order.is_none() {
        return;
    }
    events.push(Event::AskDepositOtherwise);
    if deposit.half.is_some() {
        events.push(Event::Finish);
    }
    events.extend(scope.deposit.iter().copied().map(Event::TellDeposit));
}

impl Event {
    /// The payout it is about.
    pub fn payout(self) -> Option<usize> {
        match self {
            Event::AskPayout(number)
            | Event::AskPayoutOtherwise(number)
            | Event::Approve(number, _)
            | Event::Decline(number)
            | Event::Retry(number)
            | Event::Resolve(number, ..)
            | Event::Claim(number)
            | Event::Send(number, _)
            | Event::Record(number)
            | Event::GiveUp(number)
            | Event::Wait(number)
            | Event::Arrive(number)
            | Event::Decide(number, _)
            | Event::Contradict(number)
            | Event::TellPayout(number, _) => Some(usize::from(number)),
            Event::AskDeposit | Event::AskDepositOtherwise | Event::TellDeposit(_) | Event::Finish | Event::Crash => {
                None
            }
        }
    }

    /// Whether it may write to the books; the others change only what is known outside them.
    pub fn writes(self) -> bool {
        !self.is_elsewhere() && !matches!(self, Event::Send(..) | Event::Crash)
    }

    /// Whether it happens without us: nothing of ours can change.
    pub fn is_elsewhere(self) -> bool {
        matches!(self, Event::Arrive(_) | Event::Decide(..) | Event::Contradict(_) | Event::Wait(_))
    }
}

fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "paid",
        Ending::Failed => "not paid",
    }
}

fn told(told: Told) -> &'static str {
    match told {
        Told::Paid => "that it is paid",
        Told::PaidAgain => "that it is paid, in another message",
        Told::Declined => "that it is declined",
        Told::Pending => "that it works on it",
        Told::Refunded => "that the money went back",
    }
}

/// In words, for a trace.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = ["the first payout", "the second payout"];
        let one = self.payout().map_or("the deposit", |number| which[number]);
        match self {
            Event::AskPayout(_) => write!(f, "the Cashier asks for {one}"),
            Event::AskDeposit => write!(f, "the Cashier asks about {one}"),
            Event::AskPayoutOtherwise(_) | Event::AskDepositOtherwise => {
                write!(f, "the Cashier asks with the id of {one} and another amount")
            }
            Event::Approve(_, person) => write!(f, "{} approves {one}", person.name()),
            Event::Decline(_) => write!(f, "ann declines {one}"),
            Event::Retry(_) => write!(f, "ann wants {one} sent again"),
            Event::Resolve(_, ending, person) => write!(f, "{} says that {one} is {}", person.name(), ended(*ending)),
            Event::Claim(_) => write!(f, "a worker claims {one}"),
            Event::Send(_, attempt) => write!(f, "it sends {one}: {}", attempt.name()),
            Event::Record(_) => write!(f, "it writes the answer about {one} down"),
            Event::GiveUp(_) => write!(f, "nobody waits for the answer about {one} any more"),
            Event::Crash => write!(f, "the process stops and starts again"),
            Event::Wait(_) => write!(f, "time passes over {one}"),
            Event::Arrive(_) => write!(f, "the request about {one} arrives after all"),
            Event::Decide(_, ending) => write!(f, "the Cashier decides: {one} is {}", ended(*ending)),
            Event::Contradict(_) => write!(f, "the Cashier is going to say of {one} what is not so"),
            Event::TellPayout(_, news) | Event::TellDeposit(news) => {
                write!(f, "the Cashier says of {one} {}", told(*news))
            }
            Event::Finish => write!(f, "what was said of {one} takes effect"),
        }
    }
}
