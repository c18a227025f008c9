//! Cactus, played: a platform for deposits and payouts that signs like the Carouseller's and counts its statuses otherwise.
//!
//! Written from the description of its manual alone. What the manual leaves open is said where it is decided:
//!
//! - [`sign`]: the signature, in its published form only.
//! - `check`: what is checked of every call, in which order, and the texts of refusals.
//! - `rails`: the methods and their additional fields.
//! - `calls`, `desk`: the calls, the orders they make, and what a repetition is.
//! - `services`: balances, taking back, reserving, and the status call, which the manual does not have.
//! - `notes`: the notifications.

mod calls;
mod check;
mod desk;
mod notes;
mod rails;
mod services;
pub mod sign;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::calls::{Call, PAGE};
use self::desk::State;
use self::rails::Rail;
use super::host::Host;
use super::{Answering, End, Note, Platform, Taken, Telling, Twist, Way};
use crate::secret::Secret;
use crate::simulate::Params;
use crate::simulate::caller::{Answer, CallError};

/// The pause between notifications (manual, "Callbacks": every five minutes until 200), and for how many of them this platform
/// insists: a day. The manual has no end.
const PAUSE_SECONDS: u64 = 300;
const PAUSES: u32 = 288;

/// A merchant as the platform knows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// `merchant_id`.
    pub merchant_id: String,
    /// `site_id`.
    pub site_id: i64,
    /// `project_id` of the project's balance.
    pub project_id: String,
    /// The salt of the site's signatures.
    pub salt: Secret,
}

impl Account {
    /// A merchant for demos and tests.
    pub fn example() -> Self {
        Self {
            merchant_id: "merch_id".to_owned(),
            site_id: 332,
            project_id: "project_7".to_owned(),
            salt: Secret::new("cactus-salt-for-trials-5f0c2a"),
        }
    }
}

/// What differs from site to site at this platform, or what its manual leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Whether `POST /api/status/` is there. The manual has no such call; without it the path is 404.
    pub tells_status: bool,
    /// Whether the answer with a key of the form has `redirect_url`, too.
    pub redirects: bool,
    /// `status` in the answer to a call that makes an order: 2 processing, or 3 as in the manual's samples, which promises nothing.
    pub first_status: i64,
    /// Whether notifications have the optional `is_payout`.
    pub says_direction: bool,
    /// Whether [`Platform::settings`] lead deposits to `create_invoice` and not to the form.
    pub by_invoice: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self { tells_status: true, redirects: true, first_status: 2, says_direction: true, by_invoice: false }
    }
}

/// Money that belongs to no open order; an operator made a new invoice of it (manual, "Additional deposit callbacks").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Additional {
    /// The new invoice, unknown to the merchant.
    pub invoice_id: i64,
    /// The old order it was sent for, if that is known.
    pub request_id: Option<String>,
    /// The player.
    pub login: String,
    /// The rail.
    pub method: String,
    /// Minor units.
    pub amount: i64,
    /// Upper case.
    pub currency: String,
}

/// A running platform. Stops when it is dropped.
pub struct Cactus {
    host: Host,
    state: Arc<State>,
}

impl std::fmt::Debug for Cactus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cactus").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Cactus {
    /// Listens on `bind` (port 0: any free one) for this merchant.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, account: Account) -> io::Result<Self> {
        let state = Arc::new(State::new(account, Manners::default()));
        let handler = {
            let state = state.clone();
            move |incoming| -> BoxFuture<'static, _> { Box::pin(calls::answer(state.clone(), incoming)) }
        };
        let host = Host::start(bind, Arc::new(handler)).await?;
        state.base.get_or_init(|| format!("http://{}", host.address()));
        Ok(Self { host, state })
    }

    /// The base address of its API: `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// Changes what the manual leaves open, from now on.
    pub fn behave(&self, manners: Manners) {
        self.state.desk().manners = manners;
    }

    /// What the merchant changed of a cash order after making it.
    pub fn edited(&self, id: &str) -> Params {
        self.state.desk().order(id).map(|order| order.edited.clone()).unwrap_or_default()
    }

    /// Money that came a second time for this order, in a new invoice; `None`: there is no such order.
    pub fn additional_under(&self, id: &str) -> Option<Additional> {
        let mut desk = self.state.desk();
        let taken = desk.order(id)?.taken.clone();
        Some(Additional {
            invoice_id: desk.next_invoice(),
            request_id: Some(taken.id),
            login: taken.login,
            method: taken.method,
            amount: taken.amount,
            currency: taken.currency,
        })
    }

    /// Money from a player for no known order, in a new invoice: `amount` in minor units.
    pub fn additional_of(&self, login: &str, amount: i64, currency: &str) -> Additional {
        Additional {
            invoice_id: self.state.desk().next_invoice(),
            request_id: None,
            login: login.to_owned(),
            method: "card".to_owned(),
            amount,
            currency: currency.to_owned(),
        }
    }

    /// Tells the merchant once of money that was found. The same again is a repetition of the notification.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn notify_additional(&self, found: &Additional, twist: Twist) -> Result<Answer, CallError> {
        let manners = self.state.desk().manners;
        let body = notes::found(found, &self.state.account, manners);
        self.send(body, Way::Deposit, twist).await
    }

    /// Tells the merchant once that an order was paid with another amount or in another currency than it asked for: minor units. The
    /// order itself stands as it did.
    ///
    /// # Errors
    ///
    /// No answer, one that is too long, or there is no such order.
    pub async fn notify_received(&self, id: &str, amount: i64, currency: &str) -> Result<Answer, CallError> {
        let (mut body, way) = self.body(id, Some(End::Paid))?;
        body.insert("received_amount".to_owned(), amount.into());
        body.insert("received_currency".to_owned(), currency.into());
        self.send(body, way, Twist::None).await
    }

    /// The body about an order, not yet signed, and which way its money goes.
    fn body(&self, id: &str, says: Option<End>) -> Result<(Params, Way), CallError> {
        let desk = self.state.desk();
        let order = desk.order(id).ok_or_else(|| CallError::NoAnswer(format!("there is no order {id}")))?;
        let end = says.unwrap_or(order.taken.end);
        Ok((notes::about(order, end, &self.state.account, desk.manners), order.taken.way))
    }

    async fn send(&self, body: Params, way: Way, twist: Twist) -> Result<Answer, CallError> {
        let body = notes::twisted(body, way, twist, self.state.account.salt.expose());
        let merchant = self.state.desk().merchant.clone();
        notes::send(&merchant, body).await
    }
}

