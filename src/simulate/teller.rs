//! Ends orders at a platform and tells the merchant, each with at most one fault.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::caller::{Answer, CallError};
use super::faults::{DepositFault, PayoutFault};
use super::ladder::Ladder;
use super::meter::Meter;
use super::notifier;
use super::platforms::{End, Note, Platform, Twist, Way};

/// How many copies a duplicated message has.
pub(super) const COPIES: usize = 4;

/// Whoever ends orders at a platform.
#[derive(Debug)]
pub struct Teller {
    platform: Arc<dyn Platform>,
    ladder: Ladder,
    meter: Arc<Meter>,
    late: Mutex<Vec<String>>,
}

impl Teller {
    /// Ends orders at this platform, whose ladder of repetitions goes `speed` times as fast.
    pub fn new(platform: Arc<dyn Platform>, speed: u32, meter: Arc<Meter>) -> Self {
        let ladder = Ladder::of(platform.ladder(), speed);
        Self { platform, ladder, meter, late: Mutex::default() }
    }

    /// The platform.
    pub fn platform(&self) -> &dyn Platform {
        &*self.platform
    }

    /// The payouts that arrived, with how often each did.
    pub fn asked_for(&self) -> Vec<(String, usize)> {
        let payouts = self.platform.orders().into_iter().filter(|order| order.way == Way::Payout);
        payouts.map(|order| (order.id, order.asked)).collect()
    }

    /// Payouts that arrived more than once where that could pay them twice, with how often.
    pub fn doubles(&self) -> Vec<(String, usize)> {
        if self.platform.pays_once() {
            return Vec::new();
        }
        self.asked_for().into_iter().filter(|(_, count)| *count > 1).collect()
    }

    /// Sends the notifications once more that were to come late. Returns those the merchant did not acknowledge.
    pub async fn deliver_late(&self) -> Vec<String> {
        let late = std::mem::take(&mut *self.late.lock().expect("nobody panics while keeping back"));
        let mut failed = Vec::new();
        for id in late {
            failed.extend(self.deliver(&id, Note::PLAIN).await.err());
        }
        failed
    }

    /// Ends a deposit and notifies until that is acknowledged; `pays` says whether the player pays. Gives whether the money counts in
    /// the end.
    ///
    /// # Errors
    ///
    /// What was not as it must be.
    pub async fn deposit(&self, id: &str, pays: bool, fault: DepositFault) -> Result<bool, String> {
        let last = if pays { End::Paid } else { self.platform.unpaid() };
        match fault {
            DepositFault::Smooth | DepositFault::LostAnswer | DepositFault::SlowQuestion => {}
            DepositFault::Duplicated => self.end_in_copies(id, last).await?,
            DepositFault::OtherAmount => self.say_paid(id, Twist::OtherAmount).await?,
            DepositFault::DeclinedThenPaid => {
                self.end(id, End::Declined).await?;
                self.end(id, End::Paid).await?;
                return Ok(true);
            }
            DepositFault::PaidThenDeclined => {
                self.end(id, End::Paid).await?;
                self.end(id, End::Declined).await?;
                return Ok(true);
            }
            DepositFault::Unsolicited => self.say_paid(id, Twist::UnknownOrder).await?,
            DepositFault::Late => self.keep_back(id),
            DepositFault::Forged => self.forge(id).await?,
        }
        self.end(id, last).await?;
        Ok(pays)
    }

    /// Ends a payout and notifies until that is acknowledged; `pays` says whether the money reaches the player. Gives whether it is gone
    /// in the end.
    ///
    /// # Errors
    ///
    /// What was not as it must be.
    pub async fn payout(&self, id: &str, pays: bool, fault: PayoutFault) -> Result<bool, String> {
        let (last, opposite) = if pays { (End::Paid, End::Declined) } else { (End::Declined, End::Paid) };
        match fault {
            PayoutFault::Smooth
            | PayoutFault::Reordered
            | PayoutFault::LostAnswer
            | PayoutFault::Reset
            | PayoutFault::BadGateway
            | PayoutFault::Html
            | PayoutFault::Slow
            | PayoutFault::Refused => {}
            PayoutFault::Duplicated => self.end_in_copies(id, last).await?,
            PayoutFault::OtherAmount => self.say_paid(id, Twist::OtherAmount).await?,
            PayoutFault::Contradictory => {
                self.end(id, last).await?;
                self.end(id, opposite).await?;
                return Ok(pays);
            }
            PayoutFault::StatusFlip => {
                self.deliver(id, Note { says: Some(End::Pending), twist: Twist::None }).await?;
            }
            PayoutFault::Unsolicited => self.say_paid(id, Twist::UnknownOrder).await?,
            PayoutFault::Late => self.keep_back(id),
        }
        self.end(id, last).await?;
        Ok(pays)
    }

    fn keep_back(&self, id: &str) {
        self.late.lock().expect("nobody panics while keeping back").push(id.to_owned());
    }

    async fn end(&self, id: &str, end: End) -> Result<(), String> {
        self.platform.set(id, end);
        self.deliver(id, Note::PLAIN).await
    }

    /// Notifies several times at once. A merchant that is still at work with one copy may put the others off; none may be refused.
    async fn end_in_copies(&self, id: &str, end: End) -> Result<(), String> {
        self.platform.set(id, end);
        let copies = (0..COPIES).map(|_| async {
            let started = Instant::now();
            let answer = self.platform.notify(id, Note::PLAIN).await;
            self.note(&answer, started);
            answer.map_err(|error| error.to_string())
        });
        for answer in futures_util::future::join_all(copies).await {
            let answer = answer?;
            if answer.status != 503 && !self.platform.is_acknowledged(&answer) {
                return Err(format!("one of several notifications at once was answered {}", answer.summary()));
            }
        }
        Ok(())
    }

    /// Says a success that is not so: the merchant keeps it for a person and acknowledges.
    async fn say_paid(&self, id: &str, twist: Twist) -> Result<(), String> {
        self.deliver(id, Note { says: Some(End::Paid), twist }).await
    }

    /// Sends a notification with a wrong signature: it must be refused.
    async fn forge(&self, id: &str) -> Result<(), String> {
        let started = Instant::now();
        let forged = self.platform.notify(id, Note { says: Some(End::Paid), twist: Twist::WrongSignature }).await;
        self.note(&forged, started);
        let answer = forged.map_err(|error| error.to_string())?;
        if matches!(answer.status, 401 | 403 | 404) && !self.platform.is_acknowledged(&answer) {
            return Ok(());
        }
        Err(format!("a forged notification was answered {}", answer.summary()))
    }

    async fn deliver(&self, id: &str, note: Note) -> Result<(), String> {
        let started = Instant::now();
        let delivery = notifier::deliver_of(self.platform(), &self.ladder, id, note).await;
        self.note(&delivery.last.clone().map_err(CallError::NoAnswer), started);
        let is_put_off = delivery.last.as_ref().is_ok_and(|answer| answer.status == 503);
        if is_put_off && self.ladder.pause(1).is_none() {
            // A platform that repeats nothing leaves it to the merchant to ask.
            return Ok(());
        }
        delivery.done().map_err(|reason| format!("{reason} ({note:?})"))
    }

    fn note(&self, answer: &Result<Answer, CallError>, started: Instant) {
        self.meter.note("notification", &super::caller::status(answer), started.elapsed());
    }
}
