//! `[sites.NAME.rebilly]`: a site's account at Rebilly.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use url::Url;

use super::PROVIDER;
use crate::ids::SiteId;
use crate::outgoing::AddressRules;
use crate::providers::SiteFacts;
use crate::secret::Secret;
use crate::sections::{MASK, Section, shown_url};

/// Where Rebilly is (manual, "Conventions"); the sandbox is the other one.
const LIVE: &str = "https://api.rebilly.com";
const LIVE_HOST: &str = "api.rebilly.com";
const SANDBOX_HOST: &str = "api-sandbox.rebilly.com";

/// What the path of a notice begins with, behind the provider's name.
pub(super) const NOTICE: &str = "notification";

/// The longest id (manual, "Conventions").
const LONGEST_ID: usize = 50;
/// A token that can be guessed lets anybody make us ask.
const SHORTEST_TOKEN: usize = 16;

/// How Rebilly's webhooks prove that they are Rebilly's (manual, "Webhooks", service credentials).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WebhookAuth {
    /// Name and password with each request.
    Basic,
    /// An answer to our challenge.
    Digest,
}

/// How a deposit begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DepositBy {
    /// A deposit request of its own, with the order's amount.
    DepositRequest,
    /// The player's cashier, and the deposit request behind it.
    Cashier,
}

/// Who allocates an approved payout request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allocate {
    /// Rebilly, as soon as it is approved.
    Auto,
    /// A person at Rebilly.
    Nobody,
}

/// A site's account, as the settings have it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    key: String,
    pub(super) site: SiteId,
    pub(super) organization_id: String,
    pub(super) website_id: String,
    pub(super) api_key: Secret,
    pub(super) url: Url,
    pub(super) webhook_user: String,
    pub(super) webhook_password: Secret,
    pub(super) webhook_auth: WebhookAuth,
    pub(super) notification_token: Secret,
    pub(super) deposit_by: DepositBy,
    pub(super) send_balances: bool,
    pub(super) allocate: Allocate,
    /// Where our public listener is.
    pub(super) public_url: Option<Url>,
    allow_from: Vec<IpNet>,
    pub(super) private_networks: Vec<IpNet>,
}

/// Whether this can be an id of Rebilly's: 1 to 50 of `[@~\-\.\w]` (manual, "Conventions"), and no step through a path.
pub(super) fn is_id(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"@~-._".contains(&b);
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(good) && text.bytes().any(|b| b != b'.')
}

impl Account {
    /// Reads the section; what is wrong is noted.
    pub(super) fn read(mut s: Section<'_>, site: &SiteFacts) -> Self {
        let private_networks = s.networks("private_networks");
        let rules = AddressRules::new(private_networks.clone());
        let is_default = !s.has("url");
        let url = s.url("url", &rules);
        // An address that cannot be read is told of once.
        let is_known = is_default || url.is_some();
        let account = Self {
            key: s.key("").trim_end_matches('.').to_owned(),
            site: site.site,
            organization_id: s.needed_text("organization_id", "it is in the path of every call"),
            website_id: s.needed_text("website_id", "deposits and payouts are made for a website"),
            api_key: s.needed_secret("api_key", "nothing can be asked of Rebilly without it"),
            url: url.unwrap_or_else(|| Url::parse(LIVE).expect("a constant")),
            webhook_user: s.needed_text("webhook_user", "webhooks carry a name and a password"),
            webhook_password: s.needed_secret("webhook_password", "webhooks carry a name and a password"),
            webhook_auth: s
                .word("webhook_auth", &[("basic", WebhookAuth::Basic), ("digest", WebhookAuth::Digest)])
                .unwrap_or(WebhookAuth::Basic),
            notification_token: s.needed_secret("notification_token", "it shows that a notice comes from Rebilly"),
            deposit_by: s
                .word("deposit_by", &[("deposit_request", DepositBy::DepositRequest), ("cashier", DepositBy::Cashier)])
                .unwrap_or(DepositBy::DepositRequest),
            send_balances: s.boolean("send_balances").unwrap_or(false),
            allocate: s
                .word("allocate", &[("auto", Allocate::Auto), ("none", Allocate::Nobody)])
                .unwrap_or(Allocate::Auto),
            public_url: site.public_url.clone(),
            allow_from: s.networks("allow_from"),
            private_networks,
        };
        account.check(&s, is_known);
        s.finish();
        account
    }