/// The rails of deposits by this way of making them.
fn deposits(manners: Manners) -> &'static [Rail] {
    if manners.by_invoice { Call::Invoice.rails() } else { Call::Form.rails() }
}

impl Platform for Cactus {
    fn name(&self) -> &'static str {
        "cactus"
    }

    /// The methods are called `cactus_` and the rail in lower case.
    fn settings(&self, site: &str) -> String {
        let (manners, account, url) = (self.state.desk().manners, &self.state.account, self.url());
        let mut toml = format!(
            "[sites.{site}.cactus]\nmerchant_id = \"{}\"\nsalts = [\"{}\"]\nurl = \"{url}\"\ndeposit_by = \"{}\"\n\
             open_url = \"{url}{PAGE}\"\nproject_id = \"{}\"\n",
            account.merchant_id,
            account.salt.expose(),
            if manners.by_invoice { "invoice" } else { "form" },
            account.project_id,
        );
        if manners.tells_status {
            toml.push_str(&format!("status_url = \"{url}{}\"\n", Call::Status.path()));
        }
        let only_paid_out = rails::PAYOUT.iter().filter(|rail| rails::find(deposits(manners), rail.name).is_none());
        for rail in deposits(manners).iter().chain(only_paid_out) {
            toml.push_str(&format!(
                "\n[sites.{site}.methods.cactus_{}]\nprovider = \"cactus\"\nprovider_method = \"{}\"\n\
                 deposits = {}\npayouts = {}\n",
                rail.name.to_ascii_lowercase(),
                rail.name,
                rails::find(deposits(manners), rail.name).is_some(),
                rails::find(rails::PAYOUT, rail.name).is_some(),
            ));
        }
        toml
    }

    fn method(&self) -> &'static str {
        "cactus_card"
    }

    /// The form asks for everything; what an invoice takes besides is optional.
    fn deposit_details(&self, _method: &str) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// By the rail, or by the method's name in [`Platform::settings`]; nothing for a method that pays nobody out.
    fn details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        let name = method.strip_prefix("cactus_").unwrap_or(method);
        let fields = rails::find(rails::PAYOUT, name).map(|rail| rail.fields).unwrap_or_default();
        fields.iter().filter(|field| field.is_required).map(|field| (field.name, field.example)).collect()
    }

    fn set_merchant(&self, public: &str) {
        public.clone_into(&mut self.state.desk().merchant);
    }

    fn answer_with(&self, answering: Answering) {
        self.state.desk().answerings.set(answering);
    }

    fn answer_order_with(&self, id: &str, answering: Answering) {
        self.state.desk().answerings.set_of(id, answering);
    }

    fn pays_once(&self) -> bool {
        false
    }

    fn unpaid(&self) -> End {
        End::Declined
    }

    fn tell_with(&self, telling: Telling) {
        self.state.desk().telling = telling;
    }

    fn orders(&self) -> Vec<Taken> {
        self.state.desk().orders().iter().map(|order| order.taken.clone()).collect()
    }

    fn asked_about(&self, id: &str) -> usize {
        self.state.desk().asked_about.get(id).copied().unwrap_or_default()
    }

    fn wait_for<'a>(&'a self, id: &'a str, patience: Duration) -> BoxFuture<'a, Option<Taken>> {
        let mut count = self.state.count.subscribe();
        let arrived = async move {
            loop {
                let found = self.state.desk().order(id).map(|order| order.taken.clone());
                if found.is_some() || count.changed().await.is_err() {
                    return found;
                }
            }
        };
        Box::pin(async move { tokio::time::timeout(patience, arrived).await.ok().flatten() })
    }

    fn set(&self, id: &str, end: End) {
        self.state.desk().change(id, |order| order.taken.end = end);
    }

    fn notify<'a>(&'a self, id: &'a str, note: Note) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            let (body, way) = self.body(id, note.says)?;
            self.send(body, way, note.twist).await
        })
    }

    /// HTTP 200 alone counts; the manual prescribes no body.
    fn is_acknowledged(&self, answer: &Answer) -> bool {
        answer.status == 200
    }

    fn ladder(&self) -> (Vec<u64>, u32) {
        (vec![PAUSE_SECONDS], PAUSES)
    }
}
