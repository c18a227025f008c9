//! The Carouseller dialect: questions and notifications in, payout initiations out. Translates, and moves no money.
//!
//! Checks come in the order of the contract: readable, action, site, address, signature, then each field.

mod account;
pub mod answer;
mod authlink;
mod deviations;
mod direct;
pub mod door;
pub mod explain;
mod initiation;
mod news;
mod notification;
mod provider;
mod question;
mod status;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use super::signed::{fields as wire, pairs, signature, writing};
use super::{Notification, PayoutOrder, Question, RawRequest, ReadError};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::secret::Secret;

pub use account::Account;
pub use authlink::CHOSEN;
pub use initiation::{Encoding, read_initiation_answer};

use pairs::Pairs;
use signature::{Reading, Verdict};

pub use signature::looks_like_more;
use wire::Fields;

/// What the dialect needs to know of a site.
#[derive(Debug, Clone)]
pub struct SiteWire {
    /// Its number at the Cashier.
    pub site: SiteId,
    /// The first one signs, all verify.
    pub salts: Vec<Secret>,
    /// Addresses the Cashier calls from; empty: any.
    pub allow_from: Vec<IpNet>,
    /// Currencies that questions may be about.
    pub currencies: Vec<Currency>,
    /// Whether a notification without a signature is taken as a hint. Has no effect without `allow_from`.
    pub accept_unsigned: bool,
}

impl SiteWire {
    fn allows(&self, peer: IpAddr) -> bool {
        self.allow_from.is_empty() || self.lists(peer)
    }

    /// An IPv4 address is the same address when it comes in IPv6 dress.
    fn lists(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allow_from.iter().any(|net| net.contains(&peer))
    }
}

/// The dialect, for all sites that use it.
#[derive(Debug, Default)]
pub struct Carouseller {
    sites: HashMap<i64, SiteWire>,
    accounts: BTreeMap<i64, Account>,
}

impl Carouseller {
    /// The dialect for these sites. Of two with the same number the later one counts; settings refuse that before.
    pub fn new(sites: impl IntoIterator<Item = SiteWire>) -> Self {
        Self { sites: sites.into_iter().map(|site| (site.site.0, site)).collect(), accounts: BTreeMap::new() }
    }

    /// Whether any site takes notifications without a signature as hints.
    pub fn accepts_unsigned(&self) -> bool {
        self.sites.values().any(|site| site.accept_unsigned)
    }

    /// Verifies, then parses, `check_deposit` or `request_payout`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, in the order of the contract.
    pub fn read_question(&self, raw: &RawRequest<'_>) -> Result<Question, ReadError> {
        let pairs = pairs::read(raw)?;
        let direction = question::direction(&pairs)?;
        let site = self.site(&pairs, raw.peer)?;
        let signature = Fields(&pairs).signature().ok().flatten().ok_or(ReadError::InvalidSignature)?;
        verified(site, &pairs, signature)?;
        question::question(direction, site, &pairs).map_err(ReadError::Field)
    }

    /// Verifies, then parses, a notification about an order.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, in the order of the contract. A question sent here is refused like a bad signature.
    pub fn read_notification(&self, raw: &RawRequest<'_>) -> Result<Notification, ReadError> {
        let pairs = pairs::read(raw)?;
        let site = self.site(&pairs, raw.peer)?;
        if question::is_question(&pairs) {
            return Err(ReadError::InvalidSignature);
        }
        let may_be_unsigned = site.accept_unsigned && site.lists(raw.peer);
        let (signed, reading) = match Fields(&pairs).signature() {
            Ok(Some(signature)) => (true, verified(site, &pairs, signature)?),
            Ok(None) if may_be_unsigned => (false, Reading::REFERENCE),
            Ok(None) | Err(_) => return Err(ReadError::InvalidSignature),
        };
        notification::notification(site, &pairs, signed, reading).map_err(ReadError::Field)
    }

    /// The signed body that asks the Cashier to pay: the same bytes for the same order.
    ///
    /// # Errors
    ///
    /// `Invalid` with the name of a required field that would make the signed text ambiguous; nothing may be sent then.
    pub fn initiation(&self, order: &PayoutOrder, encoding: Encoding) -> Result<Vec<u8>, Error> {
        let site = self.sites.get(&order.site.0).ok_or(Error::NotFound("site"))?;
        initiation::body(site, order, encoding)
    }

    fn site(&self, pairs: &Pairs<'_>, peer: IpAddr) -> Result<&SiteWire, ReadError> {
        let id = Fields(pairs).site().ok_or(ReadError::UnknownSite)?;
        let site = self.sites.get(&id.0).ok_or(ReadError::UnknownSite)?;
        if site.allows(peer) { Ok(site) } else { Err(ReadError::AddressNotAllowed) }
    }
}

/// How the message is read so that its signature holds.
fn verified(site: &SiteWire, pairs: &Pairs<'_>, signature: &str) -> Result<Reading, ReadError> {
    match signature::verify(pairs, &site.salts, signature) {
        Verdict::Holds(reading) => {
            if let Some(deviation) = reading.deviation() {
                log::info!("site {}: a carouseller signature holds with {deviation}", site.site);
            }
            Ok(reading)
        }
        Verdict::TwoReadings => {
            log::warn!("security: site {}: a rightly signed message could be read as other parameters", site.site);
            Err(ReadError::InvalidSignature)
        }
        Verdict::Fails => Err(ReadError::InvalidSignature),
    }
}
