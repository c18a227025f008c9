//! What a provider's folder gives the rest: one trait. A driver translates: requests and answers are data to it, and somebody else
//! carries them out (`crate::talk`).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{Direction, News, Notification, RawRequest, ReadError};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::money::{Currency, Money};
use crate::outgoing::{AddressRules, Reply};
use crate::secret::Secret;
use crate::sections::Section;

/// Text by name: what a player gives besides the amount, what a provider told us of an order.
pub type Texts = BTreeMap<String, String>;

/// The player's money in the order's currency, minor units, among the optional fields of a deposit: what can be played.
pub const BALANCE_AVAILABLE: &str = "balance_available";

/// The same: what is held for payouts.
pub const BALANCE_HELD: &str = "balance_held";

/// What a provider may know of the site whose section it reads.
#[derive(Debug, Clone)]
pub struct SiteFacts {
    /// Its number.
    pub site: SiteId,
    /// Its currencies.
    pub currencies: Vec<Currency>,
    /// Where providers reach our public listener; `None`: nobody said.
    pub public_url: Option<Url>,
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
}

/// A request to a provider, as data: the same order makes the same bytes.
#[derive(Clone)]
pub struct Call {
    /// How.
    pub verb: Verb,
    /// Where.
    pub url: Url,
    /// Headers besides `Content-Type`; they may hold keys.
    pub headers: Vec<(&'static str, Secret)>,
    /// What the body is; `None`: there is none.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the whole exchange may take. A provider that asks for more than [`PATIENCE`] says so in its manual.
    pub patience: Duration,
    /// Texts in the body that nobody may read in the books: keys of a session, whole card numbers.
    pub hidden: Vec<Secret>,
}

/// Without what nobody may read in a log.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Call");
        shown.field("verb", &self.verb);
        shown.field("content_type", &self.content_type);
        shown.finish_non_exhaustive()
    }
}

/// One request from the name lookup to the last byte of the answer (threats OUT-7).
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Call {
    /// A request with a JSON body.
    pub fn json(verb: Verb, url: Url, body: Vec<u8>) -> Self {
        let content_type = Some("application/json");
        Self { verb, url, headers: Vec::new(), content_type, body, patience: PATIENCE, hidden: Vec::new() }
    }

    /// A `GET`.
    pub fn get(url: Url) -> Self {
        Self { verb: Verb::Get, content_type: None, ..Self::json(Verb::Get, url, Vec::new()) }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Secret) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with a text in its body that nobody may read in the books.
    #[must_use]
    pub fn hiding(mut self, text: &str) -> Self {
        self.hidden.push(Secret::new(text));
        self
    }

    /// The same with more time.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// What a driver wants after the replies so far.
#[derive(Debug, Clone)]
pub enum Step<T> {
    /// This request, which makes and moves nothing there, then ask again with its reply. When it fails, nothing was sent.
    Prepare(Box<Call>),
    /// This request, then ask again with its reply.
    Call(Box<Call>),
    /// Nothing more.
    Done(T),
}

impl<T> Step<T> {
    /// A request that makes and moves nothing: a key, a session.
    pub fn prepare(call: Call) -> Self {
        Self::Prepare(Box::new(call))
    }

    /// A request.
    pub fn call(call: Call) -> Self {
        Self::Call(Box::new(call))
    }

    /// The same with another end.
    pub fn map<U>(self, end: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Prepare(call) => Step::Prepare(call),
            Step::Call(call) => Step::Call(call),
            Step::Done(done) => Step::Done(end(done)),
        }
    }
}

/// A payout about to be sent: everything the initiation needs.
#[derive(Clone)]
pub struct PayoutOrder {
    /// Our order id, and the idempotency key on the provider's side.
    pub external_id: ExternalId,
    /// The site.
    pub site: SiteId,
    /// The player there.
    pub login: Login,
    /// How much.
    pub amount: Money,
    /// The destination, masked.
    pub purse: Option<String>,
    /// The method on the provider's wire, `provider_method` in the settings; `None`: the provider's own page decides.
    pub rail: Option<String>,
    /// What the player gave for this method, unmasked: card number, phone. Never stored or shown as it is.
    pub details: Texts,
    /// Optional fields by the names of the player's profile: `first_name`, `country_code`, `customer_ip`, …
    pub optional: Vec<(String, String)>,
}

/// Without what nobody may read in a log.
impl fmt::Debug for PayoutOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PayoutOrder");
        shown.field("external_id", &self.external_id);
        shown.field("site", &self.site);
        shown.field("amount", &self.amount);
        shown.field("rail", &self.rail);
        shown.finish_non_exhaustive()
    }
}

