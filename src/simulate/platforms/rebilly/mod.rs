//! Rebilly, played: cashiers, deposit requests, payout requests with their allocations, transactions, notices and webhooks.
//!
//! Written from its public definitions alone. A payout is an order under the merchant's own id when it is made with PUT; a deposit request
//! is an order under the id that stands behind the result in its notificationUrl, or else under the one that Rebilly gives.
//! Any customer of any name is known: customers' own operations are no part of this.

mod allocations;
mod books;
mod calls;
mod cashiers;
mod decimal;
mod deposits;
mod desk;
mod fields;
mod list;
mod machine;
mod md5;
mod notes;
mod payouts;
mod problem;
mod sign;
#[cfg(test)]
mod tests;
mod views;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use self::books::{Books, By, Order, Part, Verdict, fresh};
use super::host::Host;
use super::{Answering, Answerings, End, Note, Platform, Taken, Telling, Way};
use crate::clock;
use crate::secret::Secret;
use crate::simulate::caller::{Answer, CallError};
use notes::About;

/// How Rebilly proves itself to the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Name and password with each request.
    Basic,
    /// The merchant's challenge is answered.
    Digest,
}

/// How the merchant hears of a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By the address of the request, with its placeholders replaced.
    NotificationUrl,
    /// By the event of its transaction, at the webhook.
    Webhook,
}

/// The merchant's account: what both sides know.
#[derive(Debug, Clone)]
pub struct Account {
    /// `org_…`, in every path.
    pub organization_id: String,
    /// `web_…`; other websites are refused.
    pub website_id: String,
    /// Checked with every call.
    pub api_key: Secret,
    /// The name of the webhook's credential.
    pub webhook_user: String,
    /// Its password.
    pub webhook_password: Secret,
    /// How it is used.
    pub webhook_auth: Auth,
    /// What the merchant puts into its notificationUrl, so that nobody can guess it.
    pub notification_token: Secret,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            organization_id: "org_0YV7DDSDD1C8DA64KHH2W33CPF".to_owned(),
            website_id: "web_0YV7DE4Z26DQSA1AC92FBJ7SEG".to_owned(),
            api_key: Secret::new("sk_sandbox_played-by-the-simulator-0001"),
            webhook_user: "rebilly".to_owned(),
            webhook_password: Secret::new("webhook-password-of-the-played-rebilly"),
            webhook_auth: Auth::Basic,
            notification_token: Secret::new("notification-token-of-the-played-rebilly"),
        }
    }
}

/// A running Rebilly. It stops when it is dropped.
#[derive(Debug)]
pub struct Rebilly {
    state: Arc<State>,
    host: Host,
}

struct State {
    account: Account,
    /// Scheme, host and port; and the same with the organization. Known once the address is bound.
    place: OnceLock<(String, String)>,
    inner: Mutex<Inner>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Inner {
    books: Books,
    switches: Switches,
    /// Calls that change something, so far.
    spent: u32,
}

/// What is ordered from outside.
#[derive(Debug)]
struct Switches {
    answerings: Answerings,
    telling: Telling,
    deposits_by: Channel,
    merchant: String,
    older_edition: bool,
    automatic_readiness: bool,
    rate_limit: Option<i64>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("account", &self.account).finish_non_exhaustive()
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while the books are open")
    }

    fn base(&self) -> &str {
        self.place.get().map_or("", |(base, _)| base)
    }

    fn root(&self) -> &str {
        self.place.get().map_or("", |(_, root)| root)
    }
}

