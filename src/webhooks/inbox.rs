//! The store of verified notifications. A repetition of one is recognised by the digest of its content.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::db::schema::webhooks;
use crate::db::{DbConn, Fixed, Numbered, Value, WriteTx, at_home, literally, next_number};
use crate::error::Error;
use crate::ids::SiteId;
use crate::providers::{News, Notification};

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It moved the order.
    Applied,
    /// It changed nothing: a repetition, or nothing about money.
    Recorded,
    /// A person looks at it.
    Review,
    /// There is no such order here (yet); it is applied once if the order appears.
    UnknownOrder,
    /// Money cannot go back before it came; it is applied once the deposit is credited.
    BeforePayment,
}

impl Verdict {
    /// The name in the `verdict` column.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Applied => "applied",
            Verdict::Recorded => "recorded",
            Verdict::Review => "review",
            Verdict::UnknownOrder => "unknown_order",
            Verdict::BeforePayment => "before_payment",
        }
    }
}

/// A notification's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
pub struct Webhook {
    /// In the order of arrival.
    pub id: i64,
    /// Who sent it.
    pub provider: String,
    /// The site it is about.
    pub site_id: i64,
    /// SHA-256 over its content.
    pub digest: Vec<u8>,
    /// The order it is about.
    pub external_id: String,
    /// Whether a signature vouches for it.
    pub signed: bool,
    /// What it says, in our words.
    pub news: String,
    /// What it says, in the provider's codes.
    pub codes: String,
    /// What became of it: the name of a [`Verdict`].
    pub verdict: String,
    /// What came, masked, as JSON.
    pub content: String,
    /// When it came first.
    pub received_at: Micros,
}

/// What is kept of a notification, enough to apply it later.
#[derive(Serialize, Deserialize)]
struct Content {
    login: String,
    amount_minor: i64,
    currency: String,
    real: Option<(i64, String)>,
    transaction_id: String,
    news: News,
    fields: Vec<(String, String)>,
}

impl Webhook {
    /// The notification as it was read.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn notification(&self, provider: &'static str) -> Result<Notification, Error> {
        let damaged = || Error::Internal(format!("webhook {} is damaged", self.id));
        let content: Content = serde_json::from_str(&self.content).map_err(|_| damaged())?;
        Ok(Notification {
            provider,
            site: SiteId(self.site_id),
            signed: self.signed,
            external_id: self.external_id.clone(),
            login: content.login,
            amount_minor: content.amount_minor,
            currency: content.currency,
            real: content.real,
            transaction_id: content.transaction_id,
            news: content.news,
            codes: self.codes.clone(),
            digest: self.digest.clone().try_into().map_err(|_| damaged())?,
            content: content.fields,
        })
    }

    /// Whether the content can be read and says what stands beside it.
    pub fn is_consistent(&self) -> bool {
        let Ok(content) = serde_json::from_str::<Content>(&self.content) else { return false };
        serde_json::to_value(content.news).is_ok_and(|news| news == self.news.as_str()) && self.digest.len() == 32
    }

    /// The amount in minor units and the currency that came.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn terms(&self) -> Result<(i64, String), Error> {
        let content: Result<Content, _> = serde_json::from_str(&self.content);
        let damaged = |_| Error::Internal(format!("webhook {} is damaged", self.id));
        content.map(|content| (content.amount_minor, content.currency)).map_err(damaged)
    }

    /// The fields that came, masked.
    ///
    /// # Errors
    ///
    /// `Internal`: the row is damaged.
    pub fn fields(&self) -> Result<Vec<(String, String)>, Error> {
        let content: Result<Content, _> = serde_json::from_str(&self.content);
        content.map(|content| content.fields).map_err(|_| Error::Internal(format!("webhook {} is damaged", self.id)))
    }
}

/// The row of a notification that has come before with the same content.
///
/// # Errors
///
/// What the database says.
pub(super) fn find(tx: &mut WriteTx<'_>, notification: &Notification) -> QueryResult<Option<i64>> {
    webhooks::table
        .filter(webhooks::provider.eq(notification.provider))
        .filter(webhooks::site_id.eq(notification.site.0))
        .filter(webhooks::digest.eq(notification.digest.as_slice()))
        .select(webhooks::id)
        .first(tx.written())
        .optional()
}