/// What a provider said to a payout initiation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitiationAnswer {
    /// Taken: the outcome comes later as a notification. Carries what it says, for people, and what we must know of it later.
    Accepted(String, Texts),
    /// Definitely not taken. Carries the reason for people.
    Refused(String),
    /// Definitely not taken now, and may be later: no capacity, no money with the provider. Carries the reason for people.
    NotNow(String),
    /// Anything else: it may have been taken. Carries why we cannot tell, for people.
    Unknown(String),
}

/// A deposit that a player begins through us.
#[derive(Clone)]
pub struct DepositOrder {
    /// Our order id.
    pub external_id: ExternalId,
    /// The site.
    pub site: SiteId,
    /// The player there.
    pub login: Login,
    /// How much.
    pub amount: Money,
    /// The method on the provider's wire; `None`: the provider's own page decides.
    pub rail: Option<String>,
    /// What the player gave for this method, unmasked, for this one request: it is kept nowhere.
    pub details: Texts,
    /// Optional fields by the names of the player's profile.
    pub optional: Vec<(String, String)>,
    /// The player's own address.
    pub customer_ip: IpAddr,
    /// Where the player goes after a payment, and after none.
    pub return_urls: [Option<String>; 2],
}

/// Without what nobody may read in a log.
impl fmt::Debug for DepositOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("DepositOrder");
        shown.field("external_id", &self.external_id);
        shown.field("site", &self.site);
        shown.field("amount", &self.amount);
        shown.field("rail", &self.rail);
        shown.finish_non_exhaustive()
    }
}

/// How a deposit begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// It can be paid.
    Open(Opened),
    /// Definitely not. Carries the reason for people; players are not told.
    Refused(String),
    /// It may have begun: money may come. Carries why we cannot tell, for people.
    Unknown(String),
}

/// Where and how a player pays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// A page to go to.
    pub redirect_url: Option<String>,
    /// What to pay to, by name: `card_number`, `bank_name`, `amount`, `expires_at`. Shown to the player.
    pub requisites: Texts,
    /// What we must know of it later: the provider's own ids.
    pub facts: Texts,
}

/// An order whose end we ask about.
#[derive(Debug, Clone)]
pub struct OpenOrder {
    /// Our order id.
    pub external_id: ExternalId,
    /// The site.
    pub site: SiteId,
    /// The player there.
    pub login: Login,
    /// How much.
    pub amount: Money,
    /// Which way.
    pub direction: Direction,
    /// The method on the provider's wire.
    pub rail: Option<String>,
    /// What the provider told us of it: its own ids.
    pub facts: Texts,
    /// What a hint named: the provider's id of what changed.
    pub about: Option<String>,
}

/// What a provider says when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquired {
    /// This, vouched for by our own authenticated call; and what we must know of the order from now on.
    Says(Box<Notification>, Texts),
    /// It knows no such order, which proves nothing (threats OUT-4). Carries what it said, for people.
    NotFound(String),
    /// It does not want to be asked now: not before so many seconds.
    Later(u64),
    /// We cannot tell. Carries why, for people.
    Unclear(String),
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It vouches for what it says.
    Notification(Box<Notification>),
    /// It is genuine, but what it says must be confirmed by asking before money moves.
    Hint(Hint),
    /// It is genuine and about nothing of ours. Carries what it was, for the log.
    Nothing(String),
}

/// A genuine message that says: look at this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The site.
    pub site: SiteId,
    /// Our order.
    pub external_id: String,
    /// The provider's id of what changed, when the question needs it.
    pub about: Option<String>,
    /// What it claims, in the provider's words, for people.
    pub claims: String,
    /// What it claims, in ours; only to be confirmed.
    pub news: News,
}

/// What is done with money that a provider found and made a new order of, so that no order of ours waits for it: one order was paid
/// twice, or nobody knows which it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surplus {
    /// The provider makes no such orders.
    NotHere,
    /// A person decides.
    Review,
    /// The player it names is credited, and a person looks at it afterwards.
    Credit,
}

/// What a message is told.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// Stored and applied, recorded, or put into review.
    Taken,
    /// Not accepted.
    Refused(&'a ReadError),
    /// Cannot be stored or confirmed now: come again.
    Later,
}

/// An answer to a message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The HTTP status.
    pub http: u16,
    /// Headers besides `Content-Type`, which is JSON.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: String,
}

/// How often a provider repeats a notification that we did not acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    /// The pauses before each repetition, in seconds, counted from the one before.
    pub pauses: &'static [u64],
    /// After those, this pause in seconds, so many times; times 0: nothing more is documented.
    pub then: (u64, u32),
}

impl Ladder {
    /// When the last repetition is due after the first notification, in seconds; what is not documented counts as a day.
    pub fn last_after(&self) -> u64 {
        let documented: u64 = self.pauses.iter().sum::<u64>() + self.then.0 * u64::from(self.then.1);
        if documented == 0 { 86_400 } else { documented }
    }
}