impl Rebilly {
    /// Listens on `bind` (port 0: any free one).
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, account: Account) -> io::Result<Self> {
        let switches = Switches {
            answerings: Answerings::default(),
            telling: Telling::Truth,
            deposits_by: Channel::NotificationUrl,
            merchant: String::new(),
            older_edition: false,
            automatic_readiness: false,
            rate_limit: None,
        };
        let state = Arc::new(State {
            account,
            place: OnceLock::new(),
            inner: Mutex::new(Inner { books: Books::default(), switches, spent: 0 }),
            count: watch::Sender::new(0),
        });
        let handling = state.clone();
        let handler = move |incoming| -> BoxFuture<'static, _> {
            let state = handling.clone();
            Box::pin(async move { calls::handle(&state, &incoming) })
        };
        let host = Host::start(bind, Arc::new(handler)).await?;
        let base = format!("http://{}", host.address());
        let root = format!("{base}/organizations/{}", state.account.organization_id);
        state.place.get_or_init(|| (base, root));
        Ok(Self { state, host })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// The merchant's account.
    pub fn account(&self) -> &Account {
        &self.state.account
    }

    /// How the merchant hears of deposits from now on.
    pub fn tell_of_deposits_by(&self, channel: Channel) {
        self.state.lock().switches.deposits_by = channel;
    }

    /// Whether `POST /cashiers` takes the three balances, as it did until 20 July 2026.
    pub fn set_older_edition(&self, older: bool) {
        self.state.lock().switches.older_edition = older;
    }

    /// Whether new payout requests start `pending`, so that players can take them back, and not `ready` (manual, "Website settings").
    pub fn set_automatic_readiness(&self, automatic: bool) {
        self.state.lock().switches.automatic_readiness = automatic;
    }

    /// Refuses every call that changes something with 429, and says this moment of the reset, Unix seconds; `None` lifts it. Time alone
    /// does not.
    pub fn limit_rate(&self, reset_at: Option<i64>) {
        self.state.lock().switches.rate_limit = reset_at;
    }

    /// A customer's JWT, as the cashier in their browser has it.
    pub fn customer_token(&self, customer: &str) -> String {
        self.state.lock().books.jwt(customer)
    }

    /// The player takes pending payout requests back, oldest first, until `amount` minor units are reached; all without one. Those of one
    /// customer and currency. Notifies nobody.
    pub fn reverse_by_player(&self, customer: &str, currency: &str, amount: Option<i64>) {
        self.state.lock().books.reverse(customer, currency, amount, clock::now());
    }

    /// Staff at Rebilly split a payout request into parts of these minor units. Gives the parts' ids; `None` when its state or the amounts
    /// do not allow it.
    pub fn split(&self, id: &str, amounts: &[i64]) -> Option<Vec<String>> {
        let books = &mut self.state.lock().books;
        let whole = books.payouts.get(id)?.amount;
        let parts = payouts::is_split(amounts, whole).then(|| books.split(id, amounts, "other", clock::now()))?;
        parts.ok()
    }

    /// What a payout request was split into.
    pub fn parts(&self, id: &str) -> Vec<String> {
        self.state.lock().books.payouts.get(id).map(|payout| payout.parts.clone()).unwrap_or_default()
    }

    /// Decides one part of a split payout request. What became of the whole follows from its parts.
    pub fn end_part(&self, part: &str, end: End) {
        self.state.lock().books.end_payout(part, end, clock::now());
    }

    /// Staff at Rebilly block a payout request, or lift that.
    pub fn block(&self, id: &str, blocked: bool) {
        if let Some(payout) = self.state.lock().books.payouts.get_mut(id) {
            payout.blocked = blocked;
            payout.block_reason = blocked.then(|| "risk-review".to_owned());
            payout.updated = clock::now();
        }
    }

    /// Staff at Rebilly cancel a payout request; says whether its state allows it.
    pub fn cancel_by_staff(&self, id: &str) -> bool {
        self.state.lock().books.cancel(id, By::System, None, clock::now()).is_ok()
    }

    /// The gateway declines what of a payout request is allocated and not done: the request stays in progress, and the amount is available
    /// again.
    pub fn gateway_declines(&self, id: &str) {
        self.end_allocations(id, Part::Declined);
    }

    /// An error stops what of a payout request is allocated and not done, before a result.
    pub fn gateway_fails(&self, id: &str) {
        self.end_allocations(id, Part::Failed);
    }

    fn end_allocations(&self, id: &str, end: Part) {
        let books = &mut self.state.lock().books;
        for allocation in books.payouts.get(id).map(|payout| payout.allocations.clone()).unwrap_or_default() {
            let status = books.allocations.get(&allocation).map(|one| one.status);
            if matches!(status, Some(Part::Pending | Part::Processing)) {
                books.end_allocation(&allocation, end, clock::now());
            }
        }
    }

    /// What reached the player of a payout request, its parts included, minor units.
    pub fn moved(&self, id: &str) -> i64 {
        self.state.lock().books.moved(id)
    }

    /// The player chooses to pay this many minor units of a deposit request, before they begin.
    pub fn choose_amount(&self, id: &str, minor: i64) {
        let books = &mut self.state.lock().books;
        if let Some(Order::Deposit(own)) = books.order(id)
            && let Some(deposit) = books.deposits.get_mut(&own)
        {
            deposit.amount = minor;
        }
    }

    /// The player begins to pay a deposit request. Gives the id of its transaction.
    pub fn begin(&self, id: &str) -> Option<String> {
        let books = &mut self.state.lock().books;
        match books.order(id)? {
            Order::Deposit(own) => books.begin_deposit(&own, clock::now()),
            Order::Payout(_) => None,
        }
    }

    /// The player pays in a cashier: an order from now on, under the id in the cashier's notificationUrl unless an earlier order has it.
    /// Gives that id; `None` when there is no such cashier or the amount is outside its limits. A deposit after the first one has a deposit
    /// request of its own.
    pub fn deposit_in_cashier(&self, cashier: &str, minor: i64) -> Option<String> {
        let order = self.state.lock().deposit_in_cashier(cashier, minor)?;
        self.state.count.send_modify(|count| *count += 1);
        Some(order)
    }

    /// Ends the life of every cashier, so that the next one for a customer is new.
    pub fn expire_cashiers(&self) {
        self.state.lock().books.cashiers.iter_mut().for_each(|cashier| cashier.expires = 0);
    }

    /// A paid deposit is given back in full.
    pub fn refund(&self, id: &str) {
        self.turn(id, Verdict::Refunded);
    }

    /// The bank of a player disputes a paid deposit.
    pub fn dispute(&self, id: &str) {
        self.turn(id, Verdict::Disputed);
    }

    fn turn(&self, id: &str, verdict: Verdict) {
        let books = &mut self.state.lock().books;
        if let Some(Order::Deposit(own)) = books.order(id)
            && let Some(transaction) = books.deposits.get(&own).and_then(|deposit| deposit.transactions.last().cloned())
        {
            books.decide(&transaction, verdict, clock::now());
        }
    }

    /// Sends the event of an order's last transaction to the webhook, once.
    ///
    /// # Errors
    ///
    /// The order has no transaction yet; no answer.
    pub async fn notify_of_transaction(&self, id: &str, note: Note) -> Result<Answer, CallError> {
        notes::send(&self.state, id, note, About::Transaction).await
    }
}

