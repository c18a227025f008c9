//! The Cashier, played: a real HTTP peer that signs, calls, takes payout initiations and notifies on the real retry ladder.
//!
//! It knows the protocol from the published description alone and shares no code with the providers, so that a
//! misreading there is found here. `demo`, `simulate`, `certify` and the integration tests use it:
//!
//! - [`sign`]: the signature, written a second time.
//! - [`messages`], [`caller`], [`notifier`], [`ladder`]: what the Cashier says, and how it insists.
//! - [`server`]: the address where payout initiations come, with answers to order, good and bad.
//! - [`cashier`]: whole deposits and payouts, with the faults of [`faults`].
//! - [`platforms`]: the other providers, each with its own faults.
//! - [`teller`], [`visits`]: who ends orders there, and whole deposits and payouts, with the faults of [`faults`].
//! - [`book`], [`gameserver`], [`front`]: what must have happened, and the casino's side.
//! - [`demo`], [`certify`]: the main job, and the conformance list.

pub mod book;
pub mod caller;
pub mod cashier;
pub mod certify;
pub mod demo;
pub mod faults;
pub mod front;
pub mod gameserver;
mod http;
pub mod ladder;
pub mod messages;
pub mod meter;
pub mod notifier;
pub mod platforms;
pub mod server;
pub mod sign;
pub mod teller;
pub mod visits;

use crate::secret::Secret;

/// The parameters of a message, by name. What is signed is exactly this, without `signature`.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// A casino brand as the Cashier knows it: its number and the salt of its signatures.
#[derive(Debug, Clone)]
pub struct Brand {
    /// `site_id` on the wire.
    pub site_id: i64,
    /// The salt both sides share.
    pub salt: Secret,
}

impl Brand {
    /// A brand with this number and salt.
    pub fn new(site_id: i64, salt: &str) -> Self {
        Self { site_id, salt: Secret::new(salt) }
    }

    /// The message with its signature.
    pub fn signed(&self, params: &Params) -> Params {
        sign::signed(params, self.salt.expose())
    }
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

impl Encoding {
    /// The content type and the bytes of a message.
    pub fn write(self, params: &Params) -> (&'static str, Vec<u8>) {
        match self {
            Encoding::Json => ("application/json", serde_json::Value::Object(params.clone()).to_string().into_bytes()),
            Encoding::Form => ("application/x-www-form-urlencoded", form(params).into_bytes()),
        }
    }
}

/// The message as a form body or a query string; every value as its signed text.
pub fn form(params: &Params) -> String {
    let pairs: Vec<(&str, String)> = params.iter().map(|(name, value)| (name.as_str(), sign::text(value))).collect();
    serde_urlencoded::to_string(pairs).unwrap_or_default()
}