/// How a provider wants to be asked about orders, and what its repetitions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Whether it has a call that tells the status of an order.
    pub tells_status: bool,
    /// Whether it pays a repeated order id once, so that an unknown payout may be sent again.
    pub deduplicates: bool,
    /// Whether a deposit may be paid though the answer to its opening was lost.
    pub lost_opening_counts: bool,
    /// How long an order is left alone before it is asked about, in seconds.
    pub patience: u64,
    /// The least pause between two questions about one order, in seconds; it grows with every question.
    pub between: u64,
    /// The least pause between two questions about any orders of a site, in milliseconds.
    pub pace: u64,
    /// How it repeats notifications.
    pub ladder: Ladder,
}

/// A call that staff make: balances, closing an invoice, asking for a cancellation. It moves no money here; what follows from it comes as a
/// notification or an answer to an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskCall {
    /// Its name in the back office: `balance`.
    pub name: &'static str,
    /// What it does, for people.
    pub about: &'static str,
    /// Whether it is about one order of ours, whose id is given with it.
    pub of_order: bool,
    /// Whether it changes something at the provider, so that it needs the role of an approver and a reason.
    pub changes: bool,
    /// Its parameters, and whether each is needed.
    pub parameters: &'static [(&'static str, bool)],
}

/// What a desk call is made with.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The site.
    pub site: SiteId,
    /// The order, for calls that are about one.
    pub order: Option<OpenOrder>,
    /// The parameters by name.
    pub parameters: Texts,
}

/// One payment provider, for all sites that use it. It translates; it touches neither ledger nor database, clock or network.
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// The name in URLs, settings and the `provider` column. Never changes once used.
    fn name(&self) -> &'static str;

    /// Reads `[sites.SITE.NAME]` and keeps the account. Everything wrong is noted, with key and reason.
    fn add_site(&mut self, section: Section<'_>, site: &SiteFacts);

    /// The sites that have an account.
    fn sites(&self) -> Vec<SiteId>;

    /// The account's settings for people, with every secret masked.
    fn shown(&self, site: SiteId) -> Value;

    /// What only the provider and we may know, with the full key it stands under: no two sites or providers may share one.
    fn secrets(&self) -> Vec<(String, Secret)>;

    /// Where the account's calls may go.
    fn address_rules(&self, site: SiteId) -> AddressRules;

    /// Verifies, then parses, a message of the provider.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong; nothing in a message means anything before its signature is checked (threats R1).
    fn read(&self, raw: &RawRequest<'_>) -> Result<Heard, ReadError>;

    /// What is done with money of this notification that no order of ours waits for. A body here, as the one exception: only one
    /// provider makes orders by itself.
    fn surplus(&self, _said: &Notification) -> Surplus {
        Surplus::NotHere
    }

    /// What a message is answered.
    fn tell(&self, said: Said<'_>) -> Told;

    /// Whether players can begin deposits (`Deposit`), or payouts can be sent, by this method with this currency.
    fn serves(&self, site: SiteId, direction: Direction, rail: Option<&str>, currency: Currency) -> bool;

    /// Whether these details are what the method needs: before money is held and before anything is sent.
    ///
    /// # Errors
    ///
    /// `Missing` or `Invalid` with the name of the detail.
    fn check(&self, site: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error>;

    /// The next request of a payout, or what came of it. The first [`Step::Call`] is always the one that makes the order there, with what
    /// is in its body; before it there may be requests that only prepare it ([`Step::Prepare`]). An answer to one of those is no answer to
    /// the order: what it refuses is `NotNow`.
    ///
    /// # Errors
    ///
    /// It cannot be written, with the name of the field; nothing may be sent then.
    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error>;

    /// The next request of a deposit, or where it is paid.
    ///
    /// # Errors
    ///
    /// It cannot be written, with the name of the field.
    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error>;

    /// The next request of a question about an order, or what was said. Called only where [`Manners::tells_status`].
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error>;

    /// How it wants to be asked, and how it repeats.
    fn manners(&self, site: SiteId) -> Manners;

    /// Whether a deposit by this method may be paid though the answer to its opening was lost. As the site's manners say, unless a provider
    /// has methods of both kinds.
    fn lost_opening_counts(&self, site: SiteId, rail: Option<&str>) -> bool {
        let _all_alike = rail;
        self.manners(site).lost_opening_counts
    }

    /// What staff may ask of it.
    fn desk(&self) -> &'static [DeskCall];

    /// The next request of a desk call, or what came of it.
    ///
    /// # Errors
    ///
    /// `NotFound` for a call that is not on the list; `Missing` or `Invalid` with the name of a parameter; `Provider` when it said no.
    fn call(&self, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Value>, Error>;
}
