//! What the platform has about its merchant, and what an integrator may turn.

use std::time::Duration;

use crate::secret::Secret;

/// A rail: `payment_method` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rail {
    /// A bank card.
    Card,
    /// A phone number in the system of fast payments.
    Sbp,
    /// A bank account.
    Score,
    /// An IBAN.
    Iban,
}

impl Rail {
    /// All that the protocol has.
    pub const ALL: [Self; 4] = [Self::Card, Self::Sbp, Self::Score, Self::Iban];

    /// As on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Sbp => "sbp",
            Self::Score => "score",
            Self::Iban => "iban",
        }
    }

    /// The member that names who is paid on this rail.
    pub fn member(self) -> &'static str {
        match self {
            Self::Card => "number_card",
            Self::Sbp => "phone_number",
            Self::Score => "number_score",
            Self::Iban => "iban_number",
        }
    }

    /// The rail with this name on the wire.
    pub fn parse(wire: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rail| rail.wire() == wire)
    }
}

/// Which id `status_pay_out/{id}/` takes: the manual says `pay_out_id` and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusBy {
    /// The merchant's.
    OrderId,
    /// The platform's.
    InternalTransactionId,
}

/// Where the text of an error stands: not documented, so a merchant has to read all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// `{"ok":false,"error":"…"}`
    Error,
    /// `{"ok":false,"message":"…"}`
    Message,
    /// `{"detail":"…"}`
    Detail,
    /// `{"ok":false,"errors":["…"]}`
    List,
    /// `"…"`, a JSON string.
    Text,
}

/// How often the status may be asked for. The manual says that it is limited, without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLimit {
    /// Questions within the window; the next one gets 429.
    pub questions: usize,
    /// How long a question counts.
    pub window: Duration,
}

/// The merchant's account at the platform.
#[derive(Debug, Clone)]
pub struct Account {
    /// The merchant's code in every path: letters, digits, `_` and `-`.
    pub merchant: String,
    /// What all signatures are made with, in both directions.
    pub sign_key: Secret,
    /// `X-Api-Key` of the status calls.
    pub api_key: Secret,
    /// The formula of `standart_sign`, which is not published: placeholders `{order_id}`, `{fiat_amount}`, `{fiat_currency}`,
    /// `{type}`, `{status}`, `{sign_key}`.
    pub callback_formula: String,
    /// The unguessable part of the merchant's own addresses. Only written into its settings: the platform does not know it.
    pub callback_token: Secret,
    /// Rails that are enabled for the merchant.
    pub rails: Vec<Rail>,
    /// Currencies, lower case, with the price of one USDT in ten-thousandths. Amounts always have two decimals here, so a currency
    /// with another number of minor units does not belong in this list.
    pub rates: Vec<(String, i64)>,
    /// The merchant's balance at the start, in ten-thousandths of a USDT. A payout that it does not cover gets `low balance`.
    pub balance: i128,
    /// Which id the status calls take.
    pub status_by: StatusBy,
    /// How often they may come; `None`: as often as anybody likes.
    pub status_limit: Option<StatusLimit>,
    /// Where the text of an error stands.
    pub error_form: ErrorForm,
    /// HTTP status of a definite refusal of an order (`low balance` and the others, and a repeated order): not documented either.
    pub refusal_status: u16,
    /// `reject_callback_url` in the answer to a payout; `None`: the platform's own path. Another one must not be followed.
    pub reject_callback_url: Option<String>,
    /// Added to the amount that a payer is asked for, in hundredths, as a platform does that tells payments apart by their amount.
    pub pay_in_surcharge: i64,
    /// How many receipts the status of a paid payout names.
    pub cheques: usize,
}

impl Account {
    /// An account for demos: every rail, the common currencies, and a balance of 10^9 USDT.
    pub fn example() -> Self {
        let rates = [("rub", 1_002_472), ("usd", 10_000), ("eur", 9_213), ("kzt", 5_104_400), ("gbp", 7_871)];
        Self {
            merchant: "m1".to_owned(),
            sign_key: Secret::new("exotic-demo-sign-key-5f0c83d1"),
            api_key: Secret::new("exotic-demo-api-key-b92e74a6"),
            callback_formula: "{order_id}:{sign_key}".to_owned(),
            callback_token: Secret::new("exotic-demo-callback-token-17d6"),
            rails: Rail::ALL.to_vec(),
            rates: rates.map(|(currency, rate)| (currency.to_owned(), rate)).to_vec(),
            balance: 10_000_000_000_000,
            status_by: StatusBy::OrderId,
            status_limit: None,
            error_form: ErrorForm::Error,
            refusal_status: 400,
            reject_callback_url: None,
            pay_in_surcharge: 0,
            cheques: 1,
        }
    }

    /// Ten-thousandths of this currency for one USDT.
    pub(super) fn rate(&self, currency: &str) -> Option<i64> {
        self.rates.iter().find(|(known, _)| known == currency).map(|(_, rate)| *rate)
    }
}
