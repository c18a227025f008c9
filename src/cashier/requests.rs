//! What belongs to an order that a player asked for here, besides the order itself; and what makes the request recognisable when it comes
//! again (threats R3). Keys are never purged.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::clock::Micros;
use crate::db::schema::cashier_requests;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::ids::ExternalId;
use crate::providers::Direction;

/// The longest key and the longest comment, in characters.
const LONGEST_KEY: usize = 128;
const LONGEST_COMMENT: usize = 512;

/// Rows looked up at once.
const PAGE: usize = 500;

/// A player's request.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cashier_requests, treat_none_as_default_value = false)]
pub struct Request {
    /// The order it made.
    pub external_id: String,
    /// Who asked.
    pub player_id: i64,
    /// `deposit` or `withdrawal`.
    pub direction: String,
    /// What makes it recognisable.
    pub idempotency_key: Option<String>,
    /// What was asked, in one normal form.
    pub fingerprint: Vec<u8>,
    /// The method of a deposit.
    pub method: String,
    /// The player's note, masked.
    pub comment: String,
    /// The casino's own data, masked: a JSON object.
    pub metadata: String,
    /// Where the player pays.
    pub redirect_url: Option<String>,
    /// Why it came to nothing, for the player.
    pub failure_reason: String,
    /// When it was asked.
    pub created_at: Micros,
}

/// The word for a direction in the table.
pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Deposit => "deposit",
        Direction::Payout => "withdrawal",
    }
}

/// Reads `idempotency_key`: 1 to 128 characters, compared byte for byte, with no card number in it; empty is none.
///
/// # Errors
///
/// `Invalid` with `idempotency_key`.
pub fn read_key(sent: Option<String>) -> Result<Option<String>, Error> {
    let Some(key) = sent.filter(|key| !key.is_empty()) else { return Ok(None) };
    let good = key.chars().count() <= LONGEST_KEY && !key.chars().any(char::is_control);
    // A key is compared whole, so a card number in it could not be masked.
    let good = good && crate::providers::purse::mask(&key) == key;
    if good { Ok(Some(key)) } else { Err(Error::Invalid("idempotency_key")) }
}

/// Reads `comment`: at most 512 characters, without control characters but ends of lines and tabulators; masked.
///
/// # Errors
///
/// `Invalid` with `comment`.
pub fn read_comment(sent: Option<&str>) -> Result<String, Error> {
    let comment = sent.unwrap_or_default();
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if comment.chars().count() > LONGEST_COMMENT || comment.chars().any(odd) {
        return Err(Error::Invalid("comment"));
    }
    Ok(crate::providers::purse::mask(comment).into_owned())
}

/// Equal for equal contents: a digest over the parts, each after its length, so that no two lists give the same stream.
pub fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part.as_bytes());
    }
    sha.finalize().into()
}

/// The order that the same request made before, if there was one.
///
/// # Errors
///
/// `ReferenceReused` when the key came with other content, or what the database says.
pub fn repeated(
    tx: &mut WriteTx<'_>,
    player: i64,
    direction: Direction,
    key: Option<&str>,
    fingerprint: &[u8; 32],
) -> Result<Option<Request>, Error> {
    let Some(key) = key else { return Ok(None) };
    let found: Option<Request> = cashier_requests::table
        .filter(cashier_requests::player_id.eq(player))
        .filter(cashier_requests::direction.eq(direction_name(direction)))
        .filter(cashier_requests::idempotency_key.eq(key))
        .select(Request::as_select())
        .first(tx.read()?)
        .optional()?;
    match found {
        Some(first) if first.fingerprint != fingerprint => Err(Error::ReferenceReused),
        found => Ok(found),
    }
}

/// Writes a request beside the order it made.
///
/// # Errors
///
/// What the database says.
pub fn insert(tx: &mut WriteTx<'_>, request: &Request) -> QueryResult<()> {
    diesel::insert_into(cashier_requests::table).values(request).execute(tx.conn()?).map(|_| ())
}

/// Keeps where the player pays, unless it is known already.
///
/// # Errors
///
/// What the database says.
pub fn set_redirect(tx: &mut WriteTx<'_>, id: &ExternalId, url: &str) -> QueryResult<()> {
    let row = cashier_requests::table.find(id.as_str()).filter(cashier_requests::redirect_url.is_null());
    diesel::update(row).set(cashier_requests::redirect_url.eq(Some(url))).execute(tx.conn()?).map(|_| ())
}

/// Keeps why it came to nothing.
///
/// # Errors
///
/// What the database says.
pub fn set_failure(tx: &mut WriteTx<'_>, id: &ExternalId, reason: &str) -> QueryResult<()> {
    let row = cashier_requests::table.find(id.as_str());
    diesel::update(row).set(cashier_requests::failure_reason.eq(reason)).execute(tx.conn()?).map(|_| ())
}

/// The request that made this order, if a player asked for it here.
///
/// # Errors
///
/// What the database says.
pub fn of_order(conn: &mut DbConn, id: &ExternalId) -> QueryResult<Option<Request>> {
    cashier_requests::table.find(id.as_str()).select(Request::as_select()).first(conn).optional()
}

/// The requests that made these orders.
///
/// # Errors
///
/// What the database says.
pub fn of_orders(conn: &mut DbConn, ids: &[&str]) -> QueryResult<Vec<Request>> {
    let mut found = Vec::new();
    for page in ids.chunks(PAGE) {
        let rows = cashier_requests::table.filter(cashier_requests::external_id.eq_any(page));
        found.extend(rows.select(Request::as_select()).load::<Request>(conn)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_as_it_stands_or_refused() {
        let kept = |sent: &str| read_key(Some(sent.to_owned())).unwrap();

        assert_eq!((read_key(None).unwrap(), kept("")), (None, None));
        for key in ["k", " ", " k ", "ключ", &"x".repeat(128), &"ж".repeat(128)] {
            assert_eq!(kept(key).as_deref(), Some(key));
        }
        for key in ["\n", "a\0", &"x".repeat(129)] {
            assert!(read_key(Some(key.to_owned())).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_comment_is_bounded_and_masked() {
        assert_eq!(read_comment(None).unwrap(), "");
        assert_eq!(read_comment(Some("to 4111111111111111\nplease")).unwrap(), "to 411111...1111\nplease");
        assert!(read_comment(Some(&"ж".repeat(512))).is_ok());
        for comment in ["\0", "\u{1b}[1m", &"x".repeat(513)] {
            assert!(read_comment(Some(comment)).is_err(), "{comment:?}");
        }
    }

    #[test]
    fn parts_cannot_flow_into_each_other() {
        let lists: [&[&str]; 5] = [&["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        for (at, one) in lists.iter().enumerate() {
            for (other_at, other) in lists.iter().enumerate() {
                assert_eq!(fingerprint(one) == fingerprint(other), at == other_at, "{one:?} {other:?}");
            }
        }
    }
}
