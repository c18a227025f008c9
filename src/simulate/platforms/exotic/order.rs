//! An order as the platform keeps it, and what it says of it in answers, notices and to questions.

use serde_json::{Value, json};

use super::super::{End, Params, Taken, Way};
use super::account::{Account, Rail};
use super::request::Asked;
use super::{decimals, sign};
use crate::clock::{self, Micros};

/// An order with everything it was made of.
#[derive(Debug, Clone)]
pub struct Order {
    pub taken: Taken,
    pub asked: Asked,
    /// What the payer is asked for or the recipient gets, in hundredths.
    pub due: i64,
    /// Ten-thousandths of fiat for one USDT.
    pub rate: i64,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// What a message says of an order, where that may be a lie.
#[derive(Debug, Clone)]
pub struct Said {
    pub order_id: String,
    pub way: Way,
    pub end: End,
    /// Hundredths.
    pub fiat: i64,
    pub currency: String,
}

impl Order {
    /// Takes an order.
    pub fn new(account: &Account, asked: Asked, own_id: String, params: Params, at: Micros) -> Self {
        let taken = Taken {
            id: asked.order_id.clone(),
            own_id,
            way: asked.way,
            login: asked.customer.clone(),
            method: asked.rail.wire().to_owned(),
            amount: asked.fiat,
            currency: asked.currency.to_ascii_uppercase(),
            asked: 1,
            end: End::Pending,
            params,
        };
        let surcharge = match asked.way {
            Way::Deposit => account.pay_in_surcharge,
            Way::Payout => 0,
        };
        let rate = account.rate(&asked.currency).unwrap_or(1);
        Self { due: asked.fiat + surcharge, rate, taken, asked, created_at: at, updated_at: at }
    }

    /// The order as it stands.
    pub fn truth(&self) -> Said {
        Said {
            order_id: self.taken.id.clone(),
            way: self.taken.way,
            end: self.taken.end,
            fiat: self.due,
            currency: self.asked.currency.clone(),
        }
    }

    /// What the order does to the merchant's balance, in ten-thousandths of a USDT: a payout costs from the moment it is taken until
    /// it is refused.
    pub fn balance(&self) -> i128 {
        match (self.taken.way, self.taken.end) {
            (Way::Payout, End::Pending | End::Paid) => -self.settled(self.taken.way, self.due),
            (Way::Deposit, End::Paid) => self.settled(self.taken.way, self.due),
            (Way::Payout | Way::Deposit, End::Pending | End::Declined | End::Cancelled | End::Expired) => 0,
        }
    }

    fn settled(&self, way: Way, fiat: i64) -> i128 {
        let usdt = decimals::usdt(fiat, self.rate);
        match way {
            Way::Payout => decimals::with_fee(usdt),
            Way::Deposit => decimals::without_fee(usdt),
        }
    }

    /// The amounts that every message has.
    fn amounts(&self, said: &Said) -> Params {
        // What a payment brings has no documented name; this one is the counterpart of the payout's.
        let settled = match said.way {
            Way::Payout => "merchant_spent_usdt",
            Way::Deposit => "merchant_received_usdt",
        };
        let mut amounts = object(json!({
            "fiat_amount": decimals::fiat(said.fiat),
            "usdt_amount": decimals::four(decimals::usdt(said.fiat, self.rate)),
            "fiat_currency": said.currency,
            "exchange_rate": decimals::four(i128::from(self.rate)),
            "payment_method": self.asked.rail.wire(),
        }));
        amounts.insert(settled.to_owned(), decimals::four(self.settled(said.way, said.fiat)).into());
        amounts
    }

