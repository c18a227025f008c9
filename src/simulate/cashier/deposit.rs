//! A deposit: the question, the payment, the notification.

use std::time::Duration;

use super::Cashier;
use crate::simulate::caller::Answer;
use crate::simulate::faults::{DepositFault, Dice};
use crate::simulate::messages::{self, CREDITING, DECLINED, DECLINES, Order, PURCHASE, SUCCESS};
use crate::simulate::{Encoding, Params};

/// How a deposit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DepositEnd {
    /// Paid and acknowledged: the player must have the money.
    Paid(String),
    /// Declined and acknowledged.
    Declined(String),
    /// The merchant said no; the answer in a few words.
    Refused(String),
    /// Something was not as it must be.
    Broken(String),
}

impl Cashier {
    /// Carries out one deposit: `pays` says whether the player pays in the end.
    pub async fn deposit(&self, order: &Order, pays: bool, fault: DepositFault, dice: &mut Dice) -> DepositEnd {
        let encoding = if dice.percent(50) { Encoding::Json } else { Encoding::Form };
        let answer = match self.ask_deposit(order, fault, encoding).await {
            Ok(answer) => answer,
            Err(reason) => return DepositEnd::Broken(format!("check_deposit of {}: {reason}", order.login)),
        };
        let (Some(0), Some(external_id)) = (answer.code(), answer.external_id()) else {
            return DepositEnd::Refused(answer.summary());
        };
        let external_id = external_id.to_owned();
        match self.end_deposit(&external_id, order, pays, fault, dice, encoding).await {
            Ok(true) => DepositEnd::Paid(external_id),
            Ok(false) => DepositEnd::Declined(external_id),
            Err(reason) => DepositEnd::Broken(format!("deposit {external_id}: {reason}")),
        }
    }

    async fn ask_deposit(&self, order: &Order, fault: DepositFault, encoding: Encoding) -> Result<Answer, String> {
        let params = messages::check_deposit(self.caller.brand().site_id, order);
        let asked = match fault {
            DepositFault::Duplicated => return self.ask_copies(&params, encoding).await,
            DepositFault::LostAnswer => {
                self.caller.ask_and_hang_up(&params, encoding).await;
                self.caller.ask(&params, encoding).await
            }
            DepositFault::SlowQuestion => self.caller.ask_slowly(&params, encoding, Duration::from_millis(150)).await,
            DepositFault::Smooth
            | DepositFault::OtherAmount
            | DepositFault::DeclinedThenPaid
            | DepositFault::PaidThenDeclined
            | DepositFault::Unsolicited
            | DepositFault::Late
            | DepositFault::Forged => self.caller.ask(&params, encoding).await,
        };
        asked.map_err(|error| error.to_string())
    }

    /// Notifies. Says whether the money counts in the end.
    async fn end_deposit(
        &self,
        external_id: &str,
        order: &Order,
        pays: bool,
        fault: DepositFault,
        dice: &mut Dice,
        encoding: Encoding,
    ) -> Result<bool, String> {
        let paid = self.notification(external_id, order, dice.pick(&CREDITING), SUCCESS);
        let declined = self.notification(external_id, order, PURCHASE, dice.pick(&DECLINES));
        let last = if pays { &paid } else { &declined };
        match fault {
            DepositFault::Smooth | DepositFault::LostAnswer | DepositFault::SlowQuestion => {}
            DepositFault::Duplicated => self.deliver_copies(last, encoding).await?,
            DepositFault::OtherAmount => {
                let other = Order { amount: order.amount + 1, ..order.clone() };
                self.deliver(&self.notification(external_id, &other, PURCHASE, SUCCESS), encoding).await?;
            }
            DepositFault::DeclinedThenPaid => {
                self.deliver(&self.notification(external_id, order, PURCHASE, DECLINED), encoding).await?;
                self.deliver(&paid, encoding).await?;
                return Ok(true);
            }
            DepositFault::PaidThenDeclined => {
                self.deliver(&paid, encoding).await?;
                self.deliver(&declined, encoding).await?;
                return Ok(true);
            }
            DepositFault::Unsolicited => self.deliver_unsolicited(order, PURCHASE, dice).await?,
            DepositFault::Late => self.keep_back(last.clone(), encoding),
            DepositFault::Forged => self.forge(&paid, encoding).await?,
        }
        self.deliver(last, encoding).await?;
        Ok(pays)
    }

    /// Sends a notification with a wrong signature: it must be refused.
    async fn forge(&self, params: &Params, encoding: Encoding) -> Result<(), String> {
        let forged = messages::with(params.clone(), "signature", "0".repeat(40));
        let answer = self.caller.notify_as_is(&forged, encoding).await.map_err(|error| error.to_string())?;
        if answer.status == 403 && answer.code() != Some(0) {
            return Ok(());
        }
        Err(format!("a forged notification was answered {}", answer.summary()))
    }
}
