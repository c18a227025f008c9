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
pub(super) fn next(conn: &mut DbConn, numbered: Numbered) -> QueryResult<i64> {
    let table = numbered.table();
    let found: Number = match conn {
        DbConn::Sqlite(conn) => {
            diesel::sql_query(format!("SELECT coalesce(max(id), 0) + 1 AS number FROM {table}")).get_result(conn)?
        }
        DbConn::Postgres(conn) => {
            diesel::sql_query(format!("SELECT nextval('{table}_ids') AS number")).get_result(conn)?
        }
    };
    Ok(found.number)
}
