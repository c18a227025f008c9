//! What Rebilly tells the merchant by itself: the notice to `notificationUrl`, and webhooks (manual, "notificationUrl", "Webhooks").

use serde::Serialize;
use serde_json::{Value, json};

use super::books::{By, Cancellation, Kind, Order, Payout, Status, Transaction, Verdict, fresh};
use super::machine::blank;
use super::sign::{self, Challenge};
use super::views::Place;
use super::{Auth, Channel, Inner, State};
use crate::clock::{self, Micros};
use crate::simulate::caller::{self, Answer, CallError};
use crate::simulate::platforms::{End, Note, Twist, below};

/// As in the manual's sample of a delivery.
const AGENT: &str = "Rebilly/20e49c5";
const STRANGER: (&str, &str) = ("somebody-else", "the-password-of-another-organization");

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The order itself.
    Order,
    /// Its last transaction, whose event goes to the webhook.
    Transaction,
}

/// The merchant's order in a notificationUrl: what is behind the result, `…/{id}/{result}/ORDER`.
pub fn order_of(url: &str) -> Option<String> {
    let (_, behind) = url.split_once("{result}/")?;
    let order = behind.split(['/', '?', '#']).next().unwrap_or_default();
    (!order.is_empty()).then(|| order.to_owned())
}

/// A notificationUrl with the transaction and its result in it.
pub fn replaced(url: &str, id: &str, result: &str) -> String {
    url.replace("{id}", id).replace("{result}", result)
}

/// A message on its way.
enum Message {
    /// To this address. The manual does not describe the body: there is none.
    Notice(String),
    /// To the webhook.
    Event(String),
}

/// Sends one message about an order, once.
///
/// # Errors
///
/// There is no such order or nothing to send it to; no answer.
pub async fn send(state: &State, id: &str, note: Note, about: About) -> Result<Answer, CallError> {
    let message =
        compose(state, id, note, about).ok_or_else(|| CallError::NoAnswer(format!("nothing to say of {id}")))?;
    match message {
        Message::Notice(url) => {
            let merchant = state.lock().switches.merchant.clone();
            let url = if merchant.is_empty() { url } else { below(&merchant, &url) };
            let request = caller::client().post(url).header("user-agent", AGENT);
            let sent = request.header("content-type", "application/json; charset=utf-8").send().await;
            caller::read(sent.map_err(|error| no_answer(&error))?).await
        }
        Message::Event(body) => {
            let merchant = state.lock().switches.merchant.trim_end_matches('/').to_owned();
            deliver(state, &format!("{merchant}/cashier/webhook/rebilly"), body, note.twist).await
        }
    }
}

fn no_answer(error: &dyn std::error::Error) -> CallError {
    CallError::NoAnswer(caller::with_causes(error))
}

/// One delivery of a webhook. With Digest the first request carries no credentials, and the second answers the challenge.
async fn deliver(state: &State, url: &str, body: String, twist: Twist) -> Result<Answer, CallError> {
    let account = &state.account;
    let right = (account.webhook_user.as_str(), account.webhook_password.expose().to_owned());
    let (user, password) = match twist {
        Twist::WrongSignature => (right.0, format!("{}-wrong", right.1)),
        Twist::ForeignSignature => (STRANGER.0, STRANGER.1.to_owned()),
        Twist::None
        | Twist::NoSignature
        | Twist::OtherAmount
        | Twist::OtherCurrency
        | Twist::OtherPlayer
        | Twist::OtherDirection
        | Twist::UnknownOrder => right,
    };
    let http = caller::client();
    let request = || {
        let request = http.post(url).header("user-agent", AGENT).header("connection", "close");
        request.header("content-type", "application/json; charset=utf-8").body(body.clone())
    };
    let sent = match (account.webhook_auth, twist) {
        (_, Twist::NoSignature) => request().send().await,
        (Auth::Basic, _) => request().header("authorization", sign::basic(user, &password)).send().await,
        (Auth::Digest, _) => {
            let first = request().send().await.map_err(|error| no_answer(&error))?;
            let asked = first.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
            let challenge = asked.filter_map(Challenge::read).next().filter(|_| first.status().as_u16() == 401);
            let Some(challenge) = challenge else { return caller::read(first).await };
            let parsed = url::Url::parse(url).map_err(|error| no_answer(&error))?;
            let answer = challenge.answer(user, &password, "POST", parsed.path(), &fresh(""));
            request().header("authorization", answer).send().await
        }
    };
    caller::read(sent.map_err(|error| no_answer(&error))?).await
}