impl Inner {
    fn deposit_in_cashier(&mut self, cashier: &str, minor: i64) -> Option<String> {
        let books = &mut self.books;
        let (linked, limits) = books.cashiers.get(cashier).map(|one| (one.deposit.clone(), one.limits))?;
        let params = books.cashiers.get(cashier)?.params.clone();
        let mut deposit = books.deposits.get(&linked)?.clone();
        if limits.0.is_some_and(|smallest| minor < smallest) || limits.1.is_some_and(|largest| minor > largest) {
            return None;
        }
        let again = deposit.order.is_some();
        if again {
            let token = books.jwt(&deposit.customer);
            let status = books::Asked::Created;
            deposit = books::Deposit { id: fresh("dep_req_"), status, end: End::Pending, token, ..deposit };
            deposit.transactions.clear();
        }
        let named = deposit.notification.as_deref().and_then(notes::order_of);
        let order = named.filter(|order| !books.latest.contains_key(order)).unwrap_or_else(|| deposit.id.clone());
        (deposit.amount, deposit.order, deposit.params) = (minor, Some(order.clone()), params);
        let own = deposit.id.clone();
        if again {
            books.deposits.add(&own, deposit);
        } else {
            *books.deposits.get_mut(&own)? = deposit;
        }
        books.cashiers.get_mut(cashier)?.deposit.clone_from(&own);
        books.latest.insert(order.clone(), own.clone());
        books.note_taken(Way::Deposit, &order);
        books.begin_deposit(&own, clock::now());
        Some(order)
    }
}