    fn check(&self, s: &Section<'_>, is_known: bool) {
        let notes = s.notes();
        for (name, id) in [("organization_id", &self.organization_id), ("website_id", &self.website_id)] {
            if !id.trim().is_empty() && !is_id(id) {
                notes.error(s.key(name), "is no id of Rebilly's: 1 to 50 letters, digits and @ ~ - . _");
            }
        }
        self.check_key(s, is_known);
        if self.webhook_user.contains(':') || self.webhook_user.chars().any(char::is_control) {
            notes.error(s.key("webhook_user"), "must hold neither a colon nor control characters");
        }
        if self.webhook_password.expose().chars().any(char::is_control) {
            notes.error(s.key("webhook_password"), "must not hold control characters");
        }
        let token = self.notification_token.expose();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_good = token.len() >= SHORTEST_TOKEN && token.bytes().all(plain);
        if !is_good && !token.trim().is_empty() {
            notes
                .error(s.key("notification_token"), "must be 16 or more letters, digits, - and _: it stands in a path");
        }
        if self.public_url.is_none() {
            let reason = "needs server.public_url: Rebilly is given our address with each deposit";
            notes.error(s.key("notification_token"), reason);
        }
        if self.send_balances && self.deposit_by != DepositBy::Cashier {
            notes.warning(s.key("send_balances"), "has no effect unless deposit_by is \"cashier\"");
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            notes.error(s.key("url"), "must be a base address without a query");
        }
        s.check_private_networks(&self.private_networks);
    }

    /// The key says for which of the two it is, and so does the host (manual, "Conventions"; its "Open questions" 16).
    fn check_key(&self, s: &Section<'_>, is_known: bool) {
        let (key, notes) = (self.api_key.expose(), s.notes());
        let host = self.url.host_str().unwrap_or_default();
        if key.trim().is_empty() {
            return;
        }
        if key.starts_with("pk_") {
            notes.error(s.key("api_key"), "is a publishable key: a secret one begins with sk_");
        } else if key.starts_with("sk_sandbox_") {
            if is_known && host == LIVE_HOST {
                notes.error(s.key("api_key"), "is a key of the sandbox, and url leads to the live host");
            }
        } else if key.starts_with("sk_live_") {
            if host == SANDBOX_HOST {
                notes.error(s.key("api_key"), "is a live key, and url leads to the sandbox");
            } else if is_known && host != LIVE_HOST {
                notes.warning(s.key("url"), "gets a live key and is not Rebilly's live host");
            }
        } else {
            notes.error(s.key("api_key"), "must begin with sk_live_ or sk_sandbox_");
        }
        if key.chars().any(|c| c.is_whitespace() || c.is_control()) {
            notes.error(s.key("api_key"), "must not hold blanks");
        }
    }

    /// For people, with every secret masked.
    pub(super) fn shown(&self) -> Value {
        json!({
            "organization_id": self.organization_id,
            "website_id": self.website_id,
            "api_key": MASK,
            "url": shown_url(&self.url),
            "webhook_user": self.webhook_user,
            "webhook_password": MASK,
            "webhook_auth": match self.webhook_auth {
                WebhookAuth::Basic => "basic",
                WebhookAuth::Digest => "digest",
            },
            "notification_token": MASK,
            "deposit_by": match self.deposit_by {
                DepositBy::DepositRequest => "deposit_request",
                DepositBy::Cashier => "cashier",
            },
            "send_balances": self.send_balances,
            "allocate": match self.allocate {
                Allocate::Auto => "auto",
                Allocate::Nobody => "none",
            },
            "allow_from": self.allow_from,
            "private_networks": self.private_networks,
        })
    }

    /// The secrets with the keys they stand under.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (String, Secret)> {
        let secrets = [
            ("api_key", &self.api_key),
            ("webhook_password", &self.webhook_password),
            ("notification_token", &self.notification_token),
        ];
        secrets.into_iter().map(|(name, secret)| (format!("{}.{name}", self.key), secret.clone()))
    }

    /// Whether a message may come from here. An IPv4 address is the same address when it comes in IPv6 dress.
    pub(super) fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allow_from.is_empty() || self.allow_from.iter().any(|net| net.contains(&peer))
    }

    /// Where Rebilly reports the transactions of an order, with its two placeholders unescaped (manual, "notificationUrl").
    pub(super) fn notification_url(&self, external_id: &str) -> Option<String> {
        let public = self.public_url.as_ref()?.as_str().trim_end_matches('/');
        let token = self.notification_token.expose();
        Some(format!("{public}/cashier/webhook/{PROVIDER}/{NOTICE}/{token}/{{id}}/{{result}}/{external_id}"))
    }
}
