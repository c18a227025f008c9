//! A deposit: the player's request, the platform's order, the payment, the notification.

use super::{Asking, Visits, order_id, refusal, summary};
use crate::simulate::cashier::DepositEnd;
use crate::simulate::faults::DepositFault;
use crate::simulate::messages::Order;
use crate::simulate::platforms::Way;

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
        let ended = match self.taken(&id, order).await {
            Ok(Some(_)) => self.teller.deposit(&id, pays, fault).await,
            Ok(None) => Err("the platform was never asked for it".to_owned()),
            Err(reason) => Err(reason),
        };
        match ended {
            Ok(true) => DepositEnd::Paid(id),
            Ok(false) => DepositEnd::Declined(id),
            Err(reason) => DepositEnd::Broken(format!("deposit {id}: {reason}")),
        }
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
