//! The casinos in which the campaigns are played: two sites with a salt and a Cashier each, players' purses in several currencies, and
//! the settings that say so.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use croupier::simulate::Brand;
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};

use crate::options::Failure;

/// The game server's key.
pub const KEY: &str = "a-key-of-the-failure-campaign-0123456789";
/// Payouts above it, in minor units, wait for staff.
pub const AUTOMATIC: i64 = 6_000;
/// Payouts of dollars from here on need two people.
pub const FOUR_EYES: i64 = 20_000;

/// One casino.
#[derive(Debug)]
pub struct Site {
    pub id: i64,
    name: &'static str,
    pub salt: &'static str,
}

pub const SITES: [Site; 2] = [
    Site { id: 332, name: "demo", salt: "a salt of the failure campaign, long enough" },
    Site { id: 333, name: "other", salt: "another salt of the campaigns, of the other site" },
];

/// Site and currency of one purse after another: the same login is there twice on the first site, and somebody else on the second.
const PURSES: [(usize, &str); 3] = [(0, "USD"), (1, "EUR"), (0, "JPY")];

/// The money of one player in one currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purse {
    pub site: i64,
    pub login: String,
    pub currency: &'static str,
}

impl fmt::Display for Purse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.site, self.login, self.currency)
    }
}

impl Purse {
    /// Dollars of somebody on the first site.
    pub fn of(login: &str) -> Self {
        Self { site: SITES[0].id, login: login.to_owned(), currency: PURSES[0].1 }
    }

    /// The purse with this number.
    pub fn numbered(number: u64) -> Self {
        let count = PURSES.len() as u64;
        let (site, currency) = PURSES[usize::try_from(number % count).unwrap_or(0)];
        Self { site: SITES[site].id, login: format!("player-{}", number / count), currency }
    }

    /// A reference that nobody else uses.
    pub fn reference(&self, what: &str) -> String {
        format!("{what}-{}-{}-{}", self.site, self.login, self.currency)
    }

    /// The path of its player on the wallet API.
    pub fn path(&self) -> String {
        format!("/sites/{}/players/{}", self.site, self.login)
    }

    /// An amount as decimals of the currency.
    pub fn decimals(&self, minor: i64) -> String {
        match self.currency {
            "JPY" => minor.to_string(),
            _ => format!("{}.{:02}", minor / 100, minor % 100),
        }
    }

    /// What messages about it are signed with.
    pub fn brand(&self) -> Brand {
        let salt = SITES.iter().find(|site| site.id == self.site).map_or("", |site| site.salt);
        Brand::new(self.site, salt)
    }
}

/// The Cashier of every site, each on a free port, in the order of [`SITES`].
pub async fn cashiers<F>(behaviour: F) -> Result<Vec<CashierServer>, Failure>
where
    F: Fn(&Initiation) -> Behaviour + Send + Sync + Clone + 'static,
{
    let mut cashiers = Vec::new();
    for site in &SITES {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let cashier = CashierServer::start(here, Brand::new(site.id, site.salt), behaviour.clone()).await;
        cashiers.push(cashier.map_err(|error| format!("a Cashier: {error}"))?);
    }
    Ok(cashiers)
}

/// The text of a service's settings.
pub fn settings(binds: [SocketAddr; 2], state: &Path, database: &str, cashiers: &[CashierServer]) -> String {
    let [public, private] = binds;
    let state = state.display();
    let mut text = format!(
        r#"[server]
public_bind = "{public}"
private_bind = "{private}"
state_dir = "{state}"
[database]
url = "{database}"
[wallet]
api_keys = {{ game_server = "{KEY}" }}
session_seconds = 86400
"#
    );
    for (site, cashier) in SITES.iter().zip(cashiers) {
        let (Site { id, name, salt }, payout, authlink) = (site, cashier.payout_url(), cashier.authlink_url());
        text.push_str(&format!(
            r#"[sites.{name}]
site_id = {id}
currencies = ["USD", "EUR", "JPY"]
[sites.{name}.carouseller]
salts = ["{salt}"]
payout_url = "{payout}"
authlink_url = "{authlink}"
[sites.{name}.payouts]
approval = "auto"
auto_approve_up_to = {{ USD = {AUTOMATIC}, EUR = {AUTOMATIC}, JPY = {AUTOMATIC} }}
four_eyes_from = {{ USD = {FOUR_EYES} }}
"#
        ));
    }
    text
}
