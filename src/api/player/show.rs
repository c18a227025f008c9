//! Transactions as they are shown: ScaleTrade's fields, amounts as exact decimals.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::cashier::rows::{self, Transaction};
use crate::error::Error;
use crate::money::Currency;

/// A decimal of a currency as a JSON number, written digit by digit.
///
/// # Errors
///
/// `Internal`: does not happen, digits and a point are a number.
pub(super) fn decimal(minor: i64, currency: Currency) -> Result<Box<RawValue>, Error> {
    number(currency.in_major(minor))
}

fn number(text: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(text).map_err(|error| Error::Internal(format!("a number is not JSON: {error}")))
}

/// A movement of a player.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierTransaction)]
pub(in crate::api) struct Shown {
    /// Our `external_id`.
    #[schema(example = "019354a7f0c87d3e8a1b2c3d4e5f6071")]
    id: String,
    customer_id: i64,
    /// The account: the customer's number and the currency's.
    #[schema(example = 5840)]
    login: i64,
    /// 0 deposit, 1 withdrawal.
    r#type: i64,
    /// 1: asked here and decided by a person.
    source: i64,
    /// `manual` where a person decides.
    #[schema(example = "carouseller")]
    provider: String,
    #[schema(example = "card")]
    method: String,
    provider_payment_id: String,
    /// Decimals of the currency, always above zero.
    #[schema(value_type = f64, example = 250.00)]
    amount: Box<RawValue>,
    #[schema(example = "USD")]
    currency: String,
    account_currency: String,
    #[schema(value_type = f64, example = 250.00)]
    converted_amount: Box<RawValue>,
    /// Always 1.0: nothing is converted.
    #[schema(value_type = f64, example = 1.0)]
    conversion_rate: Box<RawValue>,
    /// 0 created, 1 pending, 2 confirmed, 3 credited or paid out, 4 not credited, 5 failed, 6 cancelled, 7 refunded, 8 chargeback,
    /// 9 waits for a person.
    status: i64,
    failure_reason: String,
    idempotency_key: String,
    comment: String,
    /// A text that holds a JSON object.
    metadata_json: String,
    /// Always 0: who works in the back office is not told.
    approved_by: i64,
    /// Unix seconds; 0: not yet.
    approved_time: i64,
    /// Always 0, as `approved_by`.
    processed_by: i64,
    /// Unix seconds; 0: not yet.
    processed_time: i64,
    /// Unix seconds.
    created_time: i64,
    /// Unix seconds.
    updated_time: i64,
}

impl Shown {
    pub(super) fn of(row: Transaction) -> Result<Self, Error> {
        let currency = row.amount.currency();
        let shown = || decimal(row.amount.minor(), currency);
        Ok(Self {
            customer_id: row.customer_id,
            login: row.login,
            r#type: rows::type_of(row.direction),
            source: row.source,
            amount: shown()?,
            currency: currency.code().to_owned(),
            account_currency: currency.code().to_owned(),
            converted_amount: shown()?,
            conversion_rate: number("1.0".to_owned())?,
            status: row.status.code(),
            approved_by: 0,
            approved_time: row.approved_time,
            processed_by: 0,
            processed_time: row.processed_time,
            created_time: row.created_time,
            updated_time: row.updated_time,
            id: row.id,
            provider: row.provider,
            method: row.method,
            provider_payment_id: row.provider_payment_id,
            failure_reason: row.failure_reason,
            idempotency_key: row.idempotency_key,
            comment: row.comment,
            metadata_json: row.metadata_json,
        })
    }
}

/// One transaction.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierTransactionAnswer)]
pub(in crate::api) struct One {
    pub transaction: Shown,
}
