//! `[sites.NAME.cactus]`: a site's account at Cactus.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use url::Url;

use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::AddressRules;
use crate::providers::{SiteFacts, Surplus};
use crate::secret::Secret;
use crate::sections::{MASK, Section, shown_url};

/// The platform's own address (manual, "Transport").
const BASE: &str = "https://cactusgino.com";

/// The longest merchant and project id in characters. The manual gives no limit.
const LONGEST_ID: usize = 128;

/// How a deposit begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DepositBy {
    /// A token, and the platform's page.
    Form,
    /// An invoice, whose requisites the casino shows.
    Invoice,
}

/// A site's account, as the settings have it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The full key of the section, for problems.
    key: String,
    /// Its number at the platform.
    pub(super) site: SiteId,
    /// `merchant_id`
    pub(super) merchant_id: String,
    /// The first one signs, all verify.
    pub(super) salts: Vec<Secret>,
    /// Addresses callbacks come from; empty: any.
    allow_from: Vec<IpNet>,
    /// The site's currencies.
    pub(super) currencies: Vec<Currency>,
    /// The base address; every call is a path below it.
    url: Url,
    /// How a deposit begins.
    pub(super) deposit_by: DepositBy,
    /// Where a browser opens the form with a key; `None`: below the base address.
    open_url: Option<Url>,
    /// For the project's balance.
    pub(super) project_id: Option<String>,
    /// Where the status of an order is asked for; the manual has no such call.
    pub(super) status_url: Option<Url>,
    /// What is done with deposits that the platform made by itself.
    pub(super) additional: Surplus,
    /// Whether the platform has confirmed in writing that a repeated `request_id` pays once.
    pub(super) deduplicates: bool,
    /// Private networks that the addresses above may resolve to.
    private_networks: Vec<IpNet>,
}

impl Account {
    /// Reads the section; what is wrong is noted.
    pub(super) fn read(mut s: Section<'_>, site: &SiteFacts) -> Self {
        let private_networks = s.networks("private_networks");
        let rules = AddressRules::new(private_networks.clone());
        if !s.has("salts") {
            s.notes().error(s.key("salts"), "is missing: nothing can be signed or verified without one");
        }
        let account = Self {
            key: s.key("").trim_end_matches('.').to_owned(),
            site: site.site,
            merchant_id: s.needed_text("merchant_id", "the platform's name for you stands in every request"),
            salts: s.secrets("salts"),
            allow_from: s.networks("allow_from"),
            currencies: site.currencies.clone(),
            url: s.url("url", &rules).unwrap_or_else(|| Url::parse(BASE).expect("a good address")),
            deposit_by: s
                .word("deposit_by", &[("form", DepositBy::Form), ("invoice", DepositBy::Invoice)])
                .unwrap_or(DepositBy::Form),
            open_url: s.url("open_url", &rules),
            project_id: s.text("project_id"),
            status_url: s.url("status_url", &rules),
            additional: s
                .word("additional_deposits", &[("review", Surplus::Review), ("credit", Surplus::Credit)])
                .unwrap_or(Surplus::Review),
            deduplicates: s.boolean("deduplicates_request_id").unwrap_or(false),
            private_networks,
        };
        account.check(&s);
        s.finish();
        account
    }

    fn check(&self, s: &Section<'_>) {
        let notes = s.notes();
        let ids = [("merchant_id", Some(&self.merchant_id)), ("project_id", self.project_id.as_ref())];
        for (key, id) in ids.into_iter().filter_map(|(key, id)| Some((key, id?))) {
            if id.chars().count() > LONGEST_ID || id.chars().any(|c| c.is_control() || c == ';') {
                notes.error(s.key(key), "must be at most 128 characters, without control characters and semicolons");
            }
        }
        if self.project_id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            notes.error(s.key("project_id"), "must not be empty; leave it out when there is none");
        }
        for (key, url) in [("url", Some(&self.url)), ("open_url", self.open_url.as_ref())] {
            if url.is_some_and(|url| url.query().is_some()) {
                notes.error(s.key(key), "must not hold a query: a path is added to it");
            }
        }
        s.check_private_networks(&self.private_networks);
        if self.deduplicates {
            let reason = "payouts of unknown outcome may be sent again; be sure you have it in writing";
            notes.warning(s.key("deduplicates_request_id"), reason);
        }
        if self.additional == Surplus::Credit {
            let reason =
                "players are credited for money that no order of theirs asked for, on the platform's word alone";
            notes.warning(s.key("additional_deposits"), reason);
        }
    }

    /// For people, with every secret masked.
    pub(super) fn shown(&self) -> Value {
        json!({
            "merchant_id": self.merchant_id,
            "salts": vec![MASK; self.salts.len()],
            "url": shown_url(&self.url),
            "deposit_by": match self.deposit_by {
                DepositBy::Form => "form",
                DepositBy::Invoice => "invoice",
            },
            "open_url": self.open_url.as_ref().map(shown_url),
            "project_id": self.project_id,
            "status_url": self.status_url.as_ref().map(shown_url),
            "additional_deposits": match self.additional {
                Surplus::NotHere | Surplus::Review => "review",
                Surplus::Credit => "credit",
            },
            "deduplicates_request_id": self.deduplicates,
            "allow_from": self.allow_from,
            "private_networks": self.private_networks,
        })
    }

    /// The salts with the key they stand under.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (String, Secret)> {
        self.salts.iter().map(|salt| (format!("{}.salts", self.key), salt.clone()))
    }

    /// Where calls may go, and where players may be sent.
    pub(super) fn rules(&self) -> AddressRules {
        AddressRules::new(self.private_networks.clone())
    }

    /// Whether callbacks may come from there. An IPv4 address is the same address when it comes in IPv6 dress.
    pub(super) fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allow_from.is_empty() || self.allow_from.iter().any(|net| net.contains(&peer))
    }

    /// The address of a call.
    pub(super) fn at(&self, path: &str) -> Url {
        below(&self.url, path)
    }

    /// The page of a key. The manual does not say where that is; its sample of `redirect_url` looks like this.
    pub(super) fn page(&self, key: &str) -> Url {
        match &self.open_url {
            Some(url) => below(url, &format!("/{key}/")),
            None => below(&self.url, &format!("/api/jsapi/open/{key}/")),
        }
    }
}

/// `path`, which begins with a slash, below an address that may end with one.
fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    below
}
