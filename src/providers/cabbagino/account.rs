//! `[sites.NAME.cabbagino]`: a site's account at a platform that speaks API 2.0.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use url::Url;

use super::SiteFacts;
use super::forms::Form;
use crate::error::Error;
use crate::ids::SiteId;
use crate::outgoing::AddressRules;
use crate::secret::Secret;
use crate::sections::{MASK, Node, Section, shown_url};

/// Where the brand that publishes the whole of it is reached.
const URL: &str = "https://api.mvpgateways.com";
/// The one method that a manual names, with the form of its sample.
const SAMPLE: (&str, Form) = ("TEST_PS", Form::Card);

/// A site's account, as the settings have it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The full key of the section, for problems.
    key: String,
    pub(super) site: SiteId,
    /// What tells the platform who we are, in a header.
    pub(super) merchant_key: Secret,
    /// The first one signs, all verify.
    pub(super) salts: Vec<Secret>,
    /// The base address.
    url: Option<Url>,
    /// Our number there, which the status call of the Carouseller brand wants.
    pub(super) site_id: Option<i64>,
    /// What `payment_data` holds, by the method's name on the wire.
    payment_data: BTreeMap<String, Form>,
    /// Whether a repeated `external_id` pays once, in writing.
    pub(super) deduplicates: bool,
    allow_from: Vec<IpNet>,
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
        let default = |s: &mut Section<'_>, rules: &AddressRules| s.url("url", rules).or_else(|| Url::parse(URL).ok());
        let account = Self {
            key: s.key("").trim_end_matches('.').to_owned(),
            site: site.site,
            merchant_key: s.needed_secret("merchant_key", "it tells the platform who we are"),
            salts: s.secrets("salts"),
            // What is given and wrong does not fall back to the default.
            url: if s.has("url") { s.url("url", &rules) } else { default(&mut s, &rules) },
            site_id: s.integer("site_id", 1, i64::MAX),
            payment_data: payment_data(&mut s),
            deduplicates: s.boolean("deduplicates_external_id").unwrap_or(false),
            allow_from: s.networks("allow_from"),
            private_networks,
        };
        account.check(&s);
        s.finish();
        account
    }

    fn check(&self, s: &Section<'_>) {
        let notes = s.notes();
        if !self.merchant_key.expose().bytes().all(|b| b.is_ascii_graphic()) {
            notes.error(s.key("merchant_key"), "must be visible ASCII without blanks, or no header can carry it");
        }
        if self.url.as_ref().is_some_and(|url| url.query().is_some()) {
            notes.error(s.key("url"), "must not hold a query: paths are added to it");
        }
        s.check_private_networks(&self.private_networks);
        if self.deduplicates {
            let reason = "payouts of unknown outcome may be sent again; be sure you have it in writing";
            notes.warning(s.key("deduplicates_external_id"), reason);
        }
    }

    /// For people, with every secret masked.
    pub(super) fn shown(&self) -> Value {
        let forms: BTreeMap<&str, &str> =
            self.payment_data.iter().map(|(name, form)| (name.as_str(), form.name())).collect();
        json!({
            "merchant_key": MASK,
            "salts": vec![MASK; self.salts.len()],
            "url": self.url.as_ref().map(shown_url),
            "site_id": self.site_id,
            "payment_data": forms,
            "deduplicates_external_id": self.deduplicates,
            "allow_from": self.allow_from,
            "private_networks": self.private_networks,
        })
    }

    /// What only the platform and we may know.
    pub(super) fn secrets(&self) -> Vec<(String, Secret)> {
        let salts = self.salts.iter().map(|salt| (format!("{}.salts", self.key), salt.clone()));
        salts.chain([(format!("{}.merchant_key", self.key), self.merchant_key.clone())]).collect()
    }

    /// A call's address.
    pub(super) fn address(&self, path: &str) -> Result<Url, Error> {
        let none = || Error::Conflict("the site has no url of the platform".into());
        let mut url = self.url.clone().ok_or_else(none)?;
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }

    /// The form of a method's `payment_data`; `None`: nobody said.
    pub(super) fn form(&self, method: &str) -> Option<Form> {
        let sample = (method == SAMPLE.0).then_some(SAMPLE.1);
        self.payment_data.get(method).copied().or(sample)
    }

    /// Whether messages may come from there. An IPv4 address is the same address when it comes in IPv6 dress.
    pub(super) fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allow_from.is_empty() || self.allow_from.iter().any(|net| net.contains(&peer))
    }
}

/// Forms by the method's name, which is the manager's.
fn payment_data(s: &mut Section<'_>) -> BTreeMap<String, Form> {
    let Some(mut given) = s.section("payment_data") else { return BTreeMap::new() };
    let mut forms = BTreeMap::new();
    for method in given.names() {
        let form = match given.peek(&method) {
            Some(Node::Text(text) | Node::Env(text)) => Form::parse(text),
            Some(Node::Table(_) | Node::List(_) | Node::Integer(_) | Node::Boolean(_) | Node::Other(_)) | None => None,
        };
        given.remove(&method);
        match form {
            Some(form) => drop(forms.insert(method, form)),
            None => {
                let words = Form::NAMES.map(|(name, _)| format!("\"{name}\"")).join(", ");
                given.notes().error(given.key(&method), format!("must be one of {words}"));
            }
        }
    }
    given.finish();
    forms
}
