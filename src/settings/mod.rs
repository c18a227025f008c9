//! What an operator can tune: `Settings.toml`, then the environment. One struct per section; every default is in the shipped file.

mod keys;
mod load;
mod methods;
mod show;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::Url;

use crate::ids::SiteId;
use crate::money::{Currency, Money};
use crate::providers::Providers;
use crate::secret::Secret;

pub use crate::sections::{Problem, Severity};
pub use keys::{ApiKey, Scope};
pub use methods::{Method, MethodLimits};

/// All settings, checked: every value is possible and no two contradict.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Listeners and limits of the service.
    pub server: Server,
    /// Where the books are.
    pub database: Database,
    /// The game server's access.
    pub wallet: Wallet,
    /// The casino brands, in the order of their names.
    pub sites: Vec<Site>,
    /// Where events are pushed, when they are.
    pub events: Option<Events>,
    /// The providers with the accounts of all sites.
    pub providers: Providers,
    /// What seals the details of payouts: the first one seals, all open. Empty: no details can be kept.
    pub vault: Vec<Secret>,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// `/cashier/*`: the Cashier and players.
    pub public_bind: SocketAddr,
    /// `/wallet`, `/admin`, `/metrics`: your own network.
    pub private_bind: SocketAddr,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest request body in bytes.
    pub max_body_bytes: usize,
    /// Connections at once, per listener.
    pub max_connections: usize,
    /// Small marks kept outside the database.
    pub state_dir: PathBuf,
    /// How much of the books is checked before they are served.
    pub verify_at_start: VerifyAtStart,
    /// Where providers reach the public listener.
    pub public_url: Option<Url>,
}

/// How much of the books is checked before they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyAtStart {
    /// All of small books; of large ones the newest part, and all of them while they are served.
    Auto,
    /// All of them, however long it takes.
    Whole,
    /// The newest part, and all of them while they are served.
    Newest,
}

impl VerifyAtStart {
    /// Every choice with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("whole", Self::Whole), ("newest", Self::Newest)];
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// `sqlite://path` or `postgres://…`. May hold a password: never printed whole.
    pub url: Secret,
    /// Writer lanes on a server; a file always has one.
    pub lanes: usize,
}

/// `[wallet]`
#[derive(Debug, Clone)]
pub struct Wallet {
    /// Who may use the wallet, by the name they appear under in logs.
    pub api_keys: BTreeMap<String, ApiKey>,
    /// How long a player's session token is good, in seconds.
    pub session_seconds: i64,
}

/// `[events]`: pushed to the game server, Standard Webhooks format.
#[derive(Debug, Clone)]
pub struct Events {
    /// Where they go.
    pub url: Url,
    /// Signs them; starts with `whsec_`.
    pub secret: Secret,
    /// Private networks that the address may resolve to.
    pub private_networks: Vec<IpNet>,
}

/// `[sites.NAME]`
#[derive(Debug, Clone)]
pub struct Site {
    /// The operator's name for it.
    pub name: String,
    /// Its number at the Cashier.
    pub site_id: SiteId,
    /// Currencies players may use.
    pub currencies: Vec<Currency>,
    /// What a question about a player we do not know does.
    pub unknown_players: UnknownPlayers,
    /// The names of the providers that the site has an account with, in the order of the registry.
    pub providers: Vec<&'static str>,
    /// Limits by currency; a currency without an entry has none.
    pub limits: BTreeMap<Currency, Limits>,
    /// How payouts are approved.
    pub payouts: Payouts,
    /// What players can choose from in the players' API, in the order of display; never empty where there is a provider.
    pub methods: Vec<Method>,
    /// How long a limit that a player raises or lifts stays as it was, in hours.
    pub raise_limits_after_hours: i64,
}

/// `unknown_players`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPlayers {
    /// Answer "User not found".
    Reject,
    /// Create the player.
    Create,
}

