//! A payout: the player's request, the approval, the merchant's call, the notification.

use std::time::Duration;

use super::{Asking, Visits, order_id, refusal, summary};
use crate::simulate::cashier::PayoutEnd;
use crate::simulate::faults::PayoutFault;
use crate::simulate::messages::Order;
use crate::simulate::platforms::{Answering, Way};

/// What the players' API says when the money does not suffice.
const INSUFFICIENT: &str = "INSUFFICIENT_FUNDS";

impl Visits {
    /// Carries out one payout: `pays` says whether the money reaches the player.
    pub async fn payout(&self, order: &Order, pays: bool, fault: PayoutFault) -> PayoutEnd {
        let how = if fault == PayoutFault::Duplicated { Asking::Together } else { Asking::Once };
        let answer = match self.ask(&order.login, &self.wish(Way::Payout, order), how).await {
            Ok(answer) => answer,
            Err(reason) => return PayoutEnd::Broken(None, format!("a withdrawal of {}: {reason}", order.login)),
        };
        let id = match (order_id(&answer), refusal(&answer)) {
            (Some(id), _) => id.to_owned(),
            (None, Some(INSUFFICIENT)) => return PayoutEnd::Insufficient,
            (None, Some(_)) => return PayoutEnd::Refused(summary(&answer)),
            (None, None) => return PayoutEnd::Broken(None, format!("a withdrawal was answered {}", summary(&answer))),
        };
        self.teller.platform().answer_order_with(&id, answering(fault));
        match self.send_and_end(&id, order, pays, fault).await {
            Ok(Some(true)) => PayoutEnd::Paid(id),
            Ok(Some(false)) => PayoutEnd::Declined(id),
            Ok(None) => PayoutEnd::Waiting(id),
            Err(reason) => {
                let text = format!("payout {id}: {reason}");
                PayoutEnd::Broken(Some(id), text)
            }
        }
    }

    /// Approves, and notifies once the order is there. Says whether the money is gone in the end; `None`: the order never came.
    async fn send_and_end(
        &self,
        id: &str,
        order: &Order,
        pays: bool,
        fault: PayoutFault,
    ) -> Result<Option<bool>, String> {
        let approved = self.front.approve(id).await.map_err(|error| error.to_string())?;
        if approved.status != 200 {
            return Err(format!("the approval was answered {}", summary(&approved)));
        }
        if fault == PayoutFault::Refused {
            // Nothing is taken: the player has the money back soon.
            return Ok(Some(false));
        }
        if self.taken(id, order).await?.is_none() {
            return Ok(None);
        }
        self.teller.payout(id, pays, fault).await.map(Some)
    }
}

/// How the call that makes a payout with this fault is answered.
fn answering(fault: PayoutFault) -> Answering {
    match fault {
        PayoutFault::Reordered => Answering::Slow(Duration::from_millis(700)),
        PayoutFault::Slow => Answering::Slow(Duration::from_millis(200)),
        PayoutFault::LostAnswer => Answering::Hangup,
        PayoutFault::Reset => Answering::Reset,
        PayoutFault::BadGateway => Answering::Status(502),
        PayoutFault::Html => Answering::Html,
        PayoutFault::Refused => Answering::Refuse,
        PayoutFault::Smooth
        | PayoutFault::Duplicated
        | PayoutFault::OtherAmount
        | PayoutFault::Contradictory
        | PayoutFault::StatusFlip
        | PayoutFault::Unsolicited
        | PayoutFault::Late => Answering::Accept,
    }
}
