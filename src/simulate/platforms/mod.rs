//! The other providers, played: each a real HTTP peer that takes orders, is asked about them, ends them and notifies.
//!
//! Every one is written from its published description alone and shares no code with the driver of the same name. What they have in
//! common is here: how a demo and a test speak to any of them.

pub mod cabbagino;
pub mod cactus;
pub mod carouseller;
pub mod exotic;
pub mod host;
pub mod rebilly;
pub mod shelf;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Params;
use super::caller::{Answer, CallError};

/// The names of all of them, as in settings and routes.
pub const NAMES: [&str; 5] = ["carouseller", "cabbagino", "cactus", "exotic", "rebilly"];

/// Starts the platform with this name, for a merchant of demos with this number where a platform numbers sites. Listens on `bind`
/// (port 0: any free one).
///
/// # Errors
///
/// The address cannot be bound; as `InvalidInput` that there is no such platform.
pub async fn start(name: &str, site_id: i64, bind: SocketAddr) -> io::Result<Arc<dyn Platform>> {
    Ok(match name {
        "carouseller" => {
            let mut account = carouseller::Account::default();
            account.brand.site_id = site_id;
            Arc::new(carouseller::Carouseller::start(bind, account).await?)
        }
        "cabbagino" => Arc::new(cabbagino::Cabbagino::start(bind, cabbagino::Account::default()).await?),
        "cactus" => {
            Arc::new(cactus::Cactus::start(bind, cactus::Account { site_id, ..cactus::Account::example() }).await?)
        }
        "exotic" => {
            let exotic = exotic::Exotic::start(bind, exotic::Account::example()).await?;
            // The only refusal of its manual that does not sound as if it would pass.
            exotic.refuse_with(exotic::Refusal::MethodDisabled);
            Arc::new(exotic)
        }
        "rebilly" => Arc::new(rebilly::Rebilly::start(bind, rebilly::Account::default()).await?),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("there is no platform {name}"))),
    })
}

/// How an order ends at a platform, or stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Not yet.
    Pending,
    /// The money moved.
    Paid,
    /// It did not and will not.
    Declined,
    /// Taken back before it moved, by the merchant or the player. A platform that knows no such end declines.
    Cancelled,
    /// Its time ran out. A platform that knows no such end declines.
    Expired,
}

/// How a call that makes an order is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answering {
    /// Taken, and answered as the manual says.
    Accept,
    /// Definitely refused as the manual says; nothing is taken.
    Refuse,
    /// Taken, but the answer comes only after this long.
    Slow(Duration),
    /// Taken, and the connection is closed without an answer.
    Hangup,
    /// Taken, and the connection is reset without an answer.
    Reset,
    /// Taken, and an empty body with this HTTP status.
    Status(u16),
    /// Taken; HTTP 200 and a page instead of JSON.
    Html,
    /// Taken; HTTP 200 and JSON that stops in the middle.
    BrokenJson,
    /// Taken, and an answer that never ends.
    Endless,
    /// Not taken, and the connection is closed without an answer: from outside the same as [`Answering::Hangup`].
    Vanish,
    /// Not taken: a redirection to this address.
    Redirect(String),
}

/// How calls that make orders are answered: in general, and those of single orders.
#[derive(Debug)]
pub(super) struct Answerings {
    general: Answering,
    of_order: HashMap<String, Answering>,
}

impl Default for Answerings {
    fn default() -> Self {
        Self { general: Answering::Accept, of_order: HashMap::new() }
    }
}

impl Answerings {
    /// In general from now on.
    pub(super) fn set(&mut self, answering: Answering) {
        self.general = answering;
    }

    /// For one order of the merchant's from now on.
    pub(super) fn set_of(&mut self, id: &str, answering: Answering) {
        self.of_order.insert(id.to_owned(), answering);
    }

    /// For this order of the merchant's.
    pub(super) fn of(&self, id: &str) -> Answering {
        self.of_order.get(id).unwrap_or(&self.general).clone()
    }
}

/// The same path and query of an address below another base.
fn below(base: &str, address: &str) -> String {
    let Ok(parsed) = url::Url::parse(address) else { return address.to_owned() };
    let query = parsed.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{}{query}", base.trim_end_matches('/'), parsed.path())
}

/// How a question about an order's status is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// As it stands.
    Truth,
    /// There is no such order.
    NotFound,
    /// HTTP 503.
    Unavailable,
    /// HTTP 429.
    TooMany,
    /// No answer.
    Hangup,
}

