//! Where the Cashier's doors are: the steps by which one is opened for a player, and by which it forgets what it has shown them.
//!
//! Source: protocol, "Key obtaining", "Cashier opening" and "User rotation reset".

use std::net::IpAddr;

use url::Url;

pub use super::authlink::Opening;
use super::{Account, Carouseller, authlink};
use crate::error::Error;
use crate::ids::{Login, SiteId};
use crate::money::Currency;
use crate::outgoing::Reply;
use crate::providers::{Call, Step, Verb};

/// Where the Cashier serves what is not configured, beside `authlink_url`.
const OPEN_PATH: &str = "/api/open/";
const ROTATION_PATH: &str = "/api/clear/rotation/";

/// An open door: good for one opening, soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The Cashier's key, for its native version.
    pub key: String,
    /// Where a browser or a frame goes.
    pub url: String,
}

impl Opening {
    /// An opening with what the profile holds, by its names there, and what was chosen, by the manual's.
    pub fn new(
        login: &Login,
        currency: Currency,
        customer_ip: IpAddr,
        profile: &[(String, String)],
        chosen: Vec<(String, String)>,
    ) -> Self {
        let found = |name: &str| profile.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
        let mut optional = profile.to_vec();
        let names: Vec<String> = ["first_name", "last_name"].into_iter().filter_map(found).collect();
        if found("user_name").is_none() && !names.is_empty() {
            optional.push(("user_name".to_owned(), names.join(" ")));
        }
        if let Some(country) = found("country_code") {
            optional.push(("user_country".to_owned(), country));
        }
        optional.retain(|(name, _)| chosen.iter().all(|(chosen, _)| chosen != name));
        optional.extend(chosen);
        Self { login: login.clone(), currency, customer_ip, optional }
    }
}

impl Carouseller {
    /// The next request that opens the Cashier of a site, or its door.
    ///
    /// # Errors
    ///
    /// `Conflict` when the site has no `authlink_url`; `Invalid` with the name of a choice that cannot be signed; `Provider` when the
    /// Cashier says no.
    pub fn door(&self, site: SiteId, opening: &Opening, replies: &[Reply]) -> Result<Step<Door>, Error> {
        let (account, authlink) = self.endpoint(site)?;
        let Some(reply) = replies.first() else {
            let mut url = authlink.clone();
            url.set_query(Some(&authlink::query(&account.wire, opening)?));
            return Ok(Step::call(Call::get(url)));
        };
        let key = authlink::read_key(reply.status, &reply.body)?;
        let mut url = beside(authlink, account.open_url.as_ref(), OPEN_PATH);
        url.query_pairs_mut().append_pair("key", &key);
        Ok(Step::Done(Door { key, url: url.into() }))
    }

    /// The next request that lets the Cashier of a site forget what it has shown a player.
    ///
    /// # Errors
    ///
    /// As [`Carouseller::door`].
    pub fn forget(&self, site: SiteId, login: &Login, replies: &[Reply]) -> Result<Step<()>, Error> {
        let (account, authlink) = self.endpoint(site)?;
        match replies.first() {
            None => {
                let url = beside(authlink, account.rotation_url.as_ref(), ROTATION_PATH);
                Ok(Step::call(Call::json(Verb::Post, url, authlink::rotation(&account.wire, login)?)))
            }
            Some(reply) => authlink::read_rotation(reply.status, &reply.body).map(Step::Done),
        }
    }

    fn endpoint(&self, site: SiteId) -> Result<(&Account, &Url), Error> {
        let account = self.accounts.get(&site.0);
        let found = account.and_then(|account| Some((account, account.authlink_url.as_ref()?)));
        let none = || Error::Conflict("this site has no authlink_url: its Cashier cannot be opened from here".into());
        found.ok_or_else(none)
    }
}

/// The configured address, or the usual path on the host of `authlink_url`.
fn beside(authlink: &Url, configured: Option<&Url>, path: &str) -> Url {
    let usual = || {
        let mut url = authlink.clone();
        url.set_path(path);
        url.set_query(None);
        url
    };
    configured.cloned().unwrap_or_else(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_configured_is_beside_the_authlink() {
        let authlink = Url::parse("https://cashier.example:8443/api/authlink/obtain/?brand=1").unwrap();
        let own = Url::parse("https://pay.casino.example/open").unwrap();

        assert_eq!(beside(&authlink, None, OPEN_PATH).as_str(), "https://cashier.example:8443/api/open/");
        assert_eq!(beside(&authlink, Some(&own), OPEN_PATH), own);
    }

    #[test]
    fn what_was_chosen_wins_over_the_profile_and_names_are_joined() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let profile =
            [pair("first_name", "Ann"), pair("last_name", "Lee"), pair("country_code", "LV"), pair("timezone", "UTC")];
        let currency = Currency::parse("USD").unwrap();
        let login = Login::parse("ann").unwrap();

        let opening =
            Opening::new(&login, currency, "1.2.3.4".parse().unwrap(), &profile, vec![pair("timezone", "Europe/Riga")]);

        for wanted in [pair("user_name", "Ann Lee"), pair("user_country", "LV"), pair("timezone", "Europe/Riga")] {
            assert!(opening.optional.contains(&wanted), "{wanted:?}");
        }
        assert!(!opening.optional.contains(&pair("timezone", "UTC")));
    }
}