/// `[sites.NAME.limits.CUR]`, minor units; `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The smallest deposit.
    pub deposit_min: Option<i64>,
    /// The largest deposit.
    pub deposit_max: Option<i64>,
    /// The smallest payout.
    pub payout_min: Option<i64>,
    /// The largest payout.
    pub payout_max: Option<i64>,
    /// All deposits of one player in one UTC day.
    pub deposit_daily_max: Option<i64>,
    /// All deposits of one player in one week from Monday, UTC.
    pub deposit_weekly_max: Option<i64>,
    /// All deposits of one player in one calendar month, UTC.
    pub deposit_monthly_max: Option<i64>,
    /// All payouts of one player in one UTC day.
    pub payout_daily_max: Option<i64>,
    /// All payouts of one player in one week from Monday, UTC.
    pub payout_weekly_max: Option<i64>,
    /// All payouts of one player in one calendar month, UTC.
    pub payout_monthly_max: Option<i64>,
}

/// `[sites.NAME.payouts]`
#[derive(Debug, Clone)]
pub struct Payouts {
    /// Who approves.
    pub approval: Approval,
    /// With `auto`: up to this amount (minor units) without a person. Empty: any amount; a currency not named: none.
    pub auto_approve_up_to: BTreeMap<Currency, i64>,
    /// From this amount (minor units) two different people.
    pub four_eyes_from: BTreeMap<Currency, i64>,
    /// What a definite refusal of the first and only initiation does.
    pub on_refusal: OnRefusal,
    /// Whether a player may take a payout back while nothing of it was sent.
    pub player_may_cancel: bool,
}

/// `approval`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Staff approve every payout.
    Manual,
    /// Payouts within `auto_approve_up_to` go at once.
    Auto,
}

/// `on_refusal`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// The hold is released.
    Release,
    /// The hold stays and a review is opened.
    Review,
}

impl Settings {
    /// Reads `file` and the environment, and checks everything.
    ///
    /// # Errors
    ///
    /// Every problem found, with its key and reason; warnings alone are no error.
    pub fn load(file: &Path) -> Result<Self, Vec<Problem>> {
        Self::load_with_warnings(file).map(|(settings, _)| settings)
    }

    /// As [`Settings::load`], with what is possible but unwise.
    ///
    /// # Errors
    ///
    /// Every problem found, warnings too.
    pub fn load_with_warnings(file: &Path) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        load::load(file, std::env::vars_os())
    }

    /// Reads and checks TOML text, without the environment: for the demo and for tests.
    ///
    /// # Errors
    ///
    /// Every problem found, warnings too.
    pub fn from_text(toml: &str) -> Result<Self, Vec<Problem>> {
        load::read_text(toml, Path::new("settings"), std::iter::empty()).map(|(settings, _)| settings)
    }

    /// Whether there is a secret in them that others must not read.
    pub fn holds_secrets(&self) -> bool {
        !self.wallet.api_keys.is_empty() || self.events.is_some() || self.sites.iter().any(|s| !s.providers.is_empty())
    }

    /// The site with this number.
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        self.sites.iter().find(|site| site.site_id == id)
    }
}

impl Site {
    /// The method whose deposits the Cashier knows by this payment group, as its wire has it.
    pub fn method_of_group(&self, group: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.payment_group_id.is_some_and(|known| known.to_string() == group))
    }

    /// Whether the site has an account with this provider.
    pub fn has(&self, provider: &str) -> bool {
        self.providers.contains(&provider)
    }

    /// The methods by which payouts go, when any says so; without one they go through the Cashier.
    pub fn payout_methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| method.payouts)
    }

    /// The limits for a currency of the site.
    pub fn limits(&self, currency: Currency) -> Limits {
        self.limits.get(&currency).copied().unwrap_or_default()
    }

    /// Whether an act on this amount needs two different people.
    pub fn needs_four_eyes(&self, amount: Money) -> bool {
        self.four_eyes_at(amount.minor(), amount.currency())
    }

    /// Whether an act on this many minor units, of either sign, needs two different people.
    pub fn four_eyes_at(&self, minor: i64, currency: Currency) -> bool {
        self.payouts.four_eyes_from.get(&currency).is_some_and(|from| minor.unsigned_abs() >= from.unsigned_abs())
    }
}
