//! The feed: events as they are told, in order, page by page, from a cursor that must belong to these books.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::log::{Event, newest};
use crate::clock;
use crate::db::DbConn;
use crate::db::schema::{events, players};
use crate::error::Error;
use crate::ids::SiteId;
use crate::status::Status;

/// Events that one page looks at when the caller sees only some sites. More, and a reader of a quiet site takes long for one page;
/// fewer, and it needs more pages to pass the events of others.
const LOOKED_AT: i64 = 1000;

/// The longest number of a cursor in digits: all of them fit.
const LONGEST_NUMBER: usize = 18;

/// The digits of an event's token.
const TOKEN: usize = 12;

/// Something that happened. The feed and the pushes tell it in the same words, so that one reader does for both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct Told {
    /// Its name, unique for ever, and the cursor after it: `evt_17_0123456789ab`. A repetition has the same.
    pub id: String,
    /// What happened: `deposit.created`, `deposit.credited`, `deposit.failed`, `deposit.refunded`, `deposit.charged_back`,
    /// `payout.held`, `payout.approved`, `payout.sent`, `payout.succeeded`, `payout.failed`, `payout.cancelled`, `review.opened`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, RFC 3339.
    pub at: String,
    /// The same moment, under the name that Standard Webhooks gives it.
    pub timestamp: String,
    /// To whom and what.
    pub data: Data,
}

/// What an event is about. Members that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EventData)]
pub struct Data {
    site_id: i64,
    /// The player; null when it is about none.
    site_login: Option<String>,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Where the order stands after it: the number of its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// The name of that status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_name: Option<&'static str>,
    /// The stage of a payout after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// Why, in the words of whoever caused it. For `review.opened` the kind of the review.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EventPage)]
pub struct Page {
    /// Events in the order of their commits.
    pub items: Vec<Told>,
    /// What to give as `after` next time; null when there was nothing new: then keep the one you have.
    pub next: Option<String>,
}

/// An event as it is stored, with its player's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The stored row.
    pub event: Event,
    /// Whose it is.
    pub login: Option<String>,
}

impl Entry {
    /// As the feed and the pushes tell it.
    pub fn told(&self) -> Told {
        let event = &self.event;
        let at = clock::rfc3339(event.at);
        let status = event.status.and_then(|code| Status::from_code(code).ok());
        Told {
            id: event.name(),
            kind: event.kind.clone(),
            timestamp: at.clone(),
            at,
            data: Data {
                site_id: event.site_id,
                site_login: self.login.clone(),
                external_id: event.external_id.clone(),
                status: event.status,
                status_name: status.map(Status::name),
                stage: event.stage.clone(),
                amount: event.amount,
                currency: event.currency.clone(),
                reason: Some(event.reason.clone()).filter(|reason| !reason.is_empty()),
            },
        }
    }
}

/// A place between two events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The place of the last event that the reader has; 0: none.
    place: i64,
    /// Its token, when the reader gave the event's name.
    token: Option<String>,
}

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self { place: 0, token: None };

    /// Reads an event's name or its number; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, token) = match text.strip_prefix("evt_") {
            Some(name) => name.split_once('_').map(|(number, token)| (number, Some(token)))?,
            None => (text, None),
        };
        let canonical = number == "0" || !number.starts_with('0');
        let digits = number.len() <= LONGEST_NUMBER && number.bytes().all(|b| b.is_ascii_digit()) && canonical;
        let is_token = |token: &str| {
            token.len() == TOKEN && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if !digits || token.is_some_and(|token| !is_token(token)) {
            return None;
        }
        let place = number.parse().ok()?;
        (place > 0 || token.is_none()).then(|| Self { place, token: token.map(str::to_owned) })
    }

    /// The number of the last event before it.
    pub fn place(&self) -> i64 {
        self.place
    }

    /// Whether it leads to a place in these books. If not, the reader was with other ones: a copy that was put back since.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn is_known(&self, conn: &mut DbConn) -> QueryResult<bool> {
        match &self.token {
            _ if self.place == 0 => Ok(true),
            None => Ok(self.place <= newest(conn)?),
            Some(token) => {
                let found: Option<String> =
                    events::table.find(self.place).select(events::token).first(conn).optional()?;
                Ok(found.as_ref() == Some(token))
            }
        }
    }
}

