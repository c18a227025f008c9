//! The log of events against what it tells of: each event has the order, the change or the review that it was written with, and none of
//! these is without its event. So a change of an order that nobody has paid yet, which has no entry in the ledger, shows too.

use std::collections::HashMap;

use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use crate::db::schema::{deposits, events, payouts, reviews, transitions};
use crate::db::{DbConn, at_home};
use crate::error::Error;
use crate::events::{Event, Kind};
use crate::orders::Status;
use crate::orders::reviews::Review;
use crate::orders::transitions::{Because, Transition};
use crate::payouts::{Stage, lifecycle};

/// Events read at once.
const PAGE: i64 = 500;

/// Follows the log a page at a time.
#[derive(Debug, Default)]
pub(super) struct Told {
    after: i64,
    /// How many deposits, payouts and reviews the log tells of.
    begun: (i64, i64, i64),
}

/// What an event says of its order.
#[derive(PartialEq, Eq)]
struct Terms {
    site: i64,
    player: Option<i64>,
    amount: Option<i64>,
    currency: Option<String>,
}

/// An order as far as events tell of it.
struct Order {
    terms: Terms,
    /// Where it stands now.
    status: i64,
    stage: Option<String>,
}

/// What a page of events is compared with.
struct Page {
    orders: HashMap<String, Order>,
    changes: HashMap<String, Vec<Transition>>,
    reviews: Vec<Review>,
}

impl Told {
    /// The next page. `false`: there are no more.
    pub(super) fn step(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let events = events::table.filter(events::id.gt(self.after)).order(events::id).limit(PAGE);
        let events: Vec<Event> = at_home!(conn, |conn| events.select(Event::as_select()).load(conn))?;
        let Some(last) = events.last() else { return Ok(false) };
        self.after = last.id;
        let page = Page::load(conn, &events)?;
        for event in &events {
            let kind = Kind::from_name(&event.kind);
            match kind {
                Some(Kind::DepositCreated) => self.begun.0 += 1,
                Some(Kind::PayoutHeld) => self.begun.1 += 1,
                Some(Kind::ReviewOpened) => self.begun.2 += 1,
                Some(_) | None => {}
            }
            if !kind.is_some_and(|kind| page.bears_out(event, kind)) {
                problems.push(format!("event {}: what it tells of did not happen so", event.id));
            }
        }
        // A page that is not full is the last one, so that pages out of order cannot keep the check going.
        Ok(i64::try_from(events.len()).is_ok_and(|rows| rows == PAGE))
    }

    /// Nothing is without its event. Only where all pages were read in one moment: orders come all the time.
    pub(super) fn end(&self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
        let begun: Option<i64> = events::table.select(min(events::at)).first(conn)?;
        let oldest: Option<i64> = deposits::table.select(min(deposits::created_at)).first(conn)?;
        let oldest_payout: Option<i64> = payouts::table.select(min(payouts::created_at)).first(conn)?;
        // Books of before the log was there, or whose last events are still to be numbered.
        let older = [oldest, oldest_payout].into_iter().flatten().min().is_some_and(|oldest| Some(oldest) < begun);
        if older || (conn.is_shared() && crate::events::is_unnumbered(conn)?) {
            return Ok(());
        }
        let deposits: i64 = deposits::table.select(count_star()).first(conn)?;
        let payouts: i64 = payouts::table.select(count_star()).first(conn)?;
        let reviews: i64 = reviews::table.select(count_star()).first(conn)?;
        for (what, rows, told) in [
            ("deposits", deposits, self.begun.0),
            ("payouts", payouts, self.begun.1),
            ("reviews", reviews, self.begun.2),
        ] {
            if rows != told {
                problems.push(format!("events: {told} {what} were begun, and {rows} are there"));
            }
        }
        Ok(())
    }
}

