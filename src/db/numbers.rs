//! Numbers for new rows.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::DbConn;

/// Tables whose rows we number. The journal and the log of events number themselves on a server; the audit has no gaps anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// `players`
    Players,
    /// `accounts`
    Accounts,
    /// `reviews`
    Reviews,
    /// `webhooks`
    Webhooks,
    /// `approvals`
    Approvals,
    /// `staff`
    Staff,
    /// `protection_log`
    ProtectionLog,
    /// `event_attempts`
    EventAttempts,
}

impl Numbered {
    fn table(self) -> &'static str {
        match self {
            Numbered::Players => "players",
            Numbered::Accounts => "accounts",
            Numbered::Reviews => "reviews",
            Numbered::Webhooks => "webhooks",
            Numbered::Approvals => "approvals",
            Numbered::Staff => "staff",
            Numbered::ProtectionLog => "protection_log",
            Numbered::EventAttempts => "event_attempts",
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The next number of a table. In a file it follows the last row, so the rows of the open transaction must have been written; on a
/// server it comes from a sequence, for others number rows at the same time: what is rolled back leaves a gap.
///
/// # Errors
///
/// What the database says.
pub fn next_number(conn: &mut DbConn, of: Numbered) -> QueryResult<i64> {
    next_numbers(conn, of, 1)?.pop().ok_or(diesel::result::Error::NotFound)
}

/// Several of them, ascending.
///
/// # Errors
///
/// What the database says.
pub(super) fn next_numbers(conn: &mut DbConn, of: Numbered, count: usize) -> QueryResult<Vec<i64>> {
    let table = of.table();
    match conn {
        DbConn::Sqlite(conn) => {
            let sql = format!("SELECT coalesce(max(id), 0) + 1 AS number FROM {table}");
            let first: Number = diesel::sql_query(sql).get_result(conn)?;
            Ok((first.number..).take(count).collect())
        }
        DbConn::Postgres(conn) => {
            let sql = format!("SELECT nextval('{table}_ids') AS number FROM generate_series(1, $1)");
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let numbers: Vec<Number> = diesel::sql_query(sql).bind::<BigInt, _>(count).load(conn)?;
            Ok(numbers.into_iter().map(|number| number.number).collect())
        }
    }
}
