//! A deposit: the player's request, the platform's order, the payment, the notification.

use super::{Asking, Visits, order_id, refusal, summary};
use crate::simulate::cashier::DepositEnd;
use crate::simulate::faults::DepositFault;
use crate::simulate::messages::Order;
use crate::simulate::platforms::{End, Note, Twist, Way};

impl Visits {
    /// Carries out one deposit: `pays` says whether the player pays in the end.
    pub async fn deposit(&self, order: &Order, pays: bool, fault: DepositFault) -> DepositEnd {
        let answer = match self.ask(&order.login, &self.wish(Way::Deposit, order), asking(fault)).await {
            Ok(answer) => answer,
            Err(reason) => return DepositEnd::Broken(format!("a deposit of {}: {reason}", order.login)),
        };
        let id = match (order_id(&answer), refusal(&answer)) {
            (Some(id), _) => id.to_owned(),
            (None, Some(_)) => return DepositEnd::Refused(summary(&answer)),
            (None, None) => return DepositEnd::Broken(format!("a deposit was answered {}", summary(&answer))),
        };
        match self.end_deposit(&id, order, pays, fault).await {
            Ok(true) => DepositEnd::Paid(id),
            Ok(false) => DepositEnd::Declined(id),
            Err(reason) => DepositEnd::Broken(format!("deposit {id}: {reason}")),
        }
    }

    /// Notifies. Says whether the money counts in the end.
    async fn end_deposit(&self, id: &str, order: &Order, pays: bool, fault: DepositFault) -> Result<bool, String> {
        self.taken(id, order).await?.ok_or("the platform was never asked for it")?;
        let last = if pays { End::Paid } else { End::Declined };
        match fault {
            DepositFault::Smooth | DepositFault::LostAnswer | DepositFault::SlowQuestion => {}
            DepositFault::Duplicated => {
                self.platform.set(id, last);
                self.deliver_copies(id).await?;
            }
            DepositFault::OtherAmount => self.deliver_other_amount(id).await?,
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
            DepositFault::Unsolicited => self.deliver_unsolicited(id).await?,
            DepositFault::Late => self.keep_back(id),
            DepositFault::Forged => self.forge(id).await?,
        }
        self.end(id, last).await?;
        Ok(pays)
    }

    /// Sends a notification with a wrong signature: it must be refused.
    async fn forge(&self, id: &str) -> Result<(), String> {
        let forged = Note { says: Some(End::Paid), twist: Twist::WrongSignature };
        let answer = self.platform.notify(id, forged).await.map_err(|error| error.to_string())?;
        if matches!(answer.status, 401 | 403 | 404) && !self.platform.is_acknowledged(&answer) {
            return Ok(());
        }
        Err(format!("a forged notification was answered {}", summary(&answer)))
    }
}

fn asking(fault: DepositFault) -> Asking {
    match fault {
        DepositFault::Duplicated => Asking::Together,
        DepositFault::LostAnswer => Asking::AndAgain,
        DepositFault::SlowQuestion => Asking::Slowly,
        DepositFault::Smooth
        | DepositFault::OtherAmount
        | DepositFault::DeclinedThenPaid
        | DepositFault::PaidThenDeclined
        | DepositFault::Unsolicited
        | DepositFault::Late
        | DepositFault::Forged => Asking::Once,
    }
}
