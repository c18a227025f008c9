//! How Rebilly shows what it keeps: JSON with the names of its definitions, amounts with all their digits.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::books::{Allocation, Asked, Books, Cancellation, Cashier, Deposit, Kind, Part, Payout, Status, Transaction};
use super::decimal::Number;
use crate::clock::rfc3339;

/// What is the same in all of them: the website, and where links lead.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `web_…`
    pub website: &'a str,
    /// Scheme, host and port.
    pub base: &'a str,
    /// The base with the organization.
    pub root: &'a str,
}

impl Place<'_> {
    /// Where a resource is.
    pub fn of(&self, resource: &str, id: &str) -> String {
        format!("{}/{resource}/{id}", self.root)
    }

    fn me(&self, resource: &str, id: &str) -> Value {
        json!({"rel": "self", "href": self.of(resource, id)})
    }

    /// A payout request.
    pub fn payout<'p>(&self, books: &'p Books, payout: &'p Payout) -> PayoutView<'p> {
        let allocations = payout.allocations.iter().filter_map(|id| books.allocations.get(id));
        let mut links = vec![self.me("payout-requests", &payout.id)];
        if let Some(whole) = &payout.split_from {
            links.push(json!({"rel": "splitFrom", "href": self.of("payout-requests", whole)}));
        }
        PayoutView {
            id: &payout.id,
            website_id: self.website.to_owned(),
            customer_id: &payout.customer,
            payment_instrument_id: payout.instrument.as_deref(),
            currency: &payout.currency,
            amount: Number::new(payout.amount, &payout.currency),
            available_amount: Number::new(available(books, payout), &payout.currency),
            description: payout.description.as_deref(),
            status: payout.status,
            blocked: payout.blocked,
            block_reason: payout.block_reason.as_deref(),
            split_reason: payout.split_reason.as_deref(),
            batch_id: None,
            split_from_payout_request_id: payout.split_from.as_deref(),
            merged_into_payout_request_id: None,
            select_payment_instrument_url: format!("{}/payout-request/{}", self.base, payout.id),
            allocations: allocations.map(|one| self.allocation(books, one)).collect(),
            cancellation_reason: payout.cancellation.as_ref(),
            created_time: rfc3339(payout.created),
            updated_time: rfc3339(payout.updated),
            links,
        }
    }

    /// An allocation.
    pub fn allocation<'p>(&self, books: &'p Books, one: &'p Allocation) -> AllocationView<'p> {
        let transaction = one.transaction.as_deref().and_then(|id| books.transactions.get(id));
        AllocationView {
            id: &one.id,
            payout_request_id: &one.payout,
            batch_id: None,
            payment_instrument_id: &one.instrument,
            payment_method: "payment-card",
            gateway_account_id: &one.gateway,
            gateway_name: "TestProcessor",
            gateway_payout_instruction: "all",
            amount: Number::new(one.amount, &one.currency),
            exposure_amount: Number::new(0, &one.currency),
            currency: &one.currency,
            status: one.status,
            transaction_id: one.transaction.as_deref(),
            transaction_result: transaction.map(|one| one.verdict.result()),
            transaction_status: transaction.map(|one| one.verdict.status(one.kind)),
            created_time: rfc3339(one.created),
            updated_time: rfc3339(one.updated),
            links: vec![self.me("payout-request-allocations", &one.id)],
        }
    }

    /// A transaction.
    pub fn transaction<'p>(&self, one: &'p Transaction) -> TransactionView<'p> {
        let amount = || Number::new(one.amount, &one.currency);
        let (status, result) = (one.verdict.status(one.kind), one.verdict.result());
        let disputed = status == "disputed";
        let code = if result == "approved" { "00" } else { "05" };
        TransactionView {
            id: &one.id,
            website_id: self.website.to_owned(),
            customer_id: &one.customer,
            kind: one.kind,
            status,
            result,
            amount: amount(),
            currency: &one.currency,
            request_amount: amount(),
            request_currency: &one.currency,
            purchase_amount: amount(),
            purchase_currency: &one.currency,
            deposit_request_id: one.deposit.as_deref(),
            payout_request_id: one.payout.as_deref(),
            transfer_id: None,
            request_id: None,
            parent_transaction_id: None,
            has_amount_adjustment: false,
            is_reconciled: false,
            had_discrepancy: false,
            is_disputed: disputed,
            dispute_status: disputed.then_some("response-needed"),
            revision: one.revision,
            gateway: json!({"response": {"code": code, "message": result, "type": result, "originalCode": code,
                "originalMessage": result}}),
            created_time: rfc3339(one.created),
            processed_time: one.processed.map(rfc3339),
            settlement_time: None,
            links: vec![self.me("transactions", &one.id)],
        }
    }

    /// A deposit request.
    pub fn deposit<'p>(&self, one: &'p Deposit) -> DepositView<'p> {
        let open = !matches!(one.status, Asked::Completed | Asked::Expired);
        let number = |minor: i64| Number::new(minor, &one.currency);
        DepositView {
            id: &one.id,
            website_id: self.website.to_owned(),
            customer_id: &one.customer,
            currency: &one.currency,
            strategy_id: one.strategy.as_deref(),
            amounts: one.offered.iter().copied().map(number).collect(),
            amount_limits: one.limits.as_deref(),
            custom_amount: one.custom.as_deref(),
            default_amount: one.offered.first().copied().map(number),
            coin_purchase: false,
            redirect_url: one.redirect.as_deref(),
            notification_url: one.notification.as_deref(),
            expiration_time: rfc3339(one.expires),
            custom_property_set_id: one.properties.as_deref(),
            properties_schema: None,
            properties: None,
            custom_fields: json!({}),
            status: one.status,
            transaction_ids: &one.transactions,
            cashier_token: open.then_some(one.token.as_str()),
            created_time: rfc3339(one.created),
            updated_time: rfc3339(one.updated),
            links: vec![
                self.me("deposit-requests", &one.id),
                json!({"rel": "deposit", "href": format!("{}/deposit/{}", self.base, one.id)}),
                json!({"rel": "transactions",
                    "href": format!("{}/transactions?filter=depositRequestId:{}", self.root, one.id)}),
            ],
        }
    }

    /// A cashier. Balances are those the merchant told in the older edition, else 0; what can be taken back is counted, unless told.
    pub fn cashier<'p>(&self, books: &'p Books, one: &'p Cashier) -> CashierView<'p> {
        let deposit = books.deposits.get(&one.deposit);
        let open = |asked: Asked| !matches!(asked, Asked::Completed | Asked::Expired);
        let number = |minor: i64| Number::new(minor, &one.currency);
        let [balance, bonus, pending] = one.balances;
        CashierView {
            id: &one.id,
            customer_id: &one.customer,
            website_id: self.website.to_owned(),
            currency: &one.currency,
            redirect_url: one.redirect.as_deref(),
            balance: number(balance.unwrap_or_default()),
            bonus_balance: number(bonus.unwrap_or_default()),
            pending_payout_total: number(pending.unwrap_or_else(|| books.reversible(&one.customer, &one.currency))),
            can_withdraw: true,
            notification_url: one.notification.as_deref(),
            expiration_time: rfc3339(one.expires),
            last_deposit_request_id: &one.deposit,
            cashier_token: deposit.filter(|deposit| open(deposit.status)).map(|deposit| deposit.token.as_str()),
            created_time: rfc3339(one.created),
            updated_time: rfc3339(one.created),
            links: vec![self.me("cashiers", &one.id)],
        }
    }
}

