//! `check_deposit` and `request_payout`: the fields, in the order in which they are refused.
//!
//! Source: protocol, "Payment processing".

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::super::purse::mask;
use super::super::{Direction, Question, ReadError};
use super::SiteWire;
use super::pairs::{Pairs, Value};
use super::wire::{Fields, LONGEST_ID, LONGEST_TEXT};
use crate::error::Error;
use crate::ids::Login;
use crate::money::Money;

/// Which question it is: `action`, or `name` where that is absent.
pub(super) fn direction(pairs: &Pairs<'_>) -> Result<Direction, ReadError> {
    let fields = Fields(pairs);
    let action = match fields.scalar("action") {
        Ok(Some(action)) => Some(action),
        Ok(None) => fields.scalar("name").map_err(|_| ReadError::UnknownAction)?,
        Err(_) => return Err(ReadError::UnknownAction),
    };
    match action {
        Some("check_deposit") => Ok(Direction::Deposit),
        Some("request_payout") => Ok(Direction::Payout),
        Some(_) => Err(ReadError::UnknownAction),
        None => Err(ReadError::Field(Error::Missing("action"))),
    }
}

/// The typed question. The signature has been verified.
pub(super) fn question(direction: Direction, site: &SiteWire, pairs: &Pairs<'_>) -> Result<Question, Error> {
    let fields = Fields(pairs);
    let login = Login::parse(fields.required("site_login", LONGEST_ID)?)?;
    let minor = fields.amount()?;
    let stated = fields.required("currency", LONGEST_TEXT)?;
    let currency = site.currencies.iter().find(|currency| currency.code().eq_ignore_ascii_case(stated));
    let amount = Money::new(minor, *currency.ok_or(Error::UnsupportedCurrency)?)?;
    let others = Others::read(direction, fields)?;
    let transaction_id = fields.critical("transaction_id", LONGEST_ID)?.map(str::to_owned);
    Ok(Question {
        direction,
        site: site.site,
        login: login.clone(),
        amount,
        transaction_id,
        fingerprint: fingerprint(direction, site, &login, amount, &others),
        details: others.details(),
        purse: others.purse,
    })
}

/// The known fields besides who, how much and which: texts in one normal form, purses masked.
struct Others {
    purse: Option<String>,
    merchant_purse: Option<String>,
    remember: Option<String>,
    group: Option<String>,
    kind: Option<String>,
    ip: Option<String>,
    source: Option<String>,
}

impl Others {
    fn read(direction: Direction, fields: Fields<'_, '_>) -> Result<Self, Error> {
        let group = fields.required_integer("payment_group_id")?;
        let kind = fields.integer("payment_type_id")?;
        let purse = fields.critical("customer_purse", LONGEST_TEXT)?;
        let remember = fields.scalar("remember_customer_purse")?;
        match direction {
            Direction::Deposit => kind.map(drop).ok_or(Error::Missing("payment_type_id"))?,
            Direction::Payout => {
                purse.ok_or(Error::Missing("customer_purse"))?;
                remember.ok_or(Error::Missing("remember_customer_purse"))?;
            }
        }
        if !matches!(remember, None | Some("0" | "1")) {
            return Err(Error::Invalid("remember_customer_purse"));
        }
        let ip = fields.scalar("customer_ip")?.map(str::parse::<IpAddr>).transpose();
        let ip = ip.map_err(|_| Error::Invalid("customer_ip"))?;
        let source = fields.integer("source_type")?;
        let merchant_purse = fields.critical("merchant_purse", LONGEST_TEXT)?;
        Ok(Self {
            purse: purse.map(|text| mask(text).into_owned()),
            merchant_purse: merchant_purse.map(|text| mask(text).into_owned()),
            remember: remember.map(str::to_owned),
            group: Some(group.to_owned()),
            kind: kind.map(str::to_owned),
            ip: ip.map(|address| address.to_string()),
            source: source.map(str::to_owned),
        })
    }

    fn named(&self) -> [(&'static str, &Option<String>); 6] {
        [
            ("payment_group_id", &self.group),
            ("payment_type_id", &self.kind),
            ("customer_ip", &self.ip),
            ("source_type", &self.source),
            ("remember_customer_purse", &self.remember),
            ("merchant_purse", &self.merchant_purse),
        ]
    }

    fn details(&self) -> Vec<(String, String)> {
        let present = self.named().into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)));
        present.collect()
    }
}

/// Equal for equal questions, however they were dressed. `transaction_id` is not in it: it is what the content is compared under.
fn fingerprint(direction: Direction, site: &SiteWire, login: &Login, amount: Money, others: &Others) -> [u8; 32] {
    let action: &[u8] = match direction {
        Direction::Deposit => b"check_deposit",
        Direction::Payout => b"request_payout",
    };
    let mut sha = Sha256::new();
    put(&mut sha, action);
    put(&mut sha, &site.site.0.to_be_bytes());
    put(&mut sha, login.as_str().as_bytes());
    put(&mut sha, &amount.minor().to_be_bytes());
    put(&mut sha, amount.currency().code().as_bytes());
    // An absent field is not an empty one: none of them can be empty, so the empty text stands for absence.
    put(&mut sha, others.purse.as_deref().unwrap_or_default().as_bytes());
    for (_, text) in others.named() {
        put(&mut sha, text.as_deref().unwrap_or_default().as_bytes());
    }
    sha.finalize().into()
}

/// Hashes `bytes` after their length, so that no two lists of fields give the same stream.
pub(super) fn put(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

/// Whether a message carries what only a question may carry (threats SIG-15).
pub(super) fn is_question(pairs: &Pairs<'_>) -> bool {
    let is_there = |value: &Value<'_>| !matches!(value, Value::Text(text) if super::pairs::is_blank(text));
    let is_named = |value: &Value<'_>| matches!(value, Value::Text(text) if ACTIONS.contains(&text.as_ref()));
    pairs.get("action").is_some_and(is_there) || pairs.get("name").is_some_and(is_named)
}

/// Every action of the dialect, in either direction.
const ACTIONS: [&str; 3] = ["check_deposit", "request_payout", "payout"];