/// Which way the money of an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the player to the casino.
    Deposit,
    /// From the casino to the player.
    Payout,
}

/// An order as a platform has it.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The merchant's id of it.
    pub id: String,
    /// The platform's own.
    pub own_id: String,
    /// Which way its money goes.
    pub way: Way,
    /// The player, as the merchant names them.
    pub login: String,
    /// The rail, as on the wire; empty where the platform has none.
    pub method: String,
    /// Minor units.
    pub amount: i64,
    /// Upper case.
    pub currency: String,
    /// How often the call that makes it arrived. More than 1 is an order sent twice.
    pub asked: usize,
    /// How it stands.
    pub end: End,
    /// The body of the call that made it.
    pub params: Params,
}

/// What is wrong with a notification on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Twist {
    /// Nothing.
    None,
    /// A signature (or password) that is wrong.
    WrongSignature,
    /// No signature at all.
    NoSignature,
    /// A right signature of the same content made with somebody else's secret.
    ForeignSignature,
    /// Another amount than the order's, rightly signed.
    OtherAmount,
    /// Another currency, rightly signed.
    OtherCurrency,
    /// Another player, rightly signed. A platform whose notifications name none sends it without a twist.
    OtherPlayer,
    /// Says of a deposit what is said of payouts, or the reverse, rightly signed.
    OtherDirection,
    /// About an order that the merchant does not have, rightly signed.
    UnknownOrder,
}

/// One notification to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// What it says of the order; `None`: how it stands.
    pub says: Option<End>,
    /// What is wrong with it.
    pub twist: Twist,
}

impl Note {
    /// As it stands, with nothing wrong.
    pub const PLAIN: Self = Self { says: None, twist: Twist::None };
}

/// A provider's side. It stops when it is dropped.
pub trait Platform: Send + Sync + std::fmt::Debug {
    /// The provider's name in settings and routes.
    fn name(&self) -> &'static str;

    /// The settings of croupier that lead here: the section `[sites.SITE.NAME]`, and one section `[sites.SITE.methods.…]` for each
    /// rail, as TOML.
    fn settings(&self, site: &str) -> String;

    /// The method, by its name in these settings, that demos and tests use: it takes deposits and payouts.
    fn method(&self) -> &'static str;

    /// What a player gives for a deposit by this method: names and values of the deposit's `details`; nothing where the platform asks
    /// the player itself.
    fn deposit_details(&self, method: &str) -> Vec<(&'static str, &'static str)>;

    /// What a player gives for a payout by this method: names and values of the withdrawal's `details`.
    fn details(&self, method: &str) -> Vec<(&'static str, &'static str)>;

    /// Where the merchant's public listener is: `http://127.0.0.1:8080`. Notifications go below it.
    fn set_merchant(&self, public: &str);

    /// How calls that make an order are answered from now on.
    fn answer_with(&self, answering: Answering);

    /// How calls that make this one order of the merchant's are answered from now on, whatever is said in general.
    fn answer_order_with(&self, id: &str, answering: Answering);

    /// Whether a payout that is asked for twice under one id is paid once, as the manual says, so that a merchant may ask again.
    fn pays_once(&self) -> bool;

    /// How a deposit ends for good that nobody pays: a declined attempt is no end where the player may try again.
    fn unpaid(&self) -> End;

    /// How questions about the status are answered from now on. A platform without a status call ignores it.
    fn tell_with(&self, telling: Telling);

    /// Everything taken so far, oldest first.
    fn orders(&self) -> Vec<Taken>;

    /// How often the status of an order was asked for.
    fn asked_about(&self, id: &str) -> usize;

    /// The order with this id of the merchant's, as soon as it is there; `None` when it does not come in time.
    fn wait_for<'a>(&'a self, id: &'a str, patience: Duration) -> BoxFuture<'a, Option<Taken>>;

    /// Decides how an order stands from now on. Notifies nobody.
    fn set(&self, id: &str, end: End);

    /// Sends one notification about an order, once, and gives the merchant's answer.
    fn notify<'a>(&'a self, id: &'a str, note: Note) -> BoxFuture<'a, Result<Answer, CallError>>;

    /// Whether the merchant's answer means that the notification need not come again.
    fn is_acknowledged(&self, answer: &Answer) -> bool;

    /// The pauses after which an unacknowledged notification is repeated, in seconds, as far as the manual says; the last one is
    /// repeated `u32` times.
    fn ladder(&self) -> (Vec<u64>, u32);
}
