//! `[sites.NAME.exotic]`: a site's account at Exotic.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use super::SiteFacts;
use super::rails::Rail;
use super::signature::{CANDIDATES, Formula};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::AddressRules;
use crate::secret::Secret;
use crate::sections::{MASK, Section, shown_url};

/// The decimals that every amount is written with (open question 11).
const DECIMALS: usize = 2;
/// The longest callback address the manual takes.
const LONGEST_CALLBACK: usize = 512;
/// The shortest callback token. A shorter one can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// What an order lives without a word of the operator, and the longest it may, in minutes.
const MINUTES: (i64, i64) = (30, 10_080);
/// The usual pause between two status calls, in milliseconds.
pub(super) const STATUS_PAUSE: i64 = 1000;

/// Which id stands in the path of the status call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatusBy {
    /// Ours.
    OrderId,
    /// Theirs.
    InternalTransactionId,
}

impl StatusBy {
    /// Both, with their names in settings and facts.
    pub(super) const NAMES: [(&'static str, Self); 2] =
        [("order_id", Self::OrderId), ("internal_transaction_id", Self::InternalTransactionId)];

    /// The name in settings and facts.
    pub(super) fn name(self) -> &'static str {
        match self {
            StatusBy::OrderId => "order_id",
            StatusBy::InternalTransactionId => "internal_transaction_id",
        }
    }
}

/// A site's account, as the settings have it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The full key of the section, for problems.
    key: String,
    pub(super) site: SiteId,
    /// Its name in every path.
    merchant: String,
    /// The first one signs, all verify.
    pub(super) sign_keys: Vec<Secret>,
    /// `X-Api-Key` of the status call.
    pub(super) api_key: Secret,
    /// The base address.
    url: Option<Url>,
    /// How notices and cancellations are signed.
    pub(super) formula: Formula,
    /// The part of the callback addresses that nobody can guess.
    callback_token: Secret,
    /// Where our public listener is.
    public_url: Option<Url>,
    /// The life of an order there, in minutes.
    pub(super) payout_minutes: i64,
    pub(super) deposit_minutes: i64,
    pub(super) status_by: StatusBy,
    /// The least pause between two status calls, in milliseconds.
    pub(super) status_pause: i64,
    /// Whether a repeated `order_id` pays once, in writing.
    pub(super) deduplicates: bool,
    allow_from: Vec<IpNet>,
    pub(super) private_networks: Vec<IpNet>,
}

impl Account {
    /// Reads the section; what is wrong is noted.
    pub(super) fn read(mut s: Section<'_>, site: &SiteFacts) -> Self {
        let private_networks = s.networks("private_networks");
        let rules = AddressRules::new(private_networks.clone());
        for (key, why) in [
            ("sign_keys", "is missing: nothing can be signed or verified without one"),
            ("url", "is missing: the platform's base address comes with the account"),
        ] {
            if !s.has(key) {
                s.notes().error(s.key(key), why);
            }
        }
        let account = Self {
            key: s.key("").trim_end_matches('.').to_owned(),
            site: site.site,
            merchant: s.needed_text("merchant", "it stands in every path"),
            sign_keys: s.secrets("sign_keys"),
            api_key: s.needed_secret("api_key", "notices must be confirmed by the status call"),
            url: s.url("url", &rules),
            formula: formula(&mut s),
            callback_token: s.needed_secret("callback_token", "it keeps strangers from the callback addresses"),
            public_url: site.public_url.clone(),
            payout_minutes: s.integer("payout_minutes", 1, MINUTES.1).unwrap_or(MINUTES.0),
            deposit_minutes: s.integer("deposit_minutes", 1, MINUTES.1).unwrap_or(MINUTES.0),
            status_by: s.word("status_by", &StatusBy::NAMES).unwrap_or(StatusBy::OrderId),
            status_pause: s.integer("status_pause", 0, 60_000).unwrap_or(STATUS_PAUSE),
            deduplicates: s.boolean("deduplicates_order_id").unwrap_or(false),
            allow_from: s.networks("allow_from"),
            private_networks,
        };
        account.check(&s, site);
        s.finish();
        account
    }

