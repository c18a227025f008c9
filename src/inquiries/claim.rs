//! Orders taken up: whose turn it is, claimed so that of several instances one asks.

use super::schedule;
use super::subject::Subject;
use super::{alarm, random_percent};
use crate::clock::Micros;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::ids::SiteId;
use crate::orders::awaited::{self, Awaited};
use crate::orders::reviews::{self, About};
use crate::providers::{Hint, Manners, OpenOrder, Providers};

/// A claim that came to nothing is another's after this: longer than any question lasts. Shorter, and two ask; longer, and what a stopped
/// process asked is asked again later.
const CLAIM: Micros = 120 * 1_000_000;

/// When an order is looked at again whose provider has no account for its site.
const NO_ACCOUNT: Micros = 3600 * 1_000_000;

/// How often an order that has ended is asked about for a hint before the hint is given up.
const MOST_FOR_A_HINT: i64 = 10;

/// What a hint about an order that we do not have opens.
const UNKNOWN_ORDER: &str = "unknown_order";

/// A question that may be asked now.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who is asked.
    pub provider: String,
    /// What the driver needs.
    pub order: OpenOrder,
    /// The order's row as it was, and the `due_at` that claims it; `None`: it is not waited for.
    pub claimed: Option<(Awaited, Micros)>,
}

/// What an order is taken up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// To ask, if that is due.
    Asking,
    /// To put it off. What has become a question since it was read stays due.
    Looking,
}

/// What came of taking an order up.
#[derive(Debug, Clone)]
pub enum Taken {
    /// It is somebody else's, has ended, or is not to be asked about now.
    Nothing,
    /// A person was called: this is what they are told.
    Alarmed(String),
    /// No account asks about it. Whether that is new.
    NoAccount(bool),
    /// Ask.
    Ask(Box<Question>),
}

/// What a hint is worth.
#[derive(Debug, Clone)]
pub enum Noted {
    /// It is about no order of ours: a person looks at it.
    Unknown,
    /// Its order is due now.
    Due(Box<Awaited>),
    /// Its order has not left us, and is not waited for.
    NotWaited(Box<Question>),
}

/// Takes up an order that was seen due.
///
/// # Errors
///
/// What the database says.
pub fn take_up(
    tx: &mut WriteTx<'_>,
    providers: &Providers,
    seen: &Awaited,
    why: For,
    at: Micros,
) -> Result<Taken, Error> {
    let id = &seen.external_id;
    let conn = tx.read()?;
    let Some(order) = awaited::find(conn, id)?.filter(|order| order.due_at == seen.due_at) else {
        return Ok(Taken::Nothing);
    };
    let Some(subject) = Subject::find(conn, id)?.filter(|it| it.is_of(&order)) else {
        log::warn!("order {id} is waited for and is not there: nobody waits any more");
        return awaited::remove(tx, id).map(|()| Taken::Nothing).map_err(Error::from);
    };
    if subject.has_ended()? && !is_for_a_hint(&order, &subject) {
        return awaited::remove(tx, id).map(|()| Taken::Nothing).map_err(Error::from);
    }
    let site = SiteId(order.site_id);
    let Some(provider) = providers.of_site(&order.provider, site) else {
        return no_account(tx, &order, at);
    };
    let manners = provider.manners(site);
    if schedule::is_question_due(&manners, &order, at) && subject.may_be_there(tx.read()?)? {
        if why == For::Looking {
            return Ok(Taken::Nothing);
        }
        let until = at + CLAIM;
        let open = match subject.open_order(tx.read()?, order.about.clone()) {
            Ok(open) => open,
            Err(error @ (Error::Internal(_) | Error::Invalid(_) | Error::Missing(_))) => {
                // The others go on (threats OUT-8).
                log::warn!("order {id} cannot be asked about, it is looked at again in an hour: {error}");
                return awaited::put_off(tx, id, order.due_at, at + NO_ACCOUNT)
                    .map(|_| Taken::Nothing)
                    .map_err(Error::from);
            }
            Err(error) => return Err(error),
        };
        if !awaited::put_off(tx, id, order.due_at, until)? {
            return Ok(Taken::Nothing);
        }
        return Ok(Taken::Ask(Box::new(Question {
            provider: order.provider.clone(),
            order: open,
            claimed: Some((order, until)),
        })));
    }
    look(tx, &order, &subject, &manners, at)
}