impl Platform for Rebilly {
    fn name(&self) -> &'static str {
        "rebilly"
    }

    fn settings(&self, site: &str) -> String {
        let account = &self.state.account;
        let auth = match account.webhook_auth {
            Auth::Basic => "basic",
            Auth::Digest => "digest",
        };
        format!(
            "[sites.{site}.rebilly]\norganization_id = \"{}\"\nwebsite_id = \"{}\"\napi_key = \"{}\"\nurl = \"{}\"\n\
             webhook_user = \"{}\"\nwebhook_password = \"{}\"\nwebhook_auth = \"{auth}\"\nnotification_token = \"{}\"\n\n\
             [sites.{site}.methods.rebilly]\nprovider = \"rebilly\"\nprovider_method = \"payment-card\"\n\
             deposits = true\npayouts = true\n",
            account.organization_id,
            account.website_id,
            account.api_key.expose(),
            self.state.base(),
            account.webhook_user,
            account.webhook_password.expose(),
            account.notification_token.expose(),
        )
    }

    fn method(&self) -> &'static str {
        "rebilly"
    }

    fn deposit_details(&self, _method: &str) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn details(&self, _method: &str) -> Vec<(&'static str, &'static str)> {
        vec![("payment_instrument_id", machine::DEFAULT_INSTRUMENT)]
    }

    /// Webhooks go there. Notices keep the path and query of the address they came with, and go there too: the listener may have got its
    /// port after the merchant's settings were written.
    fn set_merchant(&self, public: &str) {
        self.state.lock().switches.merchant = public.to_owned();
    }

    fn answer_with(&self, answering: Answering) {
        self.state.lock().switches.answerings.set(answering);
    }

    fn answer_order_with(&self, id: &str, answering: Answering) {
        self.state.lock().switches.answerings.set_of(id, answering);
    }

    /// Made with PUT under an id of the merchant's, it is the same payout request.
    fn pays_once(&self) -> bool {
        true
    }

    fn unpaid(&self) -> End {
        End::Expired
    }

    fn tell_with(&self, telling: Telling) {
        self.state.lock().switches.telling = telling;
    }

    fn orders(&self) -> Vec<Taken> {
        let inner = self.state.lock();
        inner.books.taken.iter().filter_map(|(way, id)| inner.books.taken(*way, id)).collect()
    }

    fn asked_about(&self, id: &str) -> usize {
        self.state.lock().books.questions.get(id).copied().unwrap_or_default()
    }

    fn wait_for<'a>(&'a self, id: &'a str, patience: Duration) -> BoxFuture<'a, Option<Taken>> {
        Box::pin(async move {
            let mut count = self.state.count.subscribe();
            let arrived = async {
                loop {
                    let found = self.state.lock().books.find(id);
                    if found.is_some() || count.changed().await.is_err() {
                        return found;
                    }
                }
            };
            tokio::time::timeout(patience, arrived).await.ok().flatten()
        })
    }

    fn set(&self, id: &str, end: End) {
        let books = &mut self.state.lock().books;
        match books.order(id) {
            Some(Order::Payout(id)) => books.end_payout(&id, end, clock::now()),
            Some(Order::Deposit(id)) => books.end_deposit(&id, end, clock::now()),
            None => {}
        }
    }

    fn notify<'a>(&'a self, id: &'a str, note: Note) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(notes::send(&self.state, id, note, About::Order))
    }

    fn is_acknowledged(&self, answer: &Answer) -> bool {
        (200..300).contains(&answer.status)
    }

    /// The manual has no schedule: a minute, ten and an hour, as somebody would do it.
    fn ladder(&self) -> (Vec<u64>, u32) {
        (vec![60, 600, 3600], 1)
    }
}