fn compose(state: &State, id: &str, note: Note, about: About) -> Option<Message> {
    let place = Place { website: &state.account.website_id, base: state.base(), root: state.root() };
    let at = clock::now();
    let mut inner = state.lock();
    let inner = &mut *inner;
    match (inner.books.order(id)?, about) {
        (Order::Payout(id), About::Order) => payout_event(inner, &place, &id, note, at).map(Message::Event),
        (Order::Payout(id), About::Transaction) => {
            let last = inner.books.payouts.get(&id)?.allocations.last()?;
            let transaction = inner.books.allocations.get(last)?.transaction.clone()?;
            transaction_event(inner, &place, &transaction, note).map(Message::Event)
        }
        (Order::Deposit(id), About::Order) if inner.switches.deposits_by == Channel::NotificationUrl => {
            notice(inner, &id, note, state.account.notification_token.expose(), at).map(Message::Notice)
        }
        (Order::Deposit(id), About::Order | About::Transaction) => {
            let transaction = inner.books.noticed_deposit(&id, at)?;
            transaction_event(inner, &place, &transaction, note).map(Message::Event)
        }
    }
}

/// The address of a notice. It says no more than an id and a result, so that what a twist says of amounts, players and directions is
/// said by another transaction, which it names. What shows that it is Rebilly's is the merchant's token in the path.
fn notice(inner: &mut Inner, id: &str, note: Note, token: &str, at: Micros) -> Option<String> {
    let mut transaction = inner.books.noticed_deposit(id, at)?;
    let deposit = inner.books.deposits.get(id)?;
    let mut url = deposit.notification.clone()?;
    let verdict = Verdict::of(note.says.unwrap_or(deposit.end));
    match note.twist {
        Twist::None => {}
        Twist::WrongSignature => url = url.replace(token, &format!("{token}-wrong")),
        Twist::NoSignature => url = url.replace(&format!("{token}/"), ""),
        Twist::ForeignSignature => url = url.replace(token, &"f".repeat(token.len())),
        Twist::OtherAmount
        | Twist::OtherCurrency
        | Twist::OtherPlayer
        | Twist::OtherDirection
        | Twist::UnknownOrder => {
            let other = twisted(inner.books.transactions.get(&transaction)?, verdict, note.twist);
            transaction = fresh("txn_");
            inner.books.transactions.add(&transaction, Transaction { id: transaction.clone(), ..other });
        }
    }
    if let (Twist::UnknownOrder, Some(order)) = (note.twist, order_of(&url)) {
        // Of the form of the merchant's own, which writes them in lower case.
        let nobody = fresh("").to_ascii_lowercase();
        url = url.replace(&format!("{{result}}/{order}"), &format!("{{result}}/{nobody}"));
    }
    Some(replaced(&url, &transaction, verdict.result()))
}

/// A transaction of which one thing is not so.
fn twisted(one: &Transaction, verdict: Verdict, twist: Twist) -> Transaction {
    let mut other = Transaction { verdict, ..one.clone() };
    match twist {
        Twist::None | Twist::WrongSignature | Twist::NoSignature | Twist::ForeignSignature => {}
        Twist::OtherAmount => other.amount += 100,
        Twist::OtherCurrency => other.currency = other_currency(&one.currency),
        Twist::OtherPlayer => other.customer = "somebody-else".to_owned(),
        Twist::OtherDirection => {
            other.kind = match one.kind {
                Kind::Sale => Kind::Credit,
                Kind::Credit => Kind::Sale,
            };
            std::mem::swap(&mut other.deposit, &mut other.payout);
        }
        Twist::UnknownOrder => {
            other.deposit = one.deposit.as_ref().map(|_| fresh("dep_req_"));
            other.payout = one.payout.as_ref().map(|_| fresh("pout_req_"));
        }
    }
    other
}

fn other_currency(code: &str) -> String {
    if code == "EUR" { "USD" } else { "EUR" }.to_owned()
}

/// The event of a transaction. What it says may be a lie; of another direction or an unknown order there is a transaction to be found.
fn transaction_event(inner: &mut Inner, place: &Place<'_>, id: &str, note: Note) -> Option<String> {
    let one = inner.books.transactions.get(id)?;
    let mut told = twisted(one, note.says.map_or(one.verdict, Verdict::of), note.twist);
    if matches!(note.twist, Twist::OtherDirection | Twist::UnknownOrder) {
        told.id = fresh("txn_");
        inner.books.transactions.add(&told.id.clone(), told.clone());
    }
    event_of(place, &told)
}