/// What lies behind a cursor: at most `limit` events of these sites (none named: of all), none behind `horizon`
/// ([`crate::db::Db::horizon`]). `None`: the cursor is of other books.
///
/// The numbers of events have no gaps and nothing is ever put between two of them, so a reader that goes on from `next` misses nothing.
///
/// # Errors
///
/// What the database says.
pub fn page(
    conn: &mut DbConn,
    after: &Cursor,
    limit: i64,
    horizon: i64,
    sites: &[SiteId],
) -> Result<Option<Page>, Error> {
    if !after.is_known(conn)? {
        return Ok(None);
    }
    if sites.is_empty() {
        let items: Vec<Told> = entries(conn, after.place, limit, horizon)?.iter().map(Entry::told).collect();
        let next = items.last().map(|told| told.id.clone());
        return Ok(Some(Page { items, next }));
    }
    let passed = entries(conn, after.place, limit.max(LOOKED_AT), horizon)?;
    let mut page = Page { items: Vec::new(), next: None };
    for entry in &passed {
        page.next = Some(entry.event.name());
        if sites.contains(&SiteId(entry.event.site_id)) {
            page.items.push(entry.told());
            if i64::try_from(page.items.len()).is_ok_and(|count| count == limit) {
                break;
            }
        }
    }
    Ok(Some(page))
}

/// Events after this place and up to `horizon`, in order.
///
/// # Errors
///
/// What the database says.
pub fn entries(conn: &mut DbConn, after: i64, limit: i64, horizon: i64) -> QueryResult<Vec<Entry>> {
    let found = events::table
        .left_join(players::table)
        .filter(events::id.gt(after))
        .filter(events::id.le(horizon))
        .order(events::id)
        .limit(limit)
        .select((Event::as_select(), players::login.nullable()))
        .load(conn)?;
    Ok(found.into_iter().map(|(event, login)| Entry { event, login }).collect())
}

/// The events at these places, in order.
///
/// # Errors
///
/// What the database says.
pub fn entries_at(conn: &mut DbConn, places: &[i64]) -> QueryResult<Vec<Entry>> {
    let found = events::table
        .left_join(players::table)
        .filter(events::id.eq_any(places))
        .order(events::id)
        .select((Event::as_select(), players::login.nullable()))
        .load(conn)?;
    Ok(found.into_iter().map(|(event, login)| Entry { event, login }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_an_events_name_or_its_number() {
        let named = Cursor { place: 17, token: Some("0123456789ab".into()) };
        assert_eq!(Cursor::parse("evt_17_0123456789ab"), Some(named));
        assert_eq!(Cursor::parse("17"), Some(Cursor { place: 17, token: None }));
        assert_eq!(Cursor::parse("0"), Some(Cursor::START));
    }

    #[test]
    fn what_is_no_cursor_is_not_taken_for_one() {
        let wrong = [
            "",
            "-1",
            "+1",
            "01",
            "1 ",
            "0x1",
            "1.0",
            "evt_",
            "evt_1",
            "evt_1_",
            "evt__0123456789ab",
            "evt_0_0123456789ab",
            "evt_01_0123456789ab",
            "evt_1_0123456789aB",
            "evt_1_0123456789abc",
            "evt_1_0123456789a",
            "evt_1_0123456789ag",
            "EVT_1_0123456789ab",
            "1_0123456789ab",
            "9999999999999999999",
            "99999999999999999999999999",
        ];
        for text in wrong {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn members_that_do_not_apply_are_left_out() {
        let event = Event {
            id: 7,
            token: "0123456789ab".into(),
            kind: "review.opened".into(),
            site_id: 332,
            player_id: None,
            external_id: None,
            status: None,
            stage: None,
            amount: None,
            currency: None,
            reason: "unknown_order".into(),
            at: 1_000_000,
        };

        let told = serde_json::to_string(&Entry { event, login: None }.told()).unwrap();

        let expected = concat!(
            r#"{"id":"evt_7_0123456789ab","type":"review.opened","at":"1970-01-01T00:00:01.000000Z","#,
            r#""timestamp":"1970-01-01T00:00:01.000000Z","#,
            r#""data":{"site_id":332,"site_login":null,"reason":"unknown_order"}}"#
        );
        assert_eq!(told, expected);
    }
}
