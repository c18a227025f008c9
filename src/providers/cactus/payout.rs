//! The order to pay a player, and what the platform says to it.
//!
//! Source: manual, "Pay-out". The sample's answer has status 3 at once with a text that only says "initialised": the outcome comes as a
//! callback, whatever the status of the answer is.

use super::account::Account;
use super::wire::{self, Proof};
use super::{Cactus, rails};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::providers::signed::pairs::Value;
use crate::providers::{InitiationAnswer, PayoutOrder, Step};

const PATH: &str = "/api/payout/";

impl Cactus {
    pub(super) fn next_of_payout(
        &self,
        order: &PayoutOrder,
        replies: &[Reply],
    ) -> Result<Step<InitiationAnswer>, Error> {
        let account = self.account(order.site)?;
        if let Some(reply) = replies.first() {
            return Ok(Step::Done(answer(account, order, reply)));
        }
        let rail = order.rail.as_deref().and_then(|name| rails::find(rails::payouts(), name));
        let rail = rail.ok_or(Error::Invalid("provider_method"))?;
        let fields = rail.fields(&order.details)?;
        let mut members = wire::order(account, &order.external_id, &order.login, order.amount)?;
        members.push(("method".into(), Value::Text(rail.name.into())));
        members.push(("additional_fields".into(), wire::additional(&fields)));
        let call = wire::post(account, account.at(PATH), members)?;
        let card = order.details.get("card_number");
        Ok(Step::call(match card {
            Some(card) => call.hiding(card),
            None => call,
        }))
    }
}

/// Only a signed yes about this order is a yes, only a signed no is a no.
fn answer(account: &Account, order: &PayoutOrder, reply: &Reply) -> InitiationAnswer {
    let answer = match wire::read(account, reply, Proof::Needed) {
        Ok(answer) => answer,
        Err(why) => return InitiationAnswer::Unknown(why),
    };
    match answer.success() {
        Some(true) => match answer.is_about(account, &order.external_id, &order.login, order.amount) {
            Ok(()) => InitiationAnswer::Accepted(answer.shown(), answer.facts()),
            Err(why) => InitiationAnswer::Unknown(why),
        },
        Some(false) if answer.scalar("request_id").is_none_or(|id| id == order.external_id.as_str()) => {
            InitiationAnswer::Refused(answer.message())
        }
        Some(false) | None => {
            InitiationAnswer::Unknown(format!("neither a clear yes nor a clear no: {}", answer.shown()))
        }
    }
}
