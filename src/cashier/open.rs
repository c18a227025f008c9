//! Opens the Cashier for a player: asks it for a key with the player's profile, signed here, and says where a browser goes with it.

use std::net::IpAddr;

use url::Url;

use crate::error::Error;
use crate::ids::Login;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Outgoing, SendError};
use crate::players::PlayerRow;
use crate::providers::carouseller::{self, Carouseller, Opening};
use crate::settings::{self, Site};

/// Where the Cashier serves what is not configured, beside `authlink_url` (protocol, "Cashier opening" and "User rotation reset").
const OPEN_PATH: &str = "/api/open/";
const ROTATION_PATH: &str = "/api/clear/rotation/";

/// An open door: good for one opening, soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The Cashier's key, for its native version.
    pub key: String,
    /// Where a browser or a frame goes.
    pub url: String,
}

/// How the Cashier is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The currency to pay in.
    pub currency: Currency,
    /// The player's own address.
    pub customer_ip: IpAddr,
    /// What was chosen for this opening, by the manual's names.
    pub chosen: Vec<(String, String)>,
}

/// Asks the Cashier of this site to open for a player.
///
/// # Errors
///
/// `Conflict` when the site has no `authlink_url`; `Invalid` with the name of a choice that cannot be signed; `Provider` when the
/// Cashier does not answer, or says no.
pub async fn open(
    carouseller: &Carouseller,
    outgoing: &Outgoing,
    site: &Site,
    player: &PlayerRow,
    wish: Wish,
) -> Result<Opened, Error> {
    let (wire, authlink) = endpoint(site)?;
    let mut optional: Vec<(String, String)> = player.profile()?.into_iter().collect();
    let given = |name: &str| optional.iter().any(|(known, _)| known == name);
    let full_name = ["first_name", "last_name"]
        .iter()
        .filter_map(|name| optional.iter().find(|(known, _)| known == name))
        .map(|(_, text)| text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    if !given("user_name") && !full_name.is_empty() {
        optional.push(("user_name".to_owned(), full_name));
    }
    if let Some(country) = &player.country {
        optional.push(("user_country".to_owned(), country.clone()));
    }
    optional.retain(|(name, _)| wish.chosen.iter().all(|(chosen, _)| chosen != name));
    optional.extend(wish.chosen);
    let login = Login::parse(&player.login)?;
    let opening = Opening { login, currency: wish.currency, customer_ip: wish.customer_ip, optional };
    let mut url = authlink.clone();
    url.set_query(Some(&carouseller.authlink_query(site.site_id, &opening)?));
    let rules = AddressRules::new(wire.private_networks.clone());
    let reply = outgoing.get(&url, &rules).await.map_err(not_answered)?;
    let key = carouseller::read_key(reply.status, &reply.body)?;
    let mut door = beside(authlink, wire.open_url.as_ref(), OPEN_PATH);
    door.query_pairs_mut().append_pair("key", &key);
    Ok(Opened { key, url: door.into() })
}

/// Lets the Cashier of this site forget which payment systems it has shown a player.
///
/// # Errors
///
/// As [`open`].
pub async fn reset_rotation(
    carouseller: &Carouseller,
    outgoing: &Outgoing,
    site: &Site,
    login: &Login,
) -> Result<(), Error> {
    let (wire, authlink) = endpoint(site)?;
    let body = carouseller.rotation_body(site.site_id, login)?;
    let url = beside(authlink, wire.rotation_url.as_ref(), ROTATION_PATH);
    let rules = AddressRules::new(wire.private_networks.clone());
    let reply = outgoing.post(&url, &rules, "application/json", body).await.map_err(not_answered)?;
    carouseller::read_rotation(reply.status, &reply.body)
}

fn endpoint(site: &Site) -> Result<(&settings::Carouseller, &Url), Error> {
    let wire = site.carouseller.as_ref();
    let found = wire.and_then(|wire| Some((wire, wire.authlink_url.as_ref()?)));
    found.ok_or_else(|| Error::Conflict("this site has no authlink_url: its Cashier cannot be opened from here".into()))
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

/// Whether it was received does not matter: a key that nobody uses does nothing.
fn not_answered(error: SendError) -> Error {
    Error::Provider(error.to_string())
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
}
