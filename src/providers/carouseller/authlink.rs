//! Opening the Cashier for a player, and letting it forget which payment systems it has shown them.
//!
//! Source: protocol, "Key obtaining" and "User rotation reset". No money moves by either.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::SiteWire;
use super::pairs::{Members, Value, is_blank};
use super::writing::{as_form, as_json, harmless, signed, unambiguous};
use crate::error::Error;
use crate::ids::Login;
use crate::money::Currency;

/// What a request for a key may carry besides the four main parameters, as the manual names it. Texts of a profile are put right so
/// that the signed text has one reading; what the caller chose is refused instead.
const FROM_PROFILE: [&str; 13] = [
    "birthdate",
    "document_id",
    "first_name",
    "last_name",
    "timezone",
    "user_address",
    "user_city",
    "user_country",
    "user_email",
    "user_name",
    "user_phone",
    "user_postal",
    "user_preset_id",
];
/// See [`FROM_PROFILE`].
pub const CHOSEN: [&str; 8] =
    ["amount_series", "deposit_range", "force_action", "language", "mirror_url", "mode", "payout_range", "ps_range"];

/// The longest key that is taken: it goes into an address.
const LONGEST_KEY: usize = 2048;

/// For whom the Cashier is to be opened, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The player.
    pub login: Login,
    /// The currency to pay in.
    pub currency: Currency,
    /// The player's address, v4 or v6.
    pub customer_ip: std::net::IpAddr,
    /// Profile and choices by the manual's names; others are not sent.
    pub optional: Vec<(String, String)>,
}

/// The signed query that asks for a key.
pub(super) fn query(site: &SiteWire, opening: &Opening) -> Result<String, Error> {
    Ok(as_form(&signed(members(site, opening)?, &site.salts)?))
}

/// What a key is asked for with, here and in API 1.0.
pub(super) fn members<'a>(site: &SiteWire, opening: &'a Opening) -> Result<Members<'a>, Error> {
    let mut members = main(site, &opening.login)?;
    members.push(("currency".into(), Value::Text(opening.currency.code().to_owned().into())));
    members.push(("customer_ip".into(), Value::Text(opening.customer_ip.to_canonical().to_string().into())));
    for (name, text) in opening.optional.iter().filter(|(_, text)| !is_blank(text)) {
        let value = if let Some(chosen) = CHOSEN.into_iter().find(|known| known == name) {
            (chosen, unambiguous(chosen, text)?)
        } else if let Some(known) = FROM_PROFILE.into_iter().find(|known| known == name) {
            (known, Value::Text(harmless(text)))
        } else {
            continue;
        };
        members.push((Cow::Borrowed(value.0), value.1));
    }
    Ok(members)
}

/// The signed body that resets a player's rotation.
pub(super) fn rotation(site: &SiteWire, login: &Login) -> Result<Vec<u8>, Error> {
    Ok(as_json(&signed(main(site, login)?, &site.salts)?).into_bytes())
}

/// The site and the player.
pub(super) fn main<'a>(site: &SiteWire, login: &'a Login) -> Result<Members<'a>, Error> {
    let number = Value::Number(Cow::Owned(site.site.0.to_string()));
    Ok(vec![("site_id".into(), number), ("site_login".into(), unambiguous("site_login", login.as_str())?)])
}

/// The key in an answer to [`query`].
///
/// # Errors
///
/// `Provider` with what was answered instead, for the log.
pub(super) fn read_key(status: u16, body: &[u8]) -> Result<String, Error> {
    let answer = success(status, body)?;
    let key = answer["key"].as_str().unwrap_or("");
    let good = !key.is_empty() && key.len() <= LONGEST_KEY && key.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(key.to_owned()) } else { Err(Error::Provider("an answer without a key".into())) }
}

/// That an answer to [`rotation`] says it was done.
///
/// # Errors
///
/// `Provider` with what was answered instead, for the log.
pub(super) fn read_rotation(status: u16, body: &[u8]) -> Result<(), Error> {
    success(status, body).map(|_| ())
}

fn success(status: u16, body: &[u8]) -> Result<Json, Error> {
    if !(200..300).contains(&status) {
        return Err(Error::Provider(format!("HTTP {status}")));
    }
    let answer: Json =
        serde_json::from_slice(body).map_err(|_| Error::Provider("an answer that is not JSON".into()))?;
    if answer["success"] == json!(true) {
        return Ok(answer);
    }
    let said = ["errors", "error", "message"].iter().find_map(|name| answer[*name].as_str()).unwrap_or("no reason");
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(Error::Provider(format!("refused: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteId;
    use crate::secret::Secret;

    fn site() -> SiteWire {
        SiteWire {
            site: SiteId(1),
            salts: vec![Secret::new("test_salt"), Secret::new("an old one")],
            allow_from: Vec::new(),
            currencies: Vec::new(),
            accept_unsigned: false,
        }
    }

    fn opening(optional: &[(&str, &str)]) -> Opening {
        Opening {
            login: Login::parse("test_login").unwrap(),
            currency: Currency::parse("usd").unwrap(),
            customer_ip: "1.2.3.4".parse().unwrap(),
            optional: optional.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        }
    }

    /// Vector C10 of the protocol.
    #[test]
    fn values_with_separators_are_signed_as_published() {
        let chosen = opening(&[("amount_series", "1:10,20,30,40,50,60;"), ("ps_range", "12,1,7;5,8,1")]);

        let query = query(&site(), &chosen).unwrap();

        assert!(query.contains("signature=a3fdd7a80af67c82ba871225f4435a8aba417a35"), "{query}");
        assert!(query.contains("customer_ip=1.2.3.4") && query.contains("site_login=test_login"), "{query}");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_signed() {
        for (name, text) in [("mode", "general;currency:EUR"), ("amount_series", "1:5;site_id:2"), ("language", "e\nn")]
        {
            assert!(matches!(query(&site(), &opening(&[(name, text)])), Err(Error::Invalid(field)) if field == name));
        }
        let profile = query(&site(), &opening(&[("user_name", "x;currency:EUR")])).unwrap();
        assert!(profile.contains("x%2Ccurrency%3AEUR"), "{profile}");
    }

    #[test]
    fn blanks_and_unknown_names_are_left_out() {
        let plain = query(&site(), &opening(&[])).unwrap();

        assert_eq!(query(&site(), &opening(&[("user_email", " "), ("salt", "x"), ("signature", "x")])).unwrap(), plain);
    }

    #[test]
    fn only_a_clear_yes_with_a_key_is_taken() {
        let body = |text: &str| text.as_bytes().to_vec();
        let yes = body(r#"{"success":true,"key":"ffec614de0db","errors":null}"#);
        assert_eq!(read_key(200, &yes).unwrap(), "ffec614de0db");
        for (status, text) in [
            (500, r#"{"success":true,"key":"k"}"#),
            (200, r#"{"success":"true","key":"k"}"#),
            (200, r#"{"success":false,"key":"k"}"#),
            (200, r#"{"success":true}"#),
            (200, r#"{"success":true,"key":""}"#),
            (200, r#"{"success":true,"key":"a b"}"#),
            (200, r#"{"success":true,"key":7}"#),
            (200, "<html>"),
            (200, ""),
        ] {
            assert!(matches!(read_key(status, &body(text)), Err(Error::Provider(_))), "{text}");
        }
        assert!(read_rotation(200, br#"{"success":true,"error":null}"#).is_ok());
        assert!(read_rotation(200, br#"{"success":false,"error":"no such user"}"#).is_err());
    }
}