fn event_of(place: &Place<'_>, told: &Transaction) -> Option<String> {
    let event_type = match told.verdict {
        Verdict::Waiting => "transaction-process-requested",
        Verdict::Approved => "transaction-processed",
        Verdict::Declined | Verdict::Canceled | Verdict::Abandoned => "transaction-declined",
        Verdict::Refunded => "transaction-refunded",
        Verdict::Disputed => "dispute-created",
    };
    let links = vec![json!({"rel": "transaction", "href": place.of("transactions", &told.id)})];
    let embedded = Embedded { payout_request: None::<()>, transaction: Some(place.transaction(told)) };
    let event = Event { payout_request_id: None, transaction_id: Some(&told.id), event_type, embedded, links };
    serde_json::to_string(&event).ok()
}

/// The event of a payout request. Of another direction: that of a sale, as deposits have it.
fn payout_event(inner: &mut Inner, place: &Place<'_>, id: &str, note: Note, at: Micros) -> Option<String> {
    let mut told = inner.books.payouts.get(id)?.clone();
    if let Some(end) = note.says {
        say(&mut told, end);
    }
    match note.twist {
        Twist::None | Twist::WrongSignature | Twist::NoSignature | Twist::ForeignSignature => {}
        Twist::OtherAmount => told.amount += 100,
        Twist::OtherCurrency => told.currency = other_currency(&told.currency),
        Twist::OtherPlayer => told.customer = "somebody-else".to_owned(),
        Twist::OtherDirection => {
            let verdict = Verdict::of(note.says.unwrap_or_else(|| inner.books.end_of(id)));
            let sale = Transaction {
                customer: told.customer,
                deposit: Some(told.id),
                ..blank(Kind::Sale, verdict, told.amount, &told.currency, at)
            };
            inner.books.transactions.add(&sale.id.clone(), sale.clone());
            return event_of(place, &sale);
        }
        Twist::UnknownOrder => {
            let end = note.says.unwrap_or_else(|| inner.books.end_of(id));
            let (own, allocations, parts) = (fresh("pout_req_"), Vec::new(), Vec::new());
            let stranger =
                Payout { id: own.clone(), status: Status::Ready, allocations, parts, cancellation: None, ..told };
            inner.books.payouts.add(&own, stranger);
            inner.books.end_payout(&own, end, at);
            told = inner.books.payouts.get(&own)?.clone();
        }
    }
    let event_type = match told.status {
        Status::Fulfilled => "payout-request-fulfilled",
        Status::Canceled => "payout-request-canceled",
        Status::Pending | Status::Ready | Status::Approved | Status::InProgress | Status::Split => {
            "payout-request-modified"
        }
    };
    let links = vec![json!({"rel": "payoutRequest", "href": place.of("payout-requests", &told.id)})];
    let embedded = Embedded { payout_request: Some(place.payout(&inner.books, &told)), transaction: None::<()> };
    let event = Event { payout_request_id: Some(&told.id), transaction_id: None, event_type, embedded, links };
    serde_json::to_string(&event).ok()
}

/// Makes a copy of a payout request stand as if it had ended so.
fn say(told: &mut Payout, end: End) {
    let (status, by) = match end {
        End::Pending => (if told.status.is_open() { told.status } else { Status::Ready }, None),
        End::Paid => (Status::Fulfilled, None),
        End::Declined | End::Expired => (Status::Canceled, Some(By::System)),
        End::Cancelled => (Status::Canceled, Some(By::Customer)),
    };
    told.status = status;
    told.cancellation = by.map(|canceled_by| Cancellation { canceled_by, description: None });
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a, E> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<&'a str>,
    event_type: &'a str,
    #[serde(rename = "_embedded")]
    embedded: E,
    #[serde(rename = "_links")]
    links: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Embedded<P, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_request: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_placeholders_holds() {
        let url = "https://casino.example/hooks/rebilly?tx={id}&r={result}";

        assert_eq!(
            replaced(url, "txn_0YVDTQJ8YWDGQACV2N2N5SPWQ0", "approved"),
            "https://casino.example/hooks/rebilly?tx=txn_0YVDTQJ8YWDGQACV2N2N5SPWQ0&r=approved"
        );
    }

    #[test]
    fn an_order_is_what_stands_behind_the_result() {
        let read = |url: &str| order_of(url);

        assert_eq!(read("http://h/n/token/{id}/{result}/order-1").as_deref(), Some("order-1"));
        assert_eq!(read("http://h/n/token/{id}/{result}/order-1?x=1").as_deref(), Some("order-1"));
        for url in ["http://h/n/token/{id}/{result}", "http://h/n/{id}/{result}/", "http://h/n", "http://h/order-1"] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