/// What a request shows as not yet allocated: nothing once it is paid or ended in parts.
fn available(books: &Books, payout: &Payout) -> i64 {
    let done = matches!(payout.status, Status::Fulfilled | Status::Split);
    if done { 0 } else { books.available(payout) }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PayoutView<'a> {
    pub id: &'a str,
    website_id: String,
    customer_id: &'a str,
    payment_instrument_id: Option<&'a str>,
    currency: &'a str,
    amount: Number,
    available_amount: Number,
    description: Option<&'a str>,
    status: Status,
    blocked: bool,
    block_reason: Option<&'a str>,
    split_reason: Option<&'a str>,
    batch_id: Option<&'a str>,
    split_from_payout_request_id: Option<&'a str>,
    merged_into_payout_request_id: Option<&'a str>,
    select_payment_instrument_url: String,
    allocations: Vec<AllocationView<'a>>,
    cancellation_reason: Option<&'a Cancellation>,
    created_time: String,
    updated_time: String,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllocationView<'a> {
    id: &'a str,
    payout_request_id: &'a str,
    batch_id: Option<&'a str>,
    payment_instrument_id: &'a str,
    payment_method: &'a str,
    gateway_account_id: &'a str,
    gateway_name: &'a str,
    gateway_payout_instruction: &'a str,
    amount: Number,
    exposure_amount: Number,
    currency: &'a str,
    status: Part,
    transaction_id: Option<&'a str>,
    transaction_result: Option<&'a str>,
    transaction_status: Option<&'a str>,
    created_time: String,
    updated_time: String,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView<'a> {
    id: &'a str,
    website_id: String,
    customer_id: &'a str,
    #[serde(rename = "type")]
    kind: Kind,
    status: &'a str,
    result: &'a str,
    amount: Number,
    currency: &'a str,
    request_amount: Number,
    request_currency: &'a str,
    purchase_amount: Number,
    purchase_currency: &'a str,
    deposit_request_id: Option<&'a str>,
    payout_request_id: Option<&'a str>,
    transfer_id: Option<&'a str>,
    request_id: Option<&'a str>,
    parent_transaction_id: Option<&'a str>,
    has_amount_adjustment: bool,
    is_reconciled: bool,
    had_discrepancy: bool,
    is_disputed: bool,
    dispute_status: Option<&'a str>,
    revision: u32,
    gateway: Value,
    created_time: String,
    processed_time: Option<String>,
    settlement_time: Option<String>,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositView<'a> {
    id: &'a str,
    website_id: String,
    customer_id: &'a str,
    currency: &'a str,
    strategy_id: Option<&'a str>,
    amounts: Vec<Number>,
    amount_limits: Option<&'a RawValue>,
    custom_amount: Option<&'a RawValue>,
    default_amount: Option<Number>,
    coin_purchase: bool,
    redirect_url: Option<&'a str>,
    notification_url: Option<&'a str>,
    expiration_time: String,
    custom_property_set_id: Option<&'a str>,
    properties_schema: Option<Value>,
    properties: Option<Value>,
    custom_fields: Value,
    status: Asked,
    transaction_ids: &'a [String],
    cashier_token: Option<&'a str>,
    created_time: String,
    updated_time: String,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CashierView<'a> {
    id: &'a str,
    customer_id: &'a str,
    website_id: String,
    currency: &'a str,
    redirect_url: Option<&'a str>,
    balance: Number,
    bonus_balance: Number,
    pending_payout_total: Number,
    can_withdraw: bool,
    notification_url: Option<&'a str>,
    expiration_time: String,
    last_deposit_request_id: &'a str,
    cashier_token: Option<&'a str>,
    created_time: String,
    updated_time: String,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}
