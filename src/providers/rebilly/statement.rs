//! What we heard by asking, as a statement about an order.

use sha2::{Digest, Sha256};

use super::PROVIDER;
use crate::money::Money;
use crate::providers::purse::mask;
use crate::providers::{Inquired, News, Notification, OpenOrder, Texts};

/// What an answer comes to.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) news: News,
    /// In Rebilly's words, for people.
    pub(super) codes: String,
    /// The order's amount as Rebilly states it; `None`: it states none.
    pub(super) amount: Option<Money>,
    /// What moved, when that is known.
    pub(super) real: Option<Money>,
    /// Why a person must look though the amounts agree: they are made to disagree, so that it is parked.
    pub(super) doubt: Option<&'static str>,
    /// The customer it is about.
    pub(super) customer: Option<String>,
    /// Rebilly's id of what moved the money.
    pub(super) transaction_id: String,
    /// What identifies the statement: the same again is no news.
    pub(super) content: Vec<(String, String)>,
}

impl Statement {
    /// As an answer about this order. What we sent is known by `customer_id` of its facts: who is somebody else there is not its player.
    pub(super) fn about(self, order: &OpenOrder, facts: Texts) -> Inquired {
        let amount = self.amount.unwrap_or(order.amount);
        let currency = amount.currency().code().to_owned();
        let known = order.facts.get("customer_id").or(facts.get("customer_id"));
        let other = self.customer.as_ref().filter(|customer| known.is_some_and(|known| known != *customer));
        let content: Vec<(String, String)> =
            self.content.into_iter().map(|(name, text)| (name, mask(&text).into_owned())).collect();
        Inquired::Says(
            Box::new(Notification {
                provider: PROVIDER,
                site: order.site,
                signed: true,
                external_id: order.external_id.as_str().to_owned(),
                login: other.map_or_else(|| order.login.as_str().to_owned(), |customer| format!("customer {customer}")),
                amount_minor: amount.minor(),
                currency: match self.doubt {
                    Some(doubt) => format!("{currency} {doubt}"),
                    None => currency,
                },
                real: self.real.map(|real| (real.minor(), real.currency().code().to_owned())),
                transaction_id: self.transaction_id,
                news: self.news,
                codes: self.codes,
                digest: digest(order, &content),
                content,
            }),
            facts,
        )
    }
}

/// Taken over one normal form of what is said, with the length before every text.
fn digest(order: &OpenOrder, content: &[(String, String)]) -> [u8; 32] {
    let mut sha = Sha256::new();
    let own = [("", order.external_id.as_str())];
    let told = content.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    for text in own.into_iter().chain(told).flat_map(|(name, text)| [name, text]) {
        sha.update(text.len().to_le_bytes());
        sha.update(text);
    }
    sha.finalize().into()
}
