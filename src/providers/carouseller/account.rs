//! `[sites.NAME.carouseller]`: a site's account at the main Cashier.

use ipnet::IpNet;
use serde_json::{Value, json};
use url::Url;

use super::{Encoding, SiteWire};
use crate::outgoing::AddressRules;
use crate::providers::SiteFacts;
use crate::secret::Secret;
use crate::sections::{MASK, Section, is_everybody, shown_url};

/// What an amount is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amounts {
    /// Integers in minor units.
    Minor,
    /// Decimals in major units.
    Major,
}

const AMOUNTS: [(&str, Amounts); 2] = [("minor", Amounts::Minor), ("major", Amounts::Major)];

/// A site's account, as the settings have it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The full key of the section, for problems.
    pub(super) key: String,
    /// What messages are read and signed with.
    pub(super) wire: SiteWire,
    /// Where payout initiations go.
    pub(super) payout_url: Option<Url>,
    /// Where a Cashier key is obtained.
    pub(super) authlink_url: Option<Url>,
    /// Where a browser opens the Cashier with a key; `None`: `/api/open/` beside `authlink_url`.
    pub(super) open_url: Option<Url>,
    /// Where a player's rotation is reset; `None`: `/api/clear/rotation/` beside `authlink_url`.
    pub(super) rotation_url: Option<Url>,
    /// Where reports are ordered.
    pub(super) report_url: Option<Url>,
    /// Where a session of API 1.0 is begun.
    pub(super) session_url: Option<Url>,
    /// Where deposits of API 1.0 go.
    pub(super) deposit_url: Option<Url>,
    /// Where payouts of API 1.0 go.
    pub(super) direct_payout_url: Option<Url>,
    /// Where the status of an order is asked for.
    pub(super) status_url: Option<Url>,
    /// What the amounts in an answer about an order are in.
    pub(super) status_amounts: Amounts,
    /// How an initiation is written.
    pub(super) payout_encoding: Encoding,
    /// Whether the Cashier has confirmed in writing that a repeated `external_id` pays once.
    pub(super) deduplicates_external_id: bool,
    /// Private networks that the addresses above may resolve to (loopback is always allowed).
    pub(super) private_networks: Vec<IpNet>,
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
            wire: SiteWire {
                site: site.site,
                salts: s.secrets("salts"),
                allow_from: s.networks("allow_from"),
                currencies: site.currencies.clone(),
                accept_unsigned: s.boolean("accept_unsigned_webhooks").unwrap_or(false),
            },
            payout_url: s.url("payout_url", &rules),
            authlink_url: s.url("authlink_url", &rules),
            open_url: s.url("open_url", &rules),
            rotation_url: s.url("rotation_url", &rules),
            report_url: s.url("report_url", &rules),
            session_url: s.url("session_url", &rules),
            deposit_url: s.url("deposit_url", &rules),
            direct_payout_url: s.url("direct_payout_url", &rules),
            status_url: s.url("status_url", &rules),
            status_amounts: s.word("status_amounts", &AMOUNTS).unwrap_or(Amounts::Minor),
            payout_encoding: s
                .word("payout_encoding", &[("json", Encoding::Json), ("form", Encoding::Form)])
                .unwrap_or(Encoding::Json),
            deduplicates_external_id: s.boolean("deduplicates_external_id").unwrap_or(false),
            private_networks,
        };
        account.check(&s);
        s.finish();
        account
    }

    fn check(&self, s: &Section<'_>) {
        let notes = s.notes();
        if self.authlink_url.as_ref().is_some_and(|url| url.query().is_some()) {
            notes.error(s.key("authlink_url"), "must not hold a query: the signed parameters take its place");
        }
        self.check_direct(s);
        if self.wire.accept_unsigned {
            let key = s.key("accept_unsigned_webhooks");
            if self.wire.allow_from.is_empty() {
                notes.error(key, "needs allow_from: without it anybody could notify us");
            } else if self.wire.allow_from.iter().any(is_everybody) {
                notes.error(key, "needs an allow_from that does not allow everybody");
            } else {
                let who = if self.status_url.is_some() { "the status call confirms" } else { "a person confirms" };
                notes.warning(key, format!("notifications without a signature are taken as hints, which {who}"));
            }
        }
        s.check_private_networks(&self.private_networks);
        if self.deduplicates_external_id {
            let reason = "payouts of unknown outcome may be sent again; be sure you have it in writing";
            notes.warning(s.key("deduplicates_external_id"), reason);
        }
        if self.payout_url.is_none() {
            notes.warning(s.key("payout_url"), "is not set: payouts are held and wait, none can be sent");
        }
    }

    fn check_direct(&self, s: &Section<'_>) {
        let notes = s.notes();
        let used = self.deposit_url.is_some() || self.direct_payout_url.is_some();
        match (self.session_url.is_some(), used) {
            (false, true) => {
                let reason = "is missing: deposit_url and direct_payout_url need a session key of API 1.0";
                notes.error(s.key("session_url"), reason);
            }
            (true, false) => {
                let reason = "is set without deposit_url and direct_payout_url: it is used for nothing";
                notes.warning(s.key("session_url"), reason);
            }
            (true, true) | (false, false) => {}
        }
        if used && self.status_url.is_none() {
            let reason = "is not set: what becomes of an order of API 1.0 whose answer is lost, a person must ask";
            notes.warning(s.key("status_url"), reason);
        }
    }

    /// For people, with every secret masked.
    pub(super) fn shown(&self) -> Value {
        json!({
            "salts": vec![MASK; self.wire.salts.len()],
            "payout_url": self.payout_url.as_ref().map(shown_url),
            "authlink_url": self.authlink_url.as_ref().map(shown_url),
            "open_url": self.open_url.as_ref().map(shown_url),
            "rotation_url": self.rotation_url.as_ref().map(shown_url),
            "report_url": self.report_url.as_ref().map(shown_url),
            "session_url": self.session_url.as_ref().map(shown_url),
            "deposit_url": self.deposit_url.as_ref().map(shown_url),
            "direct_payout_url": self.direct_payout_url.as_ref().map(shown_url),
            "status_url": self.status_url.as_ref().map(shown_url),
            "status_amounts": AMOUNTS.iter().find(|(_, amounts)| *amounts == self.status_amounts).map(|(name, _)| *name),
            "payout_encoding": match self.payout_encoding {
                Encoding::Json => "json",
                Encoding::Form => "form",
            },
            "allow_from": self.wire.allow_from,
            "accept_unsigned_webhooks": self.wire.accept_unsigned,
            "deduplicates_external_id": self.deduplicates_external_id,
            "private_networks": self.private_networks,
        })
    }

    /// The salts with the key they stand under.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (String, Secret)> {
        self.wire.salts.iter().map(|salt| (format!("{}.salts", self.key), salt.clone()))
    }
}