/// Puts an order off that is not asked about now, and calls a person when its notification is missing.
fn look(
    tx: &mut WriteTx<'_>,
    order: &Awaited,
    subject: &Subject,
    manners: &Manners,
    at: Micros,
) -> Result<Taken, Error> {
    let owed = subject.owed_a_word()?;
    let next = schedule::next_look(manners, order, owed.is_some(), at, random_percent());
    let alarm = owed.filter(|_| schedule::is_alarm_due(manners, order, at));
    if !awaited::put_off(tx, &order.external_id, order.due_at, next)? {
        return Ok(Taken::Nothing);
    }
    match alarm {
        Some(payout) => alarm::raise(tx, payout, order, manners, at).map(Taken::Alarmed),
        None => Ok(Taken::Nothing),
    }
}

/// Whether the row of an ended order was made by a hint that came after the end, and is still worth asking for.
fn is_for_a_hint(order: &Awaited, subject: &Subject) -> bool {
    order.since >= subject.updated_at() && order.asked < MOST_FOR_A_HINT
}

fn no_account(tx: &mut WriteTx<'_>, order: &Awaited, at: Micros) -> Result<Taken, Error> {
    let answer = format!("the site has no account with {}", order.provider);
    if !awaited::put_off(tx, &order.external_id, order.due_at, at + NO_ACCOUNT)? {
        return Ok(Taken::Nothing);
    }
    let is_new = order.last_answer != answer;
    if is_new {
        awaited::note(tx, &order.external_id, &answer)?;
    }
    Ok(Taken::NoAccount(is_new))
}

/// Notes a hint durably: its order is due now. One about an order that we do not have is shown to a person once.
///
/// # Errors
///
/// What the database says.
pub fn note_hint(tx: &mut WriteTx<'_>, provider: &'static str, hint: &Hint, at: Micros) -> Result<Noted, Error> {
    let (id, site) = (hint.external_id.as_str(), hint.site);
    let conn = tx.read()?;
    let Some(subject) = Subject::find(conn, id)?.filter(|it| it.account() == (provider, site)) else {
        let note = format!("{provider}: a message ({}) names an order we do not have", hint.claims);
        let about =
            About { kind: UNKNOWN_ORDER, site, player: None, external_id: Some(id), webhook_id: None, note: &note };
        let known = reviews::of_order(tx.read()?, id)?;
        if !known.iter().any(|review| review.kind == UNKNOWN_ORDER && review.site_id == site.0) {
            reviews::open(tx, about, at)?;
        }
        return Ok(Noted::Unknown);
    };
    if !subject.may_be_there(conn)? {
        let order = subject.open_order(conn, hint.about.clone())?;
        let question = Question { provider: provider.to_owned(), order, claimed: None };
        return Ok(Noted::NotWaited(Box::new(question)));
    }
    awaited::hint(tx, id, (provider, site), hint.about.as_deref(), at)?;
    let order = awaited::find(tx.read()?, id)?.ok_or(Error::NotFound("awaited order"))?;
    Ok(Noted::Due(Box::new(order)))
}

/// The question that a person wants to ask about an order, whatever the schedule says.
///
/// # Errors
///
/// `Conflict` when it has not left us; what the database says.
pub fn wanted(conn: &mut DbConn, subject: &Subject) -> Result<Question, Error> {
    if !subject.may_be_there(conn)? {
        return Err(Error::Conflict("nothing of it has reached the provider".into()));
    }
    Ok(Question { provider: subject.account().0.to_owned(), order: subject.open_order(conn, None)?, claimed: None })
}

/// Claims an order that a person asks about, when it is waited for. Whoever asks about it already does not mind: what is said twice is
/// applied once.
///
/// # Errors
///
/// What the database says.
pub fn claim_wanted(tx: &mut WriteTx<'_>, wanted: &Question, at: Micros) -> Result<Question, Error> {
    let id = wanted.order.external_id.as_str();
    let Some(row) = awaited::find(tx.read()?, id)? else { return Ok(wanted.clone()) };
    let until = at + CLAIM;
    awaited::put_off(tx, id, row.due_at, until)?;
    let order = OpenOrder { about: row.about.clone(), ..wanted.order.clone() };
    Ok(Question { order, claimed: Some((row, until)), ..wanted.clone() })
}

impl Subject {
    fn is_of(&self, order: &Awaited) -> bool {
        self.account() == (order.provider.as_str(), SiteId(order.site_id))
    }
}