impl Page {
    fn load(conn: &mut DbConn, events: &[Event]) -> Result<Self, Error> {
        let ids: Vec<&str> = events.iter().filter_map(|event| event.external_id.as_deref()).collect();
        type Row = (String, i64, i64, i64, String, i64);
        let found: Vec<Row> = deposits::table
            .filter(deposits::external_id.eq_any(&ids))
            .select((
                deposits::external_id,
                deposits::site_id,
                deposits::player_id,
                deposits::amount,
                deposits::currency,
                deposits::status,
            ))
            .load(conn)?;
        let order = |(id, site, player, amount, currency, status): Row, stage: Option<String>| {
            let terms = Terms { site, player: Some(player), amount: Some(amount), currency: Some(currency) };
            (id, Order { terms, status, stage })
        };
        let mut orders: HashMap<String, Order> = found.into_iter().map(|row| order(row, None)).collect();
        let found: Vec<(Row, String)> = payouts::table
            .filter(payouts::external_id.eq_any(&ids))
            .select((
                (
                    payouts::external_id,
                    payouts::site_id,
                    payouts::player_id,
                    payouts::amount,
                    payouts::currency,
                    payouts::status,
                ),
                payouts::stage,
            ))
            .load(conn)?;
        orders.extend(found.into_iter().map(|(row, stage)| order(row, Some(stage))));
        let mut changes: HashMap<String, Vec<Transition>> = HashMap::new();
        let found = transitions::table
            .filter(transitions::external_id.eq_any(&ids))
            .order((transitions::external_id, transitions::number));
        let found: Vec<Transition> = at_home!(conn, |conn| found.select(Transition::as_select()).load(conn))?;
        for change in found {
            changes.entry(change.external_id.clone()).or_default().push(change);
        }
        let opened: Vec<i64> =
            events.iter().filter(|event| event.kind == Kind::ReviewOpened.name()).map(|event| event.at).collect();
        let reviews =
            reviews::table.filter(reviews::opened_at.eq_any(opened)).select(Review::as_select()).load(conn)?;
        Ok(Self { orders, changes, reviews })
    }

    /// Whether what the event tells of is there.
    fn bears_out(&self, event: &Event, kind: Kind) -> bool {
        if kind == Kind::ReviewOpened {
            return self.reviews.iter().any(|review| is_about(event, review));
        }
        let Some(order) = event.external_id.as_ref().and_then(|id| self.orders.get(id)) else { return false };
        let told = Terms {
            site: event.site_id,
            player: event.player_id,
            amount: event.amount,
            currency: event.currency.clone(),
        };
        let changes = event.external_id.as_ref().and_then(|id| self.changes.get(id)).map_or(&[][..], Vec::as_slice);
        let happened = match kind {
            Kind::DepositCreated | Kind::PayoutHeld => {
                (kind == Kind::PayoutHeld) == order.stage.is_some() && began_so(event, order, changes.first())
            }
            Kind::DepositCredited
            | Kind::DepositFailed
            | Kind::DepositRefunded
            | Kind::DepositChargedBack
            | Kind::PayoutSent
            | Kind::PayoutSucceeded
            | Kind::PayoutFailed
            | Kind::PayoutCancelled => changes.iter().any(|change| is_told_as(event, kind, change)),
            // One that needs nobody is approved as it begins.
            Kind::PayoutApproved => {
                let first = changes.first();
                changes.iter().any(|change| is_told_as(event, kind, change)) || began_so(event, order, first)
            }
            Kind::ReviewOpened => false,
        };
        order.terms == told && happened
    }
}

fn is_about(event: &Event, review: &Review) -> bool {
    let nothing_else = event.status.is_none() && event.stage.is_none() && event.amount.is_none();
    let same = (&review.external_id, review.site_id, review.opened_at, review.kind.as_str());
    nothing_else && same == (&event.external_id, event.site_id, event.at, event.reason.as_str())
}

/// That an attempt began is not recorded as a change.
fn settled(stage: Option<&str>) -> Option<&str> {
    if stage == Some(Stage::Sending.name()) { Some(Stage::Queued.name()) } else { stage }
}

/// The beginning of an order: where its first change leaves from, or where it still is.
fn began_so(event: &Event, order: &Order, first: Option<&Transition>) -> bool {
    let (status, stage) = match first {
        Some(change) => (change.from_status, change.from_stage.as_deref()),
        None => (order.status, order.stage.as_deref()),
    };
    let standing = event.status == Some(status) && settled(event.stage.as_deref()) == settled(stage);
    // Not its time: a deposit that its player began is created anew when the Cashier asks about it.
    standing && event.reason.is_empty()
}

fn is_told_as(event: &Event, kind: Kind, change: &Transition) -> bool {
    let (Ok(from), Ok(to)) = (Status::from_code(change.from_status), Status::from_code(change.to_status)) else {
        return false;
    };
    let stage = |name: &Option<String>| name.as_deref().and_then(Stage::from_name);
    let told_as = match (stage(&change.from_stage), stage(&change.to_stage)) {
        (Some(before), Some(after)) => lifecycle::told_as((from, before), (to, after)),
        (None, None) => Kind::of_deposit(to),
        (Some(_), None) | (None, Some(_)) => None,
    };
    let why = Because { cause: &change.cause, actor: &change.actor, reason: &change.reason };
    let standing = (event.status, event.stage.as_deref(), event.at, event.reason.as_str());
    told_as == Some(kind) && standing == (Some(change.to_status), change.to_stage.as_deref(), change.at, why.told())
}
