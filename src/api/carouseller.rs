//! What Carouseller sends and is told, as the OpenAPI document shows it. Reading and answering are the provider's own; tests compare.

#![expect(dead_code, reason = "describes messages in the OpenAPI document; the provider reads and writes them")]

use utoipa::{IntoResponses, ToSchema};

/// The Cashier's question, signed: every parameter, known or not, is part of the signature. Numbers may be texts, as they are in a form.
#[derive(ToSchema)]
pub struct CashierQuestion {
    /// `check_deposit` or `request_payout`. `name` is read where it is absent.
    #[schema(example = "check_deposit")]
    action: String,
    #[schema(example = 332)]
    site_id: i64,
    /// The player: the casino's own name for them, 1 to 128 characters.
    #[schema(example = "alice")]
    site_login: String,
    /// Minor units.
    #[schema(example = 10000)]
    amount: i64,
    /// ISO 4217, one of the site's.
    #[schema(example = "USD")]
    currency: String,
    #[schema(example = 6)]
    payment_group_id: i64,
    /// `check_deposit` needs it.
    #[schema(example = 18)]
    payment_type_id: Option<i64>,
    /// `request_payout` needs it.
    #[schema(example = "555555...4444")]
    customer_purse: Option<String>,
    /// 0 or 1. `request_payout` needs it.
    #[schema(example = 0)]
    remember_customer_purse: Option<i64>,
    /// The Cashier's own id. The same one with the same parameters gets the same answer, and has no second effect.
    #[schema(example = "1234567890")]
    transaction_id: Option<String>,
    #[schema(example = "127.0.0.1")]
    customer_ip: Option<String>,
    #[schema(example = 4)]
    source_type: Option<i64>,
    merchant_purse: Option<String>,
    /// SHA-1 in hexadecimal over all other parameters and the site's salt (`croupier sign` shows how).
    signature: String,
}

/// The answer to a question.
#[derive(ToSchema)]
pub struct CashierAnswer {
    /// 0: the deposit is allowed. 50: the payout is taken and the money held. 402: not enough money. 500: everything else.
    #[schema(example = 0)]
    code: i32,
    /// Our order, with 0 and 50: at most 64 characters of `[A-Za-z0-9_-]`.
    external_id: Option<String>,
    /// Why not, with 402 and 500: `Invalid signature`, `Unknown site`, `User not found`, `Insufficient funds`, …
    error_description: Option<String>,
}

/// The Cashier's notification of how an order goes, signed like a question. Parameters that are not listed here may come; they are kept.
#[derive(ToSchema)]
pub struct CashierNotification {
    #[schema(example = 332)]
    site_id: i64,
    #[schema(example = "alice")]
    site_login: String,
    /// Our order.
    external_id: String,
    /// Minor units, as ordered.
    #[schema(example = 10000)]
    amount: i64,
    /// ISO 4217, as ordered.
    #[schema(example = "USD")]
    currency: String,
    /// What was done: 1, 3 and 6 are payments, 5 a refund, 7 a chargeback, 11 a payout, …
    #[schema(example = 3)]
    type_id: i64,
    /// How it went: 2 waits, 4 is success, 6 a decline, …
    #[schema(example = 4)]
    status_id: i64,
    /// The Cashier's own id.
    #[schema(example = "1234567890")]
    transaction_id: String,
    /// What the channel moved, minor units.
    #[schema(example = 10000)]
    real_amount: Option<i64>,
    /// The order's currency when absent.
    #[schema(example = "USD")]
    real_currency: Option<String>,
    customer_purse: Option<String>,
    customer_ip: Option<String>,
    processor_id: Option<String>,
    processor_message: Option<String>,
    completed_at: Option<String>,
    payment_group_id: Option<i64>,
    display_payment_group_id: Option<i64>,
    payment_type_id: Option<i64>,
    source_type: Option<i64>,
    extended_info_enabled: Option<i64>,
    /// As in a question. May be absent only where the site accepts unsigned notifications from the sender's address.
    signature: Option<String>,
}

/// A notification is taken: what it means is durable, and it need not come again.
#[derive(ToSchema)]
pub struct CashierAcknowledgement {
    /// Always 0.
    #[schema(example = 0)]
    code: i32,
    /// Always `ok`.
    #[schema(example = "ok")]
    result: String,
}

/// What a provider is told: JSON with the members that its manual names.
#[derive(ToSchema)]
pub struct ProviderAnswer {
    /// 0 when it was taken, where the provider's manual knows codes.
    code: Option<i32>,
    /// `ok` when it was taken, where the provider's manual wants to see it.
    result: Option<String>,
}

/// A message that was not taken.
#[derive(ToSchema)]
pub struct CashierRefusal {
    /// Never 0.
    #[schema(example = 500)]
    code: i32,
    /// A sentence for people.
    #[schema(example = "Temporarily unavailable")]
    error_description: String,
}

/// What the Cashier may be told besides, for the OpenAPI document.
#[derive(IntoResponses)]
pub enum CashierRefusals {
    /// The body cannot be read; of a notification, also a required parameter that is missing or malformed
    #[response(status = 400)]
    Unreadable(CashierRefusal),
    /// The request did not arrive in time
    #[response(status = 408)]
    Late(CashierRefusal),
    /// Longer than `server.max_body_bytes`
    #[response(status = 413)]
    TooLarge(CashierRefusal),
    /// Neither JSON nor a form, or compressed
    #[response(status = 415)]
    Unsupported(CashierRefusal),
    /// Nothing was decided or stored: come again
    #[response(status = 503)]
    Unavailable(CashierRefusal),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use utoipa::PartialSchema;

    use super::*;
    use crate::error::Error;
    use crate::ids::ExternalId;
    use crate::providers::carouseller::answer::{self, Answer};

    /// Members of an answer that its schema does not know, and members it requires that are not there.
    fn differences<T: PartialSchema>(answer: &Answer) -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let members: Value = serde_json::from_str(&answer.to_json()).unwrap();
        let members = members.as_object().unwrap();
        let unknown = members.keys().filter(|name| schema["properties"].get(name).is_none()).cloned();
        let required = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str);
        unknown.chain(required.filter(|name| !members.contains_key(*name)).map(str::to_owned)).collect()
    }

    #[test]
    fn answers_have_the_members_that_the_document_shows() {
        let order = ExternalId::parse("0198-order").unwrap();
        let questions = [
            answer::deposit(&Ok(order.clone())),
            answer::payout(&Ok(order)),
            answer::payout(&Err(Error::UnknownPlayer)),
        ];

        for given in &questions {
            assert_eq!(differences::<CashierAnswer>(given), Vec::<String>::new(), "{given:?}");
        }
        assert_eq!(differences::<CashierAcknowledgement>(&answer::acknowledged()), Vec::<String>::new());
        assert_eq!(differences::<CashierRefusal>(&answer::temporarily_unavailable()), Vec::<String>::new());
    }
}