    fn check(&self, s: &Section<'_>, site: &SiteFacts) {
        let notes = s.notes();
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !plain(&self.merchant) {
            notes.error(s.key("merchant"), "is made of letters, digits, _ and -");
        }
        let token = self.callback_token.expose();
        if !token.trim().is_empty() && (!plain(token) || token.len() < SHORTEST_TOKEN) {
            let reason =
                "is made of 16 letters, digits, _ and - or more: it stands in an address and must not be guessed";
            notes.error(s.key("callback_token"), reason);
        }
        if !self.api_key.expose().bytes().all(|b| b.is_ascii_graphic()) {
            notes.error(s.key("api_key"), "must be visible ASCII without blanks, or no header can carry it");
        }
        if self.url.as_ref().is_some_and(|url| url.query().is_some()) {
            notes.error(s.key("url"), "must not hold a query: paths are added to it");
        }
        match &self.public_url {
            None => notes.error("server.public_url", "is missing: Exotic is told our addresses with each order"),
            Some(_) if self.callback("success", &"x".repeat(64)).is_ok_and(|url| url.len() > LONGEST_CALLBACK) => {
                notes.error("server.public_url", "is too long: Exotic takes callback addresses of 512 characters");
            }
            Some(_) => {}
        }
        if !site.currencies.is_empty() && !site.currencies.iter().any(|currency| takes(*currency)) {
            let reason = "no currency of the site has two decimals, and Exotic takes no other";
            notes.error(self.key.clone(), reason);
        }
        s.check_private_networks(&self.private_networks);
        if self.deduplicates {
            let reason = "payouts of unknown outcome may be sent again; be sure you have it in writing";
            notes.warning(s.key("deduplicates_order_id"), reason);
        }
    }

    /// For people, with every secret masked.
    pub(super) fn shown(&self) -> Value {
        json!({
            "merchant": self.merchant,
            "sign_keys": vec![MASK; self.sign_keys.len()],
            "api_key": MASK,
            "url": self.url.as_ref().map(shown_url),
            "callback_formula": self.formula.text(),
            "callback_token": MASK,
            "payout_minutes": self.payout_minutes,
            "deposit_minutes": self.deposit_minutes,
            "status_by": self.status_by.name(),
            "status_pause": self.status_pause,
            "deduplicates_order_id": self.deduplicates,
            "allow_from": self.allow_from,
            "private_networks": self.private_networks,
        })
    }

    /// What only Exotic and we may know.
    pub(super) fn secrets(&self) -> Vec<(String, Secret)> {
        let named = |name: &str, secret: &Secret| (format!("{}.{name}", self.key), secret.clone());
        let keys = self.sign_keys.iter().map(|key| named("sign_keys", key));
        keys.chain([named("api_key", &self.api_key), named("callback_token", &self.callback_token)]).collect()
    }

    /// The key that signs.
    pub(super) fn sign_key(&self) -> Result<&Secret, Error> {
        self.sign_keys.first().ok_or_else(|| Error::Internal("a site has no key to sign with".to_owned()))
    }

    /// A call's address: what stands behind the merchant's name, with or without a slash at its end exactly as printed.
    pub(super) fn address(&self, call: &str) -> Result<Url, Error> {
        let mut url = self.base()?.clone();
        let path = format!("{}/api/merchant/{}/{call}", url.path().trim_end_matches('/'), self.merchant);
        url.set_path(&path);
        Ok(url)
    }

    /// The base address.
    pub(super) fn base(&self) -> Result<&Url, Error> {
        self.url.as_ref().ok_or_else(|| Error::Conflict("the site has no url of Exotic".into()))
    }

    /// What keeps strangers from our callback addresses.
    pub(super) fn callback_token(&self) -> &str {
        self.callback_token.expose()
    }

    /// Where Exotic tells us how an order went: `kind` is `success` or `error`.
    pub(super) fn callback(&self, kind: &str, order_id: &str) -> Result<String, Error> {
        let missing = || Error::Conflict("server.public_url is not set".into());
        let base = self.public_url.as_ref().ok_or_else(missing)?.as_str().trim_end_matches('/');
        Ok(format!("{base}/cashier/webhook/{}/{kind}/{}/{order_id}", super::PROVIDER, self.callback_token.expose()))
    }

    /// Whether this is the token of our addresses. Digests are compared, so that not even the length can be measured.
    pub(super) fn owns(&self, token: &str) -> bool {
        let [own, given] = [self.callback_token.expose(), token].map(|text| Sha256::digest(text.as_bytes()));
        !self.callback_token.expose().is_empty() && bool::from(own.as_slice().ct_eq(given.as_slice()))
    }

    /// Whether messages may come from there. An IPv4 address is the same address when it comes in IPv6 dress.
    pub(super) fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allow_from.is_empty() || self.allow_from.iter().any(|net| net.contains(&peer))
    }
}

fn formula(s: &mut Section<'_>) -> Formula {
    let default = || Formula::parse(CANDIDATES[0].1).expect("the first candidate is a formula");
    let Some(text) = s.text("callback_formula") else { return default() };
    Formula::parse(&text).unwrap_or_else(|reason| {
        s.notes().error(s.key("callback_formula"), reason);
        default()
    })
}

/// Whether amounts of this currency can be written with the two decimals of the protocol.
pub(super) fn takes(currency: Currency) -> bool {
    currency.exponent() == DECIMALS
}

/// The method of an order on the wire.
pub(super) fn rail(wire: Option<&str>) -> Result<Rail, Error> {
    Rail::parse(wire.ok_or(Error::Missing("method"))?).ok_or(Error::Invalid("method"))
}
