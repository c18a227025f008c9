//! Exotic, played: payments and payouts from person to person, settled in USDT.
//!
//! Written from the protocol description alone. Where that is silent, the files say what was chosen: [`account`] what can be turned,
//! `request` what is checked, `calls` what is answered. An order's time does not run out by itself: the harness decides how it stands.

pub mod account;
mod calls;
mod decimals;
mod notes;
mod order;
mod request;
mod sign;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, ready};

pub use self::account::{Account, ErrorForm, Rail, StatusBy, StatusLimit};
pub use self::state::Refusal;
use self::state::State;
use super::host::{Host, Incoming};
use super::{Answering, End, Note, Platform, Taken, Telling};
use crate::clock;
use crate::simulate::caller::{self, Answer, CallError};

/// The platform. Stops when it is dropped.
#[derive(Debug)]
pub struct Exotic {
    host: Host,
    state: Arc<State>,
    http: reqwest::Client,
}

impl Exotic {
    /// Listens on `bind` (port 0: any free one) for this merchant.
    ///
    /// # Errors
    ///
    /// The address cannot be bound; or, as `InvalidInput`, the account's formula cannot be read.
    pub async fn start(bind: SocketAddr, account: Account) -> io::Result<Self> {
        let unreadable = || io::Error::new(io::ErrorKind::InvalidInput, "callback_formula cannot be read");
        let formula = sign::Formula::parse(&account.callback_formula).ok_or_else(unreadable)?;
        let state = Arc::new(State::new(account, formula));
        let behind = state.clone();
        let handler = move |incoming: Incoming| ready(calls::answer(&behind, &incoming)).boxed();
        let host = Host::start(bind, Arc::new(handler)).await?;
        state.address.get_or_init(|| host.address());
        Ok(Self { host, state, http: caller::client() })
    }

    /// The base address: the merchant's `url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// With which error [`Answering::Refuse`] refuses from now on.
    pub fn refuse_with(&self, refusal: Refusal) {
        self.state.table().refusal = refusal;
    }

    /// Whether a cancellation ends an order that is still waiting (as at the start), or is only answered: the money may be on its way.
    pub fn heed_cancellations(&self, heeds: bool) {
        self.state.table().heeds_cancellations = heeds;
    }

    /// How often the merchant asked to cancel an order, and was told `ok`.
    pub fn cancellations(&self, id: &str) -> usize {
        self.state.table().cancellations.get(id).copied().unwrap_or_default()
    }

    /// The merchant's balance now, in ten-thousandths of a USDT.
    pub fn balance(&self) -> i128 {
        self.state.table().balance(&self.state.account)
    }

    fn find(&self, id: &str) -> Option<Taken> {
        self.state.table().orders.get(id).map(|order| order.taken.clone())
    }
}

impl Platform for Exotic {
    fn name(&self) -> &'static str {
        "exotic"
    }

    fn settings(&self, site: &str) -> String {
        let account = &self.state.account;
        let status_by = match account.status_by {
            StatusBy::OrderId => "order_id",
            StatusBy::InternalTransactionId => "internal_transaction_id",
        };
        let keys = [
            ("merchant", account.merchant.as_str()),
            ("api_key", account.api_key.expose()),
            ("url", &self.url()),
            ("callback_formula", &account.callback_formula),
            ("callback_token", account.callback_token.expose()),
            ("status_by", status_by),
        ];
        let mut toml = format!("[sites.{site}.exotic]\nsign_keys = [{}]\n", quoted(account.sign_key.expose()));
        for (name, value) in keys {
            toml.push_str(&format!("{name} = {}\n", quoted(value)));
        }
        // It is asked as often as anybody likes, unless its account says otherwise.
        toml.push_str("status_pause = 5\n");
        for rail in &account.rails {
            let rail = rail.wire();
            toml.push_str(&format!("\n[sites.{site}.methods.exotic_{rail}]\nprovider = \"exotic\"\n"));
            toml.push_str(&format!("provider_method = \"{rail}\"\ndeposits = true\npayouts = true\n"));
        }
        toml
    }

    fn method(&self) -> &'static str {
        "exotic_card"
    }

    /// The player pays to what they are shown, and gives nothing.
    fn deposit_details(&self, _method: &str) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// The names are those of the wire. The method is the rail, with or without `exotic_` before it.
    fn details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        let name = ("full_name", "Ivanov Ivan Ivanovich");
        match Rail::parse(method.strip_prefix("exotic_").unwrap_or(method)) {
            Some(Rail::Card) => vec![("number_card", "4276345439581234"), name],
            Some(Rail::Sbp) => vec![("phone_number", "79161234567"), ("bank_name", "Sberbank"), name],
            Some(Rail::Score) => vec![("number_score", "40817810099910004312"), ("bik", "044525225"), name],
            Some(Rail::Iban) => vec![("iban_number", "DE89370400440532013000"), name],
            None => Vec::new(),
        }
    }

    /// Notices go to the addresses that come with each order. From now on they keep their path and query, and go to this listener,
    /// which may have got its port after the merchant's settings were written.
    fn set_merchant(&self, public: &str) {
        self.state.table().merchant = Some(public.to_owned());
    }

    fn answer_with(&self, answering: Answering) {
        self.state.table().answerings.set(answering);
    }

    fn answer_order_with(&self, id: &str, answering: Answering) {
        self.state.table().answerings.set_of(id, answering);
    }

    fn pays_once(&self) -> bool {
        false
    }

    fn unpaid(&self) -> End {
        End::Declined
    }

    fn tell_with(&self, telling: Telling) {
        self.state.table().telling = telling;
    }

    fn orders(&self) -> Vec<Taken> {
        let table = self.state.table();
        table.sequence.iter().filter_map(|id| table.orders.get(id)).map(|order| order.taken.clone()).collect()
    }

    fn asked_about(&self, id: &str) -> usize {
        self.state.table().questions.get(id).copied().unwrap_or_default()
    }

    fn wait_for<'a>(&'a self, id: &'a str, patience: Duration) -> BoxFuture<'a, Option<Taken>> {
        let mut arrivals = self.state.arrivals.subscribe();
        let arrived = async move {
            loop {
                let found = self.find(id);
                if found.is_some() || arrivals.changed().await.is_err() {
                    return found;
                }
            }
        };
        async move { tokio::time::timeout(patience, arrived).await.ok().flatten() }.boxed()
    }

    fn set(&self, id: &str, end: End) {
        if let Some(order) = self.state.table().orders.get_mut(id) {
            order.end(end, clock::now());
        }
    }

    fn notify<'a>(&'a self, id: &'a str, note: Note) -> BoxFuture<'a, Result<Answer, CallError>> {
        async move {
            let notice = {
                let table = self.state.table();
                let order = table.orders.get(id).ok_or_else(|| no_answer("there is no such order"))?;
                notes::notice(&self.state, order, note, table.merchant.as_deref())
            };
            let notice = notice.ok_or_else(|| no_answer("the order came without an address for this"))?;
            let request = self.http.post(notice.url).header("content-type", "application/json");
            let sent = request.body(notice.body.to_string()).send().await;
            caller::read(sent.map_err(|error| no_answer(&caller::with_causes(&error)))?).await
        }
        .boxed()
    }

    /// Not documented: any 2xx.
    fn is_acknowledged(&self, answer: &Answer) -> bool {
        (200..300).contains(&answer.status)
    }

    /// Not documented: none.
    fn ladder(&self) -> (Vec<u64>, u32) {
        (Vec::new(), 0)
    }
}

fn no_answer(reason: &str) -> CallError {
    CallError::NoAnswer(reason.to_owned())
}

/// A TOML string: JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
