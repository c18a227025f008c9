//! Calls that staff make of a provider: balances, closing an invoice, asking for a cancellation. Nothing here moves money: what follows from a
//! call comes as a notification, or as an answer to an inquiry.
//!
//! A call that changes something at the provider is in the audit before its first byte goes out. About an order that needs two people,
//! two different people must want the same call with the same parameters (threats R10).

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clock::Micros;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::inquiries::subject::Subject;
use crate::outgoing::Outgoing;
use crate::providers::{Desk, DeskCall, Direction, OpenOrder, Provider, Texts};
use crate::settings::Settings;
use crate::staff::approvals::{self, Agreement};
use crate::staff::audit;
use crate::talk::{Broken, talk};

/// The most parameters of a call, and the longest of them in characters.
const MOST_PARAMETERS: usize = 32;
const LONGEST_PARAMETER: usize = 512;

/// What somebody wants of a provider.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The site whose account it is.
    pub site: SiteId,
    /// The provider's name.
    pub provider: String,
    /// The call's name.
    pub call: String,
    /// The order, for calls that are about one.
    pub external_id: Option<ExternalId>,
    /// The parameters by name.
    pub parameters: Texts,
    /// Why; calls that change nothing need none.
    pub reason: String,
}

/// A call that may be made now.
#[derive(Debug, Clone)]
pub struct Allowed {
    desk: Desk,
}

/// Whether a call may be made.
#[derive(Debug, Clone)]
pub enum Permission {
    /// Another person must want the same.
    Waiting {
        /// How many have said yes.
        approvals: usize,
        /// How many must.
        required: usize,
    },
    /// Now.
    Allowed(Box<Allowed>),
}

/// The provider and the call that are meant.
///
/// # Errors
///
/// `NotFound` with what is not there.
pub fn find<'a>(settings: &'a Settings, wanted: &Wanted) -> Result<(&'a dyn Provider, DeskCall), Error> {
    let provider = settings.providers.of_site(&wanted.provider, wanted.site);
    let provider = provider.ok_or(Error::NotFound("account with this provider"))?;
    let call = provider.desk().iter().find(|call| call.name == wanted.call);
    Ok((provider, *call.ok_or(Error::NotFound("call of this provider"))?))
}

/// Whether the parameters are what the call takes.
///
/// # Errors
///
/// `Missing` or `Invalid` with the name of what is wrong.
pub fn check(call: &DeskCall, wanted: &Wanted) -> Result<(), Error> {
    match (call.of_order, &wanted.external_id) {
        (true, None) => return Err(Error::Missing("external_id")),
        (false, Some(_)) => return Err(Error::Invalid("external_id")),
        (true, Some(_)) | (false, None) => {}
    }
    let known = |name: &String| call.parameters.iter().any(|(known, _)| known == name);
    let good = |text: &String| text.chars().count() <= LONGEST_PARAMETER && !text.chars().any(char::is_control);
    if wanted.parameters.len() > MOST_PARAMETERS
        || !wanted.parameters.iter().all(|(name, text)| known(name) && good(text))
    {
        return Err(Error::Invalid("parameters"));
    }
    let blank = |name: &str| wanted.parameters.get(name).is_none_or(|text| text.trim().is_empty());
    if let Some((name, _)) = call.parameters.iter().find(|(name, needed)| *needed && blank(name)) {
        return Err(Error::Missing(name));
    }
    if call.changes && wanted.reason.trim().is_empty() {
        return Err(Error::Missing("reason"));
    }
    Ok(())
}

