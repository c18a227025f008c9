//! Opens the Cashier for a player: asks it for a key with the player's profile, signed here, and says where a browser goes with it.

use std::net::IpAddr;

use crate::error::Error;
use crate::ids::{Login, SiteId};
use crate::money::Currency;
use crate::outgoing::Outgoing;
use crate::players::PlayerRow;
use crate::providers::carouseller::door::{Door, Opening};
use crate::providers::{Provider, Providers};
use crate::talk::{Broken, talk};

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

/// What a provider may be told of a player, by the names of the profile, and their country.
///
/// # Errors
///
/// `Internal`: the row is damaged.
pub fn profile(player: &PlayerRow) -> Result<Vec<(String, String)>, Error> {
    let mut all: Vec<(String, String)> = player.profile()?.into_iter().collect();
    all.extend(player.country.clone().map(|country| ("country_code".to_owned(), country)));
    Ok(all)
}

/// Asks the Cashier of this site to open for a player.
///
/// # Errors
///
/// `Conflict` when the site has no `authlink_url`; `Invalid` with the name of a choice that cannot be signed; `Provider` when the
/// Cashier does not answer, or says no.
pub async fn open(
    providers: &Providers,
    outgoing: &Outgoing,
    site: SiteId,
    player: &PlayerRow,
    wish: Wish,
) -> Result<Door, Error> {
    let carouseller = &providers.carouseller;
    let login = Login::parse(&player.login)?;
    let opening = Opening::new(&login, wish.currency, wish.customer_ip, &profile(player)?, wish.chosen);
    let next = |replies: &[_]| carouseller.door(site, &opening, replies);
    // Whether it was received does not matter: a key that nobody uses does nothing.
    talk(outgoing, &carouseller.address_rules(site), next).await.map_err(Broken::into_error)
}

/// Lets the Cashier of this site forget which payment systems it has shown a player.
///
/// # Errors
///
/// As [`open`].
pub async fn reset_rotation(
    providers: &Providers,
    outgoing: &Outgoing,
    site: SiteId,
    login: &Login,
) -> Result<(), Error> {
    let carouseller = &providers.carouseller;
    let next = |replies: &[_]| carouseller.forget(site, login, replies);
    talk(outgoing, &carouseller.address_rules(site), next).await.map_err(Broken::into_error)
}
