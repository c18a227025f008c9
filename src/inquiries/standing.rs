//! Where the question about an order stands, for people.

use super::schedule;
use super::subject::Subject;
use crate::clock::Micros;
use crate::db::DbConn;
use crate::error::Error;
use crate::ids::SiteId;
use crate::orders::awaited::{self, Awaited};
use crate::providers::{Direction, Providers};

/// An order whose end is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its row.
    pub order: Awaited,
    /// Which way its money goes; `None`: the order is not there.
    pub direction: Option<Direction>,
    /// When it is asked about, or looked at, next; `None`: at once.
    pub next: Option<Micros>,
    /// When the last repetition of its notification is due, had the provider said its word when we began to wait; `None`: the site has no
    /// account with the provider any more.
    pub last_notification_due: Option<Micros>,
}

fn standing(providers: &Providers, order: Awaited, direction: Option<Direction>) -> Standing {
    let site = SiteId(order.site_id);
    let provider = providers.of_site(&order.provider, site);
    let last = provider.map(|provider| schedule::last_notification_due(&provider.manners(site), order.since));
    let next = (order.due_at != awaited::AT_ONCE).then_some(order.due_at);
    Standing { order, direction, next, last_notification_due: last }
}

/// Where it stands for one order; `None`: its end is not waited for.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, providers: &Providers, external_id: &str) -> Result<Option<Standing>, Error> {
    let Some(order) = awaited::find(conn, external_id)? else { return Ok(None) };
    let direction = Subject::find(conn, external_id)?.map(|subject| subject.direction());
    Ok(Some(standing(providers, order, direction)))
}

/// Every order whose end is waited for, longest waiting first.
///
/// # Errors
///
/// What the database says.
pub fn all(conn: &mut DbConn, providers: &Providers) -> Result<Vec<Standing>, Error> {
    let orders = awaited::all(conn)?;
    let with_direction = |order: Awaited| {
        let direction = Subject::find(conn, &order.external_id)?.map(|subject| subject.direction());
        Ok(standing(providers, order, direction))
    };
    orders.into_iter().map(with_direction).collect()
}