    /// The answer to the call that made it. The fields of a payment's are documented only as far as `payment_method`; the rest is
    /// what a payer needs: whom to pay, how much, until when.
    pub fn accepted(&self, reject_url: &str) -> Value {
        let mut answer = self.amounts(&self.truth());
        answer.insert("ok".to_owned(), true.into());
        answer.insert("internal_transaction_id".to_owned(), self.taken.own_id.clone().into());
        match self.taken.way {
            Way::Payout => {
                answer.insert("reject_callback_url".to_owned(), reject_url.into());
            }
            Way::Deposit => {
                answer.insert("order_id".to_owned(), self.taken.id.clone().into());
                answer.insert("created_at".to_owned(), moment(self.created_at).into());
                let ends = self.created_at + self.asked.minutes * 60_000_000;
                answer.insert("expires_at".to_owned(), moment(ends).into());
                answer.extend(self.recipient());
            }
        }
        Value::Object(answer)
    }

    /// The members that notices and the status have in common.
    pub fn envelope(&self, said: &Said) -> Params {
        let mut envelope = self.amounts(said);
        envelope.extend(object(json!({
            "order_id": said.order_id,
            "type": kind(said.way),
            "status": wire_status(said.end),
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
        })));
        envelope.extend(self.recipient());
        envelope
    }

    /// The answer to a question about it.
    pub fn status(&self, base: &str, cheques: usize) -> Value {
        let mut status = self.envelope(&self.truth());
        status.insert("ok".to_owned(), true.into());
        if self.taken.way == Way::Payout && self.taken.end == End::Paid && cheques > 0 {
            let urls = (1..=cheques).map(|n| format!("{base}/cheques/{}/cheque{n}.pdf", self.taken.own_id));
            status.insert("cheque_urls".to_owned(), urls.collect());
        }
        Value::Object(status)
    }

    /// What a standard signature of this order is made of.
    pub fn signed(&self, formula: &sign::Formula, said: &Said, sign_key: &str) -> String {
        let values = sign::Signed {
            order_id: &said.order_id,
            fiat_amount: &decimals::fiat(said.fiat),
            fiat_currency: &said.currency,
            kind: kind(said.way),
            status: wire_status(said.end),
        };
        formula.sign(values, sign_key)
    }

    /// Who is paid, in full, the other three rails `null`; on a payment that is somebody of the platform's.
    fn recipient(&self) -> Params {
        let mut members: Params = Rail::ALL.into_iter().map(|rail| (rail.member().to_owned(), Value::Null)).collect();
        let (details, name, bank) = match self.taken.way {
            Way::Payout => (self.asked.details.as_deref(), self.asked.full_name.as_deref(), self.asked.bank.as_deref()),
            Way::Deposit => {
                let bank = self.asked.bank.as_deref().unwrap_or("Tinkoff");
                (Some(requisites(self.asked.rail)), Some("Petrov Petr Petrovich"), Some(bank))
            }
        };
        members.insert(self.asked.rail.member().to_owned(), details.into());
        members.insert("full_name".to_owned(), name.into());
        members.insert("bank_name".to_owned(), bank.into());
        members
    }
}

/// Where payers of this rail pay to.
fn requisites(rail: Rail) -> &'static str {
    match rail {
        Rail::Card => "4276345439581234",
        Rail::Sbp => "79161234567",
        Rail::Score => "40817810099910004312",
        Rail::Iban => "DE89370400440532013000",
    }
}

/// `type` on the wire.
fn kind(way: Way) -> &'static str {
    match way {
        Way::Payout => "pay_out",
        Way::Deposit => "pay_in",
    }
}

/// `status` on the wire. A decline is `rejected_gate`: the platform's own side refused.
pub fn wire_status(end: End) -> &'static str {
    match end {
        End::Pending => "expectation",
        End::Paid => "successful",
        End::Declined => "rejected_gate",
        End::Cancelled => "rejected_merchant",
        End::Expired => "rejected_timeout",
    }
}

/// ISO 8601 in UTC with whole seconds: `2024-02-15T09:30:45Z`.
fn moment(at: Micros) -> String {
    let text = clock::rfc3339(at);
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

fn object(value: Value) -> Params {
    match value {
        Value::Object(members) => members,
        other => unreachable!("written as an object above, not {other}"),
    }
}
