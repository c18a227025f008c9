//! Notifications: signed JSON to the one address that was agreed.
//!
//! Source: protocol, "Notifications" of API 2.0. They name no site: it is the one with whose salt they are signed.

use super::account::Account;
use super::pairs::{self, Pairs};
use super::signature::{Reading, Verdict, verify};
use super::statement::{Source, statement};
use super::wire::Fields;
use super::{Cabbagino, Notification, PROVIDER, RawRequest, ReadError};

/// Verifies, then reads, a notification: readable, site and address, signature, fields.
pub(super) fn read(cabbagino: &Cabbagino, raw: &RawRequest<'_>) -> Result<Notification, ReadError> {
    let pairs = pairs::read(raw)?;
    if !raw.tail.is_empty() || cabbagino.accounts.is_empty() {
        return Err(ReadError::UnknownSite);
    }
    // A question of the Cashier belongs elsewhere, whoever has signed it (threats SIG-15).
    if pairs.get("action").is_some() {
        return Err(ReadError::InvalidSignature);
    }
    let open: Vec<&Account> = cabbagino.accounts.values().filter(|account| account.allows(raw.peer)).collect();
    if open.is_empty() {
        return Err(ReadError::AddressNotAllowed);
    }
    let signature = Fields(&pairs).signature().ok().flatten().ok_or(ReadError::InvalidSignature)?;
    let (account, reading) = open
        .into_iter()
        .find_map(|account| Some((account, verified(account, &pairs, signature)?)))
        .ok_or(ReadError::InvalidSignature)?;
    statement(account.site, Source::Notification, &pairs, reading).map_err(ReadError::Field)
}

/// How the message is read so that the signature holds with a salt of this account.
fn verified(account: &Account, pairs: &Pairs<'_>, signature: &str) -> Option<Reading> {
    match verify(pairs, &account.salts, signature) {
        Verdict::Holds(reading) => {
            if let Some(deviation) = reading.deviation() {
                log::info!("site {}: a signature of {PROVIDER} holds with {deviation}", account.site);
            }
            Some(reading)
        }
        Verdict::TwoReadings => {
            log::warn!(
                "security: site {}: a rightly signed message of {PROVIDER} could be read as other parameters",
                account.site
            );
            None
        }
        Verdict::Fails => None,
    }
}