/// The number the next notification gets.
///
/// # Errors
///
/// What the database says.
pub(super) fn next_id(tx: &mut WriteTx<'_>) -> QueryResult<i64> {
    // Notifications are inserted where they come: none waits.
    next_number(tx.written(), Numbered::Webhooks)
}

/// Stores a notification with what became of it.
///
/// # Errors
///
/// What the database says.
pub(super) fn store(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    verdict: Verdict,
    at: Micros,
) -> Result<(), Error> {
    let content = Content {
        login: notification.login.clone(),
        amount_minor: notification.amount_minor,
        currency: notification.currency.clone(),
        real: notification.real.clone(),
        transaction_id: notification.transaction_id.clone(),
        news: notification.news,
        fields: notification.content.clone(),
    };
    let news = serde_json::to_value(notification.news).map_err(|error| Error::Internal(error.to_string()))?;
    let row = Webhook {
        id,
        provider: notification.provider.to_owned(),
        site_id: notification.site.0,
        digest: notification.digest.to_vec(),
        external_id: notification.external_id.clone(),
        signed: notification.signed,
        news: news.as_str().unwrap_or_default().to_owned(),
        codes: notification.codes.clone(),
        verdict: verdict.name().to_owned(),
        content: serde_json::to_string(&content).map_err(|error| Error::Internal(error.to_string()))?,
        received_at: at,
    };
    diesel::insert_into(webhooks::table).values(row).execute(tx.writing())?;
    Ok(())
}

/// The notification with this number.
///
/// # Errors
///
/// What the database says.
pub(super) fn by_id(conn: &mut DbConn, id: i64) -> QueryResult<Option<Webhook>> {
    webhooks::table.find(id).select(Webhook::as_select()).first(conn).optional()
}

/// Changes what became of a notification.
///
/// # Errors
///
/// `Internal` when something else has become of it, or what the database says.
pub(super) fn set_verdict(tx: &mut WriteTx<'_>, id: i64, from: Verdict, to: Verdict) -> Result<(), Error> {
    enum SetVerdict {}
    let text = &["UPDATE webhooks SET verdict = ", " WHERE id = ", " AND verdict = "];
    let values = [Value::Text(to.name()), Value::Number(id), Value::Text(from.name())];
    let set = Fixed::<SetVerdict>::new(text, &values);
    let changed = at_home!(tx.writing(), |conn| set.execute(conn));
    if changed? != 1 {
        return Err(Error::Internal(format!("webhook {id} was applied meanwhile")));
    }
    Ok(())
}

/// Notifications that wait, oldest first.
///
/// # Errors
///
/// What the database says.
pub(super) fn waiting(conn: &mut DbConn, verdict: Verdict) -> QueryResult<Vec<Webhook>> {
    // The words of the partial index, so that the few that wait are found without reading all.
    let wait = literally("verdict IN ('unknown_order', 'before_payment')");
    let waiting = webhooks::table.filter(wait).filter(webhooks::verdict.eq(verdict.name()));
    waiting.order(webhooks::id).select(Webhook::as_select()).load(conn)
}

/// Notifications about this order that wait for its payment, oldest first.
///
/// # Errors
///
/// What the database says.
pub(super) fn before_payment(tx: &mut WriteTx<'_>, order: &str) -> QueryResult<Vec<Webhook>> {
    let of_order = webhooks::table.filter(webhooks::external_id.eq(order)).order(webhooks::id);
    let waiting = of_order.filter(webhooks::verdict.eq(Verdict::BeforePayment.name()));
    at_home!(tx.written(), |conn| waiting.select(Webhook::as_select()).load(conn))
}

/// Every notification about an order, in the order of arrival.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, external_id: &str) -> QueryResult<Vec<Webhook>> {
    webhooks::table
        .filter(webhooks::external_id.eq(external_id))
        .order(webhooks::id)
        .select(Webhook::as_select())
        .load(conn)
}
