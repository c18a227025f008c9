//! A payout: the request, the merchant's initiation, the notification.

use std::time::Duration;

use super::Cashier;
use crate::simulate::Encoding;
use crate::simulate::faults::{Dice, PayoutFault};
use crate::simulate::messages::{self, DECLINES, Order, PAYOUT, PENDING, SUCCESS};
use crate::simulate::server::{Behaviour, Initiation};

/// How long the merchant may take from its answer to the initiation.
const PATIENCE: Duration = Duration::from_secs(60);

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
    /// Something was not as it must be; the order, when there is one, and what.
    Broken(Option<String>, String),
}

impl Cashier {
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
        match self.end_payout(&external_id, order, pays, fault, dice, encoding).await {
            Ok(true) => PayoutEnd::Paid(external_id),
            Ok(false) => PayoutEnd::Declined(external_id),
            Err(reason) => {
                let text = format!("payout {external_id}: {reason}");
                PayoutEnd::Broken(Some(external_id), text)
            }
        }
    }

    /// Waits for the initiation and notifies. Says whether the money is gone in the end.
    async fn end_payout(
        &self,
        external_id: &str,
        order: &Order,
        pays: bool,
        fault: PayoutFault,
        dice: &mut Dice,
        encoding: Encoding,
    ) -> Result<bool, String> {
        let initiation = self.server.wait_for(external_id, PATIENCE).await;
        check(initiation, order)?;
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

/// Whether the initiation came, is signed, and says what was agreed.
fn check(initiation: Option<Initiation>, order: &Order) -> Result<(), String> {
    let Some(initiation) = initiation else {
        return Err(format!("no initiation in {} s", PATIENCE.as_secs()));
    };
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
