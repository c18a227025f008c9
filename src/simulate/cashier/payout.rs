//! A payout: the request, the merchant's initiation, the notification.

use std::time::Duration;

use super::Cashier;
use crate::simulate::Encoding;
use crate::simulate::faults::{Dice, PayoutFault};
use crate::simulate::messages::{self, DECLINES, Order, PAYOUT, PENDING, SUCCESS};
use crate::simulate::server::{Behaviour, Initiation};

/// An initiation may arrive before the answer to its request: it is nobody's only after this long.
const LEFT_ALONE: Duration = Duration::from_secs(3);

/// How a payout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayoutEnd {
    /// Paid and acknowledged: the held money is gone.
    Paid(String),
    /// Declined and acknowledged, or the initiation was refused: the player has the money back, at once or soon.
    Declined(String),
    /// The merchant said that the money does not suffice.
    Insufficient,
    /// The merchant said no for another reason; the answer in a few words.
    Refused(String),
    /// Accepted, but no initiation came in time: it may be waiting for a person.
    Waiting(String),
    /// Something was not as it must be; the order, when there is one, and what.
    Broken(Option<String>, String),
}

impl Cashier {
    /// Notifies about initiations that nobody in [`Cashier::payout`] waits for: payouts approved by hand, or asked for
    /// before this process started. Says how many were settled, and what went wrong.
    pub async fn settle_unclaimed(&self, dice: &mut Dice) -> (u64, Vec<String>) {
        let (mut settled, mut failed) = (0, Vec::new());
        for initiation in self.server.all() {
            let fresh = initiation.at.elapsed() < LEFT_ALONE;
            let refused = matches!(initiation.answered, Some(Behaviour::Refuse(_)));
            if fresh || refused || !self.claim(&initiation.external_id) {
                continue;
            }
            let Initiation { login, currency, external_id, .. } = initiation;
            let Some(amount) = initiation.amount else {
                failed.push(format!("the initiation of {external_id} has no amount"));
                continue;
            };
            let order = Order { login, amount, currency, transaction_id: dice.transaction_id() };
            let status = if dice.percent(75) { SUCCESS } else { dice.pick(&DECLINES) };
            let notice = self.notification(&external_id, &order, PAYOUT, status);
            match self.deliver(&notice, Encoding::Json).await {
                Ok(()) => settled += 1,
                Err(reason) => failed.push(format!("payout {external_id}: {reason}")),
            }
        }
        (settled, failed)
    }

    /// Carries out one payout: `pays` says whether the money reaches the player. One payout of a player at a time.
    pub async fn payout(&self, order: &Order, pays: bool, fault: PayoutFault, dice: &mut Dice) -> PayoutEnd {
        let encoding = if dice.percent(50) { Encoding::Json } else { Encoding::Form };
        self.plan(&order.login, behaviour(fault));
        let params = messages::request_payout(self.caller.brand().site_id, order);
        let asked = if fault == PayoutFault::Duplicated {
            self.ask_copies(&params, encoding).await
        } else {
            self.caller.ask(&params, encoding).await.map_err(|error| error.to_string())
        };
        let answer = match asked {
            Ok(answer) => answer,
            Err(reason) => return PayoutEnd::Broken(None, format!("request_payout of {}: {reason}", order.login)),
        };
        let external_id = match (answer.code(), answer.external_id()) {
            (Some(50), Some(external_id)) => external_id.to_owned(),
            (Some(402), _) => return PayoutEnd::Insufficient,
            (_, _) => return PayoutEnd::Refused(answer.summary()),
        };
        let Some(initiation) = self.server.wait_for(&external_id, self.patience).await else {
            return PayoutEnd::Waiting(external_id);
        };
        self.claim(&external_id);
        let ended = match check(&initiation, order) {
            Ok(()) => self.end_payout(&external_id, order, pays, fault, dice, encoding).await,
            Err(reason) => Err(reason),
        };
        match ended {
            Ok(true) => PayoutEnd::Paid(external_id),
            Ok(false) => PayoutEnd::Declined(external_id),
            Err(reason) => {
                let text = format!("payout {external_id}: {reason}");
                PayoutEnd::Broken(Some(external_id), text)
            }
        }
    }

    /// Notifies. Says whether the money is gone in the end.
    async fn end_payout(
        &self,
        external_id: &str,
        order: &Order,
        pays: bool,
        fault: PayoutFault,
        dice: &mut Dice,
        encoding: Encoding,
    ) -> Result<bool, String> {
        let paid = self.notification(external_id, order, PAYOUT, SUCCESS);
        let declined = self.notification(external_id, order, PAYOUT, dice.pick(&DECLINES));
        let (last, opposite) = if pays { (&paid, &declined) } else { (&declined, &paid) };
        match fault {
            PayoutFault::Smooth
            | PayoutFault::Reordered
            | PayoutFault::LostAnswer
            | PayoutFault::Reset
            | PayoutFault::BadGateway
            | PayoutFault::Html
            | PayoutFault::Slow => {}
            PayoutFault::Refused => return Ok(false),
            PayoutFault::Duplicated => self.deliver_copies(last, encoding).await?,
            PayoutFault::OtherAmount => {
                let other = Order { amount: order.amount + 1, ..order.clone() };
                self.deliver(&self.notification(external_id, &other, PAYOUT, SUCCESS), encoding).await?;
            }
            PayoutFault::Contradictory => {
                self.deliver(last, encoding).await?;
                self.deliver(opposite, encoding).await?;
                return Ok(pays);
            }
            PayoutFault::StatusFlip => {
                self.deliver(&self.notification(external_id, order, PAYOUT, PENDING), encoding).await?;
            }
            PayoutFault::Unsolicited => self.deliver_unsolicited(order, PAYOUT, dice).await?,
            PayoutFault::Late => self.keep_back(last.clone(), encoding),
        }
        self.deliver(last, encoding).await?;
        Ok(pays)
    }
}

/// How the initiation of a payout with this fault is answered.
fn behaviour(fault: PayoutFault) -> Behaviour {
    match fault {
        PayoutFault::Reordered => Behaviour::Slow(Duration::from_millis(700)),
        PayoutFault::Slow => Behaviour::Slow(Duration::from_millis(200)),
        PayoutFault::LostAnswer => Behaviour::Hangup,
        PayoutFault::Reset => Behaviour::Reset,
        PayoutFault::BadGateway => Behaviour::Status(502),
        PayoutFault::Html => Behaviour::Html,
        PayoutFault::Refused => Behaviour::Refuse(7),
        PayoutFault::Smooth
        | PayoutFault::Duplicated
        | PayoutFault::OtherAmount
        | PayoutFault::Contradictory
        | PayoutFault::StatusFlip
        | PayoutFault::Unsolicited
        | PayoutFault::Late => Behaviour::Accept,
    }
}

/// Whether the initiation is signed and says what was agreed.
fn check(initiation: &Initiation, order: &Order) -> Result<(), String> {
    if !initiation.signature_holds {
        return Err("the initiation's signature does not hold".to_owned());
    }
    let said = (initiation.login.as_str(), initiation.amount, initiation.currency.as_str());
    let agreed = (order.login.as_str(), Some(order.amount), order.currency.as_str());
    if said != agreed {
        return Err(format!("the initiation says {said:?}, the request said {agreed:?}"));
    }
    Ok(())
}