/// Lets `actor` make a call, and writes it down when it changes something.
///
/// # Errors
///
/// `NotFound` when the order is not there or not of this account; `Conflict` when the same person wants it twice.
pub fn permit(
    tx: &mut WriteTx<'_>,
    settings: &Settings,
    call: &DeskCall,
    wanted: &Wanted,
    actor: &str,
    at: Micros,
) -> Result<Permission, Error> {
    let order = order(tx.read()?, wanted, call.changes)?;
    let subject = subject(wanted);
    if call.changes {
        let site = settings.site(wanted.site).ok_or(Error::NotFound("site"))?;
        let two = order.as_ref().is_some_and(|order| site.needs_four_eyes(order.amount));
        let act = act(wanted);
        let required = if two { 2 } else { 1 };
        let agreement = approvals::agree(tx, &subject, &act, actor, &wanted.reason, required, at)?;
        let told = format!("{} {}", wanted.reason, shown(&wanted.parameters));
        audit::append(tx, actor, &format!("provider.{}", wanted.call), &subject, told.trim(), at)?;
        if let Agreement::Waiting { approvals, required } = agreement {
            return Ok(Permission::Waiting { approvals, required });
        }
    }
    let desk = Desk { site: wanted.site, order, parameters: wanted.parameters.clone() };
    Ok(Permission::Allowed(Box::new(Allowed { desk })))
}

/// Puts what came of a call beside it in the audit.
///
/// # Errors
///
/// What the database says.
pub fn note(tx: &mut WriteTx<'_>, wanted: &Wanted, actor: &str, outcome: &str, at: Micros) -> Result<(), Error> {
    let act = format!("provider.{}.answered", wanted.call);
    audit::append(tx, actor, &act, &subject(wanted), outcome, at).map(|_| ())
}

/// What a call is about, in the audit.
fn subject(wanted: &Wanted) -> String {
    let account = || format!("{} of site {}", wanted.provider, wanted.site);
    wanted.external_id.as_ref().map_or_else(account, ToString::to_string)
}

/// Everything that two people must want alike.
fn act(wanted: &Wanted) -> String {
    let parameters = serde_json::to_string(&wanted.parameters).unwrap_or_default();
    format!("provider:{}:{}", wanted.call, hex::encode(&Sha256::digest(parameters.as_bytes())[..8]))
}

/// The parameters as the audit shows them, without whole card numbers.
fn shown(parameters: &Texts) -> String {
    if parameters.is_empty() {
        return String::new();
    }
    let text = serde_json::to_string(parameters).unwrap_or_default();
    crate::providers::purse::mask(&text).into_owned()
}

/// The order of a call, which must be of the account that is called.
fn order(conn: &mut DbConn, wanted: &Wanted, changes: bool) -> Result<Option<OpenOrder>, Error> {
    let Some(id) = &wanted.external_id else { return Ok(None) };
    let found = Subject::find(conn, id.as_str())?;
    let ours = found.filter(|subject| subject.account() == (wanted.provider.as_str(), wanted.site));
    let subject = ours.ok_or(Error::NotFound("order of this account"))?;
    if changes && subject.direction() == Direction::Payout && subject.has_ended()? {
        // Its money is taken or given back: nothing at the provider may move it any more.
        return Err(Error::Conflict("the payout has ended".into()));
    }
    subject.open_order(conn, None).map(Some)
}

/// A call that changes nothing needs nobody's permission but the role's.
///
/// # Errors
///
/// `NotFound` when the order is not there or not of this account.
pub fn look(conn: &mut DbConn, wanted: &Wanted) -> Result<Allowed, Error> {
    let order = order(conn, wanted, false)?;
    Ok(Allowed { desk: Desk { site: wanted.site, order, parameters: wanted.parameters.clone() } })
}

/// Makes a call that was allowed. Gives back what the provider said.
///
/// # Errors
///
/// `Provider` when it did not answer or said no; `Missing` or `Invalid` with the name of a parameter.
pub async fn carry_out(
    provider: &dyn Provider,
    outgoing: &Outgoing,
    call: &DeskCall,
    allowed: Allowed,
) -> Result<Value, Error> {
    let desk = allowed.desk;
    let next = |replies: &[_]| provider.call(call.name, &desk, replies);
    talk(outgoing, &provider.address_rules(desk.site), next).await.map_err(Broken::into_error)
}
